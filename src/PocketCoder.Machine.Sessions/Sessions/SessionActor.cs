using PocketCoder.Agents;
using PocketCoder.Broker.Egress;
using PocketCoder.Broker.Models;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.SessionLinks;
using PocketCoder.Machine.Sessions.Agents;
using PocketCoder.Machine.Sessions.Forks;
using PocketCoder.Machine.Sessions.Deleting;
using PocketCoder.Machine.Sessions.Live;
using PocketCoder.Machine.Sessions.Marks;
using PocketCoder.Machine.Sessions.Tools;
using PocketCoder.Machine.Sessions.Turns;
using PocketCoder.Machine.Sessions.Watching;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>
/// One session: its mailbox and its running turn. Everything happens on one reader of one bounded mailbox, so nothing here is locked. What
/// it consists of, the queue, the agent's process, the gate for decisions, the tools and the watchdog, are objects that it owns; each keeps
/// its own state. Public members may be called from any thread; they queue and return when their turn came.
/// </summary>
public sealed class SessionActor : IAsyncDisposable, ILiveSession, ITurnControl, IAgentListener, IRunningWork
{
    private readonly SessionContext _session;
    private readonly CallEnds _ends;
    private readonly SentSecrets _secrets;
    private readonly ModelAccessNotes _access;
    private readonly TurnWatch _watch;
    private readonly AgentHost _host;
    private readonly SnapshotCover _cover;
    private readonly CommandGuards _guards;
    private readonly ToolCalls _calls;
    private readonly ToolGate _gate;
    private readonly HostAllowances _hosts = new();
    private readonly JobTool _jobs;
    private readonly CommandTool _commands;
    private readonly NetworkGate _network;
    private readonly BudgetQuestions _budgets;
    private readonly PromptConfirmation _confirmation;
    private readonly TurnWatchdog _watchdog;
    private readonly TurnQueue _queue;
    private readonly Steering _steering;
    private readonly TerminalHandover _terminal;
    private readonly SessionForks _forks;
    private readonly Marking _marking;
    private readonly SessionSettings _settings;
    private readonly PromptComposer _prompts;
    private readonly AgentEvents _events;
    private readonly Task _loop;

    private string? _failure; // why the turn that runs is ended by us, and not as the agent says
    private SessionInfo _info;

    internal SessionActor(SessionServices services, IAgentDriver driver, string directory, SessionRecord record, SessionStream stream,
        int queued, SessionChanges? changes = null)
    {
        _session = new SessionContext(services, driver, directory, record, stream) { Changes = changes };
        _ends = new CallEnds(_session);
        _secrets = new SentSecrets(_session);
        _access = new ModelAccessNotes(_session);
        var offers = new AgentOffers(_session);
        _watch = new TurnWatch(services.Limits, services.Time);
        var feed = new AgentFeed(_session, _watch, _ends, this);
        _host = new AgentHost(_session, feed, _access, new RepositoryNotes(_session), this, this, this);
        _guards = new CommandGuards(_session);
        _cover = new SnapshotCover(_session);
        var closer = new ApprovalCloser(_session);
        _calls = new ToolCalls(_session, _cover, _guards, closer, _secrets);
        _gate = new ToolGate(_session, _host, _ends, _cover, _calls, closer, this, this);
        _jobs = new JobTool(_session, _host, _gate, _cover, _guards, closer, _hosts);
        _commands = new CommandTool(_session, _host, _gate, _calls, _cover, _guards, closer, _hosts, _jobs);
        var questions = new QuestionTool(_session, _gate);
        var hostCalls = new HostCalls(_session, _host, _gate, _commands, _jobs, new FileTool(_session, _host, _gate), questions);
        _network = new NetworkGate(_session, _gate, _commands, _jobs, _hosts);
        _budgets = new BudgetQuestions(_session, _gate);
        _confirmation = new PromptConfirmation(_session, _gate, this);
        _watchdog = new TurnWatchdog(_session, _watch, _gate, _host, _access, this, this, _commands);
        _queue = new TurnQueue(_session, this, queued);
        _steering = new Steering(_session, _queue, _host, _confirmation, _secrets);
        _terminal = new TerminalHandover(_session, _queue, _host, this);
        _forks = new SessionForks(_session, _host, _terminal);
        _marking = new Marking(_session, () => _gate.WaitsForPerson);
        _settings = new SessionSettings(_session, _host, offers, _jobs, _marking, this);
        _prompts = new PromptComposer(_session, _jobs);
        _events = new AgentEvents(
            _session, _host, _gate, _calls, _watchdog, offers, new BlockWriter(_session, _secrets),
            new AgentTool(_session, _gate, _calls, _cover, _guards), hostCalls, questions, this);
        _info = BuildInfo();
        _loop = _session.Mailbox.RunAsync(() => Refresh());
    }

