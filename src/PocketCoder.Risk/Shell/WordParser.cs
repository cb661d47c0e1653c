using System.Text;

namespace PocketCoder.Risks.Shell;

/// <summary>Parses words with everything that can be in them (bash manual §3.1.2 and §3.5).</summary>
internal sealed class WordParser(Cursor cursor, Func<string, int, Node> parseNested, Func<Node> parseSubstitution)
{
    private const string Metacharacters = " \t\n;&|<>()";

    public static bool EndsWord(char c) => c == '\0' || Metacharacters.Contains(c, StringComparison.Ordinal);

    public static bool IsNameStart(char c) => char.IsAsciiLetter(c) || c == '_';

    public static bool IsName(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';

    /// <summary>Parses a word, or null when none begins here.</summary>
    public Word? TryParse(bool assignmentValue = false)
    {
        var start = cursor.Here;
        var parts = Parts(c => EndsWord(c) && !(c is '<' or '>' && cursor.At(1) == '('), assignmentValue, quotesMatter: true);
        return parts.Count == 0 ? null : new Word(parts) { Place = cursor.IsMarked ? (start, cursor.Position) : null };
    }

    public Word Parse() => TryParse() ?? throw new ShellSyntaxException("a word is missing");

    /// <summary>A regular expression behind <c>=~</c>: brackets and bars belong to it.</summary>
    public Word ParseRegex()
    {
        var open = 0;
        var parts = Parts(
            c =>
            {
                open += c == '(' ? 1 : c == ')' ? -1 : 0;
                return c is '\0' or '\n' || (open == 0 && c is ' ' or '\t') || open < 0;
            },
            assignmentValue: false,
            quotesMatter: true);
        return parts.Count > 0 && open == 0 ? new Word(parts) : throw new ShellSyntaxException("a regular expression is not closed");
    }

    /// <summary>The inside of <c>(( ))</c>; the cursor stands behind the opening and ends behind the closing.</summary>
    public Word ParseArithmetic()
    {
        using var level = cursor.Enter();
        var parts = new List<Part>();
        var text = new StringBuilder();
        for (var open = 0; ;)
        {
            var c = cursor.At(0);
            switch (c)
            {
                case '\0':
                    throw new ShellSyntaxException("an arithmetic expression is not closed");
                case ')' when open == 0:
                    cursor.Expect("))");
                    Flush(parts, text, quoted: true);
                    return new Word(parts);
                case '(' or ')':
                    open += c == '(' ? 1 : -1;
                    text.Append(cursor.Next());
                    break;
                case '$' or '`' or '"':
                    Flush(parts, text, quoted: true);
                    parts.Add(c == '$' ? Dollar(inQuotes: true) : c == '`' ? Backquoted(inQuotes: false) : InDoubleQuotes());
                    break;
                case '\'' or '\\':
                    throw new ShellSyntaxException("quoting inside arithmetic");
                default:
                    text.Append(cursor.Next());
                    break;
            }
        }
    }

    /// <summary>Text of an unquoted here-document.</summary>
    public List<Part> ParseHereText()
    {
        var parts = new List<Part>();
        var text = new StringBuilder();
        while (cursor.Position < cursor.Text.Length)
        {
            var c = cursor.Text[cursor.Position];
            if (c is '$' or '`')
            {
                Flush(parts, text, quoted: true);
                parts.Add(c == '$' ? Dollar(inQuotes: true) : Backquoted(inQuotes: false));
                continue;
            }

            cursor.Position++;
            if (c == '\\' && cursor.Position < cursor.Text.Length && cursor.Text[cursor.Position] is '$' or '`' or '\\')
            {
                c = cursor.NextRaw();
            }

            text.Append(c);
        }

        Flush(parts, text, quoted: true);
        return parts;
    }

    private List<Part> Parts(Func<char, bool> ends, bool assignmentValue, bool quotesMatter)
    {
        var parts = new List<Part>();
        var text = new StringBuilder();
        var first = true;
        while (true)
        {
            var c = cursor.At(0);
            if (ends(c) || c == '\0')
            {
                Flush(parts, text, quoted: false);
                return parts;
            }

            if (c == '~' && (first || (assignmentValue && text.Length > 0 && text[^1] == ':')))
            {
                Flush(parts, text, quoted: false);
                parts.Add(ParseTilde());
            }
            else if (Special(c, quotesMatter) is { } part)
            {
                Flush(parts, text, quoted: false);
                parts.Add(part);
            }
            else
            {
                text.Append(cursor.Next());
            }

            first = false;
        }
    }

    private Part? Special(char c, bool quotesMatter)
    {
        switch (c)
        {
            case '\'' when quotesMatter:
                cursor.Next();
                return new Quoted(UntilRaw('\''));
            case '\'':
                // Inside ${…} within double quotes a single quote means different things by operator and version.
                throw new ShellSyntaxException("a single quote in an expansion in double quotes");
            case '"':
                return InDoubleQuotes();
            case '\\':
                cursor.Next();
                return new Quoted(cursor.NextRaw().ToString());
            case '$':
                return Dollar(inQuotes: false);
            case '`':
                return Backquoted(inQuotes: false);
            case '*' or '?' or '[' or ']':
                return new GlobMark(cursor.Next());
            case '<' or '>' when cursor.At(1) == '(':
                return Process();
            default:
                return null;
        }
    }

    private ProcessSubstitution Process()
    {
        var start = cursor.Here;
        cursor.Next();
        cursor.Next();
        cursor.Mark(start, MarkKind.Operator);
        var body = Nested();
        return new ProcessSubstitution(body, cursor.Text[start..cursor.Position]);
    }

    private DoubleQuoted InDoubleQuotes()
    {
        cursor.Expect("\"");
        var parts = new List<Part>();
        var text = new StringBuilder();
        while (true)
        {
            var c = cursor.At(0);
            switch (c)
            {
                case '\0':
                    throw new ShellSyntaxException("a double quote is not closed");
                case '"':
                    cursor.Next();
                    Flush(parts, text, quoted: true);
                    return new DoubleQuoted(parts);
                case '$' or '`':
                    Flush(parts, text, quoted: true);
                    parts.Add(c == '$' ? Dollar(inQuotes: true) : Backquoted(inQuotes: true));
                    break;
                case '\\':
                    cursor.Next();
                    var escaped = cursor.NextRaw();
                    if (escaped is not ('$' or '`' or '"' or '\\'))
                    {
                        text.Append('\\');
                    }

                    text.Append(escaped);
                    break;
                default:
                    text.Append(cursor.Next());
                    break;
            }
        }
    }

    private Tilde ParseTilde()
    {
        cursor.Next();
        var user = new StringBuilder();
        for (char c; !EndsWord(c = cursor.At(0)) && c is not ('/' or ':');)
        {
            if (c is '\'' or '"' or '\\' or '$' or '`')
            {
                // A quote makes the tilde literal or not by place: rare enough to leave.
                throw new ShellSyntaxException("quoting after a tilde");
            }

            user.Append(cursor.Next());
        }

        return new Tilde(user.ToString());
    }

    private Part Dollar(bool inQuotes)
    {
        var start = cursor.Here;
        cursor.Next();
        var c = cursor.At(0);
        switch (c)
        {
            case '(' when cursor.At(1) == '(' && ArithmeticScan.ClosesAsArithmetic(cursor.Text, cursor.Position):
                cursor.Next();
                cursor.Next();
                return new Arithmetic(ParseArithmetic(), Source(start));
            case '(':
                cursor.Next();
                cursor.Mark(start, MarkKind.Operator);
                var body = Nested();
                return new CommandSubstitution(body, Source(start));
            case '{':
                return Braced(start, inQuotes);
            case '[':
                throw new ShellSyntaxException("the old arithmetic form $[ ]");
            case '\'' when !inQuotes:
                cursor.Next();
                return new Quoted(AnsiC());
            case '"' when !inQuotes:
                return InDoubleQuotes();
        }

        if (IsNameStart(c))
        {
            return Used(new Parameter(Name(), null, Assigns: false, Source(start)), start);
        }

        return char.IsAsciiDigit(c) || (c != '\0' && "@*#?-$!".Contains(c, StringComparison.Ordinal))
            ? Used(new Parameter(cursor.Next().ToString(), null, Assigns: false, Source(start)), start)
            : new Quoted("$");
    }

    private Parameter Braced(int start, bool inQuotes)
    {
        using var level = cursor.Enter();
        cursor.Expect("{");
        var prefix = false;
        if ((cursor.At(0) is '#' or '!') && cursor.At(1) != '}')
        {
            if (cursor.Next() == '!')
            {
                throw new ShellSyntaxException("an indirect expansion"); // evaluates subscripts it finds there
            }

            prefix = true;
        }

        var c = cursor.At(0);
        string name;
        if (IsNameStart(c))
        {
            name = Name();
        }
        else if (char.IsAsciiDigit(c))
        {
            var digits = new StringBuilder();
            while (char.IsAsciiDigit(cursor.At(0)))
            {
                digits.Append(cursor.Next());
            }

            name = digits.ToString();
        }
        else if (c != '\0' && "@*#?-$!".Contains(c, StringComparison.Ordinal))
        {
            name = cursor.Next().ToString();
        }
        else
        {
            throw new ShellSyntaxException("an unknown form of expansion");
        }

        if (cursor.At(0) == '}' && !prefix)
        {
            cursor.Next();
            return Used(new Parameter(name, null, Assigns: false, Source(start)), start);
        }

        // The operator belongs to the operand: all that matters is what is executed inside, and whether a variable is set.
        var assigns = cursor.At(0) == '=' || (cursor.At(0) == ':' && cursor.At(1) == '=');
        if (cursor.At(0) == '@')
        {
            cursor.Next();
            if (cursor.At(0) is not ('U' or 'u' or 'L' or 'Q' or 'a' or 'A' or 'K' or 'k' or 'E'))
            {
                throw new ShellSyntaxException("an expansion that runs a prompt string"); // ${x@P} executes what it finds
            }
        }

        var operand = Parts(ch => ch == '}', assignmentValue: false, quotesMatter: !inQuotes);
        cursor.Expect("}");
        return Used(new Parameter(name, new Word(operand), assigns, Source(start)), start);
    }

    private CommandSubstitution Backquoted(bool inQuotes)
    {
        using var level = cursor.Enter();
        var start = cursor.Position;
        cursor.Expect("`");
        var inner = new StringBuilder();
        for (char c; (c = cursor.NextRaw()) != '`';)
        {
            if (c == '\\')
            {
                var escaped = cursor.NextRaw();
                if (!(escaped is '`' or '\\' or '$' || (inQuotes && escaped == '"')))
                {
                    inner.Append('\\');
                }

                inner.Append(escaped);
            }
            else
            {
                inner.Append(c);
            }
        }

        return new CommandSubstitution(parseNested(inner.ToString(), cursor.Depth), Source(start));
    }

    private string AnsiC()
    {
        var text = new StringBuilder();
        for (char c; (c = cursor.NextRaw()) != '\'';)
        {
            if (c != '\\')
            {
                text.Append(c);
                continue;
            }

            c = cursor.NextRaw();
            switch (c)
            {
                case 'a' or 'b' or 'e' or 'E' or 'f' or 'n' or 'r' or 't' or 'v' or '\\' or '\'' or '"' or '?':
                    text.Append("\a\b\u001b\u001b\f\n\r\t\v\\'\"?"["abeEfnrtv\\'\"?".IndexOf(c, StringComparison.Ordinal)]);
                    break;
                case 'x' or 'u' or 'U':
                    text.Append(Character(Number(16, c switch { 'x' => 2, 'u' => 4, _ => 8 }), bytes: c == 'x'));
                    break;
                case >= '0' and <= '7':
                    cursor.Position--;
                    text.Append(Character(Number(8, 3), bytes: true));
                    break;
                case 'c':
                    throw new ShellSyntaxException("a control character by name");
                default:
                    text.Append('\\').Append(c);
                    break;
            }
        }

        return text.ToString();
    }

    private static string Character(long value, bool bytes) =>
        value is 0 or > 0x10FFFF or (>= 0xD800 and <= 0xDFFF) || (bytes && value > 0x7F)
            // half a UTF-8 sequence, or the end of the string
            ? throw new ShellSyntaxException("an escape that is not a complete character")
            : char.ConvertFromUtf32((int)value);

    private long Number(int radix, int digits)
    {
        long value = 0;
        var read = 0;
        for (; read < digits && cursor.Position < cursor.Text.Length && char.IsAsciiHexDigit(cursor.Text[cursor.Position]); read++)
        {
            var digit = Convert.ToInt32(cursor.Text[cursor.Position].ToString(), 16);
            if (digit >= radix)
            {
                break;
            }

            value = (value * radix) + digit;
            cursor.Position++;
        }

        return read > 0 ? value : throw new ShellSyntaxException("an escape without digits");
    }

    private string UntilRaw(char end)
    {
        var stop = cursor.Text.IndexOf(end, cursor.Position);
        if (stop < 0)
        {
            throw new ShellSyntaxException("a quote is not closed");
        }

        var text = cursor.Text[cursor.Position..stop];
        cursor.Position = stop + 1;
        return text;
    }

    private string Name()
    {
        var name = new StringBuilder();
        while (IsName(cursor.At(0)))
        {
            name.Append(cursor.Next());
        }

        return name.ToString();
    }

    private Node Nested()
    {
        var body = parseSubstitution();
        cursor.Mark(cursor.Position - 1, MarkKind.Operator); // the bracket that closes it
        return body;
    }

    private Parameter Used(Parameter parameter, int start)
    {
        cursor.Mark(start, MarkKind.Variable);
        return parameter;
    }

    private string Source(int start) => cursor.Text[start..cursor.Position];

    private static void Flush(List<Part> parts, StringBuilder text, bool quoted)
    {
        if (text.Length > 0)
        {
            parts.Add(quoted ? new Quoted(text.ToString()) : new Bare(text.ToString()));
            text.Clear();
        }
    }
}
