using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PocketCoder.Agents;
using PocketCoder.Hands;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Chain;
using PocketCoder.Machine.Diffs;
using PocketCoder.Machine.Executions;
using PocketCoder.Protocol;
using PocketCoder.Risks;

namespace PocketCoder.Machine.Sessions;

/// <summary>From what agents say to what goes over the wire. Pure.</summary>
internal static class EventTranslator
{
    /// <summary>Longest input or output text of a tool in the transcript, in UTF-16 units; the approval has all of an input.</summary>
    public const int ShownText = 64 * 1024;

    public static ToolUseEvent ToolUse(AgentToolUse use, DateTimeOffset at, Guid? turn)
    {
        var (input, cut) = HeadAndTail(use.InputJson);
        return new ToolUseEvent(use.ToolUseId, use.Name, (ToolCategory)use.Kind, OneLine(use.Title), input, cut)
        {
            At = at,
            TurnId = turn,
            ParentToolUseId = use.ParentToolUseId,
        };
    }

    public static ToolResultEvent ToolResult(AgentToolResult result, DateTimeOffset at, Guid? turn, TimeSpan? duration)
    {
        var (output, cut) = HeadAndTail(result.Output);
        return new ToolResultEvent(
            result.ToolUseId,
            result.IsError,
            output,
            Encoding.UTF8.GetByteCount(result.Output),
            cut,
            result.ExitCode,
            (long?)duration?.TotalMilliseconds,
            result.Interrupted)
        {
            At = at,
            TurnId = turn,
            ParentToolUseId = result.ParentToolUseId,
        };
    }

    /// <summary>The result of a command of ours: what we saw ourselves, not what the agent repeats.</summary>
    public static ToolResultEvent ToolResult(AgentToolResult result, ExecutionResult ours, DateTimeOffset at, Guid? turn)
    {
        var (output, cut) = HeadAndTail(ours.Text);
        return new ToolResultEvent(
            result.ToolUseId,
            ours.Failed,
            output,
            ours.Bytes,
            cut || ours.Truncated,
            ours.ExitCode,
            (long)ours.Outcome.Duration.TotalMilliseconds,
            ours.Outcome.End is ExecEnd.Killed)
        {
            At = at,
            TurnId = turn,
            ParentToolUseId = result.ParentToolUseId,
        };
    }

    public static FinishedData Finished(ExecutionResult ours)
        => new(ours.ExitCode, ours.Failed, (long)ours.Outcome.Duration.TotalMilliseconds, ours.Bytes, ours.Sha256);

    /// <summary>For what has no output.</summary>
    public static FinishedData Finished(bool failed, TimeSpan duration) => new(null, failed, (long)duration.TotalMilliseconds, 0, Convert.ToHexStringLower(SHA256.HashData([])));

    public static FinishedData Finished(AgentToolResult result, TimeSpan? duration)
    {
        var output = Encoding.UTF8.GetBytes(result.Output);
        return new FinishedData(result.ExitCode, result.IsError, (long?)duration?.TotalMilliseconds, output.Length, Convert.ToHexStringLower(SHA256.HashData(output)));
    }

    /// <summary>What the desk is asked for when an agent wants to use a tool.</summary>
    public static ApprovalDraft Approval(AgentApprovalAsked asked, SessionRecord session, Guid turn, string directory)
    {
        var (key, words) = ApprovalDigest.Reach(session.Agent, directory, asked);
        (ApprovalKind Kind, ApprovalSubject Subject) what = asked.Subject switch
        {
            AgentSubject.Command command => (ApprovalKind.Command, new CommandSubject(command.CommandLine, command.WorkingDirectory, asked.ToolName, asked.InputJson)),
            AgentSubject.Edit { Change: var change } => (ApprovalKind.Edit, new EditSubject(change.Path, change.Before is null, Diff(change), asked.ToolName, asked.InputJson)),
            _ => (ApprovalKind.Tool, new ToolSubject(asked.ToolName, asked.InputJson)),
        };
        var risk = RiskOf(asked.Subject, directory);
        var always = Protection.Touches(what.Subject, risk, directory); // decided each time: no allowance covers it, and it gives none
        return Draft(session, turn, asked.ToolUseId, what.Kind, what.Subject, ApprovalDigest.Of(session.Agent, session.SessionId, directory, asked)) with
        {
            Reason = asked.Reason,
            ReachKey = always ? null : key,
            ReachWords = always ? null : words,
            Risk = risk,
        };
    }