    /// <summary>The session as it is now.</summary>
    public SessionInfo Info
    {
        get
        {
            var info = Volatile.Read(ref _info) with { Head = _session.Stream.Head };
            return _ends.StopIsAsked ? info with { Activity = "stopping" } : info;
        }
    }

    public bool IsWorking => Info.State == SessionState.Working;

    /// <inheritdoc cref="JobTool.Infos"/>
    public IReadOnlyList<JobInfo> Jobs => _jobs.Infos;

    /// <inheritdoc cref="TurnQueue.EnqueueAsync"/>
    public Task<TurnInfo> EnqueueAsync(Guid promptId, string content, string? deviceId, IReadOnlyList<Guid>? attachments = null)
        => _queue.EnqueueAsync(promptId, content, deviceId, attachments);

    /// <inheritdoc cref="TurnQueue.EditAsync"/>
    public Task<TurnInfo> EditQueuedAsync(Guid promptId, string content) => _queue.EditAsync(promptId, content);

    /// <inheritdoc cref="TurnQueue.RemoveAsync"/>
    public Task<TurnInfo> RemoveQueuedAsync(Guid promptId) => _queue.RemoveAsync(promptId);

    /// <inheritdoc cref="TurnQueue.MergeAsync"/>
    public Task<TurnInfo> MergeQueuedAsync(IReadOnlyList<Guid> promptIds) => _queue.MergeAsync(promptIds);

    /// <inheritdoc cref="TurnQueue.MoveAsync"/>
    public Task<IReadOnlyList<Guid>> MoveQueuedAsync(Guid promptId, Guid? before) => _queue.MoveAsync(promptId, before);

    /// <inheritdoc cref="TurnQueue.ContinueAsync"/>
    public Task<TurnInfo> ContinueAsync(Guid turnId, Guid promptId, string? deviceId, CancellationToken cancellationToken)
        => _queue.ContinueAsync(turnId, promptId, deviceId, cancellationToken);

    /// <inheritdoc cref="Steering.SteerAsync"/>
    public Task<AgentSteerResponse> SteerAsync(Guid promptId, string content, string? deviceId)
        => _steering.SteerAsync(promptId, content, deviceId);

    /// <inheritdoc cref="AgentHost.WarmAsync"/>
    public Task<bool> WarmAsync(bool opened = false) => _host.WarmAsync(opened, () => _queue.Count == 0);

    /// <inheritdoc cref="ToolGate.Settle"/>
    public void Settle(ApprovalInfo approval, DecisionRequest? decision) => _gate.Settle(approval, decision);

    /// <inheritdoc cref="NetworkGate.MayReachAsync"/>
    public ValueTask<EgressVerdict> MayReachAsync(EgressRequest wanted, CancellationToken cancellationToken)
        => _network.MayReachAsync(wanted, cancellationToken);

    /// <inheritdoc cref="BudgetQuestions.AskAsync"/>
    public Task<bool> AskBudgetAsync(BudgetSpent spent, CancellationToken ct) => _budgets.AskAsync(spent, ct);

    /// <inheritdoc cref="TurnWatchdog.KeyRefused"/>
    public void KeyRefused(int status) => _watchdog.KeyRefused(status);

    /// <inheritdoc cref="JobTool.StopAsync"/>
    public Task<bool> StopJobAsync(Guid approvalId, string who) => _jobs.StopAsync(approvalId, who);

