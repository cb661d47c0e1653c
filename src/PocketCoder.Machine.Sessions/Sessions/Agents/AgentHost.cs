using System.Threading.Channels;
using PocketCoder.Agents;
using PocketCoder.Ledger;
using PocketCoder.Machine.AgentSandboxes;
using PocketCoder.Machine.Conversations;
using PocketCoder.Machine.Files;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Sessions.Forks;
using PocketCoder.Machine.Sessions.Live;
using PocketCoder.Machine.Sessions.Tools;
using PocketCoder.Machine.Sessions.Turns;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Agents;

/// <summary>
/// The agent's process: started for a prompt or ahead of one, told and interrupted, kept for a while without work, ended. On the mailbox
/// only.
/// </summary>
internal sealed class AgentHost : IAsyncDisposable
{
    /// <summary>How long an agent may take to end a turn after it was asked to stop; then it is killed.</summary>
    private static readonly TimeSpan s_stopLimit = TimeSpan.FromSeconds(10);

    /// <summary>What an agent may say before its first prompt; with more it is ended.</summary>
    private const int UnsaidLimit = 64;

    private readonly SessionContext _session;
    private readonly AgentFeed _feed;
    private readonly ModelAccessNotes _access;
    private readonly RepositoryNotes _repository;
    private readonly IAgentListener _listener;
    private readonly ITurnControl _turn;
    private readonly IRunningWork _work;
    private readonly ITimer _idle;
    private Running? _process;
    private CancellationTokenSource? _starting;
    private IDisposable? _secrets;

    /// <summary>The process that nobody prompted yet.</summary>
    private Ahead? _ahead;

    /// <summary>The start that is under way is, or was when it began, for no turn.</summary>
    private bool _startingAhead;

    /// <summary>It could not be started ahead: not tried again before a turn.</summary>
    private bool _aheadFailed;

    private DateTimeOffset _keptUntil;

