using PocketCoder.Agents;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Guard;
using PocketCoder.Machine.Sessions.Agents;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Tools;

/// <summary>
/// The running turn's tool calls as the transcript shows them. It keeps to the ledger's word about what was refused: some agents say
/// nothing more of a refused call, others that it is done or that the person cancelled it. Whether an edit left what was allowed is looked
/// at, too. On the mailbox only.
/// </summary>
internal sealed class ToolCalls(
    SessionContext session, SnapshotCover cover, CommandGuards guards, ApprovalCloser closer, SentSecrets secrets)
{
    private readonly Dictionary<string, ToolCall> _calls = new(StringComparer.Ordinal);

    private sealed record ToolCall(long StartedAt, FileChange? Change, ToolKind Kind, Guid? ApprovalId)
    {
        /// <summary>For a command of ours that is over: how it went, which the agent only repeats.</summary>
        public ExecutionResult? Result { get; init; }

        /// <summary>It was refused, for this reason: whatever the agent says of it, it was not done.</summary>
        public string? Refused { get; init; }
    }

    public async Task BeginAsync(AgentToolUse use)
    {
        session.SubAgents.Note(use);
        _calls[use.ToolUseId] = new ToolCall(
            session.Services.Time.GetTimestamp(), use.Change, use.Kind, _calls.GetValueOrDefault(use.ToolUseId)?.ApprovalId)
        {
            Result = _calls.GetValueOrDefault(use.ToolUseId)?.Result,
            Refused = _calls.GetValueOrDefault(use.ToolUseId)?.Refused,
        };
        session.Activity = ActivityOf(use);
        await session.Store.WriteAsync(change =>
        {
            session.Live.End(change, use.ToolUseId);
            change.Event(session.SessionId, EventTranslator.ToolUse(use, session.Store.Now, session.Turn?.TurnId));
        });
        await secrets.NoteAsync(use.InputJson);
    }

    /// <summary>Shows how a call ended, with the end of what it was allowed to do, and looks at what it left.</summary>
    /// <returns>The result as it is shown.</returns>
    public async Task<AgentToolResult> EndAsync(AgentToolResult result)
    {
        session.Seam("result");
        var tool = _calls.GetValueOrDefault(result.ToolUseId);
        result = AsRefused(result, tool?.Refused);
        TimeSpan? duration = tool is null ? null : session.Services.Time.GetElapsedTime(tool.StartedAt);
        SecretModes.Tighten(result.IsError ? null : tool?.Change, session.Services.Logger);
        var difference = await DifferenceAsync(tool, result);
        var left = await guards.EndAsync(tool?.ApprovalId);
        var changes = session.Changes;
        await session.Store.WriteAsync(change =>
        {
            // One step: an execution that ended, its result, and what it changed are all there or none. What it left behind is told first.
            if (tool?.ApprovalId is { } ended)
            {
                guards.Record(change, ended, left);
            }

            if (tool?.ApprovalId is { } approval && tool.Result is null)
            {
                ApprovalSteps.Finish(change, approval, EventTranslator.Finished(result, duration));
            }

            session.Live.FinishOutput(change, result.ToolUseId);
            change.Event(session.SessionId, tool?.Result is { } ours
                ? EventTranslator.ToolResult(result, ours, change.Now, session.Turn?.TurnId)
                : EventTranslator.ToolResult(result, change.Now, session.Turn?.TurnId, duration));
            if (tool is { Kind: ToolKind.Edit, Change: { } edit } && !result.IsError)
            {
                var diff = EventTranslator.Diff(edit);
                changes = EditRows.Add(change, session.SessionId, edit.Path, diff);
                change.Event(session.SessionId, edit.Before is null
                    ? new FileCreateEvent(result.ToolUseId, edit.Path, diff)
                    { At = change.Now, TurnId = session.Turn?.TurnId, ParentToolUseId = result.ParentToolUseId }
                    : new FileEditEvent(result.ToolUseId, edit.Path, diff)
                    { At = change.Now, TurnId = session.Turn?.TurnId, ParentToolUseId = result.ParentToolUseId });
            }

            RaiseAlarm(change, tool, difference);
        });
        session.Changes = changes;
        cover.End(tool?.ApprovalId, left);
        _calls.Remove(result.ToolUseId);
        session.Activity = session.Turn is null ? null : "thinking";
        await secrets.NoteAsync(tool?.Result is null ? result.Output : ""); // of what we ran, the agent got what is shown
        return result;
    }

    /// <summary>It began by this approval: what it does is what was allowed.</summary>
    public void Start(string toolUseId, Guid approvalId, ToolKind kind)
        => _calls[toolUseId] = (_calls.GetValueOrDefault(toolUseId) ?? new ToolCall(0, null, kind, null)) with
        { ApprovalId = approvalId, StartedAt = session.Services.Time.GetTimestamp() };

    /// <summary>The same for what the agent does itself: it was not refused, and an edit is the one that was shown.</summary>
    public void StartOfAgent(AgentApprovalAsked tool, Guid approvalId)
    {
        var call = _calls.GetValueOrDefault(tool.ToolUseId) ?? new ToolCall(0, null, ToolKind.Other, null);
        _calls[tool.ToolUseId] = call with
        {
            ApprovalId = approvalId,
            StartedAt = session.Services.Time.GetTimestamp(),
            Change = (tool.Subject as AgentSubject.Edit)?.Change ?? call.Change,
            Refused = null,
        };
    }

    /// <summary>A command of ours is over: this is how it went, whatever the agent says.</summary>
    public void SetResult(string toolUseId, ExecutionResult result)
    {
        if (_calls.GetValueOrDefault(toolUseId) is { } call)
        {
            _calls[toolUseId] = call with { Result = result };
        }
    }

    /// <summary>Before the agent is told, since its result may come at once.</summary>
    public void Refuse(string? toolUseId, AgentAnswer answer)
    {
        if (toolUseId is not null && answer is AgentAnswer.Deny deny)
        {
            _calls[toolUseId] = (_calls.GetValueOrDefault(toolUseId)
                ?? new ToolCall(session.Services.Time.GetTimestamp(), null, ToolKind.Other, null)) with
            { Refused = deny.Message };
        }
    }

    /// <summary>What an agent did itself ended, and its result could not be shown or looked at: its end is recorded all the same.</summary>
    public async Task EndUnshownAsync(AgentToolResult result, Exception error)
    {
        var tool = _calls.GetValueOrDefault(result.ToolUseId);
        var told = result with { Output = $"[The result can't be shown, because of {session.Words(error)}.]" };
        await session.UnlessFailedAsync(() => session.Store.WriteAsync(change =>
        {
            if (tool is { ApprovalId: { } approval, Result: null })
            {
                ApprovalSteps.Finish(change, approval,
                    EventTranslator.Finished(result, session.Services.Time.GetElapsedTime(tool.StartedAt)));
            }

            change.Event(session.SessionId, EventTranslator.ToolResult(told, change.Now, session.Turn?.TurnId, null));
        }));
        if (tool?.ApprovalId is { } id)
        {
            await closer.CloseAsync(id, $"the outcome could not be recorded: {session.Words(error)}"); // nothing when it is finished
            cover.End(id, GuardReport.Nothing);
        }

        _calls.Remove(result.ToolUseId);
    }

    /// <summary>The turn is over, and with it its calls.</summary>
    public void Clear()
    {
        _calls.Clear();
        session.SubAgents.Clear();
    }

    /// <summary>What runs by an approval, now that its row says so.</summary>
    public static string? ActivityOf(ApprovalInfo begun) => begun.Subject switch
    {
        CommandSubject command => $"{command.Tool}: {ShortText.OneLine(command.Command)}",
        EditSubject edit => $"{edit.Tool}: {ShortText.OneLine(edit.Path)}",
        ToolSubject tool => tool.Tool,
        _ => null,
    };

    /// <summary>
    /// What a call is called in the session's activity. One that needs a decision does not run by being called: its row says when it does.
    /// </summary>
    private string? ActivityOf(AgentToolUse use)
    {
        var what = $"{use.Name}: {ShortText.OneLine(use.Title)}";
        return use.Kind is not (ToolKind.Execute or ToolKind.Edit or ToolKind.Fetch or ToolKind.Other) ? what
            : _calls.Values.Any(t => t is { ApprovalId: not null, Result: null }) ? session.Activity // that runs
            : $"called {what}";
    }

    /// <summary>The result of a call that was refused is that refusal. The agent's own words follow, where they are others.</summary>
    private static AgentToolResult AsRefused(AgentToolResult result, string? why)
    {
        if (why is null)
        {
            return result;
        }

        var said = result.Output.Trim();
        return result with
        {
            IsError = true,
            ExitCode = null,
            Output = said.Contains(why, StringComparison.Ordinal) ? result.Output : said.Length == 0 ? why
                : $"{why}\n[The agent's words: {said}]",
        };
    }

    /// <summary>What is wrong with a file that an approved edit left; null: it is as approved, or that can't be known beforehand.</summary>
    private static async Task<string?> DifferenceAsync(ToolCall? tool, AgentToolResult result)
    {
        if (tool is not { Kind: ToolKind.Edit, ApprovalId: not null, Change: { After: not null } change }
            || await FileText.IsAsync(change.Path, change.After))
        {
            return null;
        }

        if (result.IsError || result.Interrupted)
        {
            return await FileText.IsAsync(change.Path, change.Before)
                ? null
                : $"{change.Path} was to be changed and that failed, but it is neither what it was nor what was approved";
        }

        return $"{change.Path} is not what was approved: the agent, or something else, wrote it differently";
    }

    private void RaiseAlarm(Change change, ToolCall? tool, string? difference)
    {
        if (difference is not null)
        {
            change.Ledger(new LedgerEntry(LedgerKind.AlarmRaised)
            {
                SessionId = session.SessionId.ToString(),
                TurnId = session.Turn?.TurnId.ToString(),
                ApprovalId = tool!.ApprovalId.ToString(),
                Sandbox = SandboxName.Of(session.Record.Sandbox),
                Data = new AlarmData(difference).ToJson(),
            });
            change.Event(session.SessionId, new NoticeEvent(NoticeLevel.Warning,
                $"{difference}. Look at it; undo brings back what was before.")
            { At = change.Now, TurnId = session.Turn?.TurnId });
        }
    }
}
