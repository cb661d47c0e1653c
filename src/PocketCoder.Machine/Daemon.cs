using Microsoft.Extensions.Logging;
using PocketCoder.Agents;
using PocketCoder.Agents.Stub;
using PocketCoder.Channels;
using PocketCoder.Gateway;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Guard;
using PocketCoder.Machine.Linking;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions;
using PocketCoder.Machine.Starting;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine;

/// <summary>
/// The daemon of one machine: everything that runs between a device and an agent. Its files are opened (<see cref="DaemonFiles"/>), its
/// parts are made (<see cref="DaemonParts"/>), then it begins. This class holds the order of beginning and of ending.
/// </summary>
public sealed partial class Daemon : IAsyncDisposable
{
    private readonly DaemonOptions _options;
    private readonly DaemonParts _parts;
    private readonly DisposalStack _stack;
    private readonly ILogger _logger;
    private IDisposable? _registration;
    private int _stopped;

    private Daemon(DaemonOptions options, DaemonParts parts, DisposalStack stack, ILogger logger)
        => (_options, _parts, _stack, _logger) = (options, parts, stack, logger);

    /// <summary>The routing id of this machine.</summary>
    public string MachineId => _parts.Identity.Id;

    /// <summary>Where the gateway listens.</summary>
    public IReadOnlyList<string> Urls => _parts.Addresses.Listening;

    /// <summary>Completes with the reason when somebody asked the daemon to stop; then call <see cref="StopAsync"/>.</summary>
    public Task<string> StopRequested => _parts.StopRequest.Task;

    internal MessageTable Table => _parts.Table;

    /// <summary>Answers the owner's requests from the table.</summary>
    internal OwnerRequests Owner => _parts.Owner;

    /// <summary>What the owner follows.</summary>
    internal OwnerStreams OwnerStreams => _parts.OwnerStreams;

    /// <summary>Where the HTTP control plane is, once there is one.</summary>
    internal string? ControlUrl
    {
        get => _parts.Addresses.Control;
        set => _parts.Addresses.Control = value;
    }

    internal SandboxService Sandboxes => _parts.Sandboxes;

    internal ModelService Models => _parts.Models;

    internal ApprovalService Approvals => _parts.Approvals;

    internal PersonApprovals Asks => _parts.Asks;

    internal SessionDirectory SessionDirectory => _parts.Sessions;

    internal DeviceStore Devices => _parts.Devices;

    /// <summary>Completes when it is known which sandboxes this machine has.</summary>
    internal Task SandboxesKnown => _parts.Sandboxes.LookAsync();

    /// <summary>Bytes that the messages of all devices hold now.</summary>
    internal long MessageBytesHeld => _parts.Endpoint.Memory.Held;

    /// <summary>The daemon as its owner sees it.</summary>
    internal Task<ControlStatus> StatusAsync(CancellationToken cancellationToken) => _parts.Status.OfAsync(cancellationToken);

    /// <summary>Starts everything; when it returns, devices can connect.</summary>
    /// <exception cref="HomeRefusal">The home directory can't be used.</exception>
    /// <exception cref="LedgerException">The database can't be opened; the message says why.</exception>
    /// <exception cref="ChannelException">The machine's key file can't be used.</exception>
    /// <exception cref="PocketCoder.Broker.Secrets.SecretException">The secrets can't be opened.</exception>
    /// <exception cref="GatewayRefusal">The gateway can't listen, or must not.</exception>
    public static Task<Daemon> StartAsync(DaemonOptions options, CancellationToken cancellationToken)
        => StartAsync(options, Drivers(options), DaemonSeams.None, cancellationToken);

    internal static async Task<Daemon> StartAsync(
        DaemonOptions options, IReadOnlyList<IAgentDriver> drivers, DaemonSeams seams, CancellationToken cancellationToken)
    {
        var logger = options.LoggerFactory.CreateLogger("PocketCoder.Machine");
        var stack = new DisposalStack(logger);
        Daemon daemon;
        try
        {
            var files = await DaemonFiles.OpenAsync(options, seams, stack, cancellationToken);
            daemon = new Daemon(options, new DaemonParts(options, seams, files, drivers, stack, logger), stack, logger);
        }
        catch
        {
            // What fails here is in the log; the start fails with its own reason.
            await stack.DisposeAsync().AsTask().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }

        try
        {
            await daemon.BeginAsync(cancellationToken);
            return daemon;
        }
        catch
        {
            await daemon.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Stops in order: no new requests, turns interrupted and recorded, agents ended, connections told and closed, ledger closed.
    /// Safe to call more than once.
    /// </summary>
    public async Task StopAsync(string reason)
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0)
        {
            return;
        }

        try
        {
            await EndWorkAsync(reason);
            await RecordStopAsync(reason);
            await _parts.Connections.FinishStreamsAsync();
        }
        finally
        {
            // The rest in reverse order of construction: the gateway, which was opened last, ends its connections; ledger and key go last.
            await _stack.DisposeAsync();
        }
    }

    public async ValueTask DisposeAsync() => await StopAsync("The daemon stopped.");

