namespace PocketCoder.Risks.Words;

/// <summary>A word after expansion.</summary>
/// <param name="Text">What the program gets; where that isn't known, the source.</param>
/// <param name="Known">False when a part is only known at run time.</param>
/// <param name="Glob">A pattern that the shell replaces by file names.</param>
/// <param name="Splits">Not known, and may become any number of words.</param>
internal sealed record Arg(string Text, bool Known = true, bool Glob = false, bool Splits = false)
{
    public bool Exact => Known && !Glob;

    /// <summary>A file could be called <c>-rf</c>, and a pattern at the beginning of a word would pick it up.</summary>
    public bool MayBeOption => !Known ? Splits || !(Text.Length > 0 && Text[0] is not ('$' or '`' or '-')) : Glob
        && Text[0] is '*' or '?' or '[';

    public override string ToString() => Text;
}
