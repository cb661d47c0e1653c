using PocketCoder.Agents;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Executions;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Tools;

/// <summary>
/// Tools that the agent runs itself once it is told that it may: its own commands, edits and others. On the mailbox only; holds nothing.
/// </summary>
internal sealed class AgentTool(SessionContext session, ToolGate gate, ToolCalls calls, SnapshotCover cover, CommandGuards guards)
{

    /// <param name="Pins">What a command meant when it was asked; null: it is no command.</param>
    private sealed record Request(AgentTool Tool, AgentApprovalAsked As, CommandPins? Pins) : AgentRequest(As.RequestId, As.ToolUseId)
    {
        public override Task<AgentAnswer?> BeginAsync(ApprovalInfo approval, DecisionRequest? decision) => Tool.BeginAsync(this, approval);
    }

    /// <summary>The agent asks for leave. A command that it runs itself is held to the same folder and files as one of ours.</summary>
    public Task AskAsync(AgentApprovalAsked asked)
    {
        if (asked.Subject is not AgentSubject.Command command)
        {
            return gate.AskAsync(new Request(this, asked, null), (turn, around) => ToolDrafts.Of(session, asked, turn, around));
        }

        var pins = CommandPins.Take(session.Directory, command.WorkingDirectory, command.CommandLine, CommandPins.NoEnvironment,
            Environment.GetFolderPath(Environment.SpecialFolder.UserProfile));
        return gate.AskAsync(new Request(this, asked, pins), (turn, around) => ToolDrafts.Of(session, asked, pins, turn, around));
    }

    /// <summary>It was allowed: the last look, the row that it begins, and the answer that lets the agent go on.</summary>
    private async Task<AgentAnswer?> BeginAsync(Request request, ApprovalInfo approval)
    {
        var tool = request.As;
        var beginning = await session.Services.Approvals.BeginAsync(
            approval.ApprovalId, () => DriftAsync(tool, approval, request.Pins), () => cover.BeginAsync(approval));
        if (!beginning.Begun)
        {
            return await gate.NotBegunAsync(approval, beginning);
        }

        calls.StartOfAgent(tool, approval.ApprovalId);
        return new AgentAnswer.Allow(tool.InputJson);
    }

    /// <summary>The last look before it happens: is what would run still what was decided on? Returns what differs, or null.</summary>
    private async Task<string?> DriftAsync(AgentApprovalAsked tool, ApprovalInfo approval, CommandPins? pins)
    {
        session.Seam("drift");
        if (!ApprovalDigest.Fits(approval, ToolDrafts.Exactly(session, tool, pins)))
        {
            return "what would run is not what was approved";
        }

        if (await guards.BeginForAgentAsync(approval) is { } unguarded)
        {
            return unguarded;
        }

        return cover.WhyUncovered(approval)
            ?? session.FolderProblem
            ?? DriftOf(tool, pins)
            ?? (tool.Subject is AgentSubject.Edit { Change: { After: not null } change }
                && !await FileText.IsAsync(change.Path, change.Before) ? "the file changed after it was shown" : null);
    }

    /// <summary>What differs from what an agent's own command was when it was asked; null when nothing does.</summary>
    private string? DriftOf(AgentApprovalAsked asked, CommandPins? pins)
        => pins is null || asked.Subject is not AgentSubject.Command command ? null
            : pins.Differs(CommandPins.Take(session.Directory, command.WorkingDirectory, command.CommandLine, CommandPins.NoEnvironment));
}
