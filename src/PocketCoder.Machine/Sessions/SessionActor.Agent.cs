using PocketCoder.Agents;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Brains;
using PocketCoder.Machine.Conversations;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Secrets;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>The half of the actor that faces the agent process.</summary>
internal sealed partial class SessionActor
{
    /// <summary>How long an agent may take to end a turn after it was asked to stop; then it is killed.</summary>
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(10);

    /// <summary>What the agent said while the ledger could not be written; it is heard, in order, when that works again.</summary>
    private readonly Queue<(AgentEvent Said, int Generation)> _unrecorded = new();
    private int _unrecordedCount;

    /// <summary>Events that may wait so; from then on the agent itself waits, since nobody reads its pipe.</summary>
    private const int UnrecordedLimit = 64;

    private sealed record Running(IAgentProcess Agent, int Generation, bool Resumed, Task Forwarding);

    /// <summary>Something the agent waits for, with what it exactly asked.</summary>
    private sealed record Asked(string RequestId, AgentEvent Request, ApprovalInfo Approval);

    private sealed record RunningTool(long StartedAt, FileChange? Change, ToolKind Kind, Guid? ApprovalId)
    {
        /// <summary>For a command of ours that is over: how it went, which the agent only repeats.</summary>
        public ExecutionResult? Result { get; init; }
    }

    /// <param name="ahead">Of a prompt; nobody waits for it yet.</param>
    private void BeginStart(bool ahead = false)
    {
        _startingAhead = ahead;
        var start = new AgentStart
        {
            SessionId = _record.SessionId,
            ResumeId = _record.NativeId,
            WorkingDirectory = _directory,
            Mode = _record.Mode,
            Model = _record.Model,
            Effort = _record.Prompting.Effort,
            HostTools = HostTools,
            Mark = OwnedProcess.NewMark(),
        };
        var cancel = _starting = new CancellationTokenSource();
        _ = StartAsync();

        async Task StartAsync()
        {
            try
            {
                // Written down first: a daemon that is killed while the agent starts leaves nothing that its successor can't find.
                await Store.WriteAsync(change => ProcessRows.Remember(change, _record.SessionId, ProcessIdentity.ToCome(start.Mark)));
                start = await FromForkAsync(start);
                if (start.ResumeId is null && await Store.ReadAsync(reader => ConversationRows.CopyOf(reader, start.SessionId), cancel.Token) is { } original)
                {
                    start = start with { ResumeId = original, Fork = true, BegunElsewhere = true };
                }

                var agent = await _services.Agents.StartAsync(_driver, start, _record, cancel.Token);
                await HandOverAsync(agent, () => StartedAsync(agent, cancel, start));
            }
            catch (Exception e)
            {
                // Every way a start can fail ends the turn with its reason; a cancelled one was stopped by a person.
                Later(() => StartFailedAsync(e, cancel));
            }
        }
    }

    private async Task StartedAsync(StartedAgent agent, CancellationTokenSource start, AgentStart asked)
    {
        if (_starting != start || _stopping)
        {
            await agent.DisposeAsync();
            return;
        }

        _starting = null;
        start.Dispose();
        if (!IsStillWanted(asked))
        {
            await agent.DisposeAsync();
            StartAgain();
            return;
        }

        var generation = ++_generation;
        if (agent.Process is { } identity)
        {
            await UnlessFullAsync(Store.WriteAsync(change => ProcessRows.Remember(change, _record.SessionId, identity))); // its mark is written already
        }

        Log.Started(_services.Logger, _record.SessionId, _record.Agent, agent.Process?.Pid);
        _process = new Running(agent, generation, asked.ResumeId is not null, ForwardAsync(agent, generation));
        _ahead = new Ahead(agent);
        Rest();
        if (_turn is not null && _cancelling)
        {
            await EndTurnAsync(TurnState.Cancelled, null, null);
        }
        else if (_turn is not null)
        {
            await PromptAsync();
        }
    }

    private async Task StartFailedAsync(Exception error, CancellationTokenSource start)
    {
        if (_starting != start)
        {
            return;
        }

        _starting = null;
        start.Dispose();
        if (IsOnlyAhead(error))
        {
            return;
        }

        if (error is AgentException { Error: AgentError.NotFound } && _record.NativeId is not null)
        {
            // The agent no longer has the conversation: the next prompt starts a new one, and the person is told.
            await UnlessFullAsync(SaveAsync(record => record with { NativeId = null })); // else the next prompt learns the same
            await UnlessFullAsync(Store.WriteAsync(change => ConversationRows.ForgetCopy(change, _record.SessionId))); // what it was copied from has gone its own way
            await EndTurnAsync(TurnState.Failed, $"{error.Message} The next prompt starts a new conversation; the agent will not remember this one.", null);
            return;
        }

        await EndTurnAsync(
            _cancelling ? TurnState.Cancelled : TurnState.Failed,
            _cancelling ? null : error is AgentException ? error.Message : $"{_driver.Description.Name} could not be started: {error.Message}",
            null);
    }