    /// <inheritdoc cref="SessionForks.ForkAsync"/>
    internal Task<(SessionRecord Record, TurnInfo Turn)> ForkAsync(
        AgentSessionForkRequest request, string? deviceId, Action<Change, SessionRecord> note)
        => _forks.ForkAsync(request, deviceId, note);

    /// <inheritdoc cref="TerminalHandover.LeaveAsync"/>
    public Task<(string? Conversation, string Directory, bool Lives)> LeaveAsync(bool end) => _terminal.LeaveAsync(end);

    /// <inheritdoc cref="TerminalHandover.HoldAsync"/>
    public Task<SessionInfo> HoldAsync(ProcessIdentity process, int? beside, bool end) => _session.Mailbox.AskAsync(async () =>
    {
        await _terminal.HoldAsync(process, beside, end);
        return Refresh();
    });

    /// <inheritdoc cref="TerminalHandover.Left"/>
    public void TerminalLeft() => _terminal.Left();

    /// <inheritdoc cref="SessionSettings.ChangeAsync"/>
    public Task<SessionInfo> SetAsync(AgentSessionSetRequest request) => _session.Mailbox.AskAsync(async () =>
    {
        await _settings.ChangeAsync(request);
        return Refresh();
    });

    /// <inheritdoc cref="Marking.SeeAsync"/>
    public Task<long> SeeAsync(long seq) => _session.Mailbox.AskAsync(() => _marking.SeeAsync(seq));

    /// <summary>Begins its deletion, when it rests: from here on it takes nothing more.</summary>
    /// <exception cref="RequestFailure">CONFLICT: it does not rest.</exception>
    internal Task DeleteAsync(string by, string? deviceId) => _session.Mailbox.AskAsync(async () =>
    {
        DeletionRows.RequireRest(
            _session.Turn is not null, _queue.Count > 0 && !_session.Record.Held, _jobs.Running.Any(), _session.IsInTerminal);
        await _session.Store.WriteAsync(change => DeletionRows.Begin(change, _session.Record, _session.Directory, by, deviceId));
        _session.Stop();
        _session.Mailbox.Complete();
        await _session.UnlessFailedAsync(_host.EndProcessAsync);
        return true;
    });

    /// <summary>Starts what waits in the queue, after a restart.</summary>
    public Task ResumeQueueAsync() => _session.Mailbox.AskAsync(async () =>
    {
        await StartNextAsync();
        return true;
    });

    /// <summary>Stops the running turn, when it is the one meant, and the queue too when asked.</summary>
    public Task<SessionInfo> CancelAsync(bool clearQueue, Guid? meant)
    {
        _ends.AskStop(meant ?? _session.Turn?.TurnId); // what is about to begin sees it at once
        return _session.Mailbox.AskAsync(async () =>
        {
            if (clearQueue)
            {
                await _queue.ClearAsync();
            }

            await StopTurnAsync(meant);
            return Refresh();
        });
    }

    /// <summary>Ends the process and leaves a running turn interrupted, resumable.</summary>
    public async Task StopAsync(string reason)
    {
        await _session.Mailbox.AskAsync(async () =>
        {
            _session.Stop();
            await _host.EndProcessAsync();
            await _jobs.EndAllAsync("the machine");
            if (_session.Turn is not null)
            {
                await EndTurnAsync(TurnState.Interrupted, reason);
            }

            return true;
        });
        _session.Mailbox.Complete();
        await _loop;
    }

    public async ValueTask DisposeAsync()
    {
        _session.Mailbox.Complete();
        await _loop;
        await _host.DisposeAsync();
        await _jobs.EndAllAsync("the end of the session");
        _session.Live.Dispose();
        _watchdog.Dispose();
    }

    bool IRunningWork.HoldsAgent => !_gate.IsEmpty || _commands.IsBusy;

    bool IRunningWork.HasJobs => _jobs.Running.Any();

    Task IRunningWork.StopAsync(string requestId)
    {
        _jobs.StopWaiting(requestId);
        return _commands.StopAsync(requestId);
    }

    void IRunningWork.StopJobOf(Guid approvalId) => _jobs.StopJobOf(approvalId);

