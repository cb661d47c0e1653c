using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using PocketCoder.Agents;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Attachments;
using PocketCoder.Machine.Brains;
using PocketCoder.Machine.Chain;
using PocketCoder.Machine.Conversations;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Executions.Archive;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Secrets;
using PocketCoder.Machine.Sessions.Forks;
using PocketCoder.Machine.Sessions.Prompting;
using PocketCoder.Machine.Sessions.Warming;
using PocketCoder.Machine.Sessions.Watching;
using PocketCoder.Machine.Snapshots;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>
/// One session: its queue, its agent process and its transcript. Everything happens on one reader of one bounded mailbox,
/// so nothing here is locked. Public members may be called from any thread; they queue and return when their turn came.
/// </summary>
internal sealed partial class SessionActor : IAsyncDisposable
{
    /// <summary>How long to wait before something that could not be written is tried again.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly Channel<Func<Task>> _mailbox = Channel.CreateBounded<Func<Task>>(new BoundedChannelOptions(256) { SingleReader = true });
    private readonly SessionServices _services;
    private readonly IAgentDriver _driver;
    private readonly string _directory;
    private readonly SessionStream _stream;
    private readonly Task _loop;
    private readonly Dictionary<string, Asked> _asked = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RunningTool> _tools = new(StringComparer.Ordinal);
    private readonly ITimer _idle;

    private SessionRecord _record;
    private TurnInfo? _turn;
    private Running? _process;
    private CancellationTokenSource? _starting;
    private int _generation;
    private int _queued;
    private bool _cancelling;
    private bool _stopping;
    private string? _activity;
    private SessionInfo _info;