    /// <summary>For people to look at beside the exact thing; nothing is decided by it.</summary>
    private static RiskInfo? RiskOf(AgentSubject subject, string directory)
    {
        var risk = subject switch
        {
            AgentSubject.Command command => RiskAssessor.Assess(command.CommandLine, command.WorkingDirectory, directory),
            AgentSubject.Edit edit => RiskAssessor.AssessEdit(edit.Change.Path, directory),
            _ => null,
        };
        return risk is null ? null : new RiskInfo(risk.Tier, risk.Understood, risk.Reversible, risk.Consequences);
    }

    public static ApprovalDraft Question(AgentQuestionAsked asked, SessionRecord session, Guid turn)
    {
        var subject = new QuestionSubject([.. asked.Questions.Select(q => new Question(q.Text, q.Header, [.. q.Options.Select(o => new QuestionOption(o.Label, o.Description))], q.MultiSelect))]);
        var text = string.Join('\0', asked.Questions.SelectMany(q => q.Options.Select(o => o.Label).Prepend(q.Text)));
        return Draft(session, turn, asked.ToolUseId, ApprovalKind.Question, subject, ApprovalDigest.OfText(session.Agent, session.SessionId, "question", text));
    }

    public static ApprovalDraft Plan(AgentPlanProposed plan, SessionRecord session, Guid turn)
        => Draft(session, turn, plan.ToolUseId, ApprovalKind.Plan, new PlanSubject(plan.Plan), ApprovalDigest.OfText(session.Agent, session.SessionId, "plan", plan.Plan));

    public static FileDiff? Diff(FileChange? change) => change?.After is { } after ? LineDiff.Compute(change.Path, change.Before, after) : null;

    public static UsageInfo Usage(AgentUsage usage) => new(usage.InputTokens, usage.OutputTokens, usage.CacheReadTokens, usage.CacheWriteTokens, usage.CostUsd);

    public static UsageInfo Add(UsageInfo sum, UsageInfo turn) => new(
        sum.InputTokens + turn.InputTokens,
        sum.OutputTokens + turn.OutputTokens,
        sum.CacheReadTokens + turn.CacheReadTokens,
        sum.CacheWriteTokens + turn.CacheWriteTokens,
        turn.CostUsd is null ? sum.CostUsd : (sum.CostUsd ?? 0) + turn.CostUsd);

    /// <summary>What the agent is doing, in words.</summary>
    public static string Activity(AgentActivity activity) => activity.Kind switch
    {
        ActivityKind.Retrying => string.Create(
            CultureInfo.InvariantCulture,
            $"provider retries {activity.Attempt}/{activity.MaxAttempts}{(activity.Delay is { } delay ? $", next in {Math.Ceiling(delay.TotalSeconds)} s" : "")}{(activity.Detail is null ? "" : $" ({OneLine(activity.Detail)})")}"),
        ActivityKind.Compacting => "compacting its context",
        _ => "thinking",
    };

    public static string OneLine(string text)
    {
        var end = text.AsSpan().IndexOfAny('\r', '\n');
        var line = end < 0 ? text : text[..end];
        return line.Length <= 300 ? line : string.Concat(line.AsSpan(0, SafeCut(line, 299)), "…");
    }

    private static ApprovalDraft Draft(SessionRecord session, Guid turn, string tool, ApprovalKind kind, ApprovalSubject subject, string digest)
        => new(session.SessionId, turn, session.ProjectId, session.Agent, tool, kind, subject, digest, null, null, null, session.Sandbox);

    private static (string Text, bool Cut) HeadAndTail(string text)
    {
        if (text.Length <= ShownText)
        {
            return (text, false);
        }

        const int Part = (ShownText / 2) - 64;
        var head = SafeCut(text, Part);
        var tail = text.Length - Part;
        tail += char.IsLowSurrogate(text[tail]) ? 1 : 0;
        return ($"{text.AsSpan(0, head)}\n… {tail - head} characters left out …\n{text.AsSpan(tail)}", true);
    }

    private static int SafeCut(string text, int length) => char.IsHighSurrogate(text[length - 1]) ? length - 1 : length;
}
