using PocketCoder.Risks.Marks;

namespace PocketCoder.Risks.Shell;

/// <summary>
/// The text can't be parsed, is not supported, or goes beyond a bound. Never leaves the analysis: it becomes "not understood".
/// </summary>
internal sealed class ShellSyntaxException(string reason) : Exception(reason);

/// <summary>A place in a text. Backslash-newline is nothing, as in the shell, except where raw characters are asked for.</summary>
/// <param name="marks">Where it is told what the parts are; null for a text inside of another.</param>
internal sealed class Cursor(string text, int depth, SourceMarks? marks = null)
{
    private int _depth = depth;

    public string Text { get; } = text;

    public int Position { get; set; }

    /// <summary>Here-documents whose text begins after the next newline.</summary>
    public List<HereDocument> Pending { get; } = [];

    public bool AtEnd => At(0) == '\0';

    public int Depth => _depth;

    /// <summary>Where the next character stands, behind what is nothing.</summary>
    public int Here => SkipContinuations(Position);

    /// <summary>Whether positions in this text mean something to the person.</summary>
    public bool IsMarked => marks is not null;

    /// <summary>Says what has just been read, from there to here.</summary>
    public void Mark(int start, MarkKind kind) => marks?.Paint(start, Position, kind);

    /// <summary>The n-th character from here, or NUL beyond the end (no text holds NUL: it is refused before).</summary>
    public char At(int n)
    {
        var i = SkipContinuations(Position);
        for (; n > 0 && i < Text.Length; n--)
        {
            i = SkipContinuations(i + 1);
        }

        return i < Text.Length ? Text[i] : '\0';
    }

    public char Next()
    {
        Position = SkipContinuations(Position);
        return Position < Text.Length ? Text[Position++] : throw new ShellSyntaxException("the text ends unexpectedly");
    }

    /// <summary>The next character as it stands.</summary>
    public char NextRaw() => Position < Text.Length ? Text[Position++] : throw new ShellSyntaxException("a quote is not closed");

    public bool Take(string expected)
    {
        for (var i = 0; i < expected.Length; i++)
        {
            if (At(i) != expected[i])
            {
                return false;
            }
        }

        foreach (var _ in expected)
        {
            Next();
        }

        return true;
    }

    public void Expect(string expected)
    {
        if (!Take(expected))
        {
            throw new ShellSyntaxException($"'{expected}' is missing");
        }
    }

    /// <summary>Counts one level of nesting until disposed.</summary>
    public Level Enter()
    {
        if (++_depth > RiskLimits.MaxDepth)
        {
            throw new ShellSyntaxException($"more than {RiskLimits.MaxDepth} nested levels");
        }

        return new Level(this);
    }

    private int SkipContinuations(int i)
    {
        while (i + 1 < Text.Length && Text[i] == '\\' && Text[i + 1] == '\n')
        {
            i += 2;
        }

        return i;
    }

    internal readonly struct Level(Cursor cursor) : IDisposable
    {
        public void Dispose() => cursor._depth--;
    }
}

/// <summary>A here-document that was announced; its body is filled in at the next newline.</summary>
internal sealed class HereDocument(string delimiter, bool quoted, bool stripTabs)
{
    public string Delimiter { get; } = delimiter;

    public bool IsQuoted { get; } = quoted;

    public bool StripsTabs { get; } = stripTabs;

    public List<Part> Body { get; } = [];
}
