using System.Text;
using PocketCoder.Risks.Marks;

namespace PocketCoder.Risks.Shell;

/// <summary>
/// Parses POSIX shell and the bash that people and agents write (bash manual §3.2). Stricter than bash on purpose: what is rare and could
/// be read in two ways is refused, so whatever is parsed here is also what bash would run.
/// </summary>
internal sealed class ShellParser
{
    private static readonly HashSet<string> s_reserved = new(StringComparer.Ordinal)
    {
        "if", "then", "elif", "else", "fi", "do", "done", "case", "esac", "while", "until", "for", "select", "function", "time", "{", "}",
        "!", "[[", "]]", "coproc", "in",
    };

    private static readonly HashSet<string> s_declarations = new(StringComparer.Ordinal)
        { "declare", "typeset", "local", "export", "readonly" };

    private readonly Cursor _cursor;
    private readonly WordParser _words;
    private readonly RedirectParser _redirects;
    private readonly AssignmentParser _assignments;

    private ShellParser(string text, int depth, SourceMarks? marks = null)
    {
        _cursor = new Cursor(text, depth, marks);
        _words = new WordParser(_cursor, (inner, level) => ParseAll(inner, level), Substitution);
        _redirects = new RedirectParser(_cursor, _words, () => Blank(newlines: false), HereText);
        _assignments = new AssignmentParser(_cursor, _words, () => Blank(newlines: true));
    }

    /// <exception cref="ShellSyntaxException">Not understood, for the reason given.</exception>
    /// <param name="marks">Where it is told what the parts of the text are; null when nobody looks at this text.</param>
    public static Node Parse(string text, int depth = 0, SourceMarks? marks = null) => ParseAll(text, depth, marks);

    private static Sequence ParseAll(string text, int depth, SourceMarks? marks = null)
    {
        var parser = new ShellParser(text, depth, marks);
        var node = parser.List(allowEmpty: true);
        if (!parser._cursor.AtEnd)
        {
            throw new ShellSyntaxException($"'{parser._cursor.At(0)}' is not expected here");
        }

        return parser._cursor.Pending.Count == 0 ? node : throw new ShellSyntaxException("a here-document has no text");
    }

    /// <summary>The text of an unquoted here-document.</summary>
    private static List<Part> HereText(string text, int depth)
    {
        var inner = new ShellParser(text, depth);
        var parts = inner._words.ParseHereText();
        return inner._cursor.Pending.Count == 0 ? parts : throw new ShellSyntaxException("a nested here-document");
    }

    /// <summary>The inside of <c>$( )</c> and <c>&lt;( )</c>, with its closing bracket.</summary>
    private Sequence Substitution()
    {
        using var level = _cursor.Enter();
        var waiting = _cursor.Pending.Count;
        var body = List(allowEmpty: true);
        _cursor.Expect(")");
        return _cursor.Pending.Count == waiting ? body
            : throw new ShellSyntaxException("a here-document begins inside of a substitution and ends outside");
    }

    private Sequence List(bool allowEmpty = false)
    {
        using var level = _cursor.Enter();
        var items = new List<(Node, bool)>();
        while (true)
        {
            Blank(newlines: true);
            if (AtListEnd())
            {
                return items.Count > 0 || allowEmpty ? new Sequence(items) : throw new ShellSyntaxException("a command is missing");
            }

            var command = Chain();
            Blank(newlines: false);
            var background = false;
            if (_cursor.At(0) == ';' && _cursor.At(1) is not (';' or '&'))
            {
                Operator(";");
            }
            else if (_cursor.At(0) == '&' && _cursor.At(1) != '&')
            {
                Operator("&");
                background = true;
            }
            else if (_cursor.At(0) == '\n')
            {
                Newline();
            }
            else if (!AtListEnd())
            {
                throw new ShellSyntaxException($"'{_cursor.At(0)}' is not expected here");
            }
            else
            {
                items.Add((command, false));
                return new Sequence(items);
            }

            items.Add((command, background));
        }
    }

    private bool AtListEnd() => _cursor.At(0) switch
    {
        '\0' or ')' => true,
        ';' => _cursor.At(1) is ';' or '&',
        _ => PeekReserved() is "then" or "elif" or "else" or "fi" or "do" or "done" or "esac" or "}",
    };

    private Node Chain()
    {
        var first = Pipe();
        var rest = new List<(bool, Node)>();
        while (true)
        {
            Blank(newlines: false);
            var and = TakeOperator("&&");
            if (!and && !TakeOperator("||"))
            {
                return rest.Count == 0 ? first : new AndOr(first, rest);
            }

            Blank(newlines: true);
            rest.Add((and, Pipe()));
        }
    }

