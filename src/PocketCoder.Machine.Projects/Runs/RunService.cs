using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using PocketCoder.Sandboxes;
using PocketCoder.Ledger;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Executions.Archive;
using PocketCoder.Machine.Guard;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Machine.Terminals;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Runs;

/// <summary>
/// The one-shot commands that people run in projects: started once, recorded before they begin and when they are over, cancelled, read
/// again by offset. They end with the daemon. Thread-safe; the lock guards <see cref="_live"/> and <see cref="_stopping"/>.
/// </summary>
public sealed partial class RunService(
    Store store, ProjectStore projects, ProjectDefaultsStore defaults, SandboxService sandboxes, RunSandboxes places,
    RepositoryGuard guard, SessionArchive archive, Func<string, string> redact, TimeProvider time, ILogger logger)
    : IAsyncDisposable
{
    private static readonly string s_shell = File.Exists("/bin/bash") ? "/bin/bash" : "/bin/sh";

    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, Slot> _live = [];
    private readonly RunFollowers _followers = new();
    private readonly RunRetention _retention = new(store, archive, time, logger);
    private bool _stopping;

    /// <summary>Settles what an earlier daemon left running, removes what is too old, and goes on doing that.</summary>
    public async Task RecoverAsync(CancellationToken cancellationToken)
    {
        await places.RecoverAsync(cancellationToken);
        await store.WriteAsync(change =>
        {
            foreach (var (run, _, _) in RunRows.Running(change))
            {
                Record(change, Left(run) with
                {
                    State = CommandRunState.Interrupted,
                    EndedAt = change.Now,
                    Error = "The daemon ended while it ran; its outcome is unknown."
                }, null);
            }
        });
        await _retention.BeginAsync();
    }

    /// <summary>Starts a command, or gives the run that the same request started before.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST, PROJECT_NOT_FOUND, OUTSIDE_PROJECT_ROOT, FILE_NOT_FOUND, SANDBOX_UNAVAILABLE,
    /// DAEMON_BUSY, CONFLICT, UNAVAILABLE</exception>
    /// <exception cref="SandboxException">The sandbox or the command could not be started.</exception>
    /// <param name="rule">Which rule of the project let it, in words; null: there are none.</param>
    public async Task<RunAccepted> ExecAsync(CommandExecRequest request, Typist who, string? rule, CancellationToken cancellationToken)
    {
        CommandRules.Check(request);
        var asked = CommandRules.Digest(request);
        var project = await projects.GetAsync(request.ProjectId, cancellationToken);
        if (!Knows(request.RunId) && await PastAsync(request, asked, cancellationToken) is { } past)
        {
            return past;
        }

        var slot = Reserve(request, asked, out var made, () => StartAsync(request, asked, project, who, rule));
        return await slot.Run.Value.WaitAsync(cancellationToken) is { } run
            ? new RunAccepted(run.Info, run, made)
            : new RunAccepted(Same(await PastAsync(request.RunId, cancellationToken), asked), null, false);
    }

    /// <summary>The run that the same request started before; null: none did.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST; CONFLICT: another command was run under this id</exception>
    public async Task<RunAccepted?> KnownAsync(CommandExecRequest request, CancellationToken cancellationToken)
    {
        CommandRules.Check(request);
        var asked = CommandRules.Digest(request);
        return Slotted(request.RunId, asked) is { } slot && await StartedAsync(slot) is { } run ? new RunAccepted(run.Info, run, false)
            : await PastAsync(request, asked, cancellationToken);
    }

    /// <summary>The kind of sandbox that a command of this project runs in.</summary>
    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND, SANDBOX_UNAVAILABLE</exception>
    public async Task<SandboxKind> SandboxAsync(Guid projectId, CancellationToken cancellationToken)
    {
        var (chosen, why) = await sandboxes.ChooseAsync((await defaults.GetAsync(projectId, cancellationToken)).Sandbox);
        return chosen ?? throw new RequestFailure(ErrorCode.SandboxUnavailable, why);
    }

    /// <summary>Ends a command and gives what it is then; one that is over stays as it is.</summary>
    /// <exception cref="RequestFailure">RUN_NOT_FOUND</exception>
    public async Task<CommandRunInfo> CancelAsync(Guid id, CancellationToken cancellationToken)
    {
        if (await LiveAsync(id) is { } run)
        {
            await run.EndAsync(CommandRunState.Cancelled);
            return await run.Over.WaitAsync(cancellationToken);
        }

        return (await PastAsync(id, cancellationToken)).Run;
    }

    /// <summary>What a command wrote from an offset on.</summary>
    /// <param name="wait">How long to wait for more when there is none yet.</param>
    /// <exception cref="RequestFailure">RUN_NOT_FOUND, INVALID_REQUEST</exception>
    public async Task<CommandReadResponse> ReadAsync(Guid id, long offset, int limit, TimeSpan wait, CancellationToken cancellationToken)
    {
        if (offset < 0 || limit is < 4 or > Limits.RangeBytes)
        {
            throw CommandRules.Invalid($"offset is 0 or more, limit is 4 to {Limits.RangeBytes}.");
        }

        if (await LiveAsync(id) is not { } run)
        {
            var past = await PastAsync(id, cancellationToken);
            return Read(past.Run, OutputPieces.Parse(past.Pieces), offset, limit, over: true);
        }

        var changed = run.Changed;
        var answer = Now();
        if (answer.Next == offset && wait > TimeSpan.Zero && !run.Over.IsCompleted)
        {
            await Task.WhenAny(changed, Task.Delay(wait, TimeProvider.System, cancellationToken));
            answer = Now();
        }

        return answer;

        CommandReadResponse Now()
        {
            var over = run.Over.IsCompleted; // before the look, so that its end is not missed
            return Read(run.Info, null, offset, limit, over, run);
        }
    }

    /// <summary>The run when it is not over, also one that is just being started.</summary>
    public async Task<LiveRun?> LiveAsync(Guid id)
    {
        Slot? slot;
        lock (_gate)
        {
            slot = _live.GetValueOrDefault(id);
        }

        return slot is null ? null : await StartedAsync(slot);
    }

    /// <summary>
    /// Pushes a run to whoever asked, from an offset on, until its end, also when that has just been. Following again begins anew.
    /// </summary>
    /// <param name="key">Who follows.</param>
    /// <param name="gone">Cancelled when that one is.</param>
    /// <exception cref="RequestFailure">DAEMON_BUSY: too many follow.</exception>
    internal void Follow(LiveRun run, long offset, string key, RunSink sink, CancellationToken gone)
    {
        var info = run.Info;
        _followers.Begin(run, key,
            new RunFollower(run, (at, count) => archive.Read(info.ProjectId, info.RunId, at, count)?.Bytes ?? default, sink), offset, gone);
    }

    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public async Task<CommandRunsListResponse> ListAsync(CommandRunsListRequest request, CancellationToken cancellationToken)
    {
        if (request.Limit is < 1 or > CommandLimits.ListLimit)
        {
            throw CommandRules.Invalid($"limit is 1 to {CommandLimits.ListLimit}.");
        }

        var rows = await RunRows.ListAsync(store, request.ProjectId, request.Before, request.Limit + 1, cancellationToken);
        return new CommandRunsListResponse(
            [.. rows.Take(request.Limit).Select(r => Live(r.Run.RunId) ?? r.Run)], rows.Count > request.Limit);
    }

    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND</exception>
    public async Task<IReadOnlyList<CommandFavourite>> FavouritesAsync(Guid project, CancellationToken cancellationToken)
    {
        _ = await projects.GetAsync(project, cancellationToken);
        return await RunRows.FavouritesAsync(store, project, cancellationToken);
    }

    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND, INVALID_REQUEST</exception>
    public async Task<IReadOnlyList<CommandFavourite>> SetFavouritesAsync(
        CommandFavouritesSetRequest request, CancellationToken cancellationToken)
    {
        CommandRules.Check(request.Favourites);
        _ = await projects.GetAsync(request.ProjectId, cancellationToken);
        await store.WriteAsync(change => RunRows.SetFavourites(change, request.ProjectId, request.Favourites));
        return await RunRows.FavouritesAsync(store, request.ProjectId, cancellationToken);
    }

    /// <summary>Ends what runs in a project.</summary>
    public Task EndProjectAsync(Guid project) => EndAsync(slot => slot.Project == project, CommandRunState.Cancelled);

    /// <summary>Takes no more, ends what runs, tells those who follow.</summary>
    public async Task StopAsync()
    {
        lock (_gate)
        {
            _stopping = true;
        }

        await EndAsync(_ => true, CommandRunState.Interrupted);
        await _followers.DrainAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _retention.DisposeAsync();
    }

    private async Task<LiveRun?> StartAsync(CommandExecRequest request, string asked, ProjectInfo project, Typist who, string? rule)
    {
        var folder = CommandRules.Folder(project.Path, request.Cwd);
        var kind = await SandboxAsync(project.ProjectId, CancellationToken.None);
        var lease = await places.TakeAsync(project.ProjectId, project.Path, kind, CancellationToken.None);
        var started = false;
        GuardedRun? guarded = null;
        LiveRun? run = null;
        try
        {
            guarded = await GuardAsync(
                project.Path, kind, () => Volatile.Read(ref run)?.EndAsync(CommandRunState.Cancelled).Observed(logger, "ending a command"));
            var info = new CommandRunInfo(
                request.RunId, project.ProjectId, request.Command, request.Cwd, who.Label, kind, CommandRunState.Running, store.Now, null,
                null, null, false, 0, null, "", request.TimeoutSeconds, null);
            if (!await store.WriteAsync(change => Begin(change, info, asked, request, who, rule)))
            {
                return null; // the same request, at the same moment, is over already
            }

            run = await BeginAsync(request, info, folder, lease.Sandbox);
            run.Settled = SettleAsync(run, lease, guarded);
            started = true;
            return run;
        }
        finally
        {
            if (!started)
            {
                await (guarded?.CancelAsync() ?? Task.CompletedTask);
                await LeaveAsync(lease);
            }
        }
    }

    /// <summary>
    /// From now on it is looked at what is left in the project. Without a sandbox a person's own command may write settings: it is what
    /// they typed.
    /// </summary>
    private async Task<GuardedRun?> GuardAsync(string folder, SandboxKind kind, Action planted)
    {
        try
        {
            return await guard.BeginAsync(folder, kind == SandboxKind.None, planted);
        }
        catch (IOException e)
        {
            throw new SandboxException(SandboxError.StartFailed, $"Can't read the project: {e.Message}", e);
        }
    }

    /// <summary>What could not be started holds no place.</summary>
    private async Task<LiveRun?> StartOrForgetAsync(Guid id, Func<Task<LiveRun?>> start)
    {
        LiveRun? run = null;
        try
        {
            await Task.Yield(); // out of the lock
            return run = await start();
        }
        finally
        {
            if (run is null)
            {
                Forget(id);
            }
        }
    }

    private static bool Begin(Change change, CommandRunInfo info, string asked, CommandExecRequest request, Typist who, string? rule)
    {
        if (!RunRows.Insert(change, info, asked))
        {
            return false;
        }

        change.Publish(Told(info));
        change.Ledger(new LedgerEntry(LedgerKind.CommandStarted)
        {
            DeviceId = who.DeviceId,
            Actor = who.Actor,
            Sandbox = SandboxName.Of(info.Sandbox),
            Digest = asked,
            Data = new CommandStartedData(
                info.RunId,
                info.ProjectId,
                info.Command,
                info.Cwd,
                info.TimeoutSeconds,
                request.Environment is { Count: > 0 } environment ? [.. environment.Keys.Order(StringComparer.Ordinal)] : null,
                CommandRules.Input(request) is { } input ? Convert.ToHexStringLower(SHA256.HashData(input)) : null,
                rule).ToJson(),
        });
        return true;
    }

    private async Task<LiveRun> BeginAsync(CommandExecRequest request, CommandRunInfo info, string folder, ISandbox sandbox)
    {
        ISandboxExec exec;
        try
        {
            exec = await sandbox.ExecAsync(
                new ExecSpec
                {
                    Command = [s_shell, "-c", request.Command],
                    WorkingDirectory = folder,
                    Environment = request.Environment ?? new Dictionary<string, string>(StringComparer.Ordinal),
                    KeepInputOpen = (request.Stdin ?? request.StdinBase64) is not null,
                    Id = request.RunId.ToString("D"),
                },
                CancellationToken.None);
        }
        catch (SandboxException e)
        {
            await store.WriteAsync(change => Record(
                change, info with { State = CommandRunState.Failed, EndedAt = change.Now, Error = e.Message }, null));
            throw;
        }

        var run = new LiveRun(info, exec, archive.BeginOutput(info.ProjectId, info.RunId), archive.OpenFilter);
        if (CommandRules.Input(request) is { } input)
        {
            run.FeedAsync(input).Observed(logger, "writing to a command's input");
        }

        return run;
    }

    /// <summary>Waits for the end of a run and records it.</summary>
    private async Task SettleAsync(LiveRun run, ProjectLease lease, GuardedRun? guarded)
    {
        var info = run.Info;
        await using (time.CreateTimer(_ => run.EndAsync(CommandRunState.TimedOut).Observed(logger, "ending a command"), null,
            TimeSpan.FromSeconds(info.TimeoutSeconds), Timeout.InfiniteTimeSpan))
        {
            await run.Ended;
        }

        var report = guarded is null ? GuardReport.Nothing : await guarded.EndAsync();
        var final = run.Close(await run.Ended, store.Now, redact);
        final = final with { Error = report.Alarm is { } alarm ? $"{final.Error} {alarm}".TrimStart() : final.Error };
        var settled = false;
        try
        {
            var recorded = store.MustWriteAsync(change =>
            {
                RepositoryGuard.Record(change, report,
                    new LedgerEntry(LedgerKind.AlarmRaised) { Actor = "machine", Sandbox = SandboxName.Of(final.Sandbox) }, null, null);
                Record(change, final, run.Pieces.ToString());
            });
            if (await Task.WhenAny(recorded, store.Health.AgainAsync()) != recorded && store.Health.Problem is not null)
            {
                // who waits for it learns how it ended; it stays among those that run until that is recorded
                await LeaveAsync(run, final, lease);
                settled = true;
            }

            await recorded;
        }
        catch (LedgerException e)
        {
            LogNotRecorded(logger, final.RunId, e.Message); // the next start says that it was interrupted
        }

        if (!settled)
        {
            await LeaveAsync(run, final, lease);
        }

        Forget(final.RunId);
    }

    private async Task LeaveAsync(LiveRun run, CommandRunInfo final, ProjectLease lease)
    {
        await run.SettleAsync(final);
        await LeaveAsync(lease);
    }

    private static void Record(Change change, CommandRunInfo run, string? pieces)
    {
        RunRows.Finish(change, run, pieces);
        change.Publish(Told(run));
        change.Ledger(new LedgerEntry(LedgerKind.CommandFinished)
        {
            Actor = "machine",
            Sandbox = SandboxName.Of(run.Sandbox),
            Data = new CommandFinishedData(run.RunId, run.State, run.ExitCode, run.Signal, run.Bytes, run.Sha256, run.Error).ToJson(),
        });
    }

    private static CommandRunChanged Told(CommandRunInfo run) => new(
        run.RunId, run.ProjectId, run.State, run.ExitCode, run.By,
        run.Command.Length <= CommandLimits.ShownCharacters ? run.Command : run.Command[..CommandLimits.ShownCharacters]);

    /// <summary>What a killed daemon's run had written by then.</summary>
    private CommandRunInfo Left(CommandRunInfo run) => archive.Read(run.ProjectId, run.RunId, 0, LiveRun.PreviewBytes) is not { } kept
        ? run
        : run with
        {
            Bytes = kept.Total,
            Truncated = LiveRun.IsTruncated(kept.Total),
            Preview = redact(Encoding.UTF8.GetString(kept.Bytes.Span))
        };

    private async Task LeaveAsync(ProjectLease lease)
    {
        try
        {
            await lease.DisposeAsync();
        }
        catch (SandboxException e)
        {
            LogNotEnded(logger, lease.Sandbox.Id, e.Message);
        }
    }

    private CommandReadResponse Read(CommandRunInfo info, OutputPieces? known, long offset, int limit, bool over, LiveRun? live = null)
    {
        var part = archive.Read(info.ProjectId, info.RunId, offset, limit);
        var pieces = known ?? live!.Pieces; // after the bytes, so that it covers them
        var bytes = part?.Bytes ?? default;
        var more = !over || offset + bytes.Length < (part?.Kept ?? 0);
        var chunks = pieces.Read(bytes.Span, offset, more, out var next);
        return new CommandReadResponse(info, chunks, next, part?.Kept ?? 0);
    }

    private static CommandRunInfo Same(CommandRow past, string asked)
        => past.Asked == asked ? past.Run : throw new RequestFailure(ErrorCode.Conflict, "Another command was run under this id.");

    private async Task<RunAccepted?> PastAsync(CommandExecRequest request, string asked, CancellationToken cancellationToken)
        => await RunRows.FindAsync(store, request.RunId, cancellationToken) is { } past ? new RunAccepted(Same(past, asked), null, false)
            : null;

    private async Task<CommandRow> PastAsync(Guid id, CancellationToken cancellationToken)
        => await RunRows.FindAsync(store, id, cancellationToken)
            ?? throw new RequestFailure(ErrorCode.RunNotFound, "That run no longer exists on this machine.");

    private Slot Reserve(CommandExecRequest request, string asked, out bool made, Func<Task<LiveRun?>> start)
    {
        lock (_gate)
        {
            made = false;
            if (Slotted(request.RunId, asked) is { } known)
            {
                return known;
            }

            if (_stopping)
            {
                throw new RequestFailure(ErrorCode.Unavailable, "The machine is stopping. Try again when it is back.");
            }

            if (_live.Values.Count(s => s.Project == request.ProjectId) >= CommandLimits.Parallel)
            {
                throw new RequestFailure(ErrorCode.DaemonBusy,
                    $"{CommandLimits.Parallel} commands are already running in this project. Wait for one to finish, or cancel one.");
            }

            made = true;
            return _live[request.RunId] = new Slot(
                request.ProjectId, asked, new Lazy<Task<LiveRun?>>(() => StartOrForgetAsync(request.RunId, start)));
        }
    }

    private Slot? Slotted(Guid id, string asked)
    {
        lock (_gate)
        {
            return !_live.TryGetValue(id, out var known) ? null
                : known.Asked == asked ? known
                : throw new RequestFailure(ErrorCode.Conflict, "Another command runs under this id.");
        }
    }

    private void Forget(Guid id)
    {
        lock (_gate)
        {
            _live.Remove(id);
        }
    }

    private bool Knows(Guid id)
    {
        lock (_gate)
        {
            return _live.ContainsKey(id);
        }
    }

    private CommandRunInfo? Live(Guid id)
    {
        lock (_gate)
        {
            return _live.GetValueOrDefault(
                id) is { Run: { IsValueCreated: true, Value: { IsCompletedSuccessfully: true, Result: var run } } } ? run?.Info : null;
        }
    }

    private static async Task<LiveRun?> StartedAsync(Slot slot)
    {
        try
        {
            return await slot.Run.Value;
        }
        catch (Exception e) when (e is SandboxException or RequestFailure or LedgerException or IOException)
        {
            return null; // whoever asked for it was told
        }
    }

    private async Task EndAsync(Func<Slot, bool> which, CommandRunState why)
    {
        List<Slot> slots;
        lock (_gate)
        {
            slots = [.. _live.Values.Where(which)];
        }

        await Task.WhenAll(slots.Select(async slot =>
        {
            if (await StartedAsync(slot) is { } run)
            {
                await run.EndAsync(why);
                await run.Settled;
            }
        }));
    }

    /// <summary>One that runs or is being started. The task is null when the same request, at the same moment, was over already.</summary>
    private sealed record Slot(Guid Project, string Asked, Lazy<Task<LiveRun?>> Run);

    [LoggerMessage(EventId = 521, Level = LogLevel.Warning, Message = "the end of command {Run} could not be recorded: {Why}")]
    private static partial void LogNotRecorded(ILogger logger, Guid run, string why);

    [LoggerMessage(EventId = 522, Level = LogLevel.Warning, Message = "the sandbox {Id} of a project could not be ended wholly: {Why}")]
    private static partial void LogNotEnded(ILogger logger, string id, string why);
}

/// <param name="Live">To follow it; null when it was over before.</param>
/// <param name="Started">False: the same request started it before.</param>
public sealed record RunAccepted(CommandRunInfo Run, LiveRun? Live, bool Started);
