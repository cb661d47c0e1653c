namespace PocketCoder.Risks;

/// <summary>Bounds of the analysis. What goes beyond them is not understood; it is never an error.</summary>
public static class RiskLimits
{
    /// <summary>UTF-8 bytes of a command.</summary>
    public const int MaxCommandBytes = 64 * 1024;

    /// <summary>Constructs inside each other: substitutions, groups, <c>bash -c</c>, function calls.</summary>
    public const int MaxDepth = 40;

    /// <summary>Simple commands looked at, counting each turn of a loop over known words.</summary>
    public const int MaxCommands = 1_000;

    /// <summary>Consequences listed.</summary>
    public const int MaxConsequences = 200;

    /// <summary>Files listed whose code runs.</summary>
    public const int MaxScripts = 32;

    /// <summary>Marked parts of a command; with more of them none is marked.</summary>
    public const int MaxMarks = 256;

    /// <summary>Words that one word may become by brace expansion.</summary>
    public const int MaxBraceWords = 128;
}
