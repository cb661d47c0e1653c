namespace PocketCoder.Agents.OpenCode;

/// <summary>A text or thought of the model that began and is not finished.</summary>
internal sealed class OpenCodeBlock(BlockKind kind)
{
    public BlockKind Kind { get; } = kind;

    public bool Shown { get; set; }
}