    private async Task ForwardAsync(StartedAgent agent, int generation)
    {
        var live = new LiveBlocks(_services.Secrets);
        await foreach (var said in agent.Events.ReadAllAsync())
        {
            live.End(said);
            Sign(said);
            if (said is AgentDelta delta)
            {
                // The hot path: no database, no mailbox. Whole blocks and everything else take their turn in the mailbox.
                if (generation == Volatile.Read(ref _generation) && live.Next(delta.BlockId, delta.Text) is { Length: > 0 } text)
                {
                    _stream.Append(Volatile.Read(ref _turn)?.TurnId, delta.BlockId, delta.Kind == BlockKind.Text ? DeltaKind.Text : DeltaKind.Thinking, text, delta.ParentToolUseId);
                }

                continue;
            }

            NoteEnd(said, generation);
            try
            {
                while (Volatile.Read(ref _unrecordedCount) >= UnrecordedLimit)
                {
                    await Task.Delay(RetryAfter, _services.Time);
                }

                await _mailbox.Writer.WriteAsync(() => ListenAsync(said, generation));
            }
            catch (System.Threading.Channels.ChannelClosedException)
            {
                return;
            }
        }
    }

    /// <summary>Hears an event, or keeps it for later when it can't be recorded: what an agent did must not be forgotten because the disk was full.</summary>
    private async Task ListenAsync(AgentEvent said, int generation)
    {
        _unrecorded.Enqueue((said, generation));
        if (_unrecorded.Count == 1)
        {
            await CatchUpAsync();
        }

        Volatile.Write(ref _unrecordedCount, _unrecorded.Count);
    }

    private async Task CatchUpAsync()
    {
        while (_unrecorded.TryPeek(out var next))
        {
            try
            {
                if (next.Generation == _generation)
                {
                    await HearAsync(next.Said);
                }
            }
            catch (LedgerException e) when (Passes(e))
            {
                TryAgain(CatchUpAsync, e);
                return;
            }
            catch (Exception e)
            {
                Log.StepFailed(_services.Logger, _record.SessionId, e); // this one is lost; those behind it must not be
            }

            _unrecorded.Dequeue();
            Volatile.Write(ref _unrecordedCount, _unrecorded.Count);
        }
    }

    private Task TakeUpAsync(AgentEvent said) => said switch
    {
        AgentReady ready => ReadyAsync(ready),
        AgentBlock block => BlockAsync(block),
        AgentBlockDropped dropped => DropAsync(dropped),
        AgentToolUse use => ToolUseAsync(use),
        AgentToolResult result => ToolResultAsync(result),
        AgentApprovalAsked asked => AskAsync(asked.RequestId, asked, turn => EventTranslator.Approval(asked, _record, turn, _directory)),
        AgentHostCall call => HostCallAsync(call),
        AgentQuestionAsked asked => AskAsync(asked.RequestId, asked, turn => EventTranslator.Question(asked, _record, turn)),
        AgentPlanProposed plan => AskAsync(plan.RequestId, plan, turn => EventTranslator.Plan(plan, _record, turn)),
        AgentRequestWithdrawn withdrawn => WithdrawnAsync(withdrawn),
        AgentTodos todos => WriteAsync(new TodoEvent([.. todos.Items.Select(i => new TodoItem(i.Text, (TodoItemState)i.State))]) { At = Store.Now, TurnId = _turn?.TurnId }),
        AgentActivity activity => ActAsync(EventTranslator.Activity(activity)),
        AgentModeChanged mode => ModeAsync(mode.Mode),
        AgentContext context => ContextAsync(context),
        AgentTitled titled => TitledAsync(titled),
        AgentTurnEnded ended => TurnEndedAsync(ended),
        AgentEnded ended => EndedAsync(ended),
        _ => Task.CompletedTask,
    };

    private async Task WriteAsync(AgentEventPayload payload) => await Store.WriteAsync(change => change.Event(_record.SessionId, payload));

