using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PocketCoder.Agents;
using PocketCoder.Sandboxes;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.AgentSandboxes;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Diffs;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Guard;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Snapshots;
using PocketCoder.Protocol;
using PocketCoder.Risks;
using PocketCoder.Workspace.Files;

namespace PocketCoder.Machine.Sessions;

/// <summary>From what agents say to what goes over the wire. Pure.</summary>
internal static class EventTranslator
{
    /// <summary>Longest input or output text of a tool in the transcript, in UTF-16 units; the approval has all of an input.</summary>
    public const int ShownText = 64 * 1024;

    public static ToolUseEvent ToolUse(AgentToolUse use, DateTimeOffset at, Guid? turn)
    {
        var (input, cut) = HeadAndTail(use.InputJson);
        return new ToolUseEvent(use.ToolUseId, use.Name, AgentTerms.Category(use.Kind), ShortText.OneLine(use.Title), input, cut)
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
        if (ours.Outcome.End is ExecEnd.OverLimit)
        {
            // a person sees why it ended, too
            output = $"{output}{(output.Length == 0 || output.EndsWith('\n') ? "" : "\n")}[{ours.EndWords}]";
        }

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

    /// <summary>What was seen of a command whose result nobody knows.</summary>
    public static ToolResultEvent CutOutput(string toolUseId, string seen)
        => new(toolUseId, true, HeadAndTail(seen).Text, Encoding.UTF8.GetByteCount(seen), OutputTruncated: true, ExitCode: null,
            DurationMs: null, Interrupted: true)
        { At = default };

    public static FinishedData Finished(ExecutionResult ours)
        => new(ours.ExitCode, ours.Failed, (long)ours.Outcome.Duration.TotalMilliseconds, ours.Bytes, ours.Sha256);

    /// <summary>For what has no output.</summary>
    public static FinishedData Finished(bool failed, TimeSpan duration)
        => new(null, failed, (long)duration.TotalMilliseconds, 0, Convert.ToHexStringLower(SHA256.HashData([])));

    public static FinishedData Finished(AgentToolResult result, TimeSpan? duration)
    {
        var output = Encoding.UTF8.GetBytes(result.Output);
        return new FinishedData(result.ExitCode, result.IsError, (long?)duration?.TotalMilliseconds, output.Length,
            Convert.ToHexStringLower(SHA256.HashData(output)));
    }

    /// <summary>The decision to ask for when an agent wants to use a tool.</summary>
    /// <param name="directory">The project's folder.</param>
    /// <param name="workingDirectory">Where the session works in it.</param>
    public static ApprovalDraft Approval(
        AgentApprovalAsked asked, SessionRecord session, Guid turn, string directory, string workingDirectory, RiskSurroundings around)
    {
        var (key, words) = ToolCallDigest.Reach(session.Agent, workingDirectory, asked);
        (ApprovalKind Kind, ApprovalSubject Subject) what = asked.Subject switch
        {
            AgentSubject.Command command =>
                (ApprovalKind.Command, new CommandSubject(command.CommandLine, command.WorkingDirectory, asked.ToolName, asked.InputJson)),
            AgentSubject.Edit { Change: var change } =>
                (ApprovalKind.Edit, new EditSubject(change.Path, change.Before is null, Diff(change), asked.ToolName, asked.InputJson)),
            _ => (ApprovalKind.Tool, new ToolSubject(asked.ToolName, asked.InputJson)),
        };
        var risk = RiskOf(asked, directory, around);

        // Decided each time: no allowance covers it, and it gives none.
        var always = Protection.Touches(what.Subject, risk, directory)
            || (asked.Reads is not null && risk?.Consequences.Any(c => c.Kind == ConsequenceKind.ReadsSecret) == true);
        return Draft(session, turn, asked.ToolUseId, what.Kind, what.Subject,
            ToolCallDigest.Of(session.Agent, session.SessionId, workingDirectory, asked)) with
        {
            Reason = asked.Reason,
            ReachKey = always ? null : key,
            ReachWords = always ? null : words,
            Risk = risk,
        };
    }

    /// <summary>For people to look at beside the exact thing; nothing is decided by it.</summary>
    private static RiskInfo? RiskOf(AgentApprovalAsked asked, string directory, RiskSurroundings around)
    {
        var risk = asked.Subject switch
        {
            AgentSubject.Command command =>
                RiskAssessor.Assess(command.CommandLine, command.WorkingDirectory, directory, around: around, marked: true),
            // the agent writes it, not the sandbox of commands
            AgentSubject.Edit edit => RiskAssessor.AssessEdit(edit.Change.Path, directory, around: around with { OwnTemporary = [] }),
            AgentSubject.Tool when asked.Reads is { } path =>
                RiskAssessor.AssessRead(path, directory, tree: asked.ReadsTree, around: around with { OwnTemporary = [] }),
            _ => null,
        };
        return risk is null ? null : Undoable(GitConsequences.Of(risk, directory, around.Repository), risk, directory);
    }

    /// <summary>Said to be reversible only when the snapshot that will be taken holds everything that changes.</summary>
    private static RiskInfo Undoable(RiskInfo told, Risk risk, string directory)
        => told with
        {
            Reversible = told.Reversible
            && risk.Changes.All(path => KeptFiles.Cover(directory, path, SnapshotLimits.Default.FileBytes))
        };

    public static ApprovalDraft Question(AgentQuestionAsked asked, SessionRecord session, Guid turn)
    {
        var subject = new QuestionSubject([.. asked.Questions.Select(
            q => new Question(q.Text, q.Header, [.. q.Options.Select(o => new QuestionOption(o.Label, o.Description))], q.MultiSelect))]);
        var text = string.Join('\0', asked.Questions.SelectMany(q => q.Options.Select(o => o.Label).Prepend(q.Text)));
        return Draft(session, turn, asked.ToolUseId, ApprovalKind.Question, subject, ApprovalDigest.OfText(text));
    }

    public static ApprovalDraft Plan(AgentPlanProposed plan, SessionRecord session, Guid turn)
        => Draft(session, turn, plan.ToolUseId, ApprovalKind.Plan, new PlanSubject(plan.Plan), ApprovalDigest.OfText(plan.Plan));

    public static FileDiff? Diff(FileChange? change)
        => change?.After is { } after ? LineDiff.Compute(change.Path, change.Before, after) : null;

    public static UsageInfo Usage(AgentUsage usage)
        => new(usage.InputTokens, usage.OutputTokens, usage.CacheReadTokens, usage.CacheWriteTokens, usage.CostUsd);

    /// <summary>What the agent is doing, in words.</summary>
    public static string Activity(AgentActivity activity) => activity.Kind switch
    {
        ActivityKind.Retrying => string.Create(
            CultureInfo.InvariantCulture,
            $"provider retries {activity.Attempt}/{activity.MaxAttempts}{(activity.Delay is { } delay ? $", next in {Math.Ceiling(delay.TotalSeconds)} s" : "")}{(activity.Detail is null ? "" : $" ({ShortText.OneLine(activity.Detail)})")}"),
        ActivityKind.Compacting => "compacting its context",
        _ => "thinking",
    };

    private static ApprovalDraft Draft(SessionRecord session, Guid turn, string tool, ApprovalKind kind, ApprovalSubject subject,
        IReadOnlyDictionary<string, string> exactly)
        => new(session.SessionId, turn, session.ProjectId, session.Agent, tool, kind, subject, exactly, null, null, null, session.Sandbox);

    private static (string Text, bool Cut) HeadAndTail(string text)
    {
        if (text.Length <= ShownText)
        {
            return (text, false);
        }

        const int Part = (ShownText / 2) - 64;
        var head = ShortText.SafeCut(text, Part);
        var tail = text.Length - Part;
        tail += char.IsLowSurrogate(text[tail]) ? 1 : 0;
        return ($"{text.AsSpan(0, head)}\n… {tail - head} characters left out …\n{text.AsSpan(tail)}", true);
    }
}
