using PocketCoder.Protocol;

namespace PocketCoder.Machine.Approvals;

/// <summary>How much of one device may wait for decisions outside of sessions.</summary>
/// <param name="Reads">Requests to read what is withheld; beyond, the oldest is withdrawn.</param>
/// <param name="Changes">Others; beyond, the new one is refused.</param>
/// <param name="Asked">How often it may ask within <paramref name="Window"/>: each time is a row.</param>
internal sealed record AskBounds(int Reads, int Changes, int Asked, TimeSpan Window);

/// <summary>A request for a decision, as a session makes it.</summary>
/// <param name="Exactly">What the digest covers beside what the request tells: <see cref="ApprovalDigest"/>.</param>
public sealed record ApprovalDraft(
    Guid SessionId,
    Guid TurnId,
    Guid ProjectId,
    string Agent,
    string? ToolUseId,
    ApprovalKind Kind,
    ApprovalSubject Subject,
    IReadOnlyDictionary<string, string> Exactly,
    string? Reason,
    string? ReachKey,
    string? ReachWords,
    SandboxKind Sandbox)
{
    public RiskInfo? Risk { get; init; }

    /// <summary>The sub-agent that asks, by its name; null: the agent itself.</summary>
    public string? SubAgent { get; init; }
}
