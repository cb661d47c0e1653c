using Microsoft.Extensions.Logging;
using PocketCoder.Sandboxes;
using PocketCoder.Ledger;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Guard;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Terminals;

/// <summary>
/// The terminals that people open in sessions' sandboxes. Opening, each typed line and the end are rows of the ledger, the first two before
/// they happen. A terminal keeps its sandbox: also when the agent idles, and when the daemon stops or dies. Thread-safe; the lock guards
/// <see cref="_entries"/>.
/// </summary>
/// <param name="calm">Touched when a terminal writes: a machine that only watches a terminal works too.</param>
public sealed partial class TerminalService(
    Store store, SandboxService sandboxes, ITerminalSessions sessions, ProjectStore projects, RepositoryGuard guard, IdleNotifier calm,
    ILogger logger) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(Guid Session, string Name), Lazy<Task<LiveTerminal>>> _entries = [];
    private bool _stopping;

    public static RequestFailure NotFound()
        => new(ErrorCode.TerminalNotFound, "There is no such terminal in this session any more. Open one.");

    /// <summary>Finds the terminals again that an earlier daemon left; those of sessions that are gone are ended.</summary>
    public async Task RecoverAsync(CancellationToken cancellationToken)
    {
        foreach (var (session, found) in sandboxes.WithTerminals)
        {
            var here = sessions.Find(session) is not null;
            foreach (var terminal in here ? found : [])
            {
                try
                {
                    await Entry(session, terminal.Name, out _, () => BeginAsync(
                        session, new TerminalSpec { Name = terminal.Name, Columns = terminal.Columns, Rows = terminal.Rows },
                        terminal.OpenedAt)).Value.WaitAsync(cancellationToken);
                }
                catch (Exception e) when (e is SandboxException or ProcessStartException or IOException)
                {
                    LogNotRecovered(logger, terminal.Name, session, e.Message);
                    Forget(session, terminal.Name);
                }
            }

            if (!Any(session))
            {
                await sandboxes.EndAsync(session, SandboxUse.Terminals);
            }
        }
    }

    /// <param name="session">Null: of all sessions.</param>
    public IReadOnlyList<TerminalInfo> List(Guid? session)
        => [.. Live().Where(t => session is null || t.Session == session).Select(t => t.Info).OrderBy(t => t.OpenedAt)];

    /// <exception cref="RequestFailure">TERMINAL_NOT_FOUND, SESSION_NOT_FOUND</exception>
    public LiveTerminal Get(Guid session, string name)
    {
        _ = sessions.Get(session);
        return Live().FirstOrDefault(t => t.Session == session && t.Name == name && t.EndedBecause is null) ?? throw NotFound();
    }

    /// <summary>Opens a terminal, or gives the one of that name.</summary>
    /// <param name="spec">Checked.</param>
    /// <exception cref="RequestFailure">SESSION_NOT_FOUND, SANDBOX_UNAVAILABLE, DAEMON_BUSY, PROJECT_NOT_FOUND, UNAVAILABLE; as
    /// <see cref="SessionFolder.Require"/>: the session's folder is not what it was</exception>
    /// <exception cref="SandboxException">The sandbox or the terminal could not be made.</exception>
    public async Task<(LiveTerminal Terminal, bool Opened)> OpenAsync(
        Guid session, TerminalSpec spec, Typist who, CancellationToken cancellationToken)
    {
        var info = sessions.Get(session);
        if (info.Sandbox == SandboxKind.None)
        {
            throw new RequestFailure(
                ErrorCode.SandboxUnavailable,
                "This session has no sandbox, so it has no terminal: it would run with all rights of the user that runs PocketCoder. Start a session with the sandbox, or use a terminal on the machine itself.");
        }

        var entry = Entry(session, spec.Name, out var made, () => OpenAsync(info, spec, who));
        try
        {
            return (await entry.Value.WaitAsync(cancellationToken), made);
        }
        catch (Exception e) when (e is not OperationCanceledException || entry.Value.IsFaulted)
        {
            Forget(session, spec.Name, entry);
            throw;
        }
    }

    /// <exception cref="RequestFailure">TERMINAL_NOT_FOUND, SESSION_NOT_FOUND; UNAVAILABLE: its tmux did not answer, and it still
    /// runs.</exception>
    public async Task CloseAsync(Guid session, string name, Typist who)
    {
        var terminal = Get(session, name);
        try
        {
            await terminal.CloseAsync($"Closed by {who.Label}.");
        }
        catch (Exception e) when (e is IOException or TimeoutException or ProcessStartException)
        {
            LogNotClosed(logger, name, session, e.Message);
            if (!terminal.Ended.IsCompleted)
            {
                throw new RequestFailure(
                    ErrorCode.Unavailable, "The terminal could not be closed: its tmux does not answer. Try again, or end the session.");
            }
        }

        await terminal.Settled;
    }

    /// <summary>Ends the terminals of sessions that are not on this machine any more.</summary>
    public async Task CloseOrphansAsync()
    {
        foreach (var terminal in Live().Where(t => sessions.Find(t.Session) is null))
        {
            try
            {
                await terminal.CloseAsync("Its project was removed.");
                await terminal.Settled;
            }
            catch (Exception e) when (e is IOException or TimeoutException or ProcessStartException)
            {
                LogNotClosed(logger, terminal.Name, terminal.Session, e.Message); // the next one is closed all the same
            }
        }
    }

    /// <summary>Lets go of all terminals: they go on without the daemon.</summary>
    public async ValueTask DisposeAsync()
    {
        List<Lazy<Task<LiveTerminal>>> all;
        lock (_gate)
        {
            _stopping = true;
            all = [.. _entries.Values];
        }

        foreach (var entry in all)
        {
            try
            {
                var terminal = await entry.Value;
                await terminal.DisposeAsync();
                await terminal.Settled;
            }
            catch (Exception e) when (e is SandboxException or ProcessStartException or IOException or LedgerException or RequestFailure)
            {
                // it was never opened
            }
        }
    }

    private async Task<LiveTerminal> OpenAsync(SessionInfo session, TerminalSpec spec, Typist who)
    {
        if (session.Folder is { } folder && spec.WorkingDirectory is null)
        {
            var project = await projects.GetAsync(session.ProjectId, CancellationToken.None);
            spec = spec with { WorkingDirectory = SessionFolder.Require(project.Path, folder) }; // looked at anew: it may be a link by now
        }

        await store.WriteAsync(change => change.Ledger(new LedgerEntry(LedgerKind.TerminalOpened)
        {
            SessionId = session.AgentSessionId.ToString(),
            DeviceId = who.DeviceId,
            Actor = who.Actor,
            Sandbox = SandboxName.Of(session.Sandbox),
            Data = new TerminalOpenedData(spec.Name, spec.Columns, spec.Rows, spec.WorkingDirectory).ToJson(),
        }));
        try
        {
            return await BeginAsync(session.AgentSessionId, spec, store.Now);
        }
        catch (Exception e) when (e is SandboxException or ProcessStartException or IOException or RequestFailure)
        {
            // the person does not wait for a full disk
            await Task.WhenAny(RecordEndAsync(session.AgentSessionId, spec.Name, session.Sandbox, $"It could not be opened: {e.Message}"),
                store.Health.AgainAsync());
            if (!Any(session.AgentSessionId, but: spec.Name))
            {
                await sandboxes.EndAsync(session.AgentSessionId, SandboxUse.Terminals);
            }

            throw e is SandboxException ? e : new SandboxException(SandboxError.StartFailed, e.Message, e);
        }
    }

    private async Task<LiveTerminal> BeginAsync(Guid session, TerminalSpec spec, DateTimeOffset openedAt)
    {
        var info = sessions.Get(session);
        var project = await projects.GetAsync(info.ProjectId, CancellationToken.None);
        GuardedRun? guarded = null;
        guarded = await guard.BeginAsync(project.Path, open: false,
            () => RecordPlantedAsync(info, Volatile.Read(ref guarded)?.PlantedAsync()).Observed(logger, "recording what was planted"));
        try
        {
            var sandbox = await sandboxes.GetAsync(
                new SandboxWanted(session, info.ProjectId, info.Sandbox, project.Path), CancellationToken.None, SandboxUse.Terminals);
            var opened = await sandbox.OpenTerminalAsync(spec, CancellationToken.None);
            // waits for real processes
            var terminal = new LiveTerminal(
                session, info.Sandbox, opened, (spec.Columns, spec.Rows), openedAt, RecordAsync, calm, TimeProvider.System, logger);
            terminal.Settled = WatchAsync(terminal, info, guarded);
            return terminal;
        }
        catch
        {
            await (guarded?.CancelAsync() ?? Task.CompletedTask);
            throw;
        }
    }

    /// <summary>Tells what was found in the project that the terminal's commands, or others at that time, left.</summary>
    private async Task RecordPlantedAsync(SessionInfo session, Task<GuardReport>? found)
    {
        var report = found is null ? GuardReport.Nothing : await found;
        await Task.WhenAny(RecordAsync(), store.Health.AgainAsync()); // nobody waits for a full disk

        async Task RecordAsync()
        {
            try
            {
                await store.MustWriteAsync(change => RepositoryGuard.Record(
                    change, report, new LedgerEntry(LedgerKind.AlarmRaised)
                    {
                        SessionId = session.AgentSessionId.ToString(),
                        Actor = "machine",
                        Sandbox = SandboxName.Of(session.Sandbox)
                    }, session.AgentSessionId, null));
            }
            catch (LedgerException e)
            {
                LogNotClosed(logger, "planted", session.AgentSessionId, e.Message);
            }
        }
    }

    /// <summary>Settles a terminal's end, unless the daemon only lets go of it.</summary>
    private async Task WatchAsync(LiveTerminal terminal, SessionInfo info, GuardedRun? guarded)
    {
        await terminal.Ended;
        lock (_gate)
        {
            if (_stopping)
            {
                return;
            }

            _entries.Remove((terminal.Session, terminal.Name));
        }

        await RecordPlantedAsync(info, guarded?.EndAsync());

        try
        {
            await terminal.CloseAsync("Its shell ended."); // also when only its connection broke: what is said to be over is over
        }
        catch (Exception e) when (e is IOException or TimeoutException or ProcessStartException)
        {
            LogNotClosed(logger, terminal.Name, terminal.Session, e.Message);
        }

        await terminal.DisposeAsync();
        await Task.WhenAny(RecordEndAsync(terminal.Session, terminal.Name, terminal.Sandbox, terminal.EndedBecause ?? ""),
            store.Health.AgainAsync());

        if (!Any(terminal.Session))
        {
            await sandboxes.EndAsync(terminal.Session, SandboxUse.Terminals);
        }
    }

    private Task RecordAsync(LiveTerminal terminal, Typist who, TypedLine line)
        => store.WriteAsync(change => change.Ledger(new LedgerEntry(LedgerKind.TerminalCommand)
        {
            SessionId = terminal.Session.ToString(),
            DeviceId = who.DeviceId,
            Actor = who.Actor,
            Sandbox = SandboxName.Of(terminal.Sandbox),
            Data = new TerminalCommandData(
            terminal.Name, line.Line, line.Exact, line.Length, line.Cut, line.Shown, line.NotKept, line.AlsoTypedBy).ToJson(),
        }));

    private async Task RecordEndAsync(Guid session, string name, SandboxKind sandbox, string reason)
    {
        try
        {
            await store.MustWriteAsync(change => change.Ledger(new LedgerEntry(LedgerKind.TerminalClosed)
            {
                SessionId = session.ToString(),
                Actor = "machine",
                Sandbox = SandboxName.Of(sandbox),
                Data = new TerminalClosedData(name, reason).ToJson(),
            }));
        }
        catch (LedgerException e)
        {
            LogNotClosed(logger, name, session, e.Message);
        }
    }

    /// <exception cref="RequestFailure">DAEMON_BUSY, UNAVAILABLE</exception>
    private Lazy<Task<LiveTerminal>> Entry(Guid session, string name, out bool made, Func<Task<LiveTerminal>> begin)
    {
        lock (_gate)
        {
            made = false;
            if (_entries.TryGetValue((session, name), out var known))
            {
                return known;
            }

            if (_stopping)
            {
                throw new RequestFailure(ErrorCode.Unavailable, "The machine is stopping. Try again when it is back.");
            }

            if (_entries.Keys.Count(k => k.Session == session) >= TerminalLimits.PerSession || _entries.Count >= TerminalLimits.PerMachine)
            {
                throw new RequestFailure(ErrorCode.DaemonBusy,
                    $"A session has at most {TerminalLimits.PerSession} terminals, the machine {TerminalLimits.PerMachine}. Close one.");
            }

            made = true;
            return _entries[(session, name)] = new Lazy<Task<LiveTerminal>>(begin);
        }
    }

    private void Forget(Guid session, string name, Lazy<Task<LiveTerminal>>? entry = null)
    {
        lock (_gate)
        {
            if (entry is null || _entries.GetValueOrDefault((session, name)) == entry)
            {
                _entries.Remove((session, name));
            }
        }
    }

    private bool Any(Guid session, string? but = null)
    {
        lock (_gate)
        {
            return _entries.Keys.Any(k => k.Session == session && k.Name != but);
        }
    }

    private IReadOnlyList<LiveTerminal> Live()
    {
        lock (_gate)
        {
            return [.. _entries.Values.Where(e => e is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
                .Select(e => e.Value.Result)];
        }
    }

    [LoggerMessage(EventId = 511, Level = LogLevel.Warning,
        Message = "terminal {Terminal} of session {Session} could not be found again: {Why}")]
    private static partial void LogNotRecovered(ILogger logger, string terminal, Guid session, string why);

    [LoggerMessage(EventId = 512, Level = LogLevel.Warning,
        Message = "the end of terminal {Terminal} of session {Session} could not be settled: {Why}")]
    private static partial void LogNotClosed(ILogger logger, string terminal, Guid session, string why);
}