    private Task ActAsync(string? activity)
    {
        _activity = _turn is null ? null : activity;
        return Task.CompletedTask;
    }

    private async Task ReadyAsync(AgentReady ready)
    {
        var changed = _record.NativeId != ready.NativeId || (ready.Model is not null && ready.Model != _record.Model) || (ready.Mode is not null && ready.Mode != _record.Mode);
        if (changed)
        {
            _record = await Store.WriteAsync(change =>
            {
                change.Event(_record.SessionId, new InitEvent(_record.Agent, ready.Version, ready.Model, ready.Mode, _record.Sandbox, _process?.Resumed ?? false) { At = change.Now, TurnId = _turn?.TurnId });
                return SessionRows.Update(change, _record with { NativeId = ready.NativeId, Model = ready.Model ?? _record.Model, Mode = ready.Mode ?? _record.Mode });
            });
        }

        await OffersAsync(ready);
    }

    private async Task BlockAsync(AgentBlock block)
    {
        if (block.Text.Length == 0)
        {
            _stream.Drop(block.BlockId);
            return;
        }

        await WriteAsync(block.Kind == BlockKind.Text
            ? new TextEvent(block.BlockId, block.Text) { At = Store.Now, TurnId = _turn?.TurnId, ParentToolUseId = block.ParentToolUseId }
            : new ThinkingEvent(block.BlockId, block.Text) { At = Store.Now, TurnId = _turn?.TurnId, ParentToolUseId = block.ParentToolUseId });
    }

    private Task DropAsync(AgentBlockDropped dropped)
    {
        _stream.Drop(dropped.BlockId);
        return Task.CompletedTask;
    }

    private async Task ToolUseAsync(AgentToolUse use)
    {
        _tools[use.ToolUseId] = new RunningTool(_services.Time.GetTimestamp(), use.Change, use.Kind, _tools.GetValueOrDefault(use.ToolUseId)?.ApprovalId) { Result = _tools.GetValueOrDefault(use.ToolUseId)?.Result };
        _activity = $"{use.Name}: {EventTranslator.OneLine(use.Title)}";
        await WriteAsync(EventTranslator.ToolUse(use, Store.Now, _turn?.TurnId));
    }

    private async Task ToolResultAsync(AgentToolResult result)
    {
        var tool = _tools.GetValueOrDefault(result.ToolUseId);
        TimeSpan? duration = tool is null ? null : _services.Time.GetElapsedTime(tool.StartedAt);
        var strange = await StrangeAsync(tool, result);
        await Store.WriteAsync(change =>
        {
            // One step: an execution that ended, its result, and what it changed are all there or none.
            if (tool?.ApprovalId is { } approval && tool.Result is null)
            {
                ApprovalDesk.Finish(change, approval, EventTranslator.Finished(result, duration));
            }

            change.Event(_record.SessionId, tool?.Result is { } ours
                ? EventTranslator.ToolResult(result, ours, change.Now, _turn?.TurnId)
                : EventTranslator.ToolResult(result, change.Now, _turn?.TurnId, duration));
            if (tool is { Kind: ToolKind.Edit, Change: { } edit } && !result.IsError)
            {
                var diff = EventTranslator.Diff(edit);
                change.Event(_record.SessionId, edit.Before is null
                    ? new FileCreateEvent(result.ToolUseId, edit.Path, diff) { At = change.Now, TurnId = _turn?.TurnId, ParentToolUseId = result.ParentToolUseId }
                    : new FileEditEvent(result.ToolUseId, edit.Path, diff) { At = change.Now, TurnId = _turn?.TurnId, ParentToolUseId = result.ParentToolUseId });
            }

            RaiseStrange(change, tool, strange);
        });
        Covered(tool?.ApprovalId);
        _tools.Remove(result.ToolUseId);
        _activity = _turn is null ? null : "thinking";
        await CountRepeatsAsync(result);
    }

    private async Task AskAsync(string requestId, AgentEvent request, Func<Guid, ApprovalDraft> draft)
    {
        if (_turn is null || _cancelling)
        {
            // Nobody may decide for a turn that is over.
            await TellAgentAsync(requestId, new AgentAnswer.Deny("The turn was stopped."));
            return;
        }

        var approval = await _services.Approvals.RequestAsync(WithUndo(draft(_turn.TurnId)));
        _asked[requestId] = new Asked(requestId, request, approval);
        if (approval.State == ApprovalState.Allowed)
        {
            _ = CoverAndAnswerAsync(approval, null);
            return;
        }

        await TurnStateAsync(TurnState.Waiting);
    }