    void ITurnControl.StartNextSoon() => _session.Mailbox.Later(StartNextAsync);

    Task ITurnControl.BeginAsync() => BeginTurnAsync();

    Task ITurnControl.EndAsync(TurnState outcome, string? error, AgentUsage? usage, bool queueGoesOn)
        => EndTurnAsync(outcome, error, usage, queueGoesOn);

    Task ITurnControl.FailAsync(Guid turn, string why)
    {
        _failure = why;
        return StopTurnAsync(turn);
    }

    Task ITurnControl.InterruptAsync(Guid turn) => InterruptAsync(turn);

    Task IAgentListener.StartedAsync()
        => _session.Turn is null ? Task.CompletedTask
            : _session.Cancelling ? EndTurnAsync(TurnState.Cancelled, null)
            : PromptAsync();

    Task IAgentListener.EndedAsync(AgentEnded ended) => _host.EndedAsync(ended);

    Task IAgentListener.HearAsync(AgentEvent said) => _events.HearAsync(said);

    Task IAgentListener.TakeUpAsync(AgentEvent said) => _events.TakeUpOrFailAsync(said);

    Task IAgentListener.CouldNotHearAsync(AgentEvent said, Exception error) => _events.CouldNotHearAsync(said, error);

    private async Task StartNextAsync()
    {
        if (_session.Turn is not null || _session.Record.Held || _session.Stopping || _session.IsInTerminal)
        {
            _host.Rest();
            return;
        }

        (TurnInfo Turn, SessionRecord Record)? next;
        try
        {
            next = await _queue.TakeNextAsync();
        }
        catch (LedgerException e) when (SessionContext.Passes(e))
        {
            _session.TryAgain(StartNextAsync, e);
            return;
        }

        if (next is not { } begun)
        {
            _host.Rest();
            return;
        }

        _host.Work();
        _session.BeginTurn(begun.Turn, begun.Record);
        _watchdog.Begin();
        if (!await _confirmation.AskAsync())
        {
            await BeginTurnAsync();
        }
    }

    private async Task BeginTurnAsync()
    {
        if (_host.Agent is { } stale && stale.IsStale())
        {
            await _host.EndProcessAsync(); // its login ran out or was renewed, which only another start takes up
        }

        if (_host.Agent is not null)
        {
            await PromptAsync();
        }
        else
        {
            _host.Start();
        }
    }

    private async Task PromptAsync()
    {
        try
        {
            _session.Activity = "thinking";
            _watch.Started();
            await _host.RecordStartAsync();
            await _host.PromptAsync(await _prompts.ComposeAsync());
            await _secrets.NoteAsync(_session.Turn?.Content ?? "");
        }
        catch (Exception e)
        {
            _session.LogUnlessForeseen(e); // whatever it is, the agent has no prompt: then the turn ends and says why
            await _host.EndProcessAsync();
            await EndTurnAsync(TurnState.Failed, e.Message);
        }
    }

    /// <summary>Stops the running turn, when it is the one meant; null: whichever runs. Its end comes when the agent stopped.</summary>
    private async Task StopTurnAsync(Guid? meant)
    {
        if (_session.Turn is { } running && !_session.Cancelling && (meant ?? running.TurnId) == running.TurnId)
        {
            _session.CancelTurn();
            DropRequests(running.TurnId);
            await StopCallsAsync();
            // stopping works always; the turn's end closes them
            await _session.UnlessFailedAsync(
                () => _session.Services.Approvals.CloseTurnAsync(_session.SessionId, running.TurnId, "stopped", alsoRunning: false));
            await InterruptAsync(running.TurnId);
        }
    }

    private async Task InterruptAsync(Guid turn)
    {
        if (_confirmation.IsOpenFor(turn))
        {
            // the agent never heard of it
            _session.Mailbox.Later(() => _confirmation.IsOpenFor(turn) ? EndTurnAsync(TurnState.Cancelled, null) : Task.CompletedTask);
        }
        else
        {
            await _host.InterruptAsync(turn);
        }
    }

