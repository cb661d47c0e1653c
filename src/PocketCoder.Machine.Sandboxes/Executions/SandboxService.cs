using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using PocketCoder.Sandboxes;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Guard;
using PocketCoder.Machine.Network;
using PocketCoder.Machine.Paths;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Executions;

/// <summary>
/// Where commands of sandboxed sessions run: which kinds of sandbox this machine really has, and one sandbox a session, made at its first
/// command. Thread-safe.
/// </summary>
public sealed partial class SandboxService : IAsyncDisposable
{
    private static readonly TimeSpan s_killLimit = TimeSpan.FromSeconds(10);

    private readonly IReadOnlyList<ISandboxBackend> _backends;
    private readonly SandboxKind? _wanted;
    private readonly NetworkService _network;
    private readonly ILogger _log;
    private readonly ConcurrentDictionary<(Guid Session, bool Open), Lazy<Task<SessionSandbox>>> _sandboxes = new();
    private readonly ConcurrentDictionary<Guid, ISandbox> _kept = new();
    private readonly SandboxUsers _users = new();
    private readonly SandboxEndings _endings = new();
    private readonly List<(Guid Session, IReadOnlyList<TerminalFound> Terminals)> _withTerminals = [];
    private readonly Lazy<Task<IReadOnlyList<SandboxProbe>>> _probes;

    /// <param name="backends">Those there are, in the order of preference.</param>
    /// <param name="wanted">What sessions get that do not choose; null: the first that isolates fully.</param>
    /// <param name="worktrees">Projects whose repositories lie elsewhere.</param>
    public SandboxService(
        IReadOnlyList<ISandboxBackend> backends, SandboxKind? wanted, NetworkService network, WorktreeLinks worktrees, ILogger log)
    {
        (_backends, _wanted, _network, Worktrees, _log) = (backends, wanted, network, worktrees, log);
        _probes = new(ProbeAsync);
    }

    /// <summary>What a session may choose, as far as it is known: looking takes a second and does not hold up the start.</summary>
    public IReadOnlyList<SandboxKind> Known => [.. Seen.Where(p => p.Usable).Select(p => p.Kind), SandboxKind.None];

    /// <summary>Makes sandboxes for agents' own programs too; after <see cref="CleanAsync"/>.</summary>
    public ISandboxBackend Bubblewrap => _backends.First(b => b.Kind == SandboxKind.Bubblewrap);

    /// <summary>
    /// What a session gets that does not choose. Null: not known yet, or nothing that would isolate it; then it must choose.
    /// </summary>
    public SandboxKind? Default => _wanted == SandboxKind.None ? SandboxKind.None : First(Seen)?.Kind;

    /// <summary>What the owner started the daemon with; no device goes below it. Null: nothing was said.</summary>
    public SandboxKind? Floor => _wanted;

    /// <summary>Why sessions that do not choose are refused; null when they are not, or nobody knows yet.</summary>
    public string? WhyNoDefault => _probes is { IsValueCreated: true, Value.IsCompletedSuccessfully: true }
        && Default is null ? Reasons(Seen) : null;

    /// <summary>Whether sandboxes have a way out at all: it needs a program that leads a port inside to our socket.</summary>
    public static bool HasNetwork { get; } = Executables.Find("socat", "/usr/bin:/bin") is not null;

    private IReadOnlyList<SandboxProbe> Seen
        => _probes is { IsValueCreated: true, Value: { IsCompletedSuccessfully: true, Result: var seen } } ? seen : [];

    /// <summary>Looks, once, by the real recipes; a few seconds, at most 20 s each. Never faults.</summary>
    public Task LookAsync() => _probes.Value;

    /// <summary>What a session is given: its choice, or the usual. Never something weaker than what was asked for.</summary>
    /// <returns>The kind, or null and why there is none and what to do.</returns>
    public async Task<(SandboxKind? Kind, string Why)> ChooseAsync(SandboxKind? choice)
    {
        if ((choice ?? _wanted) == SandboxKind.None)
        {
            return (SandboxKind.None, "");
        }

        var probes = await _probes.Value;
        if (choice is null)
        {
            return First(probes) is { } usual
                ? (usual.Kind, "")
                : (null, $"No sandbox works on this machine, and nothing runs without one unless someone chooses that. {Reasons(probes)} See: pocketcoder doctor. The owner, or a device with the scope 'manage', can also choose \"no sandbox\" for this session.");
        }

        return probes.FirstOrDefault(p => p.Kind == choice) switch
        {
            { Usable: true } => (choice, ""),
            { } probe => (null, string.Join(' ', probe.Reasons.DefaultIfEmpty("It does not work on this machine."))),
            null => (null, $"There is no sandbox {SandboxName.Of(choice.Value)} on this machine."),
        };
    }

