using System.Collections.Concurrent;
using PocketCoder.Agents;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Attachments;
using PocketCoder.Machine.Chain;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions.Forks;
using PocketCoder.Machine.Sessions.Prompting;
using PocketCoder.Machine.Sessions.Titles;
using PocketCoder.Machine.Storage;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>All sessions of the machine. Thread-safe.</summary>
internal sealed class SessionDirectory(SessionServices services, ProjectStore projects, AgentCatalog agents) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<Guid, SessionActor> _actors = new();
    private readonly SemaphoreSlim _creating = new(1, 1); // guards the making of actors: one session, one actor

    private readonly SemaphoreSlim _forking = new(1, 1); // guards the making of forks: what is in the way of a new one is what a crash left

    public IEnumerable<SessionActor> Actors => _actors.Values;

    private Store Store => services.Store;

    public IReadOnlyList<SessionInfo> List(bool archived = false)
        => [.. _actors.Values.Select(a => a.Info).Where(s => archived || !s.Archived).OrderByDescending(s => s.UpdatedAt)];

    /// <summary>
    /// Brings the tables to the truth after a restart: running turns are interrupted, what waited for a decision has expired, processes
    /// that a killed daemon left behind are ended. Then the sessions live again and go on with what is queued.
    /// </summary>
    public async Task RecoverAsync(CancellationToken cancellationToken)
    {
        // Ended first, forgotten after: a start that is killed in between leaves them to the next one.
        await ProcessGroup.ReapAsync(await Store.ReadAsync(ProcessRows.List, cancellationToken), TimeSpan.FromSeconds(2), services.Time);
        await Store.WriteAsync(change =>
        {
            ApprovalDesk.Recover(change);
            foreach (var (session, turn) in SessionRows.Unfinished(change))
            {
                const string Reason = "The daemon stopped in the middle of this turn.";
                change.Ledger(new LedgerEntry(LedgerKind.TurnInterrupted)
                {
                    SessionId = session.ToString(),
                    TurnId = turn.TurnId.ToString(),
                    Data = new InterruptedData("restart").ToJson(),
                });
                SessionRows.UpdateTurn(change, session, turn with { State = TurnState.Interrupted, Error = Reason, FinishedAt = change.Now });
                change.Event(session, new DoneEvent(TurnState.Interrupted, false) { At = change.Now, TurnId = turn.TurnId });
                change.Execute("DELETE FROM grants WHERE turn_id = $turn", ("$turn", turn.TurnId.ToString()));
                change.Execute(
                    "UPDATE sessions SET failed = 1, held = EXISTS (SELECT 1 FROM turns WHERE session_id = $id AND state = 'queued') WHERE session_id = $id",
                    ("$id", session.ToString()));
            }

            SteerRows.Recover(change);
            ProcessRows.ForgetAll(change);
        });

        var (records, queues) = await Store.ReadAsync(
            connection => (SessionRows.List(connection), SessionRows.QueueLengths(connection).ToDictionary(q => q.Session, q => q.Count)), cancellationToken);
        foreach (var record in records)
        {
            var actor = await MakeAsync(record, queues.GetValueOrDefault(record.SessionId));
            if (queues.ContainsKey(record.SessionId))
            {
                await actor.ResumeQueueAsync();
            }
        }
    }

    /// <summary>Starts a session with its first prompt, once: the same ids again return what is there.</summary>
    /// <param name="deviceId">Null: the owner at the machine's command line.</param>
    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND, INVALID_REQUEST, CONFLICT</exception>
    public async Task<(SessionInfo Session, TurnInfo Turn)> NewAsync(AgentSessionNewRequest request, string? deviceId, CancellationToken cancellationToken)
    {
        var project = await projects.GetAsync(request.ProjectId, cancellationToken);
        if (project.Missing)
        {
            throw new RequestFailure(ErrorCode.ProjectNotFound, $"The folder {project.Path} is gone.");
        }

        var driver = agents.Find(request.Agent) ?? throw new RequestFailure(ErrorCode.InvalidRequest, $"There is no agent {request.Agent}. There are: {string.Join(", ", agents.Ids)}.");
        if (request.Mode is { } mode && !driver.Description.Modes.Contains(mode, StringComparer.Ordinal))
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"{driver.Description.Name} has no mode {mode}.");
        }

        RequireEffort(driver.Description, request.Effort, services.KnownModels.EffortsOf(driver.Description.Id));
        var (chosen, why) = await services.Hands.ChooseAsync(request.Sandbox);
        var sandbox = chosen ?? throw new RequestFailure(ErrorCode.InvalidRequest, why);
        if (sandbox != SandboxKind.None && !driver.Description.HostTools)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"{driver.Description.Name} runs its commands itself, so they can't be put into a sandbox. Choose \"no sandbox\" for this session if you want that.");
        }

        var begun = request.ConversationId is { } conversation && Find(request.AgentSessionId) is null
            ? await services.Conversations.TakeOverAsync(driver, project, conversation, sandbox, cancellationToken)
            : null;
        var (record, added) = await Store.WriteAsync<(SessionRecord, TurnInfo?)>(change =>
        {
            if (SessionRows.Find(change, request.AgentSessionId) is { } known)
            {
                return known.ProjectId == request.ProjectId && known.Agent == request.Agent
                    ? (known, null)
                    : throw new RequestFailure(ErrorCode.Conflict, "This session id is in use for another project or agent.");
            }

            var made = new SessionRecord
            {
                SessionId = request.AgentSessionId,
                ProjectId = request.ProjectId,
                Agent = request.Agent,
                Title = SessionTitle.Of(request.Content),
                Sandbox = sandbox,
                Mode = request.Mode ?? (driver.Description.Modes.Count > 0 ? driver.Description.Modes[0] : null),
                Model = driver.Description.Models ? request.Model : null,
                Prompting = PromptingRecord.None with { Effort = request.Effort },
                CreatedAt = change.Now,
                UpdatedAt = change.Now,
            };
            made = begun?.Claim(change, made) ?? made;
            SessionRows.Insert(change, made);
            begun?.Begin(change, made);
            change.Execute("UPDATE projects SET last_opened_at = $at WHERE project_id = $id", ("$at", Instant.Text(change.Now)), ("$id", request.ProjectId.ToString()));
            change.Ledger(new LedgerEntry(LedgerKind.SessionStarted)
            {
                SessionId = made.SessionId.ToString(),
                DeviceId = deviceId,
                Actor = deviceId is null ? ApprovalDesk.CommandLine : null,
                Sandbox = SandboxName.Of(made.Sandbox),
                Data = new SessionData(made.Agent, made.ProjectId, project.Path) { Conversation = request.ConversationId }.ToJson(),
            });
            if (SessionRows.FindTurn(change, request.PromptId) is not null)
            {
                throw new RequestFailure(ErrorCode.Conflict, "This prompt id belongs to another session.");
            }

            return (made, SessionRows.Enqueue(change, made.SessionId, request.PromptId, request.Content, deviceId, AttachmentRows.Claim(change, made.SessionId, request.Attachments, deviceId, driver.Description.Images)));
        });
        var actor = await MakeAsync(record, added is null ? 0 : 1);
        if (added is not null)
        {
            await actor.ResumeQueueAsync();
            return (actor.Info, added);
        }

        return (actor.Info, await actor.EnqueueAsync(request.PromptId, request.Content, deviceId, request.Attachments));
    }

    /// <summary>A session that goes on from a copy of another one, once: the same ids again return what is there.</summary>
    /// <inheritdoc cref="SessionActor.ForkAsync"/>
    public async Task<(SessionInfo Session, TurnInfo Turn)> ForkAsync(AgentSessionForkRequest request, string deviceId)
    {
        await _forking.WaitAsync();
        try
        {
            if (await ForkRows.OriginAsync(Store, request.NewSessionId) is { Exists: true } known)
            {
                return known.Origin == request.AgentSessionId && Find(request.NewSessionId) is { } made
                    ? (made.Info, await made.EnqueueAsync(request.PromptId, request.Content, deviceId, request.Attachments))
                    : throw new RequestFailure(ErrorCode.Conflict, "This session id is in use.");
            }

            var (record, turn) = await Get(request.AgentSessionId).ForkAsync(request, deviceId);
            var actor = await MakeAsync(record, 1);
            await actor.ResumeQueueAsync();
            return (actor.Info, turn);
        }
        finally
        {
            _forking.Release();
        }
    }

    /// <param name="told">By the agent itself, once it ran; null: nothing yet.</param>
    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    internal static void RequireEffort(AgentDescription agent, string? effort, IReadOnlyList<string>? told = null)
    {
        var efforts = told ?? agent.Efforts;
        if (agent.EffortsTold && told is null)
        {
            SessionRoutes.RequireName(effort, "effort");
        }
        else if (effort is not null && !efforts.Contains(effort, StringComparer.Ordinal))
        {
            throw new RequestFailure(
                ErrorCode.InvalidRequest,
                efforts.Count == 0 ? $"{agent.Name}'s effort can't be chosen." : $"{agent.Name} has no effort {effort}. It has: {string.Join(", ", efforts)}.");
        }
    }

    /// <exception cref="RequestFailure">SESSION_NOT_FOUND</exception>
    public SessionActor Get(Guid session)
        => Find(session) ?? throw new RequestFailure(ErrorCode.SessionNotFound, "There is no such session on this machine.");

    public SessionActor? Find(Guid session) => _actors.GetValueOrDefault(session);

    /// <exception cref="RequestFailure">SESSION_NOT_FOUND</exception>
    public async Task<(SessionInfo Session, IReadOnlyList<TurnInfo> Turns)> DetailAsync(Guid session, CancellationToken cancellationToken)
    {
        var actor = Get(session);
        return (actor.Info, await Store.ReadAsync(connection => SessionRows.Recent(connection, session, 200), cancellationToken));
    }

    /// <summary>Makes actors for sessions that came back with their project.</summary>
    public async Task ReloadAsync(CancellationToken cancellationToken)
    {
        foreach (var record in await Store.ReadAsync(SessionRows.List, cancellationToken))
        {
            Store.Announce(new SessionChanged((await MakeAsync(record, 0)).Info));
        }
    }

    /// <summary>Ends the actors of a project that is no longer registered; its sessions stay in the tables.</summary>
    public async Task CloseProjectAsync(Guid projectId)
    {
        foreach (var (id, actor) in _actors.Where(a => a.Value.Info.ProjectId == projectId).ToList())
        {
            _actors.TryRemove(id, out _);
            await actor.DisposeAsync();
            Store.Announce(new SessionRemoved(id));
        }
    }

    public async Task StopAsync(string reason)
    {
        foreach (var actor in _actors.Values)
        {
            await actor.StopAsync(reason);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var actor in _actors.Values)
        {
            await actor.DisposeAsync();
        }

        _creating.Dispose();
        _forking.Dispose();
    }

    private async Task<SessionActor> MakeAsync(SessionRecord record, int queued)
    {
        if (_actors.TryGetValue(record.SessionId, out var known))
        {
            return known;
        }

        await _creating.WaitAsync();
        try
        {
            if (_actors.TryGetValue(record.SessionId, out known))
            {
                return known;
            }

            var project = await projects.GetAsync(record.ProjectId, CancellationToken.None);
            var stream = await Store.StreamAsync(record.SessionId, CancellationToken.None);
            var whole = record with { Prompting = await Store.ReadAsync(reader => PromptingRows.Find(reader, record.SessionId), CancellationToken.None) };
            return _actors[record.SessionId] = new SessionActor(services, agents.Find(record.Agent) ?? new AbsentDriver(record.Agent), project.Path, whole, stream, queued);
        }
        finally
        {
            _creating.Release();
        }
    }
}