    private static IReadOnlyList<IAgentDriver> Drivers(DaemonOptions options)
        => options.Demo ? [new StubDriver(options.TimeProvider)] : AgentDrivers.All(options.TimeProvider, options.Home.Root);

    /// <summary>
    /// Ends the work before any part that it uses is disposed, and while devices are still connected, so that they see how it ended. Writes
    /// that wait for room are given up first: the next start settles what they were to record. New connections are refused before the turns
    /// end, so that none of them begins another turn.
    /// </summary>
    private async Task EndWorkAsync(string reason)
    {
        _parts.Store.Announce(new MachineStopping(reason));
        _parts.Store.Health.Dispose();
        _registration?.Dispose();

        // Side by side: each may take seconds to end its processes.
        await Task.WhenAll(_parts.Sessions.StopAsync(reason), _parts.Runs.StopAsync(), _parts.Asks.StopAsync(), _parts.Clones.StopAsync());
    }

    private async Task RecordStopAsync(string reason)
    {
        try
        {
            var stopped = new LedgerEntry(LedgerKind.MachineStopped) { Actor = "machine", Data = new InterruptedData(reason).ToJson() };
            await _parts.Store.WriteAsync(change => change.Ledger(stopped));
        }
        catch (LedgerException e)
        {
            // A full disk must not keep it from stopping in good order; the missing row says that the end was not recorded.
            LogNotRecorded(_logger, e.Message);
        }
    }

    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        await RecordStartAsync();
        await LoadAsync(cancellationToken);
        _options.Reports("ending what an earlier run left");
        await ClearAsync(cancellationToken);
        await _parts.Locks.LoadAsync(cancellationToken);
        _options.Reports("recovering sessions");
        await _parts.Sessions.RecoverAsync(cancellationToken);
        _parts.Deletion.GoOn();
        await _parts.Terminals.RecoverAsync(cancellationToken);
        await _parts.Runs.RecoverAsync(cancellationToken);
        await _parts.Notifications.BeginAsync(cancellationToken);
        _options.Reports("opening its addresses");
        await ListenAsync(cancellationToken);
        _parts.IdleNotifier.Touch(); // the start itself was work
    }

    private async Task RecordStartAsync()
    {
        var settings = StartSettings.Of(_options, _parts.Link.Gateway is { } gateway ? GatewayAddress.Text(gateway) : null);
        var started = new StartedMachineData(
            DaemonOptions.ProductVersion, settings, ApprovalDigest.Domain, DecisionProof.Domain);
        await _parts.Store.WriteAsync(change =>
        {
            change.Ledger(new LedgerEntry(LedgerKind.MachineStarted) { Actor = "machine", Data = started.ToJson() });
            StartSettings.Record(change, settings, _parts.Found);
        });
    }

    private async Task LoadAsync(CancellationToken cancellationToken)
    {
        await _parts.Devices.LoadAsync(cancellationToken);
        await _parts.Defaults.LoadAsync(cancellationToken);
        await _parts.Models.LoadAsync(cancellationToken);
        _options.Reports("looking for agents");
        await _parts.Agents.ProbeAsync(cancellationToken);
        if (_options.Demo && _parts.Ledger.Distrust is null)
        {
            await DemoProject.AddAsync(_options.Home, _parts.Projects);
        }

        await _parts.SessionTrees.LoadAsync(cancellationToken);
        await _parts.Clones.LoadAsync(cancellationToken);
        await _parts.Rules.ListAsync(null, cancellationToken); // their ends count on both clocks from now on
    }

    private async Task ClearAsync(CancellationToken cancellationToken)
    {
        _parts.Archive.Sweep();
        await _parts.Attachments.SweepAsync();
        await _parts.Sandboxes.CleanAsync(cancellationToken);
        await _parts.Guard.RecoverAsync((_, report) => _parts.Store.WriteAsync(
            change => RepositoryGuard.Record(change, report, new LedgerEntry(LedgerKind.AlarmRaised) { Actor = "machine" }, null, null)));
        _parts.Clones.ClearAsync().Observed(_logger, "taking away what clones left");
        LookAsync().Observed(_logger, "looking for sandboxes"); // a few seconds' work that nothing waits for
    }

    private async Task LookAsync()
    {
        await _parts.Sandboxes.LookAsync();
        _parts.Changes.Tell();
        await _parts.SessionTrees.ClearAsync();
    }

    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        var fabric = new InProcessFabric();
        _registration = _stack.Own(fabric.Register(_parts.Endpoint));
        var gateway = _stack.Own(
            await GatewayServer.StartAsync(_options.Gateway, fabric, _options.LoggerFactory, _options.TimeProvider, cancellationToken));
        _parts.Addresses.Listening = gateway.Urls;
        _stack.Own(_parts.Entries.Begin(_parts.Table));
        _stack.Own(new LinkService(_parts.Link, _parts.Dialer, fabric, _options.TimeProvider, _logger));
    }

    [LoggerMessage(EventId = 101, Level = LogLevel.Warning, Message = "the stop can't be recorded: {Why}")]
    private static partial void LogNotRecorded(ILogger logger, string why);
}