    private async Task WithdrawnAsync(AgentRequestWithdrawn withdrawn)
    {
        await StopExecutionAsync(withdrawn.RequestId);
        if (_asked.TryGetValue(withdrawn.RequestId, out var asked))
        {
            await _services.Approvals.WithdrawAsync(asked.Approval.ApprovalId, "the agent no longer waits");
            _asked.Remove(withdrawn.RequestId);
            await TurnStateAsync(TurnState.Running);
        }
    }

    /// <summary>Passes a settled approval on to the agent: started in the ledger first, then told.</summary>
    private async Task AnswerAsync(ApprovalInfo approval, AgentPromptResponseRequest? decision)
    {
        if (_asked.Values.FirstOrDefault(a => a.Approval.ApprovalId == approval.ApprovalId) is not { } asked || (_turn is null && asked.Request is not NetworkAsked))
        {
            return;
        }

        _asked.Remove(asked.RequestId);
        if (IsSettled(asked, approval, decision) || await IsSettledRepeatAsync(asked, approval, decision))
        {
            await TurnStateAsync(TurnState.Running);
            return;
        }

        if (asked.Request is PromptAsked)
        {
            await PromptSettledAsync(approval);
            return;
        }

        if (asked.Request is NetworkAsked host)
        {
            TellProxy(host, approval);
            await TurnStateAsync(TurnState.Running);
            return;
        }

        AgentAnswer? answer;
        try
        {
            answer = await AnswerForAsync(asked, approval, decision);
        }
        catch (LedgerException e) when (Passes(e))
        {
            // Allowed, but its beginning can't be recorded: then it does not begin. What stays allowed is closed as not run when the turn ends.
            Log.CannotRecord(_services.Logger, _record.SessionId, e.Message);
            answer = new AgentAnswer.Deny($"Not done, because the machine can't write its ledger: {e.Message}. Tell the person.");
        }

        if (answer is not null)
        {
            await TellAgentAsync(asked.RequestId, answer);
            if (asked.Request is HostRequest && answer is AgentAnswer.Deny { Interrupt: true } && _turn is { } turn)
            {
                await InterruptAsync(turn.TurnId); // a tool's result can't end a turn by itself
            }
        }

        await TurnStateAsync(TurnState.Running);
    }

    /// <summary>Null: our own command began; its result is the answer.</summary>
    private async Task<AgentAnswer?> AnswerForAsync(Asked asked, ApprovalInfo approval, AgentPromptResponseRequest? decision)
    {
        if (approval.Decision is not { Verdict: DecisionVerdict.Allow })
        {
            var reason = approval.State == ApprovalState.Expired
                ? "Nobody decided in time, so this was denied. Do not try it again unasked; tell the person what you wanted to do."
                : approval.Decision?.Reason is { Length: > 0 } said ? said : "The person denied this.";
            return new AgentAnswer.Deny(asked.Request is HostRequest ? $"The person denied this: {reason}" : reason, decision?.Interrupt ?? false);
        }

        switch (asked.Request)
        {
            case AgentQuestionAsked:
                return new AgentAnswer.Reply(DecisionCheck.Answers(decision?.Answers));
            case AgentPlanProposed:
                return new AgentAnswer.AcceptPlan(string.IsNullOrEmpty(decision?.Answers) ? null : decision.Answers);
            case HostRequest ours:
                return await BeginHostAsync(ours, approval, decision);
            case AgentApprovalAsked tool:
                if (await DriftAsync(tool, approval) is { } drift)
                {
                    await _services.Approvals.RefuseAsync(approval.ApprovalId, drift);
                    return new AgentAnswer.Deny($"Not done: {drift}. Look at the current state and ask again.");
                }

                if (!await BeginAsync(approval))
                {
                    return new AgentAnswer.Deny("It is no longer allowed.");
                }

                var running = _tools.GetValueOrDefault(tool.ToolUseId) ?? new RunningTool(0, null, ToolKind.Other, null);
                _tools[tool.ToolUseId] = running with
                {
                    ApprovalId = approval.ApprovalId,
                    StartedAt = _services.Time.GetTimestamp(),
                    Change = (tool.Subject as AgentSubject.Edit)?.Change ?? running.Change,
                };
                return new AgentAnswer.Allow(tool.InputJson);
            default:
                throw new InvalidOperationException($"no answer is known for {asked.Request.GetType().Name}");
        }
    }