    public SessionActor(SessionServices services, IAgentDriver driver, string directory, SessionRecord record, SessionStream stream, int queued)
    {
        (_services, _driver, _directory, _record, _stream, _queued) = (services, driver, directory, record, stream, queued);
        _info = BuildInfo();
        _idle = services.Time.CreateTimer(_ => _mailbox.Writer.TryWrite(StopIdleProcessAsync), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _loop = RunAsync();
    }

    private Store Store => _services.Store;

    /// <summary>The session as it is now.</summary>
    public SessionInfo Info
    {
        get
        {
            var info = Volatile.Read(ref _info) with { Head = _stream.Head };
            return StopIsAsked ? info with { Activity = "stopping" } : info;
        }
    }

    /// <summary>Takes a prompt into the queue, once: the same id again returns the same turn.</summary>
    /// <exception cref="RequestFailure">DAEMON_BUSY, CONFLICT; for attachments FILE_NOT_FOUND, FILE_TOO_LARGE, INVALID_REQUEST</exception>
    public Task<TurnInfo> EnqueueAsync(Guid promptId, string content, string? deviceId, IReadOnlyList<Guid>? attachments = null) => AskAsync(async () =>
    {
        var record = _record;
        var (turn, added) = await Store.WriteAsync(change =>
        {
            if (SessionRows.FindTurn(change, promptId) is { } known)
            {
                return known.Session == _record.SessionId
                    ? (known.Turn, false)
                    : throw new RequestFailure(ErrorCode.Conflict, "This prompt id belongs to another session.");
            }

            RequireRoomInQueue();
            var queued = SessionRows.Enqueue(change, _record.SessionId, promptId, content, deviceId, AttachmentRows.Claim(change, _record.SessionId, attachments, deviceId, _driver.Description.Images));
            record = SessionRows.Update(change, _record with { Held = false, Archived = false });
            return (queued, true);
        });
        if (added)
        {
            _record = record;
            _queued++;
            Later(StartNextAsync);
        }

        return turn;
    });

    /// <summary>Starts what waits in the queue, after a restart.</summary>
    public Task ResumeQueueAsync() => AskAsync(async () =>
    {
        await StartNextAsync();
        return true;
    });

    /// <exception cref="RequestFailure">TURN_NOT_FOUND when it is not queued any more</exception>
    public Task<TurnInfo> EditQueuedAsync(Guid promptId, string content) => ChangeQueuedAsync(promptId, turn => turn with { Content = content });

    /// <exception cref="RequestFailure">TURN_NOT_FOUND when it is not queued any more</exception>
    public Task<TurnInfo> RemoveQueuedAsync(Guid promptId)
        => ChangeQueuedAsync(promptId, turn => turn with { State = TurnState.Cancelled, FinishedAt = Store.Now });

    /// <summary>Stops the running turn, when it is the one meant, and the queue too when asked.</summary>
    public Task<SessionInfo> CancelAsync(bool clearQueue, Guid? meant)
    {
        _stopAsked = (meant ?? Volatile.Read(ref _turn)?.TurnId)?.ToString(); // what is about to begin sees it at once
        return AskAsync(() => StopTurnAsync(clearQueue, meant));
    }

    private async Task<SessionInfo> StopTurnAsync(bool clearQueue, Guid? meant)
    {
        if (clearQueue)
        {
            await Store.WriteAsync(change =>
            {
                foreach (var turn in SessionRows.Queued(change, _record.SessionId))
                {
                    SessionRows.UpdateTurn(change, _record.SessionId, turn with { State = TurnState.Cancelled, FinishedAt = change.Now });
                }
            });
            _queued = 0;
        }

        if (_turn is { } running && !_cancelling && (meant ?? running.TurnId) == running.TurnId)
        {
            _cancelling = true;
            DropAsked(running.TurnId);
            await StopExecutionsAsync();
            await UnlessFullAsync(_services.Approvals.CloseTurnAsync(_record.SessionId, running.TurnId, "stopped", alsoRunning: false)); // stopping works always; the turn's end closes them
            await InterruptAsync(running.TurnId);
        }

        return Refresh();
    }

    /// <summary>Changes title, mode, model, effort, archived, held: what is given.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST, CONFLICT</exception>
    public Task<SessionInfo> SetAsync(AgentSessionSetRequest request) => AskAsync(async () =>
    {
        if (request.Mode is { } mode && !_driver.Description.Modes.Contains(mode, StringComparer.Ordinal))
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"{_driver.Description.Name} has no mode {mode}. It has: {string.Join(", ", _driver.Description.Modes)}.");
        }

        if (request.Model is not null && !_driver.Description.Models)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"{_driver.Description.Name} has one model only.");
        }

        SessionDirectory.RequireEffort(_driver.Description, Chosen(request.Effort), _process is null ? null : _efforts);
        if (request.Archived == true && _turn is not null)
        {
            throw new RequestFailure(ErrorCode.Conflict, "The session works. Stop it first.");
        }

        if (request.Archived == true)
        {
            await EndJobsAsync("the end of the session");
        }

        if (_process is { } process)
        {
            if (request.Mode is not null)
            {
                await process.Agent.SetModeAsync(request.Mode, CancellationToken.None);
            }

            if (request.Model is not null)
            {
                await process.Agent.SetModelAsync(Chosen(request.Model), CancellationToken.None);
            }

            if (request.Effort is not null)
            {
                await process.Agent.SetEffortAsync(Chosen(request.Effort), CancellationToken.None);
            }
        }

        await SaveAsync(record => record with
        {
            Title = request.Title ?? record.Title,
            Mode = request.Mode ?? record.Mode,
            Model = request.Model is { } model ? Chosen(model) : record.Model,
            Archived = request.Archived ?? record.Archived,
            Held = request.Held ?? record.Held,
            Prompting = record.Prompting with { Effort = request.Effort is { } effort ? Chosen(effort) : record.Prompting.Effort, Renamed = record.Prompting.Renamed || request.Title is not null },
        });
        if (request.Held == false)
        {
            Later(StartNextAsync);
        }

        return Refresh();
    });

    /// <summary>A person or the clock settled an approval of this session.</summary>
    public void Settle(ApprovalInfo approval, AgentPromptResponseRequest? decision) => _ = CoverAndAnswerAsync(approval, decision);

    /// <summary>Ends the process and leaves a running turn interrupted, resumable.</summary>
    public async Task StopAsync(string reason)
    {
        await AskAsync(async () =>
        {
            _stopping = true;
            await EndProcessAsync();
            await EndJobsAsync("the machine");
            if (_turn is not null)
            {
                await EndTurnAsync(TurnState.Interrupted, reason, null);
            }

            return true;
        });
        _mailbox.Writer.TryComplete();
        await _loop;
    }

    public async ValueTask DisposeAsync()
    {
        _mailbox.Writer.TryComplete();
        await _loop;
        await EndProcessAsync();
        await EndJobsAsync("the end of the session");
        await _idle.DisposeAsync();
        _look?.Dispose();
    }

    private async Task RunAsync()
    {
        await foreach (var step in _mailbox.Reader.ReadAllAsync())
        {
            try
            {
                await step();
                Refresh();
            }
            catch (Exception e)
            {
                // A session must outlive any one failure; callers with a question got theirs through their own task.
                Log.StepFailed(_services.Logger, _record.SessionId, e);
            }
        }
    }

    private async Task<T> AskAsync<T>(Func<Task<T>> work)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await _mailbox.Writer.WriteAsync(async () =>
            {
                try
                {
                    answer.SetResult(await work());
                }
                catch (Exception e)
                {
                    answer.SetException(e);
                }
            });
        }
        catch (ChannelClosedException)
        {
            throw new RequestFailure(ErrorCode.Unavailable, "The machine is stopping. Try again when it is back.");
        }

        return await answer.Task;
    }

    /// <summary>Does something after the current step, without making the caller wait.</summary>
    private void Later(Func<Task> work) => _ = _mailbox.Writer.WriteAsync(work).AsTask();

    private Task<TurnInfo> ChangeQueuedAsync(Guid promptId, Func<TurnInfo, TurnInfo> edit) => AskAsync(async () =>
    {
        var turn = await Store.WriteAsync(change =>
            SessionRows.FindTurn(change, promptId) is { } found && found.Session == _record.SessionId && found.Turn.State == TurnState.Queued
                ? SessionRows.UpdateTurn(change, _record.SessionId, edit(found.Turn))
                : throw new RequestFailure(ErrorCode.TurnNotFound, "This prompt does not wait in the queue any more."));
        _queued -= turn.State == TurnState.Queued ? 0 : 1;
        return turn;
    });

    private async Task StartNextAsync()
    {
        if (_turn is not null || _record.Held || _stopping || IsInTerminal)
        {
            Rest();
            return;
        }

        var record = _record;
        TurnInfo? next;
        try
        {
            next = await Store.WriteAsync(change =>
            {
                if (SessionRows.Queued(change, _record.SessionId) is not [var first, ..])
                {
                    return null;
                }

                record = SessionRows.Update(change, _record with { Failed = false });
                return SessionRows.UpdateTurn(change, _record.SessionId, first with { State = TurnState.Running, StartedAt = change.Now });
            });
        }
        catch (LedgerException e) when (Passes(e))
        {
            TryAgain(StartNextAsync, e);
            return;
        }

        if (next is null)
        {
            Rest();
            return;
        }

        _queued--;
        Work();
        (_turn, _record, _cancelling, _activity, _mark) = (next, record, false, "starting", null);
        BeginWatch();
        if (!await AskFirstAsync())
        {
            await BeginTurnAsync();
        }
    }

    private async Task BeginTurnAsync()
    {
        if (_process is { Agent: StartedAgent stale } && stale.IsStale())
        {
            await EndProcessAsync(); // its login ran out or was renewed, which only another start takes up
        }

        if (_process is not null)
        {
            await PromptAsync();
        }
        else if (_starting is null)
        {
            BeginStart();
        }
    }

    private async Task PromptAsync()
    {
        try
        {
            _activity = "thinking";
            _watch?.Started();
            await TakeUpAheadAsync();
            await _process!.Agent.PromptAsync(await PromptForAgentAsync(), CancellationToken.None);
        }
        catch (Exception e) when (e is AgentException or IOException or InvalidOperationException)
        {
            await EndProcessAsync();
            await EndTurnAsync(TurnState.Failed, e.Message, null);
        }
    }

    /// <param name="queueGoesOn">Whatever the outcome: a person said so.</param>
    private async Task EndTurnAsync(TurnState outcome, string? error, AgentUsage? usage, bool queueGoesOn = false)
    {
        await StopExecutionsAsync();
        (outcome, error) = Overruled(outcome, error);
        var turn = _turn!;
        DropAsked(turn.TurnId);
        try
        {
            var (record, closed) = await Store.WriteAsync(change => EndTurn(change, turn, outcome, error, usage, queueGoesOn));
            _services.Approvals.Forget(closed);
            _record = record;
        }
        catch (LedgerException e) when (Passes(e))
        {
            // As long as its end can't be recorded, the turn is not over: nothing else begins, and the end is tried again.
            TryAgain(() => _turn?.TurnId == turn.TurnId ? EndTurnAsync(outcome, error, usage, queueGoesOn) : Task.CompletedTask, e);
            return;
        }

        Uncover(turn.TurnId);
        _turn = null;
        _unconfirmed = null;
        _activity = null;
        _tools.Clear();
        EndHeard();
        EndWatch();
        Later(StartNextAsync);
    }

    /// <summary>Everything that the end of a turn is, as one change.</summary>
    private (SessionRecord Record, IReadOnlyList<ApprovalInfo> Closed) EndTurn(Change change, TurnInfo turn, TurnState outcome, string? error, AgentUsage? usage, bool queueGoesOn)
    {
        var closed = ApprovalDesk.CloseTurn(change, _record.SessionId, turn.TurnId, outcome == TurnState.Cancelled ? "stopped" : "turn ended", alsoRunning: true, id => RunningJobs.Any(j => j.ApprovalId == id));
        foreach (var block in _stream.OpenBlocks().Where(b => b.Kind != DeltaKind.Output))
        {
            // What was written of an unfinished answer is kept.
            change.Event(_record.SessionId, block.Kind == DeltaKind.Text
                ? new TextEvent(block.BlockId, block.Text) { At = change.Now, TurnId = turn.TurnId, ParentToolUseId = block.Parent }
                : new ThinkingEvent(block.BlockId, block.Text) { At = change.Now, TurnId = turn.TurnId, ParentToolUseId = block.Parent });
        }

        var record = _record with { Failed = outcome is TurnState.Failed or TurnState.Interrupted, Held = (_record.Held || (outcome != TurnState.Completed && !queueGoesOn)) && _queued > 0 };
        if (usage is not null)
        {
            var own = EventTranslator.Usage(usage);
            record = record with { Usage = EventTranslator.Add(record.Usage, own) };
            change.Event(_record.SessionId, new UsageEvent(own, record.Usage) { At = change.Now, TurnId = turn.TurnId });
        }

        if (outcome == TurnState.Failed)
        {
            change.Event(_record.SessionId, new ErrorEvent(error ?? "The agent failed and did not say why.") { At = change.Now, TurnId = turn.TurnId });
        }

        if (outcome == TurnState.Interrupted)
        {
            change.Ledger(new LedgerEntry(LedgerKind.TurnInterrupted)
            {
                SessionId = _record.SessionId.ToString(),
                TurnId = turn.TurnId.ToString(),
                Data = new InterruptedData(error ?? "interrupted").ToJson(),
            });
        }

        change.Execute("DELETE FROM grants WHERE turn_id = $turn", ("$turn", turn.TurnId.ToString()));
        ForkRows.SetMark(change, turn.TurnId, _mark);
        SessionRows.UpdateTurn(change, _record.SessionId, turn with { State = outcome, Error = error, FinishedAt = change.Now });
        change.Event(_record.SessionId, new DoneEvent(outcome, outcome == TurnState.Cancelled) { At = change.Now, TurnId = turn.TurnId });
        return (SessionRows.Update(change, record), closed);
    }

    /// <summary>Whether a failed write may succeed later: the disk is full, or can't be written just now. Nothing of it was kept.</summary>
    private static bool Passes(LedgerException e) => e.Error is LedgerError.DiskFull or LedgerError.Io or LedgerError.Busy or LedgerError.ReadOnly;

    /// <summary>For a write that nothing depends on: when the ledger can't be written, the log says so, and the step goes on.</summary>
    private async Task UnlessFullAsync(Task write)
    {
        try
        {
            await write;
        }
        catch (LedgerException e) when (Passes(e))
        {
            Log.CannotRecord(_services.Logger, _record.SessionId, e.Message);
        }
    }

    /// <summary>Does a step again a little later, because the ledger could not be written.</summary>
    private void TryAgain(Func<Task> step, LedgerException why)
    {
        Log.CannotRecord(_services.Logger, _record.SessionId, why.Message);
        _activity = "waiting: the machine can't write its ledger";
        if (!_stopping)
        {
            _ = AgainAsync();
        }

        async Task AgainAsync()
        {
            await Task.Delay(RetryAfter, _services.Time);
            Later(step);
        }
    }

    private async Task SaveAsync(Func<SessionRecord, SessionRecord> edit)
        => _record = await Store.WriteAsync(change => SessionRows.Update(change, edit(_record)));

    private async Task NoteAsync(NoticeLevel level, string text)
        => await Store.WriteAsync(change => change.Event(_record.SessionId, new NoticeEvent(level, text) { At = change.Now, TurnId = _turn?.TurnId }));

    private SessionInfo Refresh()
    {
        _watch?.Waits(WaitsForPerson);
        var info = BuildInfo();
        if (info != _info)
        {
            Volatile.Write(ref _info, info);
            Store.Announce(new SessionChanged(info with { Head = _stream.Head }));
        }

        return info;
    }

    private SessionInfo BuildInfo()
    {
        var waits = WaitsForPerson;
        var quiet = Quiet;
        return new SessionInfo(
            _record.SessionId,
            _record.ProjectId,
            _record.Agent,
            _record.Title,
            waits ? SessionState.NeedsYou : _turn is not null ? SessionState.Working : _record.Failed ? SessionState.Failed : SessionState.Idle,
            IsInTerminal ? "open in a terminal" : waits ? "waiting for you" : _cancelling && _turn is not null ? "stopping" : QuietWords.Of(quiet) ?? _activity,
            _record.Mode,
            _record.Model,
            _record.Sandbox,
            _queued,
            _record.Held && _queued > 0,
            _record.Archived,
            _record.CreatedAt,
            _record.UpdatedAt,
            _driver.Description.Usage ? _record.Usage : _services.Models.UsageOf(_record.SessionId) ?? _record.Usage,
            0,
            _models)
        {
            InTerminal = IsInTerminal,
            Effort = _record.Prompting.Effort,
            Context = _record.Prompting.Context,
            Quiet = quiet,
        };
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 301, Level = LogLevel.Error, Message = "session {Session}: a step failed")]
        public static partial void StepFailed(ILogger logger, Guid session, Exception error);

        [LoggerMessage(EventId = 304, Level = LogLevel.Warning, Message = "session {Session}: something can't be recorded: {Why}")]
        public static partial void CannotRecord(ILogger logger, Guid session, string why);

        [LoggerMessage(EventId = 302, Level = LogLevel.Information, Message = "session {Session}: {Agent} started, pid {Pid}")]
        public static partial void Started(ILogger logger, Guid session, string agent, int? pid);

        [LoggerMessage(EventId = 303, Level = LogLevel.Information, Message = "session {Session}: {Agent} ended: {Reason}")]
        public static partial void Ended(ILogger logger, Guid session, string agent, string reason);
    }
}

