using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PocketCoder.Feishu.Bot.Turns;
using PocketCoder.Feishu.Cards;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Local;

/// <summary>How the older bot calls what happens to a task. Pure.</summary>
internal static class TaskWords
{
    private const int CodeDigits = 16;
    private const int LongestReason = 240;

    public const int LongestSummary = 240; // characters

    private const int LongestResult = 1200; // characters, in a text

    public static string Status(TurnState state) => state switch
    {
        TurnState.Queued => "queued",
        TurnState.Running => "running",
        TurnState.Waiting => "waiting_for_confirmation",
        TurnState.Completed => "completed",
        TurnState.Cancelled => "cancelled",
        _ => "failed",
    };

    /// <summary>
    /// Names an approval together with what it is about: a decision that names it can't fall on another one, however often it is sent, and
    /// not on this one if it were about something else.
    /// </summary>
    public static string Code(ApprovalInfo asked)
        => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes($"{asked.ApprovalId:N}\n{asked.Digest}")))[..CodeDigits];

    public static TaskApprovalRow Approval(ApprovalInfo asked)
    {
        var view = ApprovalViews.Of(asked);
        return new TaskApprovalRow(
            view.Approval, view.Kind, view.Tier.ToString().ToLowerInvariant(), view.What, view.Digest, Code(asked), asked.ExpiresAt);
    }

    public static string? Reason(IReadOnlyList<TaskApprovalRow> waiting)
        => waiting.Count == 0 ? null : $"{waiting[0].Kind}: {SafeText.Line(waiting[0].What, LongestReason)}";

    public static string? Summary(string? result) => string.IsNullOrEmpty(result) ? null : SafeText.Cut(result, LongestSummary);

    public static TokenRow Tokens(UsageInfo used)
    {
        var input = used.InputTokens + used.CacheReadTokens + used.CacheWriteTokens;
        return new TokenRow(input, used.CacheReadTokens, used.OutputTokens, input + used.OutputTokens);
    }

    /// <returns>Null: the older bot has no word for it.</returns>
    public static TaskEventRow? Event(AgentEventPayload happened, TurnState? before) => happened switch
    {
        TurnEvent e when e.Turn.State == before => null,
        TurnEvent e => Row(
            e, e.Turn.State switch
            {
                TurnState.Queued => "task_queued",
                TurnState.Running when before == TurnState.Queued => "task_dequeued",
                TurnState.Running when before == TurnState.Waiting => null,
                TurnState.Running => "task_started",
                TurnState.Completed => "task_completed",
                TurnState.Cancelled => "task_cancelled",
                TurnState.Interrupted => "task_interrupted",
                TurnState.Failed => "task_failed",
                _ => null,
            },
            e.Turn.Error ?? ""),
        ApprovalEvent e => Row(
            e, e.Approval.State switch
            {
                ApprovalState.Pending => "confirmation_required",
                ApprovalState.Allowed => "confirmation_approved",
                ApprovalState.Denied or ApprovalState.Expired => "confirmation_rejected",
                _ => null,
            },
            e.Approval.Digest),
        ToolUseEvent { ParentToolUseId: null } e => Row(e, "runner_progress", SafeText.Line(e.Title, LongestReason)),
        SteerEvent e => Row(e, "task_steered", ""),
        _ => null,
    };

    /// <summary>A task in lines, as the older bot's <c>/status</c>.</summary>
    public static string Text(TaskRow task)
    {
        (string Key, string? Value)[] lines =
        [
            ("task_id", task.Id), ("task_status", task.Status), ("agent", task.AgentBackend), ("project_id", task.ProjectId),
            ("awaiting", task.AwaitingConfirmationReason),
            ("code", task.Approvals.Count == 1 ? task.Approvals[0].Code : null),
            ("result", (task.RawResult ?? task.LiveOutput) is { Length: > 0 } said ? SafeText.Cut(said, LongestResult) : null),
        ];
        return string.Join('\n', lines.Where(l => l.Value is not null).Select(l => string.Create(
            CultureInfo.InvariantCulture, $"{l.Key}={l.Value}")));
    }

    private static TaskEventRow? Row(AgentEventPayload happened, string? kind, string message)
        => kind is null ? null : new TaskEventRow(kind, message, happened.At);
}
