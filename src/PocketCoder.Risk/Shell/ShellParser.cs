using System.Text;

namespace PocketCoder.Risks.Shell;

/// <summary>
/// Parses POSIX shell and the bash that people and agents write (bash manual §3.2). Stricter than bash on purpose: what is rare and could be
/// read in two ways is refused, so whatever is parsed here is also what bash would run.
/// </summary>
internal sealed class ShellParser
{
    private static readonly HashSet<string> s_reserved = new(StringComparer.Ordinal)
    {
        "if", "then", "elif", "else", "fi", "do", "done", "case", "esac", "while", "until", "for", "select", "function", "time", "{", "}", "!", "[[", "]]", "coproc", "in",
    };

    private static readonly HashSet<string> s_declarations = new(StringComparer.Ordinal) { "declare", "typeset", "local", "export", "readonly" };

    private readonly Cursor _cursor;
    private readonly WordParser _words;

    private ShellParser(string text, int depth)
    {
        _cursor = new Cursor(text, depth);
        _words = new WordParser(_cursor, ParseAll, Substitution);
    }

    /// <exception cref="ShellSyntaxException">Not understood, for the reason given.</exception>
    public static Node Parse(string text, int depth = 0) => ParseAll(text, depth);

    private static Sequence ParseAll(string text, int depth)
    {
        var parser = new ShellParser(text, depth);
        var node = parser.List(allowEmpty: true);
        if (!parser._cursor.AtEnd)
        {
            throw new ShellSyntaxException($"'{parser._cursor.At(0)}' is not expected here");
        }

        return parser._cursor.Pending.Count == 0 ? node : throw new ShellSyntaxException("a here-document has no text");
    }

