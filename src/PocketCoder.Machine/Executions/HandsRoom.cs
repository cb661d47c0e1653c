using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using PocketCoder.Hands;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Network;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Executions;

/// <summary>
/// Where commands of sandboxed sessions run: which kinds of sandbox this machine really has, and one sandbox a session, made at its first command.
/// Thread-safe.
/// </summary>
internal sealed partial class HandsRoom : IAsyncDisposable
{
    private static readonly Dictionary<string, string> s_nothing = new(StringComparer.Ordinal);

    private static readonly TimeSpan KillLimit = TimeSpan.FromSeconds(10);

    private readonly IReadOnlyList<ISandboxBackend> _backends;
    private readonly SandboxKind? _wanted;
    private readonly NetworkRoom _network;
    private readonly ILogger _log;
    private readonly ConcurrentDictionary<(Guid Session, bool Open), Lazy<Task<Hands>>> _sandboxes = new();
    private readonly ConcurrentDictionary<Guid, ISandbox> _kept = new();
    private readonly SandboxUsers _users = new();
    private readonly List<(Guid Session, IReadOnlyList<TerminalFound> Terminals)> _withTerminals = [];
    private readonly Lazy<Task<IReadOnlyList<SandboxProbe>>> _probes;

    /// <param name="backends">Those there are, in the order of preference.</param>
    /// <param name="wanted">What sessions get that do not choose; null: the first that isolates fully.</param>
    public HandsRoom(IReadOnlyList<ISandboxBackend> backends, SandboxKind? wanted, NetworkRoom network, ILogger log)
    {
        (_backends, _wanted, _network, _log) = (backends, wanted, network, log);
        _probes = new(ProbeAsync);
    }

    /// <summary>What a session may choose, as far as it is known: looking takes a second and does not hold up the start.</summary>
    public IReadOnlyList<SandboxKind> Known => [.. Seen.Where(p => p.Usable).Select(p => p.Kind), SandboxKind.None];

    /// <summary>Makes rings for agents' own programs too; after <see cref="CleanAsync"/>.</summary>
    public ISandboxBackend Bubblewrap => _backends.First(b => b.Kind == SandboxKind.Bubblewrap);

    /// <summary>What a session gets that does not choose. Null: not known yet, or nothing that would isolate it; then it must choose.</summary>
    public SandboxKind? Default => _wanted == SandboxKind.None ? SandboxKind.None : First(Seen)?.Kind;

    /// <summary>Why sessions that do not choose are refused; null when they are not, or nobody knows yet.</summary>
    public string? WhyNoDefault => _probes is { IsValueCreated: true, Value.IsCompletedSuccessfully: true } && Default is null ? Reasons(Seen) : null;

    /// <summary>Whether sandboxes have a way out at all: it needs a program that leads a port inside to our socket.</summary>
    public static bool HasNetwork { get; } = Executables.Find("socat", "/usr/bin:/bin") is not null;