    private Node Pipe()
    {
        while (true)
        {
            Blank(newlines: false);
            if (PeekReserved() == "!")
            {
                Keyword("!");
            }
            else if (PeekReserved() == "time")
            {
                Keyword("time");
                Blank(newlines: false);
                if (PeekWord() == "-p")
                {
                    _cursor.Expect("-p");
                }
            }
            else
            {
                break;
            }
        }

        var commands = new List<Node> { Command() };
        while (true)
        {
            Blank(newlines: false);
            if (_cursor.At(0) != '|' || _cursor.At(1) == '|')
            {
                return commands.Count == 1 ? commands[0] : new Pipeline(commands);
            }

            Operator("|");
            TakeOperator("&");
            Blank(newlines: true);
            commands.Add(Command());
        }
    }

    private Node Command()
    {
        using var level = _cursor.Enter();
        Blank(newlines: false);
        Node? compound = null;
        if (_cursor.At(0) == '(')
        {
            if (_cursor.At(1) == '(' && ArithmeticScan.ClosesAsArithmetic(_cursor.Text, _cursor.Position))
            {
                _cursor.Expect("((");
                compound = new ArithmeticCommand(_words.ParseArithmetic());
            }
            else
            {
                Operator("(");
                compound = new Subshell(List());
                Operator(")");
            }
        }
        else if (PeekReserved() is { } word)
        {
            compound = Compound(word);
        }

        if (compound is null)
        {
            return Simple();
        }

        var redirects = new List<Redirect>();
        while (true)
        {
            Blank(newlines: false);
            if (_redirects.TryParse() is not { } redirect)
            {
                return redirects.Count == 0 ? compound : compound with { Redirects = redirects };
            }

            redirects.Add(redirect);
        }
    }

    private Node Compound(string word)
    {
        switch (word)
        {
            case "{":
                Keyword("{");
                var group = new Group(List());
                Reserved("}");
                return group;
            case "if":
                return ParseIf();
            case "while" or "until":
                Keyword(word);
                var condition = List();
                return new While(condition, Body());
            case "for":
                return ParseFor();
            case "case":
                return ParseCase();
            case "function":
                Keyword("function");
                Blank(newlines: false);
                var name = FunctionName(PeekWord());
                _cursor.Expect(name);
                Blank(newlines: false);
                if (_cursor.Take("("))
                {
                    Blank(newlines: false);
                    _cursor.Expect(")");
                }

                return ParseFunction(name);
            case "[[":
                Keyword("[[");
                return new ConditionalParser(_cursor, _words, () => Blank(newlines: true)).Parse();
            default:
                throw new ShellSyntaxException($"'{word}' is not expected here");
        }
    }

    private If ParseIf()
    {
        var branches = new List<(Node, Node)>();
        Keyword("if");
        while (true)
        {
            var condition = List();
            Reserved("then");
            branches.Add((condition, List()));
            Blank(newlines: true);
            switch (PeekReserved())
            {
                case "elif":
                    Keyword("elif");
                    continue;
                case "else":
                    Keyword("else");
                    var otherwise = List();
                    Reserved("fi");
                    return new If(branches, otherwise);
                default:
                    Reserved("fi");
                    return new If(branches, null);
            }
        }
    }

    private Node ParseFor()
    {
        Keyword("for");
        Blank(newlines: false);
        if (_cursor.Take("(("))
        {
            var expressions = _words.ParseArithmetic();
            Blank(newlines: false);
            _cursor.Take(";");
            return new ForArithmetic(expressions, Body());
        }

        var name = PeekWord();
        if (name.Length == 0 || !WordParser.IsNameStart(name[0]) || !name.All(WordParser.IsName))
        {
            throw new ShellSyntaxException("a loop without a name");
        }

        var named = _cursor.Here;
        _cursor.Expect(name);
        _cursor.Mark(named, MarkKind.Variable);
        Blank(newlines: false);
        if (_cursor.At(0) == ';')
        {
            _cursor.Next();
            return new For(name, null, Body());
        }

        Blank(newlines: true);
        if (PeekWord() != "in")
        {
            return new For(name, null, Body());
        }

        Keyword("in");
        var items = new List<Word>();
        while (true)
        {
            Blank(newlines: false);
            if (_words.TryParse() is not { } item)
            {
                break;
            }

            items.Add(item);
        }

        if (_cursor.At(0) is not (';' or '\n') || _cursor.At(1) == ';')
        {
            throw new ShellSyntaxException("an unterminated list of loop words");
        }

        if (_cursor.At(0) == ';')
        {
            _cursor.Next();
        }

        return new For(name, items, Body());
    }

    private Case ParseCase()
    {
        Keyword("case");
        Blank(newlines: false);
        var subject = _words.Parse();
        Reserved("in");
        var clauses = new List<(IReadOnlyList<Word>, Node)>();
        while (true)
        {
            Blank(newlines: true);
            if (PeekReserved() == "esac")
            {
                Keyword("esac");
                return new Case(subject, clauses);
            }

            _cursor.Take("(");
            var patterns = new List<Word>();
            do
            {
                Blank(newlines: false);
                patterns.Add(_words.Parse());
                Blank(newlines: false);
            }
            while (_cursor.Take("|"));
            _cursor.Expect(")");
            clauses.Add((patterns, List(allowEmpty: true)));
            Blank(newlines: true);
            if (!_cursor.Take(";;&") && !_cursor.Take(";;") && !_cursor.Take(";&"))
            {
                Reserved("esac");
                return new Case(subject, clauses);
            }
        }
    }