    public AgentHost(
        SessionContext session, AgentFeed feed, ModelAccessNotes access, RepositoryNotes repository, IAgentListener listener,
        ITurnControl turn, IRunningWork work)
    {
        (_session, _feed, _access, _repository) = (session, feed, access, repository);
        (_listener, _turn, _work) = (listener, turn, work);
        _idle = session.Services.Time.CreateTimer(
            _ => session.Mailbox.TryWrite(StopIdleProcessAsync), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The process; null: none runs.</summary>
    public StartedAgent? Agent => _process?.Agent;

    /// <inheritdoc cref="AgentFeed.Generation"/>
    public int Generation => _feed.Generation;

    public bool IsStarting => _starting is not null;

    /// <summary>Whether the process went on with a conversation.</summary>
    public bool Resumed => _process is { Resumed: true };

    private sealed record Running(StartedAgent Agent, bool Resumed, LiveSource Voice, Task Forwarding);

    /// <summary>
    /// A process before its first prompt. That it runs, and what it says, is written down with the prompt; without one nothing happened.
    /// </summary>
    private sealed record Ahead(StartedAgent Agent)
    {
        public List<AgentEvent> Unsaid { get; } = [];
    }

    /// <summary>
    /// Somebody is about to prompt: starts the agent, when nothing has to be asked, decided or waited for, within the machine's bounds.
    /// </summary>
    /// <param name="opened">Somebody only looks at the session: no other agent ends for it.</param>
    /// <param name="isQueueEmpty">Whether no prompt waits.</param>
    /// <returns>Whether its process runs or is being started.</returns>
    public Task<bool> WarmAsync(bool opened, Func<bool> isQueueEmpty) => _session.Mailbox.AskAsync(() =>
    {
        if (opened && _process is not null)
        {
            return Task.FromResult(true); // kept as long as it is anyway
        }

        if (_process is not null && _session.Turn is null)
        {
            Rest(again: true);
        }
        else if (isQueueEmpty() && MayStartAhead && _session.Services.Warm.TryReserve(_session.SessionId, EndResting, onlyFree: opened))
        {
            BeginStart(ahead: true);
        }

        return Task.FromResult(_process is not null || _starting is not null);
    });

    /// <summary>Starts the agent for the running turn, unless it is being started.</summary>
    public void Start()
    {
        if (_starting is null)
        {
            BeginStart();
        }
    }

    /// <summary>Gives the agent its prompt.</summary>
    public ValueTask PromptAsync(AgentPrompt prompt) => _process!.Agent.PromptAsync(prompt, CancellationToken.None);

    /// <summary>Its first prompt comes: what was held back until then is written down first.</summary>
    /// <exception cref="AgentException">Its start can't be recorded.</exception>
    public async Task RecordStartAsync()
    {
        if (_ahead is not { } ahead)
        {
            return;
        }

        try
        {
            await ahead.Agent.Record();
        }
        catch (LedgerException e)
        {
            throw new AgentException(AgentError.FailedToStart, $"{_session.Driver.Description.Name} could not be started: {e.Message}", e);
        }

        _ahead = null;
        await _access.NoteAsync(ahead.Agent.Access, ahead.Agent.KeyName);
        await _repository.NoteAsync(Resumed);
        if (Resumed)
        {
            await _session.UnlessFullAsync(
                _session.NoteAsync(NoticeLevel.Info, $"{_session.Driver.Description.Name} resumed the conversation."));
        }

        foreach (var said in ahead.Unsaid)
        {
            await _feed.HearAsync(said, _feed.Generation);
        }
    }

    /// <summary>False: it could not be told, and its turn is over for that or soon will be.</summary>
    public async Task<bool> TellAsync(string requestId, AgentAnswer answer)
    {
        if (_process is not { } process)
        {
            return false;
        }

        if (answer is AgentAnswer.HostResult result)
        {
            answer = result with { Text = _session.Services.Secrets.Redactor.Redact(result.Text) };
        }

        try
        {
            _session.Seam("tell");
            await process.Agent.AnswerAsync(requestId, answer, CancellationToken.None);
            return true;
        }
        catch (Exception e) when (e is IOException or AgentException or ObjectDisposedException)
        {
            // The process is going down; its end comes as an event and closes the turn. If it does not, the turn ends without it.
            SessionLog.Ended(_session.Services.Logger, _session.SessionId, _session.Record.Agent, e.Message);
            EndUnlessHeard(process, e);
        }
        catch (Exception e)
        {
            await UnansweredAsync(process, e);
        }

        return false;
    }

    /// <summary>
    /// Tells the agent to stop working; one that is only being started is not started. What does not stop in time is ended.
    /// </summary>
    public async Task InterruptAsync(Guid turnId)
    {
        if (_process is not { } process)
        {
            // It did not start yet: stop starting it.
            if (_starting is { } starting)
            {
                await starting.CancelAsync();
            }

            return;
        }

        var limit = _session.Services.Time.CreateTimer(
            _ => _session.Mailbox.Later(() => KillAsync(turnId)), null, s_stopLimit, Timeout.InfiniteTimeSpan);
        process.Forwarding.ContinueWith(_ => limit.Dispose(), TaskScheduler.Default).Observed(_session.Services.Logger, "ending a timer");
        try
        {
            await process.Agent.InterruptAsync(CancellationToken.None);
        }
        catch (Exception e)
        {
            _session.LogUnlessForeseen(e);
            await KillAsync(turnId);
        }
    }

    /// <summary>The agent has no work: its process is kept for a while, within the machine's bounds.</summary>
    /// <param name="again">It had none before either, but somebody is about to prompt.</param>
    public void Rest(bool again = false)
    {
        if (_session.Turn is not null || _process is not { } process)
        {
            return;
        }

        var limits = _session.Services.Warm.Limits;
        var until = _session.Services.Time.GetUtcNow() + (again || _ahead is not null ? limits.IdleAhead : limits.Idle);
        if (!again || until > _keptUntil)
        {
            _keptUntil = until;
            _idle.Change(until - _session.Services.Time.GetUtcNow(), Timeout.InfiniteTimeSpan);
        }

        _session.Services.Warm.Rest(_session.SessionId, process.Agent.Process, EndResting);
    }

    /// <summary>A turn begins.</summary>
    public void Work()
    {
        _idle.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _session.Services.Warm.Leave(_session.SessionId);
        _aheadFailed = false;
    }

    /// <summary>
    /// Keeps what an agent says that was not prompted yet. One that wants something is ended: nobody is to be asked for what nobody began.
    /// </summary>
    public async Task<bool> HoldsBackAsync(AgentEvent said)
    {
        if (_ahead is not { } ahead)
        {
            return false;
        }

        var why = said switch
        {
            AgentEnded ended => ended.Reason,
            AgentApprovalAsked or AgentHostCall or AgentQuestionAsked or AgentPlanProposed =>
                "it requested an action before it got a prompt",
            _ when ahead.Unsaid.Count >= UnsaidLimit => "it wrote too much before it got a prompt",
            _ => null,
        };
        if (why is null)
        {
            ahead.Unsaid.Add(said);
            return true;
        }

        SessionLog.NotAhead(_session.Services.Logger, _session.SessionId, _session.Record.Agent, why);
        await EndProcessAsync();
        return true;
    }

    /// <summary>The process is gone, and with it the turn.</summary>
    public async Task EndedAsync(AgentEnded ended)
    {
        SessionLog.Ended(_session.Services.Logger, _session.SessionId, _session.Record.Agent, ended.Reason);
        await EndProcessAsync();
        if (_session.Turn is not null)
        {
            await _turn.EndAsync(_session.Cancelling ? TurnState.Cancelled : TurnState.Interrupted,
                _session.Cancelling ? null : $"The agent's process ended: {ended.Reason}", null);
        }
    }

    /// <summary>Ends the process, or its start, now.</summary>
    public async Task EndProcessAsync()
    {
        _session.Services.Warm.Leave(_session.SessionId);
        if (_starting is { } starting)
        {
            _starting = null;
            await starting.CancelAsync();
        }

        if (_process is { } process)
        {
            (_process, _ahead) = (null, null);
            _feed.Next();
            _session.Live.Close(process.Voice);
            await process.Agent.DisposeAsync();
            await SealAsync();
            _secrets?.Dispose(); // they open nothing any more
            _secrets = null;
            // a row too many names a process that is gone
            await _session.UnlessFullAsync(_session.Store.WriteAsync(change => ProcessRows.Forget(change, _session.SessionId)));
        }
    }

    /// <summary>Ends a process that has no turn, and its sandbox when nothing else runs in it.</summary>
    public async Task EndIdleAsync()
    {
        await StopIdleProcessAsync();
        await EndProcessAsync(); // one that is only being started
    }

    public async ValueTask DisposeAsync()
    {
        await EndProcessAsync();
        await _idle.DisposeAsync();
    }

    /// <param name="ahead">Of a prompt; nobody waits for it yet.</param>
    private void BeginStart(bool ahead = false)
    {
        _startingAhead = ahead;
        var start = new AgentStart
        {
            SessionId = _session.SessionId,
            ResumeId = _session.Record.NativeId,
            WorkingDirectory = _session.WorkingDirectory,
            ProjectDirectory = _session.Directory,
            Mode = _session.Record.Mode,
            Model = _session.Record.Model,
            Effort = _session.Record.Prompting.Effort,
            HostTools = _session.HostTools,
            HoldsSecrets = SecretReads.IsSecret,
            Mark = OwnedProcess.NewMark(),
        };
        var cancel = _starting = new CancellationTokenSource();
        StartAsync().Observed(_session.Services.Logger, "starting an agent");

        async Task StartAsync()
        {
            try
            {
                // Written down first: a daemon that is killed while the agent starts leaves nothing that its successor can't find.
                await _session.Store.WriteAsync(
                    change => ProcessRows.Remember(change, _session.SessionId, ProcessIdentity.ToCome(start.Mark)));
                _session.RequireFolder(); // what was a folder when the session began may be a link by now
                start = await FromForkAsync(start);
                if (start.ResumeId is null && await _session.Store.ReadAsync(
                    reader => ConversationRows.CopyOf(reader, start.SessionId), cancel.Token) is { } original)
                {
                    start = start with { ResumeId = original, Fork = true, BegunElsewhere = true };
                }

                var agent = await _session.Services.Agents.StartAsync(_session.Driver, start, _session.Record, cancel.Token);
                await HandOverAsync(agent, () => StartedAsync(agent, cancel, start));
            }
            catch (Exception e)
            {
                // Every way a start can fail ends the turn with its reason; a cancelled one was stopped by a person.
                _session.Mailbox.Later(() => StartFailedAsync(e, cancel));
            }
        }
    }

    private async Task StartedAsync(StartedAgent agent, CancellationTokenSource start, AgentStart asked)
    {
        if (_starting != start || _session.Stopping)
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

        var generation = _feed.Next();
        if (agent.Process is { } identity)
        {
            // its mark is written already
            await _session.UnlessFullAsync(_session.Store.WriteAsync(change => ProcessRows.Remember(change, _session.SessionId, identity)));
        }

        _secrets?.Dispose();
        _secrets = _session.Services.Secrets.Know(agent.Secrets); // before it is heard
        SessionLog.Started(_session.Services.Logger, _session.SessionId, _session.Record.Agent, agent.Process?.Pid);
        var voice = new LiveSource();
        _process = new Running(agent, asked.ResumeId is not null, voice, _feed.ForwardAsync(agent, generation, voice));
        _ahead = new Ahead(agent);
        Rest();
        await _listener.StartedAsync();
    }

    private async Task StartFailedAsync(Exception error, CancellationTokenSource start)
    {
        if (_starting != start)
        {
            return;
        }

        _starting = null;
        start.Dispose();
        _session.LogUnlessForeseen(error);
        if (IsOnlyAhead(error))
        {
            return;
        }

        if (error is AgentException { Error: AgentError.NotFound } && _session.Record.NativeId is not null)
        {
            // The agent no longer has the conversation: the next prompt starts a new one, and the person is told.
            // else the next prompt learns the same
            await _session.UnlessFullAsync(_session.SaveAsync(record => record with { NativeId = null }));
            // what it was copied from has gone its own way
            await _session.UnlessFullAsync(_session.Store.WriteAsync(change => ConversationRows.ForgetCopy(change, _session.SessionId)));
            await _turn.EndAsync(TurnState.Failed,
                $"{error.Message} The next prompt starts a new conversation; the agent will not remember this one.", null);
            return;
        }

        await _turn.EndAsync(
            _session.Cancelling ? TurnState.Cancelled : TurnState.Failed,
            _session.Cancelling ? null : error is AgentException ? error.Message
                : $"{_session.Driver.Description.Name} could not be started: {error.Message}",
            null);
    }

    /// <summary>Where the agent of a forked session begins, until it told its own id.</summary>
    private async Task<AgentStart> FromForkAsync(AgentStart start)
        => start.ResumeId is null && await ForkRows.FindAsync(_session.Store, start.SessionId) is { } point ? start with
        { ResumeId = point.NativeId, Fork = true, ForkAt = point.Mark } : start;

    /// <summary>Passes a started agent to the mailbox; when that closed meanwhile, nobody else would end it.</summary>
    private async Task HandOverAsync(StartedAgent agent, Func<Task> step)
    {
        try
        {
            await _session.Mailbox.WriteAsync(step);
        }
        catch (ChannelClosedException)
        {
            await agent.DisposeAsync();
        }
    }

    /// <summary>Whether what was started is what a prompt would get now: what a person chose while it started, it was not told.</summary>
    private bool IsStillWanted(AgentStart asked)
        => (asked.Mode, asked.Model, asked.Effort) == (_session.Record.Mode, _session.Record.Model, _session.Record.Prompting.Effort)
            && (_session.Turn is not null || MayStayAhead);

    private void StartAgain()
    {
        if (_session.Turn is not null)
        {
            BeginStart();
        }
        else
        {
            _session.Services.Warm.Leave(_session.SessionId);
        }
    }

    /// <summary>Whether a start failed that no turn suffers from. A turn that came meanwhile starts it as if there had been none.</summary>
    private bool IsOnlyAhead(Exception error)
    {
        if (_session.Turn is not null && (!_startingAhead || _session.Cancelling))
        {
            return false;
        }

        SessionLog.NotAhead(_session.Services.Logger, _session.SessionId, _session.Record.Agent, error.Message);
        _aheadFailed = true;
        StartAgain();
        return true;
    }

    private bool MayStartAhead => _session.Turn is null && _process is null && _starting is null && !_aheadFailed && MayStayAhead
        && _session.Record is { Failed: false, NativeId: not null } && _session.Driver.Description.Resume
        && Directory.Exists(_session.WorkingDirectory);

    private bool MayStayAhead => !_session.Stopping && !_session.IsInTerminal && _session.Record is { Archived: false, Held: false };

    /// <summary>The machine keeps too many. On any thread; a prompt that came first goes on.</summary>
    private void EndResting(string why) => _session.Mailbox.Later(async () =>
    {
        if (_session.Turn is null && (_process is not null || _starting is not null))
        {
            SessionLog.RestEnds(_session.Services.Logger, _session.SessionId, _session.Record.Agent, why);
            await EndIdleAsync();
        }
    });

    private async Task StopIdleProcessAsync()
    {
        if (_session.Turn is null && _process is not null)
        {
            await EndProcessAsync();
            if (!_work.HasJobs)
            {
                await _session.Services.Sandboxes.EndAsync(_session.SessionId);
            }
        }
    }

    private async Task KillAsync(Guid turnId)
    {
        if (_session.Turn?.TurnId == turnId && _session.Cancelling)
        {
            await EndProcessAsync();
            await _turn.EndAsync(TurnState.Cancelled, null, null);
        }
    }

    /// <summary>A process ended that no turn waits for: what it was just saying is kept. The end of a turn keeps it otherwise.</summary>
    private async Task SealAsync()
    {
        if (_session.Turn is null && _session.Live.HasOpen)
        {
            // it stays on disk as far as it is there, and the next start keeps it
            await _session.UnlessFullAsync(_session.Store.WriteAsync(_session.Live.Seal));
        }
    }

    /// <summary>The agent waits for an answer that can't be given to it: its turn ends, and says why.</summary>
    private async Task UnansweredAsync(Running process, Exception error)
    {
        SessionLog.Unanswered(_session.Services.Logger, _session.SessionId, _session.Record.Agent, error);
        if (_process == process)
        {
            await EndProcessAsync();
            if (_session.Turn is not null)
            {
                await _turn.EndAsync(_session.Cancelling ? TurnState.Cancelled : TurnState.Failed, _session.Cancelling ? null
                    : $"{_session.Driver.Description.Name} could not be told what was decided, because of {_session.Words(error)}.", null);
            }
        }
    }

    /// <summary>An agent that could not be told something and then neither speaks nor ends would wait for ever.</summary>
    private void EndUnlessHeard(Running process, Exception error)
    {
        var (signs, turnId) = (_feed.Signs, _session.Turn?.TurnId);
        LookAgain();

        void LookAgain() => LookAsync().Observed(_session.Services.Logger, "waiting for an agent");

        async Task LookAsync()
        {
            await Task.Delay(s_stopLimit, _session.Services.Time);
            _session.Mailbox.Later(async () =>
            {
                if (_process != process || _session.Turn?.TurnId != turnId || turnId is null)
                {
                    return;
                }

                if (signs != _feed.Signs || _work.HoldsAgent)
                {
                    signs = _feed.Signs;
                    LookAgain();
                    return;
                }

                await UnansweredAsync(process, error);
            });
        }
    }
}