    /// <summary>
    /// A folder that a session's commands may read and not change: what people sent. It may throw what making one throws.
    /// </summary>
    public Func<Guid, string>? Readable { get; init; }

    /// <summary>Projects whose repositories lie elsewhere.</summary>
    public WorktreeLinks Worktrees { get; }

    /// <summary>The sandboxes of an earlier daemon that <see cref="CleanAsync"/> kept, with their terminals.</summary>
    public IReadOnlyList<(Guid Session, IReadOnlyList<TerminalFound> Terminals)> WithTerminals => _withTerminals;

    /// <summary>
    /// Ends what an earlier daemon left: its agents are gone, so nobody waits for those commands. A sandbox with terminals of a person
    /// stays, and of it the commands are ended. Call once, before the first <see cref="GetAsync"/>.
    /// </summary>
    public async Task CleanAsync(CancellationToken cancellationToken)
    {
        foreach (var backend in _backends)
        {
            try
            {
                foreach (var left in await backend.RecoverAsync(cancellationToken))
                {
                    if (Guid.TryParseExact(left.Id, "D", out var session)
                        && await TerminalsAsync(left, cancellationToken) is { Count: > 0 } terminals)
                    {
                        await EndCommandsAsync(left);
                        _users.Add(session, SandboxUse.Terminals);
                        _kept[session] = left;
                        _withTerminals.Add((session, terminals));
                    }
                    else
                    {
                        await KillAsync(left);
                    }
                }
            }
            catch (SandboxException e) when (backend.Kind != SandboxKind.Bubblewrap)
            {
                // an engine that does not answer must not keep the daemon from starting
                LogNotEnded(_log, SandboxName.Of(backend.Kind), e.Message);
            }
        }
    }

    /// <summary>The session's sandbox, with its way out; a new one when it has none or lost it.</summary>
    /// <exception cref="SandboxException">It can't be made; the message says why.</exception>
    public async Task<ISandbox> GetAsync(SandboxWanted wanted, CancellationToken cancellationToken, SandboxUse use = SandboxUse.Agent)
    {
        while (true)
        {
            var made = _endings.Find(() =>
            {
                _users.Add(wanted.Session, use); // from here on nobody ends it as unused
                return _sandboxes.GetOrAdd(wanted.Key, _ => Lazily(wanted));
            });
            try
            {
                var held = await made.Value.WaitAsync(cancellationToken);
                if (held.Sandbox.IsAlive)
                {
                    return held.Sandbox;
                }

                await _endings.EndAsync(
                    wanted.Key, () => _sandboxes.TryRemove(KeyValuePair.Create(wanted.Key, made)) ? made : null, _ => EndAsync(held));
            }
            catch (SandboxException)
            {
                _sandboxes.TryRemove(KeyValuePair.Create(wanted.Key, made));
                throw;
            }
        }
    }

    /// <summary>
    /// A sandbox that belongs to no session: without a way out, and whoever asks for it ends it. What an earlier daemon left of these is
    /// ended at the start.
    /// </summary>
    /// <exception cref="SandboxException">It can't be made; the message says why.</exception>
    public Task<ISandbox> CreateAsync(SandboxKind kind, SandboxSpec spec)
        => (_backends.FirstOrDefault(b => b.Kind == kind)
            ?? throw new SandboxException(SandboxError.NotAvailable, $"There is no sandbox {SandboxName.Of(kind)} on this machine."))
            .CreateAsync(spec, CancellationToken.None);