    /// <summary>The inside of <c>$( )</c> and <c>&lt;( )</c>, with its closing bracket.</summary>
    private Sequence Substitution()
    {
        using var level = _cursor.Enter();
        var waiting = _cursor.Pending.Count;
        var body = List(allowEmpty: true);
        _cursor.Expect(")");
        return _cursor.Pending.Count == waiting ? body : throw new ShellSyntaxException("a here-document begins inside of a substitution and ends outside");
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
                _cursor.Next();
            }
            else if (_cursor.At(0) == '&' && _cursor.At(1) != '&')
            {
                _cursor.Next();
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
            var and = _cursor.Take("&&");
            if (!and && !_cursor.Take("||"))
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
                _cursor.Expect("!");
            }
            else if (PeekReserved() == "time")
            {
                _cursor.Expect("time");
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

            _cursor.Next();
            _cursor.Take("&");
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
                _cursor.Expect("(");
                compound = new Subshell(List());
                _cursor.Expect(")");
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
            if (TryRedirect() is not { } redirect)
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
                _cursor.Expect("{");
                var group = new Group(List());
                Reserved("}");
                return group;
            case "if":
                return ParseIf();
            case "while" or "until":
                _cursor.Expect(word);
                var condition = List();
                return new While(condition, Body());
            case "for":
                return ParseFor();
            case "case":
                return ParseCase();
            case "function":
                _cursor.Expect("function");
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
                _cursor.Expect("[[");
                return new ConditionalParser(_cursor, _words, () => Blank(newlines: true)).Parse();
            default:
                throw new ShellSyntaxException($"'{word}' is not expected here");
        }
    }

    private If ParseIf()
    {
        var branches = new List<(Node, Node)>();
        _cursor.Expect("if");
        while (true)
        {
            var condition = List();
            Reserved("then");
            branches.Add((condition, List()));
            Blank(newlines: true);
            switch (PeekReserved())
            {
                case "elif":
                    _cursor.Expect("elif");
                    continue;
                case "else":
                    _cursor.Expect("else");
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
        _cursor.Expect("for");
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

        _cursor.Expect(name);
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

        _cursor.Expect("in");
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
            throw new ShellSyntaxException("the words of a loop don't end");
        }

        if (_cursor.At(0) == ';')
        {
            _cursor.Next();
        }

        return new For(name, items, Body());
    }

    private Case ParseCase()
    {
        _cursor.Expect("case");
        Blank(newlines: false);
        var subject = _words.Parse();
        Reserved("in");
        var clauses = new List<(IReadOnlyList<Word>, Node)>();
        while (true)
        {
            Blank(newlines: true);
            if (PeekReserved() == "esac")
            {
                _cursor.Expect("esac");
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
            throw new ShellSyntaxException("a function whose body is no group");
        }

        return new Function(name, Command());
    }

    private static string FunctionName(string name)
        => name.Length > 0 && !s_reserved.Contains(name) && name.All(c => WordParser.IsName(c) || c is '-' or '.' or ':' or '+' or '@')
            ? name
            : throw new ShellSyntaxException("a function with a strange name");

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
            if (TryRedirect() is { } redirect)
            {
                redirects.Add(redirect);
                continue;
            }

            var bare = PeekWord();
            if (words.Count == 0 && TryAssignment(out var assignment))
            {
                assignments.Add(assignment);
                continue;
            }

            if (first is not null && s_declarations.Contains(first) && TryArrayAssignment(out assignment))
            {
                assignments.Add(assignment);
                continue;
            }

            if (_words.TryParse() is not { } word)
            {
                break;
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

    private bool TryArrayAssignment(out Assignment assignment)
    {
        assignment = null!;
        var word = PeekWord();
        return word.EndsWith('=') && _cursor.At(word.Length) == '(' && TryAssignment(out assignment);
    }

    private bool TryAssignment(out Assignment assignment)
    {
        assignment = null!;
        var i = 0;
        if (!WordParser.IsNameStart(_cursor.At(0)))
        {
            return false;
        }

        var name = new StringBuilder();
        for (; WordParser.IsName(_cursor.At(i)); i++)
        {
            name.Append(_cursor.At(i));
        }

        var subscript = _cursor.At(i) == '[';
        if (subscript)
        {
            var digits = i + 1;
            while (char.IsAsciiDigit(_cursor.At(digits)))
            {
                digits++;
            }

            if (_cursor.At(digits) != ']' || digits == i + 1)
            {
                // A subscript is arithmetic, and arithmetic executes what stands in its variables' subscripts.
                throw new ShellSyntaxException("a subscript that is computed, or a bracket in the name of a command");
            }

            i = digits + 1;
        }

        var append = _cursor.At(i) == '+' && _cursor.At(i + 1) == '=';
        if (_cursor.At(append ? i + 1 : i) != '=')
        {
            return false;
        }

        for (var n = 0; n <= (append ? i + 1 : i); n++)
        {
            _cursor.Next();
        }

        if (_cursor.At(0) == '(')
        {
            assignment = new Assignment(name.ToString(), null, Array(), Plain: false);
            return true;
        }

        assignment = new Assignment(name.ToString(), _words.TryParse(assignmentValue: true) ?? new Word([]), [], Plain: !append && !subscript);
        return true;
    }

    private List<Word> Array()
    {
        _cursor.Expect("(");
        var elements = new List<Word>();
        while (true)
        {
            Blank(newlines: true);
            if (_cursor.Take(")"))
            {
                return elements;
            }

            var element = _words.Parse();
            if (element.Parts is [GlobMark { Mark: '[' }, ..])
            {
                throw new ShellSyntaxException("an array with subscripts");
            }

            elements.Add(element);
        }
    }

    private Redirect? TryRedirect()
    {
        var digits = 0;
        while (char.IsAsciiDigit(_cursor.At(digits)))
        {
            digits++;
        }

        if (_cursor.At(0) == '&' && _cursor.At(1) == '>')
        {
            _cursor.Expect("&>");
            _cursor.Take(">");
            return new Redirect(RedirectKind.Write, Target());
        }

        if (_cursor.At(digits) is not ('<' or '>') || (digits == 0 && _cursor.At(1) == '('))
        {
            return null;
        }

        if (digits > 3)
        {
            throw new ShellSyntaxException("a descriptor out of range");
        }

        int? descriptor = digits == 0 ? null : 0;
        for (; digits > 0; digits--)
        {
            descriptor = (descriptor * 10) + (_cursor.Next() - '0');
        }

        foreach (var (sign, kind, output) in s_redirections)
        {
            if (!_cursor.Take(sign))
            {
                continue;
            }

            if (kind == RedirectKind.HereDocument)
            {
                return HereDocument(strip: sign == "<<-") with { Descriptor = descriptor };
            }

            var target = Target();
            if (kind == RedirectKind.Duplicate)
            {
                return target.Parts is [Bare { Text: var number }] && (number == "-" || number.TrimEnd('-').All(char.IsAsciiDigit))
                    ? new Redirect(kind, target, output, descriptor)
                    : output && descriptor is null
                        ? new Redirect(RedirectKind.Write, target, output, descriptor) // >& file
                        : throw new ShellSyntaxException("a descriptor that is computed");
            }

            return new Redirect(kind, target, output, descriptor);
        }

        throw new ShellSyntaxException("a redirection of an unknown form");
    }

    // Longest first.
    private static readonly (string Sign, RedirectKind Kind, bool Output)[] s_redirections =
    [
        ("<<<", RedirectKind.HereString, false), ("<<-", RedirectKind.HereDocument, false), ("<<", RedirectKind.HereDocument, false),
        ("<>", RedirectKind.ReadWrite, true), ("<&", RedirectKind.Duplicate, false), ("<", RedirectKind.Read, false),
        (">>", RedirectKind.Write, true), (">&", RedirectKind.Duplicate, true), (">|", RedirectKind.Write, true), (">", RedirectKind.Write, true),
    ];

    private Word Target()
    {
        Blank(newlines: false);
        return _words.Parse();
    }

    private Redirect HereDocument(bool strip)
    {
        Blank(newlines: false);
        var word = _words.Parse();
        var quoted = false;
        var delimiter = new StringBuilder();
        foreach (var part in word.Parts)
        {
            switch (part)
            {
                case Bare bare:
                    delimiter.Append(bare.Text);
                    break;
                case Quoted text:
                    quoted = true;
                    delimiter.Append(text.Text);
                    break;
                case DoubleQuoted { Parts: [] }:
                    quoted = true;
                    break;
                case DoubleQuoted { Parts: [Quoted text] }:
                    quoted = true;
                    delimiter.Append(text.Text);
                    break;
                default:
                    throw new ShellSyntaxException("a here-document with a strange end");
            }
        }

        if (delimiter.ToString().AsSpan().ContainsAny('$', '\n'))
        {
            throw new ShellSyntaxException("a here-document with a strange end");
        }

        var document = new HereDocument(delimiter.ToString(), quoted, strip);
        _cursor.Pending.Add(document);
        return new Redirect(RedirectKind.HereDocument, new Word(document.Body));
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
                var end = _cursor.Text.IndexOf('\n', _cursor.Position);
                _cursor.Position = end < 0 ? _cursor.Text.Length : end;
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
            ReadBody(document);
        }

        _cursor.Pending.Clear();
    }

    private void ReadBody(HereDocument document)
    {
        var text = new StringBuilder();
        while (true)
        {
            if (_cursor.Position >= _cursor.Text.Length)
            {
                throw new ShellSyntaxException("a here-document doesn't end");
            }

            var end = _cursor.Text.IndexOf('\n', _cursor.Position);
            var line = end < 0 ? _cursor.Text[_cursor.Position..] : _cursor.Text[_cursor.Position..end];
            _cursor.Position = end < 0 ? _cursor.Text.Length : end + 1;
            if (document.StripsTabs)
            {
                line = line.TrimStart('\t');
            }

            if (line == document.Delimiter)
            {
                break;
            }

            if (!document.IsQuoted && line.EndsWith('\\'))
            {
                throw new ShellSyntaxException("a here-document whose lines are joined");
            }

            text.Append(line).Append('\n');
        }

        if (document.IsQuoted)
        {
            document.Body.Add(new Quoted(text.ToString()));
            return;
        }

        var inner = new ShellParser(text.ToString(), _cursor.Depth);
        document.Body.AddRange(inner._words.ParseHereText());
        if (inner._cursor.Pending.Count > 0)
        {
            throw new ShellSyntaxException("a here-document inside of a here-document");
        }
    }

    private void Reserved(string word)
    {
        Blank(newlines: true);
        if (PeekWord() != word)
        {
            throw new ShellSyntaxException($"'{word}' is missing");
        }

        _cursor.Expect(word);
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
