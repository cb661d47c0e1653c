using System.Collections.Concurrent;
using PocketCoder.Agents;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Attachments;
using PocketCoder.Machine.AgentSandboxes;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions.Deleting;
using PocketCoder.Machine.Sessions.Forks;
using PocketCoder.Machine.Sessions.Live;
using PocketCoder.Machine.Sessions.Marks;
using PocketCoder.Machine.Sessions.Prompting;
using PocketCoder.Machine.Sessions.Titles;
using PocketCoder.Machine.Sessions.Tools;
using PocketCoder.Machine.Settings;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Terminals;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>All sessions of the machine. Thread-safe.</summary>
public sealed class SessionDirectory : ITerminalSessions, IAsyncDisposable
{
    private readonly SessionServices _services;
    private readonly ProjectStore _projects;
    private readonly AgentCatalog _agents;
    private readonly ProjectDefaultsStore _defaults;
    private readonly ConcurrentDictionary<Guid, SessionActor> _actors = new();
    private readonly AsyncSemaphore _creating = new(); // guards the making of actors: one session, one actor

    private readonly AsyncSemaphore _forking = new(); // guards the making of forks: what is in the way of a new one is what a crash left

    public SessionDirectory(SessionServices services, ProjectStore projects, AgentCatalog agents, ProjectDefaultsStore defaults)
    {
        (_services, _projects, _agents, _defaults) = (services, projects, agents, defaults);
        services.Approvals.Settled += PassOn;
    }

    public IEnumerable<SessionActor> Actors => _actors.Values;

    private Store Store => _services.Store;

    public IReadOnlyList<SessionInfo> List(bool archived = false) => Page(null, null, archived).Sessions;

    /// <inheritdoc cref="SessionPages.Page"/>
    /// <param name="project">Only those of this one; null: of all.</param>
    public (IReadOnlyList<SessionInfo> Sessions, string? Next) Page(int? limit, string? after, bool archived = false, Guid? project = null)
        => SessionPages.Page(_actors.Values.Select(a => a.Info)
            .Where(s => (archived || !s.Archived) && (project is null || s.ProjectId == project)), limit, after);

    /// <summary>
    /// Brings the tables to the truth after a restart: running turns are interrupted, what waited for a decision has expired, processes
    /// that a killed daemon left behind are ended. Then the sessions live again and go on with what is queued.
    /// </summary>
    public async Task RecoverAsync(CancellationToken cancellationToken)
    {
        // Ended first, forgotten after: a start that is killed in between leaves them to the next one.
        await ProcessGroup.ReapAsync(await Store.ReadAsync(ProcessRows.List, cancellationToken), TimeSpan.FromSeconds(2), _services.Time);
        await Store.WriteAsync(change =>
        {
            ApprovalSteps.Recover(change);
            LiveRows.Recover(change); // before the end of its turn
            foreach (var (session, turn) in SessionRows.Unfinished(change))
            {
                const string Reason = "The daemon stopped in the middle of this turn.";
                change.Ledger(new LedgerEntry(LedgerKind.TurnInterrupted)
                {
                    SessionId = session.ToString(),
                    TurnId = turn.TurnId.ToString(),
                    Data = new InterruptedData("restart").ToJson(),
                });
                SessionRows.UpdateTurn(change, session,
                    turn with { State = TurnState.Interrupted, Error = Reason, FinishedAt = change.Now });
                change.Event(session, new DoneEvent(TurnState.Interrupted, false) { At = change.Now, TurnId = turn.TurnId });
                MarkRows.Wake(change, session);
                change.Execute("DELETE FROM grants WHERE turn_id = $turn", ("$turn", turn.TurnId.ToString()));
                change.Execute(
                    "UPDATE sessions SET failed = 1, held = EXISTS (SELECT 1 FROM turns WHERE session_id = $id AND state = 'queued') WHERE session_id = $id",
                    ("$id", session.ToString()));
            }

            SteerRows.Recover(change);
            ProcessRows.ForgetAll(change);
        });

        var (records, queues) = await Store.ReadAsync(
            connection => (SessionRows.List(connection), SessionRows.QueueLengths(connection).ToDictionary(q => q.Session, q => q.Count)),
            cancellationToken);
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
    /// <param name="device">Null: the owner at the machine's command line.</param>
    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND, INVALID_REQUEST, CONFLICT; of its folder as
    /// <see cref="SessionFolder.Require"/>; UNAUTHORIZED: this device may not have so weak a
    /// sandbox</exception>
    public async Task<(SessionInfo Session, TurnInfo Turn)> NewAsync(
        AgentSessionNewRequest request, Device? device, CancellationToken cancellationToken)
    {
        var deviceId = device?.DeviceId;
        var project = await _projects.GetAsync(request.ProjectId, cancellationToken);
        if (project.Missing)
        {
            throw new RequestFailure(ErrorCode.ProjectNotFound, $"The folder {project.Path} no longer exists.");
        }

        var folder = SessionFolder.Parse(request.Folder);
        var directory = Find(request.AgentSessionId) is null ? SessionFolder.Require(project.Path, folder, _services.Closed) : project.Path;
        var driver = _agents.Find(request.Agent) ?? throw new RequestFailure(
            ErrorCode.InvalidRequest, $"There is no agent {request.Agent}. There are: {string.Join(", ", _agents.Ids)}.");
        if (request.Mode is { } mode && !driver.Description.Modes.Contains(mode, StringComparer.Ordinal))
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"{driver.Description.Name} has no mode {mode}.");
        }