    /// <summary>Ends the session's sandbox with all that runs in it, unless it is needed for something else too.</summary>
    public async Task EndAsync(Guid session, SandboxUse use = SandboxUse.Agent)
    {
        var unused = _users.Remove(session, use);
        if (unused)
        {
            var any = SandboxUse.Agent | SandboxUse.Terminals;
            await _endings.EndAsync(
                (session, Open: false), () => !_users.Has(session, any) && _kept.TryRemove(session, out var kept) ? kept : null, KillAsync);
            await EndAsync((session, Open: false), any);
        }

        if (unused || use == SandboxUse.Agent)
        {
            await EndAsync((session, Open: true), SandboxUse.Agent); // commands only
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_probes.IsValueCreated)
        {
            try
            {
                await _probes.Value.WaitAsync(s_killLimit); // they clean up after themselves
            }
            catch (TimeoutException)
            {
                LogNotEnded(_log, "probe", "it did not end in time"); // the next start cleans
            }
        }

        // What has a person's terminal goes on without us, though not its way out, and is found again.
        foreach (var (key, made) in _sandboxes)
        {
            if (key.Open || !_users.Has(key.Session, SandboxUse.Terminals))
            {
                await EndAsync(key);
            }
            else if (made is { IsValueCreated: true, Value: { IsCompletedSuccessfully: true, Result.Network: { } network } })
            {
                await network.DisposeAsync();
            }
        }

        foreach (var backend in _backends)
        {
            (backend as IDisposable)?.Dispose();
        }
    }

    /// <summary>The first that is wanted and works. Reduced ones only when they were asked for.</summary>
    private SandboxProbe? First(IReadOnlyList<SandboxProbe> probes)
        => probes.FirstOrDefault(
            p => p.Usable && (_wanted is { } wanted ? p.Kind == wanted : p.Kind is SandboxKind.Bubblewrap or SandboxKind.Docker));

    private string Reasons(IReadOnlyList<SandboxProbe> probes) => string.Join(
        ' ', probes.Where(p => !p.Usable && (_wanted is null ? p.Kind == SandboxKind.Bubblewrap : p.Kind == _wanted))
            .SelectMany(p => p.Reasons).DefaultIfEmpty("None was found."));

    private Lazy<Task<SessionSandbox>> Lazily(SandboxWanted wanted)
    {
        Lazy<Task<SessionSandbox>> made = null!;
        return made = new(() => CreateAsync(wanted, made));
    }

    private async Task<SessionSandbox> CreateAsync(SandboxWanted wanted, object own)
    {
        await _endings.BeforeAsync(wanted.Key, own);
        var backend = _backends.FirstOrDefault(b => b.Kind == wanted.Kind)
            ?? throw new SandboxException(SandboxError.NotAvailable, $"There is no sandbox {SandboxName.Of(wanted.Kind)} on this machine.");
        var relayed = backend.Kind == SandboxKind.Bubblewrap && HasNetwork; // the others have no way out yet
        var link = Worktrees.Find(wanted.Directory);
        if (link?.Broken() is { } why)
        {
            throw new SandboxException(SandboxError.WorkspaceRefused, why);
        }

        var always = link is null ? GitEnvironment.Always : GitEnvironment.InWorktree;
        var shared = backend.Kind == SandboxKind.Bubblewrap ? link : null; // the others show one folder: git does not work there
        var sandbox = !wanted.Open && _kept.TryRemove(wanted.Session, out var kept) ? kept : await backend.CreateAsync(
            new SandboxSpec
            {
                Id = wanted.Open ? $"{wanted.Session:D}-open" : wanted.Session.ToString("D"),
                Workspace = wanted.Directory,
                ReadOnlyBinds = [.. wanted.Open ? [] : Protection.ReadOnly(wanted.Directory),
                    .. wanted.IsProject ? [] : ReadableBy(wanted.Session), .. shared is null ? [] : SharedRepository.ReadOnly(shared)],
                Side = shared is null ? null : SharedRepository.Side(shared),
                Pinned = wanted.Open ? [] : Protection.Pinned(wanted.Directory),
                Empty = wanted.Open ? [] : Protection.Empty(wanted.Directory),
                Relays = relayed ? [new SocketRelay(NetworkService.Port, NetworkService.Socket)] : [],
                Environment = relayed ? GitEnvironment.With(NetworkService.Environment, always) : always,
            },
            CancellationToken.None);
        try
        {
            // A daemon of root runs sandboxes as other users: they must be let in by the socket, and the folder keeps everybody else out.
            return new SessionSandbox(sandbox, relayed ? _network.Open(new SandboxOwner(wanted.Session, wanted.Project, wanted.Kind),
                sandbox.SocketDirectory!, others: Environment.IsPrivilegedProcess) : null);
        }
        catch (IOException e)
        {
            await KillAsync(sandbox);
            throw new SandboxException(SandboxError.StartFailed, $"Can't set up its network: {e.Message}", e);
        }
    }

