using PocketCoder.Protocol;

namespace PocketCoder.Machine.Network;

/// <summary>The sandbox that a way out belongs to: rules are its project's, questions its session's, rows name all three.</summary>
internal sealed record SandboxOwner(Guid Session, Guid Project, SandboxKind Kind)
{
    /// <summary>No session's but the project's own.</summary>
    public bool IsProject => Session == Project;
}