        AgentChoices.RequireModel(driver.Description, request.Model);
        AgentChoices.RequireEffort(driver.Description, request.Effort, _services.KnownModels.EffortsOf(driver.Description.Id));
        var bounds = await _defaults.BoundsAsync(request.ProjectId, cancellationToken);
        var (chosen, why) = await _services.Sandboxes.ChooseAsync(request.Sandbox);
        if (request.Sandbox is null && device is not null && chosen is { } usual && SandboxBounds.IsWeaker(usual, bounds.Usual))
        {
            // not to choose is never to choose something weaker than the project's
            (chosen, why) = await _services.Sandboxes.ChooseAsync(bounds.Usual);
        }

        var sandbox = chosen ?? throw new RequestFailure(ErrorCode.InvalidRequest, why);
        if (Find(request.AgentSessionId) is null)
        {
            bounds.Require(sandbox, device); // what is there already was allowed when it was made, and keeps its own
        }

        if (sandbox != SandboxKind.None && !driver.Description.HostTools)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest,
                $"{driver.Description.Name} runs its commands itself, so they can't be put into a sandbox. Choose \"no sandbox\" for this session if you want that.");
        }

        var begun = request.ConversationId is { } conversation && Find(request.AgentSessionId) is null
            ? await _services.Conversations.TakeOverAsync(driver, directory, conversation, sandbox, cancellationToken)
            : null;
        var (record, added) = await Store.WriteAsync<(SessionRecord, TurnInfo?)>(change =>
        {
            if (SessionRows.Find(change, request.AgentSessionId) is { } known)
            {
                return known.ProjectId == request.ProjectId && known.Agent == request.Agent && known.Folder == folder
                    ? (known, null)
                    : throw new RequestFailure(ErrorCode.Conflict, "This session id is in use for another project, folder or agent.");
            }

            DeletionRows.RequireNot(change, request.AgentSessionId);
            var made = new SessionRecord
            {
                SessionId = request.AgentSessionId,
                ProjectId = request.ProjectId,
                Agent = request.Agent,
                Title = SessionTitle.Of(request.Content),
                Sandbox = sandbox,
                Folder = folder,
                Mode = request.Mode ?? (driver.Description.Modes.Count > 0 ? driver.Description.Modes[0] : null),
                Model = driver.Description.Models ? request.Model : null,
                Prompting = PromptingRecord.None with { Effort = request.Effort },
                CreatedAt = change.Now,
                UpdatedAt = change.Now,
            };
            made = begun is null ? made : made with
            { Title = SessionTitle.Of(begun.Found.Title), NativeId = begun.Claim(change, made.Agent) ?? made.NativeId };
            SessionRows.Insert(change, made);
            begun?.Begin(change, made.SessionId);
            change.Execute("UPDATE projects SET last_opened_at = $at WHERE project_id = $id", ("$at", Instant.Text(change.Now)),
                ("$id", request.ProjectId.ToString()));
            change.Ledger(new LedgerEntry(LedgerKind.SessionStarted)
            {
                SessionId = made.SessionId.ToString(),
                DeviceId = deviceId,
                Actor = deviceId is null ? ApprovalService.CommandLine : null,
                Sandbox = SandboxName.Of(made.Sandbox),
                Data = new SessionData(made.Agent, made.ProjectId, project.Path)
                { Folder = folder, Conversation = request.ConversationId }.ToJson(),
            });
            NoteWeaker(change, made, bounds, device);
            if (SessionRows.FindTurn(change, request.PromptId) is not null)
            {
                throw new RequestFailure(ErrorCode.Conflict, "This prompt id belongs to another session.");
            }

            return (made, SessionRows.Enqueue(change, made.SessionId, request.PromptId, request.Content, deviceId,
                AttachmentRows.Claim(change, made.SessionId, request.Attachments, deviceId, driver.Description.Images)));
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
    public async Task<(SessionInfo Session, TurnInfo Turn)> ForkAsync(AgentSessionForkRequest request, Device device)
    {
        var deviceId = device.DeviceId;
        await _forking.WaitAsync();
        try
        {
            if (await ForkRows.OriginAsync(Store, request.NewSessionId) is { Exists: true } known)
            {
                return known.Origin == request.AgentSessionId && Find(request.NewSessionId) is { } made
                    ? (made.Info, await made.EnqueueAsync(request.PromptId, request.Content, deviceId, request.Attachments))
                    : throw new RequestFailure(ErrorCode.Conflict, "This session id is in use.");
            }

            var origin = Get(request.AgentSessionId);
            var bounds = await _defaults.BoundsAsync(origin.Info.ProjectId, CancellationToken.None);
            bounds.Require(origin.Info.Sandbox, device); // another session, so chosen anew
            var (record, turn) = await origin.ForkAsync(request, deviceId, (change, made) => NoteWeaker(change, made, bounds, device));
            var actor = await MakeAsync(record, 1);
            await actor.ResumeQueueAsync();
            return (actor.Info, turn);
        }
        finally
        {
            _forking.Release();
        }
    }

    private static void NoteWeaker(Change change, SessionRecord made, SandboxBounds bounds, Device? device)
    {
        if (SandboxBounds.IsWeaker(made.Sandbox, bounds.Usual))
        {
            SettingChange.Record(
                change, new SettingData("session_sandbox", made.SessionId.ToString(), "set", SandboxName.Of(made.Sandbox),
                    SandboxName.Of(bounds.Usual), made.ProjectId, Weaker: true), device);
        }
    }

    /// <exception cref="RequestFailure">SESSION_NOT_FOUND</exception>
    public SessionActor Get(Guid session)
        => Find(session) ?? throw new RequestFailure(ErrorCode.SessionNotFound, "There is no such session on this machine.");

    public SessionActor? Find(Guid session) => _actors.GetValueOrDefault(session);

    SessionInfo? ITerminalSessions.Find(Guid session) => Find(session)?.Info;

    SessionInfo ITerminalSessions.Get(Guid session) => Get(session).Info;

    /// <exception cref="RequestFailure">SESSION_NOT_FOUND</exception>
    public async Task<(SessionInfo Session, IReadOnlyList<TurnInfo> Turns)> DetailAsync(Guid session, CancellationToken cancellationToken)
    {
        var actor = Get(session);
        return (actor.Info, await Store.ReadAsync(connection => SessionRows.Recent(connection, session, 200), cancellationToken));
    }

    /// <summary>Takes a session that was deleted off the machine, as far as anybody can ask for it.</summary>
    internal async Task RemoveAsync(Guid session)
    {
        if (_actors.TryRemove(session, out var actor))
        {
            _services.Live.Remove(session);
            await actor.DisposeAsync();
            Store.Announce(new SessionRemoved(session));
        }

        Store.ForgetStream(session);
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
            _services.Live.Remove(id);
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
    }

    /// <summary>Passes a decision on to the session that asked. What no session waits for any more is closed.</summary>
    private void PassOn(ApprovalInfo approval, DecisionRequest? decision)
    {
        if (approval.AgentSessionId is not { } session)
        {
            return; // a person's request in a project
        }

        if (Find(session) is { } actor)
        {
            actor.Settle(approval, decision);
        }
        else
        {
            _services.Approvals.AbandonAsync(approval.ApprovalId, "its session is gone").Observed(_services.Logger, "closing an approval");
        }
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

            var project = await _projects.GetAsync(record.ProjectId, CancellationToken.None);
            var stream = await Store.StreamAsync(record.SessionId, CancellationToken.None);
            var (prompting, (marks, unread), changes) = await Store.ReadAsync(
                reader => (PromptingRows.Find(reader, record.SessionId), MarkRows.Find(reader, record.SessionId),
                    EditRows.Find(reader, record.SessionId)),
                CancellationToken.None);
            var whole = record with { Prompting = prompting, Marks = marks };
            stream.KnowSaid(unread ? stream.Head : 0);
            var actor = new SessionActor(
                _services, _agents.Find(record.Agent) ?? new AbsentDriver(record.Agent), project.Path, whole, stream, queued, changes);
            _services.Live.Add(record.SessionId, actor);
            return _actors[record.SessionId] = actor;
        }
        finally
        {
            _creating.Release();
        }
    }
}