    private Function ParseFunction(string name)
    {
        Blank(newlines: true);
        if (_cursor.At(0) != '(' && PeekReserved() is not ("{" or "if" or "while" or "until" or "for" or "case" or "[["))
        {
            throw new ShellSyntaxException("a function whose body is not a group");
        }

        return new Function(name, Command());
    }

    private static string FunctionName(string name)
        => name.Length > 0 && !s_reserved.Contains(name) && name.All(c => WordParser.IsName(c) || c is '-' or '.' or ':' or '+' or '@')
            ? name
            : throw new ShellSyntaxException("an unusual function name");

    private Sequence Body()
    {
        Reserved("do");
        var body = List();
        Reserved("done");
        return body;
    }

    private Node Simple()
    {
        var assignments = new List<Assignment>();
        var words = new List<Word>();
        var redirects = new List<Redirect>();
        string? first = null;
        while (true)
        {
            Blank(newlines: false);
            if (_redirects.TryParse() is { } redirect)
            {
                redirects.Add(redirect);
                continue;
            }

            var bare = PeekWord();
            if (words.Count == 0 && _assignments.TryParse(out var assignment))
            {
                assignments.Add(assignment);
                continue;
            }

            if (first is not null && s_declarations.Contains(first) && _assignments.TryParseArray(PeekWord(), out assignment))
            {
                assignments.Add(assignment);
                continue;
            }

            if (_words.TryParse() is not { } word)
            {
                break;
            }

            if (_cursor.At(0) is '<' or '>' && word.Parts is [Bare { Text: ['{', .., '}'] }])
            {
                throw new ShellSyntaxException("a redirection that names a variable");
            }

            if (words.Count == 0 && word.Place is { } place)
            {
                _cursor.Mark(place.Start, MarkKind.Program);
            }

            words.Add(word);
            first ??= bare;
        }

        if (_cursor.At(0) == '(')
        {
            if (words.Count != 1 || assignments.Count > 0 || redirects.Count > 0 || words[0].Parts is not [Bare name])
            {
                throw new ShellSyntaxException("'(' is not expected here");
            }

            _cursor.Next();
            Blank(newlines: false);
            _cursor.Expect(")");
            return ParseFunction(FunctionName(name.Text));
        }

        return words.Count + assignments.Count + redirects.Count > 0
            ? new SimpleCommand(assignments, words) { Redirects = redirects }
            : throw new ShellSyntaxException("a command is missing");
    }

    /// <summary>Spaces, comments, and newlines where the grammar allows them.</summary>
    private void Blank(bool newlines)
    {
        while (true)
        {
            var c = _cursor.At(0);
            if (c is ' ' or '\t')
            {
                _cursor.Next();
            }
            else if (c == '#')
            {
                var start = _cursor.Here;
                var end = _cursor.Text.IndexOf('\n', _cursor.Position);
                _cursor.Position = end < 0 ? _cursor.Text.Length : end;
                _cursor.Mark(start, MarkKind.Comment);
            }
            else if (c == '\n' && newlines)
            {
                Newline();
            }
            else
            {
                return;
            }
        }
    }

    private void Newline()
    {
        _cursor.Next();
        foreach (var document in _cursor.Pending)
        {
            _redirects.ReadBody(document);
        }

        _cursor.Pending.Clear();
    }

    private void Reserved(string word)
    {
        Blank(newlines: true);
        if (PeekWord() != word)
        {
            throw new ShellSyntaxException($"'{word}' is missing");
        }

        Keyword(word);
    }

    private void Keyword(string word)
    {
        var start = _cursor.Here;
        _cursor.Expect(word);
        _cursor.Mark(start, MarkKind.Keyword);
    }

    private void Operator(string sign)
    {
        if (!TakeOperator(sign))
        {
            throw new ShellSyntaxException($"'{sign}' is missing");
        }
    }

    private bool TakeOperator(string sign)
    {
        var start = _cursor.Here;
        if (!_cursor.Take(sign))
        {
            return false;
        }

        _cursor.Mark(start, MarkKind.Operator);
        return true;
    }

    private string? PeekReserved() => PeekWord() is var word && s_reserved.Contains(word) ? word : null;

    /// <summary>The word that stands here when it is written without quotes and expansions; else the empty text.</summary>
    private string PeekWord()
    {
        var word = new StringBuilder();
        for (var i = 0; word.Length < 64; i++)
        {
            var c = _cursor.At(i);
            if (WordParser.EndsWord(c))
            {
                return word.ToString();
            }

            if (c is '\'' or '"' or '\\' or '$' or '`')
            {
                return "";
            }

            word.Append(c);
        }

        return "";
    }
}
