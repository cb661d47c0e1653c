using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using PocketCoder.Hands;
using PocketCoder.Hands.Bubblewrap;
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

    private readonly BubblewrapBackend _bubblewrap;
    private readonly ILogger _log;
    private readonly ConcurrentDictionary<Guid, Lazy<Task<ISandbox>>> _sandboxes = new();
    private readonly Lazy<Task<SandboxProbe>> _probe;

    public HandsRoom(string stateDirectory, ILogger log)
    {
        _log = log;
        _bubblewrap = new BubblewrapBackend(new HandsOptions { StateDirectory = stateDirectory }); // by the real clock: it waits for real processes
        _probe = new(ProbeAsync);
    }

    /// <summary>What a session may choose, the usual one first, as far as it is known: looking takes a second and does not hold up the start.</summary>
    public IReadOnlyList<SandboxKind> Known => _probe is { IsValueCreated: true, Value: { IsCompletedSuccessfully: true, Result.Usable: true } } ? [SandboxKind.None, SandboxKind.Bubblewrap] : [SandboxKind.None];

    /// <summary>Looks, once, by the real recipe; at most 20 s. Never faults for a machine that has none.</summary>
    public Task LookAsync() => _probe.Value;

    /// <summary>Why a kind can't be chosen, and what to do; null when it can.</summary>
    public async Task<string?> WhyNotAsync(SandboxKind kind) => kind switch
    {
        SandboxKind.None => null,
        SandboxKind.Bubblewrap => (await _probe.Value) is { Usable: false } probe ? string.Join(' ', probe.Reasons.DefaultIfEmpty("It does not work on this machine.")) : null,
        _ => "Only bubblewrap can be chosen yet.",
    };

    /// <summary>
    /// What a session's commands get in their environment beside the sandbox's own; asked when a command is asked for and again before it begins, and what
    /// differs then is a refusal.
    /// </summary>
    public Func<Guid, ValueTask<IReadOnlyDictionary<string, string>>> EnvironmentAsync { get; set; } = static _ => new(s_nothing);

    /// <summary>Ends what an earlier daemon left: its agents are gone, so nobody waits for those commands.</summary>
    public async Task CleanAsync(CancellationToken cancellationToken)
    {
        foreach (var left in await _bubblewrap.RecoverAsync(cancellationToken))
        {
            await KillAsync(left);
        }
    }

    /// <summary>The session's sandbox; a new one when it has none or lost it.</summary>
    /// <exception cref="SandboxException">It can't be made; the message says why.</exception>
    public async Task<ISandbox> GetAsync(Guid session, string project, CancellationToken cancellationToken)
    {
        while (true)
        {
            var made = _sandboxes.GetOrAdd(session, id => new(() => CreateAsync(id, project)));
            try
            {
                var sandbox = await made.Value.WaitAsync(cancellationToken);
                if (sandbox.IsAlive)
                {
                    return sandbox;
                }

                if (_sandboxes.TryRemove(KeyValuePair.Create(session, made)))
                {
                    await KillAsync(sandbox);
                }
            }
            catch (SandboxException)
            {
                _sandboxes.TryRemove(KeyValuePair.Create(session, made));
                throw;
            }
        }
    }

    /// <summary>Ends the session's sandbox with all that runs in it.</summary>
    public async Task EndAsync(Guid session)
    {
        if (_sandboxes.TryRemove(session, out var made))
        {
            try
            {
                await KillAsync(await made.Value);
            }
            catch (SandboxException)
            {
                // it was never made
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_probe.IsValueCreated)
        {
            try
            {
                await _probe.Value.WaitAsync(KillLimit); // it cleans up after itself
            }
            catch (TimeoutException)
            {
                LogNotEnded(_log, "probe", "it did not end in time"); // the next start cleans
            }

        }

        foreach (var session in _sandboxes.Keys)
        {
            await EndAsync(session);
        }
    }

    private Task<ISandbox> CreateAsync(Guid session, string project)
        => _bubblewrap.CreateAsync(new SandboxSpec { Id = session.ToString("D"), Workspace = project }, CancellationToken.None);

    private async Task<SandboxProbe> ProbeAsync()
    {
        SandboxProbe probe;
        try
        {
            probe = await _bubblewrap.ProbeAsync(CancellationToken.None);
        }
        catch (SandboxException e)
        {
            probe = new SandboxProbe(SandboxKind.Bubblewrap, Usable: false, [e.Message], new Dictionary<string, string>(StringComparer.Ordinal), LimitSource.None);
        }

        if (!probe.Usable)
        {
            LogUnusable(_log, string.Join(' ', probe.Reasons));
        }

        return probe;
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

    [LoggerMessage(EventId = 401, Level = LogLevel.Warning, Message = "No sandbox can be used: {Why}")]
    private static partial void LogUnusable(ILogger log, string why);

    [LoggerMessage(EventId = 402, Level = LogLevel.Warning, Message = "The sandbox {Id} could not be ended wholly: {Why}")]
    private static partial void LogNotEnded(ILogger log, string id, string why);
}
