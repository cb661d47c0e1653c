using PocketCoder.Machine.Approvals;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Tools;

/// <summary>A question of the machine's whether the agent may continue. Pure.</summary>
internal static class ContinueQuestion
{
    /// <summary>The answer that lets it continue.</summary>
    public const string Continue = "Go on";

    /// <summary>Whether a person said so. Nobody in time is a no.</summary>
    public static bool IsYes(ApprovalInfo approval, DecisionRequest? decision)
        => approval.Decision is { Verdict: DecisionVerdict.Allow }
            && DecisionCheck.Answers(decision?.Answers).Values.All(a => a == Continue);
}