    /// <summary>The last look before it happens: is what would run still what was decided on? Returns what differs, or null.</summary>
    private async Task<string?> DriftAsync(AgentApprovalAsked tool, ApprovalInfo approval)
    {
        if (ApprovalDigest.Of(_record.Agent, _record.SessionId, _directory, tool) != approval.Digest)
        {
            return "what would run is not what was approved";
        }

        return WhyUncovered(approval)
            ?? (tool.Subject is AgentSubject.Edit { Change: { After: not null } change } && !await FileText.IsAsync(change.Path, change.Before) ? "the file changed after it was shown" : null);
    }

    private async Task TellAgentAsync(string requestId, AgentAnswer answer)
    {
        if (_process is null)
        {
            return;
        }

        if (answer is AgentAnswer.HostResult result)
        {
            answer = result with { Text = _services.Secrets.Redactor.Redact(result.Text) };
        }

        try
        {
            await _process.Agent.AnswerAsync(requestId, answer, CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or AgentException or InvalidOperationException)
        {
            // The process is going down; its end comes as an event and closes the turn.
            Log.Ended(_services.Logger, _record.SessionId, _record.Agent, e.Message);
        }
    }

    /// <summary>Running or waiting, as the open requests say.</summary>
    private async Task TurnStateAsync(TurnState state)
    {
        var actual = _asked.Count > 0 ? TurnState.Waiting : state;
        if (_turn is { } turn && turn.State != actual)
        {
            // Only how it looks; the next step sets it right. What came before stands and must not be done again.
            await UnlessFullAsync(UpdateAsync(turn with { State = actual }));
        }

        async Task UpdateAsync(TurnInfo changed) => _turn = await Store.WriteAsync(change => SessionRows.UpdateTurn(change, _record.SessionId, changed));
    }

    private async Task ModeAsync(string mode)
    {
        if (_record.Mode != mode)
        {
            await SaveAsync(record => record with { Mode = mode });
            await NoteAsync(NoticeLevel.Info, $"Mode is now {mode}.");
        }
    }

    private Task TurnEndedAsync(AgentTurnEnded ended)
    {
        _mark = ended.Mark;
        return _turn is null
            ? Task.CompletedTask
            : EndTurnAsync(
                _cancelling || ended.Outcome == TurnOutcome.Cancelled ? TurnState.Cancelled : ended.Outcome == TurnOutcome.Failed ? TurnState.Failed : TurnState.Completed,
                ended.Outcome == TurnOutcome.Failed && !_cancelling ? ended.Error : null,
                ended.Usage);
    }

    private async Task EndedAsync(AgentEnded ended)
    {
        Log.Ended(_services.Logger, _record.SessionId, _record.Agent, ended.Reason);
        await EndProcessAsync();
        if (_turn is not null)
        {
            await EndTurnAsync(_cancelling ? TurnState.Cancelled : TurnState.Interrupted, _cancelling ? null : $"The agent's process ended: {ended.Reason}", null);
        }
    }

    private async Task InterruptAsync(Guid turn)
    {
        if (_unconfirmed == turn)
        {
            Later(() => _unconfirmed == turn ? EndTurnAsync(TurnState.Cancelled, null, null) : Task.CompletedTask); // the agent never heard of it
            return;
        }

        if (_process is not { } process)
        {
            // It did not start yet: stop starting it.
            if (_starting is { } starting)
            {
                await starting.CancelAsync();
            }

            return;
        }

        var limit = _services.Time.CreateTimer(_ => Later(() => KillAsync(turn)), null, StopLimit, Timeout.InfiniteTimeSpan);
        _ = process.Forwarding.ContinueWith(_ => limit.Dispose(), TaskScheduler.Default);
        try
        {
            await process.Agent.InterruptAsync(CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or AgentException or InvalidOperationException)
        {
            await KillAsync(turn);
        }
    }

    private async Task KillAsync(Guid turn)
    {
        if (_turn?.TurnId == turn && _cancelling)
        {
            await EndProcessAsync();
            await EndTurnAsync(TurnState.Cancelled, null, null);
        }
    }

    private async Task EndProcessAsync()
    {
        _services.Warm.Leave(_record.SessionId);
        if (_starting is { } starting)
        {
            _starting = null;
            await starting.CancelAsync();
        }

        if (_process is { } process)
        {
            (_process, _ahead) = (null, null);
            _generation++;
            await process.Agent.DisposeAsync();
            await UnlessFullAsync(Store.WriteAsync(change => ProcessRows.Forget(change, _record.SessionId))); // a row too many names a process that is gone
        }
    }
}