/// <summary>What every session needs from the machine.</summary>
internal sealed record SessionServices(
    Store Store, ApprovalDesk Approvals, HandsRoom Hands, AgentStarter Agents, ModelDesk Models, SecretDesk Secrets, SnapshotRoom Snapshots, TimeProvider Time, ILogger Logger)
{
    /// <summary>What commands wrote and agents sent.</summary>
    public required SessionArchive Archive { get; init; }

    /// <summary>What people sent.</summary>
    public required AttachmentRoom Attachments { get; init; }

    /// <summary>Terminals that go on with a session's conversation.</summary>
    public required TerminalHolds Holds { get; init; }

    /// <summary>What was begun in a terminal.</summary>
    public required ConversationDesk Conversations { get; init; }

    /// <summary>Where the models that agents tell are remembered, for those who choose one.</summary>
    public KnownModels KnownModels { get; init; } = new();

    /// <summary>What the machine keeps of agents without work.</summary>
    public required WarmPool Warm { get; init; }

    /// <summary>How long a turn may go on without getting anywhere.</summary>
    public TurnLimits Limits { get; init; } = TurnLimits.Default;

    /// <summary>Bytes of each output that an agent gets.</summary>
    public int OutputLimit { get; init; } = PocketCoder.Hands.CommandSpool.DefaultLimit;
}