    private IEnumerable<ReadOnlyBind> ReadableBy(Guid session)
    {
        try
        {
            return Readable is null ? [] : [new ReadOnlyBind(Readable(session))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SandboxException(SandboxError.StartFailed, $"Can't create the folder for attached files: {e.Message}", e);
        }
    }

    private async Task<IReadOnlyList<TerminalFound>> TerminalsAsync(ISandbox sandbox, CancellationToken cancellationToken)
    {
        try
        {
            return await sandbox.TerminalsAsync(cancellationToken);
        }
        catch (SandboxException e)
        {
            LogNotEnded(_log, sandbox.Id, e.Message);
            return [];
        }
    }

    private static async Task EndCommandsAsync(ISandbox sandbox)
    {
        foreach (var command in sandbox.Recovered)
        {
            await command.KillAsync(TimeSpan.Zero);
            await command.DisposeAsync();
        }
    }

    /// <param name="unless">Who came back meanwhile and keeps it.</param>
    private Task EndAsync((Guid Session, bool Open) key, SandboxUse unless = SandboxUse.None) => _endings.EndAsync(
        key,
        () => !_users.Has(key.Session, unless) && _sandboxes.TryRemove(key, out var made) ? made : null,
        async made =>
        {
            try
            {
                await EndAsync(await made.Value);
            }
            catch (SandboxException)
            {
                // it was never made
            }
        });

    private async Task EndAsync(SessionSandbox held)
    {
        if (held.Network is { } network)
        {
            await network.DisposeAsync(); // first: its socket lies in the sandbox's folder
        }

        await KillAsync(held.Sandbox);
    }

    private async Task<IReadOnlyList<SandboxProbe>> ProbeAsync()
    {
        var probes = new List<SandboxProbe>();
        foreach (var backend in _backends)
        {
            SandboxProbe probe;
            try
            {
                probe = await backend.ProbeAsync(CancellationToken.None);
            }
            catch (SandboxException e)
            {
                probe = new SandboxProbe(
                    backend.Kind, Usable: false, [e.Message], new Dictionary<string, string>(StringComparer.Ordinal), LimitSource.None);
            }

            probes.Add(probe);
            if (!probe.Usable)
            {
                LogUnusable(_log, SandboxName.Of(backend.Kind), string.Join(' ', probe.Reasons));
            }
        }

        return probes;
    }

    /// <summary>
    /// Ends a sandbox with all that runs in it, within ten seconds. One that does not end is in the log; the next start ends it.
    /// </summary>
    public async Task KillAsync(ISandbox sandbox)
    {
        try
        {
            using var limit = new CancellationTokenSource(s_killLimit);
            await sandbox.KillAsync(limit.Token);
        }
        catch (Exception e) when (e is SandboxException or OperationCanceledException)
        {
            LogNotEnded(_log, sandbox.Id, e.Message);
        }
    }

    private sealed record SessionSandbox(ISandbox Sandbox, SessionNetwork? Network);

    [LoggerMessage(EventId = 401, Level = LogLevel.Warning, Message = "The sandbox {Kind} can't be used: {Why}")]
    private static partial void LogUnusable(ILogger log, string kind, string why);

    [LoggerMessage(EventId = 402, Level = LogLevel.Warning, Message = "The sandbox {Id} could not be ended wholly: {Why}")]
    private static partial void LogNotEnded(ILogger log, string id, string why);
}

/// <summary>Whose sandbox, and which.</summary>
/// <param name="Directory">The project's folder.</param>
/// <param name="Open">Where the project's protected configuration can be written: a second sandbox, for commands that were allowed with
/// just that in view.</param>
public sealed record SandboxWanted(Guid Session, Guid Project, SandboxKind Kind, string Directory, bool Open = false)
{
    public (Guid Session, bool Open) Key => (Session, Open);

    /// <summary>No session's but the project's own: <see cref="RunSandboxes"/>.</summary>
    public bool IsProject => Session == Project;
}
