namespace PocketCoder.Risks.Words;

internal enum UnitKind
{
    /// <summary>Unquoted: braces and commas mean something.</summary>
    Bare,
    Quoted,
    Glob,

    /// <summary>A piece that is only known at run time; one unit, whatever its length.</summary>
    Unknown,

    /// <summary>The same without quotes around it: splits into words.</summary>
    UnknownBare,
}

/// <summary>One character of a word, or one unknown piece.</summary>
internal readonly record struct Unit(UnitKind Kind, string Text)
{
    public bool Is(char c) => Kind == UnitKind.Bare && Text.Length == 1 && Text[0] == c;
}