    private void DropRequests(Guid turn)
    {
        _gate.Drop(turn);
        _hosts.EndTurn();
    }

    private Task StopCallsAsync()
    {
        _jobs.StopWaiting();
        return _commands.StopAllAsync();
    }

    /// <param name="queueGoesOn">Whatever the outcome: a person said so.</param>
    private async Task EndTurnAsync(TurnState outcome, string? error, AgentUsage? usage = null, bool queueGoesOn = false)
    {
        await StopCallsAsync();
        error = _access.WithKeyAdvice(outcome, error, isOurs: _failure is not null);
        (outcome, error) = _failure is { } why ? (TurnState.Failed, why) : (outcome, error);
        var turn = _session.Turn!;
        DropRequests(turn.TurnId);
        try
        {
            await _commands.RecordEndedAsync(); // what really ended before it is closed as unknown
            var ended = new EndedTurn(turn, outcome, error, usage, queueGoesOn, _queue.Count);
            var (record, closed) = await _session.Store.WriteAsync(
                change => ended.Record(change, _session, id => _jobs.Running.Any(j => j.ApprovalId == id)));
            _session.Services.Approvals.Forget(closed);
            _session.Replace(record);
        }
        catch (LedgerException e) when (SessionContext.Passes(e))
        {
            // As long as its end can't be recorded, the turn is not over: nothing else begins, and the end is tried again.
            _session.TryAgain(() => _session.Turn?.TurnId == turn.TurnId ? EndTurnAsync(outcome, error, usage, queueGoesOn)
                : Task.CompletedTask, e);
            return;
        }

        _guards.EndTurn(turn.TurnId);
        _cover.EndTurn(turn.TurnId);
        _session.EndTurn();
        _confirmation.EndTurn();
        _calls.Clear();
        _commands.EndTurn();
        _ends.TurnOver();
        _watchdog.End();
        _failure = null;
        _session.Mailbox.Later(StartNextAsync);
    }

    private SessionInfo Refresh()
    {
        _watchdog.NoteWaiting();
        if (_gate.WaitsForPerson && _session.Record.Marks.SnoozedUntil is not null)
        {
            _session.Mailbox.Later(_marking.WakeAsync);
        }

        var info = BuildInfo();
        if (info != _info)
        {
            Volatile.Write(ref _info, info);
            _session.Store.Announce(new SessionChanged(info with { Head = _session.Stream.Head }));
        }

        return info;
    }

    private SessionInfo BuildInfo()
    {
        var waits = _gate.WaitsForPerson;
        var quiet = _watchdog.Quiet;
        return new SessionInfo(
            _session.SessionId,
            _session.Record.ProjectId,
            _session.Record.Agent,
            _session.Record.Title,
            waits ? SessionState.NeedsYou : _session.Turn is not null ? SessionState.Working : _session.Record.Failed ? SessionState.Failed
                : SessionState.Idle,
            _session.IsInTerminal ? "open in a terminal" : waits ? "waiting for you" : _session.Cancelling
                && _session.Turn is not null ? "stopping" : SilenceText.Of(quiet) ?? _session.Activity,
            _session.Record.Mode,
            _session.Record.Model,
            _session.Record.Sandbox,
            _queue.Count,
            _session.Record.Held && _queue.Count > 0,
            _session.Record.Archived,
            _session.Record.CreatedAt,
            _session.Record.UpdatedAt,
            _session.Driver.Description.Usage ? _session.Record.Usage : _session.Services.Models.UsageOf(_session.SessionId)
                ?? _session.Record.Usage,
            0,
            _access.Access)
        {
            InTerminal = _session.IsInTerminal,
            Folder = _session.Record.Folder,
            Effort = _session.Record.Prompting.Effort,
            Context = _session.Record.Prompting.Context,
            Quiet = quiet,
            ActivitySince = _session.ActivitySince,
            LastLine = _session.LastLine,
            Changes = _session.Changes,
            Pinned = _session.Record.Marks.Pinned,
            Labels = _session.Record.Marks.Labels,
            SnoozedUntil = waits ? null : _session.Record.Marks.SnoozedUntil,
            Unread = _marking.Unread,
        };
    }
}