    private IReadOnlyList<SandboxProbe> Seen => _probes is { IsValueCreated: true, Value: { IsCompletedSuccessfully: true, Result: var seen } } ? seen : [];

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
                : (null, $"No sandbox works on this machine, and without one nothing runs unasked for. {Reasons(probes)} See: pocketcoder doctor. Or choose \"no sandbox\" for this session.");
        }

        return probes.FirstOrDefault(p => p.Kind == choice) switch
        {
            { Usable: true } => (choice, ""),
            { } probe => (null, string.Join(' ', probe.Reasons.DefaultIfEmpty("It does not work on this machine."))),
            null => (null, $"There is no sandbox {SandboxName.Of(choice.Value)} on this machine."),
        };
    }

    /// <summary>
    /// What a session's commands get in their environment beside the sandbox's own; asked when a command is asked for and again before it begins, and what
    /// differs then is a refusal.
    /// </summary>
    public Func<Guid, ValueTask<IReadOnlyDictionary<string, string>>> EnvironmentAsync { get; set; } = static _ => new(s_nothing);

    /// <summary>A folder that a session's commands may read and not change: what people sent. It may throw what making one throws.</summary>
    public Func<Guid, string>? Readable { get; init; }

    /// <summary>The sandboxes of an earlier daemon that <see cref="CleanAsync"/> kept, with their terminals.</summary>
    public IReadOnlyList<(Guid Session, IReadOnlyList<TerminalFound> Terminals)> WithTerminals => _withTerminals;

    /// <summary>
    /// Ends what an earlier daemon left: its agents are gone, so nobody waits for those commands. A sandbox with terminals of a person stays, and of it
    /// the commands are ended. Call once, before the first <see cref="GetAsync"/>.
    /// </summary>
    public async Task CleanAsync(CancellationToken cancellationToken)
    {
        foreach (var backend in _backends)
        {
            try
            {
                foreach (var left in await backend.RecoverAsync(cancellationToken))
                {
                    if (Guid.TryParseExact(left.Id, "D", out var session) && await TerminalsAsync(left, cancellationToken) is { Count: > 0 } terminals)
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
                LogNotEnded(_log, SandboxName.Of(backend.Kind), e.Message); // an engine that does not answer must not keep the daemon from starting
            }
        }
    }

    /// <summary>The session's sandbox, with its way out; a new one when it has none or lost it.</summary>
    /// <exception cref="SandboxException">It can't be made; the message says why.</exception>
    public async Task<ISandbox> GetAsync(HandsWanted wanted, CancellationToken cancellationToken, SandboxUse use = SandboxUse.Agent)
    {
        _users.Add(wanted.Session, use);
        while (true)
        {
            var made = _sandboxes.GetOrAdd(wanted.Key, _ => new(() => CreateAsync(wanted)));
            try
            {
                var hands = await made.Value.WaitAsync(cancellationToken);
                if (hands.Sandbox.IsAlive)
                {
                    return hands.Sandbox;
                }

                if (_sandboxes.TryRemove(KeyValuePair.Create(wanted.Key, made)))
                {
                    await EndAsync(hands);
                }
            }
            catch (SandboxException)
            {
                _sandboxes.TryRemove(KeyValuePair.Create(wanted.Key, made));
                throw;
            }
        }
    }

    /// <summary>A sandbox that belongs to no session: without a way out, and whoever asks for it ends it. What an earlier daemon left of these is ended at the start.</summary>
    /// <exception cref="SandboxException">It can't be made; the message says why.</exception>
    public Task<ISandbox> CreateAsync(SandboxKind kind, SandboxSpec spec)
        => (_backends.FirstOrDefault(b => b.Kind == kind) ?? throw new SandboxException(SandboxError.NotAvailable, $"There is no sandbox {SandboxName.Of(kind)} on this machine."))
            .CreateAsync(spec, CancellationToken.None);

    /// <summary>Ends the session's sandbox with all that runs in it, unless it is needed for something else too.</summary>
    public async Task EndAsync(Guid session, SandboxUse use = SandboxUse.Agent)
    {
        var unused = _users.Remove(session, use);
        if (unused && _kept.TryRemove(session, out var kept))
        {
            await KillAsync(kept);
        }

        if (unused)
        {
            await EndAsync((session, Open: false));
        }

        if (unused || use == SandboxUse.Agent)
        {
            await EndAsync((session, Open: true)); // commands only
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_probes.IsValueCreated)
        {
            try
            {
                await _probes.Value.WaitAsync(KillLimit); // they clean up after themselves
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
        => probes.FirstOrDefault(p => p.Usable && (_wanted is { } wanted ? p.Kind == wanted : p.Kind is SandboxKind.Bubblewrap or SandboxKind.Docker));

    private string Reasons(IReadOnlyList<SandboxProbe> probes) => string.Join(
        ' ', probes.Where(p => !p.Usable && (_wanted is null ? p.Kind == SandboxKind.Bubblewrap : p.Kind == _wanted)).SelectMany(p => p.Reasons).DefaultIfEmpty("None was found."));

    private async Task<Hands> CreateAsync(HandsWanted wanted)
    {
        var backend = _backends.FirstOrDefault(b => b.Kind == wanted.Kind)
            ?? throw new SandboxException(SandboxError.NotAvailable, $"There is no sandbox {SandboxName.Of(wanted.Kind)} on this machine.");
        var relayed = backend.Kind == SandboxKind.Bubblewrap && HasNetwork; // the others have no way out yet
        var sandbox = !wanted.Open && _kept.TryRemove(wanted.Session, out var kept) ? kept : await backend.CreateAsync(
            new SandboxSpec
            {
                Id = wanted.Open ? $"{wanted.Session:D}-open" : wanted.Session.ToString("D"),
                Workspace = wanted.Directory,
                ReadOnlyBinds = [.. wanted.Open ? [] : Protection.ReadOnly(wanted.Directory), .. wanted.IsProject ? [] : ReadableBy(wanted.Session)],
                Pinned = wanted.Open ? [] : Protection.Pinned(wanted.Directory),
                Relays = relayed ? [new SocketRelay(NetworkRoom.Port, NetworkRoom.Socket)] : [],
                Environment = relayed ? NetworkRoom.Environment : new Dictionary<string, string>(StringComparer.Ordinal),
            },
            CancellationToken.None);
        try
        {
            // A daemon of root runs sandboxes as other users: they must be let in by the socket, and the folder keeps everybody else out.
            return new Hands(sandbox, relayed ? _network.Open(wanted, sandbox.SocketDirectory!, others: Environment.IsPrivilegedProcess) : null);
        }
        catch (IOException e)
        {
            await KillAsync(sandbox);
            throw new SandboxException(SandboxError.StartFailed, $"Its way to the network could not be made: {e.Message}", e);
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
            throw new SandboxException(SandboxError.StartFailed, $"The folder for what is sent with prompts can't be made: {e.Message}", e);
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

    private async Task EndAsync((Guid Session, bool Open) key)
    {
        if (_sandboxes.TryRemove(key, out var made))
        {
            try
            {
                await EndAsync(await made.Value);
            }
            catch (SandboxException)
            {
                // it was never made
            }
        }
    }

    private async Task EndAsync(Hands hands)
    {
        if (hands.Network is { } network)
        {
            await network.DisposeAsync(); // first: its socket lies in the sandbox's folder
        }

        await KillAsync(hands.Sandbox);
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
                probe = new SandboxProbe(backend.Kind, Usable: false, [e.Message], new Dictionary<string, string>(StringComparer.Ordinal), LimitSource.None);
            }

            probes.Add(probe);
            if (!probe.Usable)
            {
                LogUnusable(_log, SandboxName.Of(backend.Kind), string.Join(' ', probe.Reasons));
            }
        }

        return probes;
    }

    private async Task KillAsync(ISandbox sandbox)
    {
        try
        {
            using var limit = new CancellationTokenSource(KillLimit);
            await sandbox.KillAsync(limit.Token);
        }
        catch (Exception e) when (e is SandboxException or OperationCanceledException)
        {
            LogNotEnded(_log, sandbox.Id, e.Message);
        }
    }

    private sealed record Hands(ISandbox Sandbox, SessionNetwork? Network);

    [LoggerMessage(EventId = 401, Level = LogLevel.Warning, Message = "The sandbox {Kind} can't be used: {Why}")]
    private static partial void LogUnusable(ILogger log, string kind, string why);

    [LoggerMessage(EventId = 402, Level = LogLevel.Warning, Message = "The sandbox {Id} could not be ended wholly: {Why}")]
    private static partial void LogNotEnded(ILogger log, string id, string why);
}

/// <summary>Whose sandbox, and which.</summary>
/// <param name="Directory">The project's folder.</param>
/// <param name="Open">Where the project's protected configuration can be written: a second sandbox, for commands that were allowed with just that in view.</param>
internal sealed record HandsWanted(Guid Session, Guid Project, SandboxKind Kind, string Directory, bool Open = false)
{
    public (Guid Session, bool Open) Key => (Session, Open);

    /// <summary>No session's but the project's own: <see cref="ProjectHands"/>.</summary>
    public bool IsProject => Session == Project;
}
