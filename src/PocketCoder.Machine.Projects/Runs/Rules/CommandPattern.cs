namespace PocketCoder.Machine.Runs.Rules;

/// <summary>
/// A pattern of a rule: <c>*</c> is any text, <c>\*</c> a star, <c>\\</c> a backslash; everything else is itself. Matches in time that
/// grows with both lengths multiplied. Immutable.
/// </summary>
internal sealed class CommandPattern
{
    private const char AnyText = '\uFFFF'; // no character of any text

    private readonly string _parts;

    private CommandPattern(string text, string parts) => (Text, _parts) = (text, parts);

    public string Text { get; }

    /// <summary>It has no star: it is one command line, to the letter.</summary>
    public bool IsExact => !_parts.Contains(AnyText, StringComparison.Ordinal);

    public static CommandPattern Parse(string text)
    {
        var parts = new System.Text.StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 1 < text.Length && text[i + 1] is '*' or '\\')
            {
                parts.Append(text[++i]);
            }
            else if (text[i] != '*')
            {
                parts.Append(text[i]);
            }
            else if (parts.Length == 0 || parts[^1] != AnyText)
            {
                parts.Append(AnyText);
            }
        }

        return new CommandPattern(text, parts.ToString());
    }

    public bool Matches(ReadOnlySpan<char> text)
    {
        // The last star takes as little as possible, and one more when the rest does not fit.
        var (at, part, star, tried) = (0, 0, -1, 0);
        while (at < text.Length)
        {
            if (part < _parts.Length && _parts[part] == AnyText)
            {
                (star, tried) = (part++, at);
            }
            else if (part < _parts.Length && _parts[part] == text[at])
            {
                part++;
                at++;
            }
            else if (star >= 0)
            {
                (part, at) = (star + 1, ++tried);
            }
            else
            {
                return false;
            }
        }

        while (part < _parts.Length && _parts[part] == AnyText)
        {
            part++;
        }

        return part == _parts.Length;
    }
}
