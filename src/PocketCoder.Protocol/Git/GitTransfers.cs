using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

/// <summary>What of a repository's talks to another machine.</summary>
[JsonConverter(typeof(LowerSnake<GitTransferKind>))]
public enum GitTransferKind
{
    Fetch,
    Pull,
    Push,
}

[JsonConverter(typeof(LowerSnake<GitPullMode>))]
public enum GitPullMode
{
    /// <summary>Only when nothing of one's own has to be joined.</summary>
    FastForward,
    Merge,
    Rebase,
}
