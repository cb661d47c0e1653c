using PocketCoder.Protocol;

namespace PocketCoder.Sandboxes;

/// <summary>What is really isolated on this machine.</summary>
/// <param name="Usable">The recipe ran and every assertion from inside held.</param>
/// <param name="Reasons">Why it is not usable, and what to do about it; or what is weaker than it should be. For people.</param>
/// <param name="Facts">What was seen, by name (<c>bwrap</c> → <c>0.8.0</c>, <c>inside.capabilities</c> → <c>none</c> …). For people and
/// tests.</param>
public sealed record SandboxProbe(
    SandboxKind Kind, bool Usable, IReadOnlyList<string> Reasons, IReadOnlyDictionary<string, string> Facts, LimitSource Limits);

/// <summary>Who enforces the limits.</summary>
public enum LimitSource
{
    /// <summary>Nobody.</summary>
    None,

    /// <summary>Resource limits only: processes and file size hold, memory and processor do not.</summary>
    ResourceLimits,

    /// <summary>Control groups, version 1.</summary>
    CgroupV1,

    /// <summary>Control groups, version 2, delegated to us.</summary>
    CgroupV2,

    /// <summary>The container engine.</summary>
    Engine,
}
