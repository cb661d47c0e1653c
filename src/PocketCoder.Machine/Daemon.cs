using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using PocketCoder.Agents;
using PocketCoder.Agents.Stub;
using PocketCoder.Broker.Egress;
using PocketCoder.Channels;
using PocketCoder.Gateway;
using PocketCoder.Ledger;
using PocketCoder.Broker.Models;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Attachments;
using PocketCoder.Machine.Brains;
using PocketCoder.Machine.Chain;
using PocketCoder.Machine.Commands;
using PocketCoder.Machine.Commands.Rules;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Conversations;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Executions.Archive;
using PocketCoder.Machine.Files;
using PocketCoder.Machine.Files.Watching;
using PocketCoder.Machine.Git;
using PocketCoder.Machine.Git.Transfers;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Network;
using PocketCoder.Machine.Overview;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Secrets;
using PocketCoder.Machine.Sessions;
using PocketCoder.Machine.Sessions.Prompting;
using PocketCoder.Machine.Sessions.Warming;
using PocketCoder.Machine.Snapshots;
using PocketCoder.Machine.Snapshots.Undo;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Status;
using PocketCoder.Machine.Streams;
using PocketCoder.Machine.Terminals;
using PocketCoder.Protocol;

namespace PocketCoder.Machine;

/// <summary>
/// The daemon of one machine: everything that runs between a device and an agent, put together. Reads like a table of contents;
/// what a feature does stands in its folder.
/// </summary>
public sealed partial class Daemon : IAsyncDisposable
{
    private readonly DaemonOptions _options;
    private readonly ChannelIdentity _identity;
    private readonly LedgerStore _ledger;
    private readonly LedgerSigner _signer;
    private readonly Store _store;
    private readonly ChainHead _head;
    private readonly StreamHub _hub;
    private readonly ProjectStore _projects;
    private readonly DeviceStore _devices;
    private readonly PairingDesk _pairing;
    private readonly ApprovalDesk _approvals;
    private readonly ProjectDesk _asks;
    private readonly AgentCatalog _agents;
    private readonly NetworkRules _rules;
    private readonly NetworkRoom _network;
    private readonly HandsRoom _hands;
    private readonly SecretDesk _secrets;
    private readonly ModelDesk _models;
    private readonly AttachmentRoom _attachments;
    private readonly FileFinder _finder;
    private readonly FileDesk _files;
    private readonly FileStreams _fileStreams;
    private readonly GitRoom _git;
    private readonly SnapshotRoom _snapshots;
    private readonly UndoDesk _undo;
    private readonly ConversationDesk _conversations;
    private readonly TerminalHolds _holds;
    private readonly WarmPool _warm;
    private readonly ProjectDefaultsStore _defaults;
    private readonly SessionDirectory _sessions;
    private readonly TerminalDesk _terminals;
    private readonly ExecutionDesk _executions;
    private readonly CommandDesk _commands;
    private readonly CommandPolicies _policies;
    private readonly CommandDoor _door;
    private readonly ConnectionRegistry _connections = new();
    private readonly Calm _calm;
    private readonly MessageTable _table;
    private readonly MachineLabel _label;
    private readonly DateTimeOffset _startedAt;
    private readonly TaskCompletionSource<string> _stopRequested = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private GatewayServer? _gateway;
    private IDisposable? _registration;
    private int _stopped;

    private Daemon(DaemonOptions options, ChannelIdentity identity, LedgerStore ledger, IReadOnlyList<IAgentDriver> drivers)
    {
        var time = options.TimeProvider;
        var logger = options.LoggerFactory.CreateLogger("PocketCoder.Machine");
        (_options, _identity, _ledger) = (options, identity, ledger);
        _startedAt = Instant.Truncate(time.GetUtcNow());
        _label = new MachineLabel(options.Home);
        _signer = Signer(identity);
        _hub = new StreamHub(Guid.CreateVersion7().ToString("N"));
        _store = new Store(ledger, _hub, "none", time);
        _head = new ChainHead(ledger, identity.Id, _signer, _store);
        _projects = new ProjectStore(_store);
        _devices = new DeviceStore(_store);
        _pairing = new PairingDesk(identity, _devices, _store, time);
        _approvals = new ApprovalDesk(_store, identity.Id, options.ApprovalTimeout, time);
        _agents = new AgentCatalog(drivers);
        _rules = new NetworkRules(_store);
        _network = new NetworkRoom(_store, _rules, time, options.Egress);
        _attachments = new AttachmentRoom(options.Home.Attachments, new AttachedFolders(options.Home.Attached), _store, time);
        _finder = new FileFinder(options.Home.Finder, options.Home.Root, _projects, time);
        _hands = new HandsRoom(Backends.Of(options.Home.Hands), options.Sandbox, _network, logger) { Readable = _attachments.Folders.Of };
        _git = new GitRoom(_hands, _projects, options.Home, options.GitTime, logger); // by the real clock, as snapshots
        _snapshots = new SnapshotRoom(options.Home.Snapshots, _store, SnapshotLimits.Default, TimeProvider.System, logger); // by the real clock: it waits for real processes
        _undo = new UndoDesk(_snapshots, _store, _projects, identity.Id);
        var archive = new SessionArchive(options.Home.Outputs, time);
        archive.Sweep();
        _secrets = new SecretDesk(options.Home, _store, time);
        _store.Redact = body => RedactedJson.Of(_secrets.Redactor, body);
        if (options.LoggerFactory is LogFile log)
        {
            log.Redact = text => _secrets.Redactor.Redact(text);
        }

        _models = new ModelDesk(options.Home, options.ModelUpstreams, _store, _secrets, time, logger) { Ask = AskBudgetAsync };
        var starter = new AgentStarter(options.Home, _hands, _models, _store, _attachments.Folders);
        _conversations = new ConversationDesk(_agents, _store, _secrets);
        _holds = new TerminalHolds(_store, time, logger) { Left = session => _sessions?.Find(session)?.TerminalLeft() };
        _warm = new WarmPool(options.Warm, time, options.MeasureAgent);
        _defaults = new ProjectDefaultsStore(_store, _projects, _agents);
        _sessions = new SessionDirectory(new SessionServices(_store, _approvals, _hands, starter, _models, _secrets, _snapshots, time, logger) { Warm = _warm, Archive = archive, Attachments = _attachments, Holds = _holds, Conversations = _conversations, OutputLimit = options.OutputLimit, Limits = options.Limits, KnownModels = _agents.Models }, _projects, _agents);
        _calm = new Calm(options.Rests ?? (static () => { }), () => _sessions.Actors.Any(a => a.Info.State == SessionState.Working), time);
        (_store.Announced, _connections.Changed) = (_calm.Touch, _calm.Touch);
        _terminals = new TerminalDesk(_store, _hands, _sessions, _projects, logger);
        _asks = new ProjectDesk(_store, _approvals, logger);
        _files = new FileDesk(options.Home, _projects, _store, _asks, time) { GitStatus = new GitMarks(_git, TimeProvider.System).OfAsync }; // by the real clock: it waits for a real program
        _fileStreams = new FileStreams(_files, _store, time) { WarningsChanged = () => _store.Announce(new MachineChanged(Info())), GitChanged = project => _store.Announce(new GitChanged(project)) };
        _approvals.Settled = (approval, decision) =>
        {
            if (approval.AgentSessionId is { } session)
            {
                _sessions.Find(session)?.Settle(approval, decision);
            }
            else
            {
                _asks.Settle(approval);
            }
        };
        _network.Ask = (session, wanted, cancellationToken) => _sessions.Find(session)?.MayReachAsync(wanted, cancellationToken)
            ?? ValueTask.FromResult(EgressVerdict.Refuse("no rule of the project allows it, and there is no session to ask in"));
        _executions = new ExecutionDesk(_store, _sessions, archive);
        _commands = new CommandDesk(_store, _projects, _defaults, _hands, new ProjectHands(_hands, Backends.Bare(options.Home.Hands)), archive, text => _secrets.Redactor.Redact(text), time, logger);
        _policies = new CommandPolicies(_store, _projects);
        _door = new CommandDoor(_commands, _policies, _projects, _asks, _store);
        _table = new MessageTable()
            .MapOverview(Info, _projects, _sessions, _approvals, _agents, _hub.Machine)
            .MapStatus(Status, new LogTail(options.Home.LogFile, text => _secrets.Redactor.Redact(text)))
            .MapSubscriptions(_hub, _sessions, _fileStreams)
            .MapSessions(_sessions, _agents)
            .MapAttachments(_attachments)
            .MapFiles(_finder)
            .MapFileDesk(_files)
            .MapGit(_git, _store, _asks, new GitWays(options.SshOptions, options.GitHttps, _secrets.Get))
            .MapConversations(_conversations, _projects)
            .MapProjects(_defaults)
            .MapPrompting(_sessions)
            .MapWarming(_sessions)
            .MapApprovals(_approvals)
            .MapExecutions(_executions)
            .MapCommands(_commands, _door, _policies)
            .MapSnapshots(_undo)
            .MapNetwork(_rules)
            .MapDevices(_devices, _connections)
            .MapLedger(ledger, _head)
            .MapTerminals(_terminals);
    }

    /// <summary>The routing id of this machine.</summary>
    public string MachineId => _identity.Id;

    /// <summary>Where the gateway listens.</summary>
    public IReadOnlyList<string> Urls => _gateway?.Urls ?? [];

    /// <summary>Each feature's tables; once applied, in this order.</summary>
    private static MigrationSet[] Tables { get; } =
    [
        Of("machine", ""),
        Of("models", "Models."),
        Of("conversations", "Conversations."),
        Of("projects", "Projects."),
        Of("snapshots", "Snapshots."),
        Of("prompting", "Sessions.Prompting."),
        Of("attachments", "Attachments."),
        Of("forks", "Sessions.Forks."),
        Of("files", "Files."),
        Of("commands", "Commands."),
    ];

    /// <summary>Completes with the reason when somebody asked the daemon to stop; then call <see cref="StopAsync"/>.</summary>
    public Task<string> StopRequested => _stopRequested.Task;

    internal MessageTable Table => _table;

    internal HandsRoom Hands => _hands;

    internal ProjectDesk Asks => _asks;

    internal DeviceStore Devices => _devices;

    /// <summary>Completes when it is known which sandboxes this machine has.</summary>
    internal Task SandboxesKnown => _hands.LookAsync();

    /// <summary>Starts everything; when it returns, devices can connect.</summary>
    /// <exception cref="HomeRefusal">The home directory can't be used.</exception>
    /// <exception cref="LedgerException">The database can't be opened; the message says why.</exception>
    /// <exception cref="ChannelException">The machine's key file can't be used.</exception>
    /// <exception cref="PocketCoder.Broker.Secrets.SecretException">The secrets can't be opened.</exception>
    /// <exception cref="GatewayRefusal">The gateway can't listen, or must not.</exception>
    public static Task<Daemon> StartAsync(DaemonOptions options, CancellationToken cancellationToken)
        => StartAsync(options, Drivers(options), cancellationToken);

    internal static async Task<Daemon> StartAsync(DaemonOptions options, IReadOnlyList<IAgentDriver> drivers, CancellationToken cancellationToken)
    {
        options.Home.Prepare();
        if (options.Demo)
        {
            // Before the database: a home that has one and no such folder holds real data, and a start that is killed in between must not make it look so.
            options.Home.PrepareDemo();
        }

        var identity = ChannelIdentity.LoadOrCreate(options.Home.MachineKey);
        var ledger = await LedgerStore.OpenAsync(
            new LedgerOptions(options.Home.Database, identity.Id) { MigrationSets = Tables },
            options.TimeProvider,
            cancellationToken);
        Daemon daemon;
        try
        {
            daemon = new Daemon(options, identity, ledger, drivers);
        }
        catch
        {
            await ledger.DisposeAsync();
            identity.Dispose();
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

        _store.Announce(new MachineStopping(reason));
        _registration?.Dispose();
        await Task.WhenAll(_sessions.StopAsync(reason), _commands.StopAsync()); // side by side: each may take seconds to end its processes
        try
        {
            await _store.WriteAsync(change => change.Ledger(new LedgerEntry(LedgerKind.MachineStopped) { Actor = "machine", Data = new InterruptedData(reason).ToJson() }));
        }
        catch (LedgerException e)
        {
            // A full disk must not keep it from stopping in good order; the missing row says that the end was not recorded.
            LogNotRecorded(_options.LoggerFactory.CreateLogger("PocketCoder.Machine"), e.Message);
        }

        if (_gateway is not null)
        {
            await _gateway.DisposeAsync();
        }

        await _commands.DisposeAsync();
        await _asks.DisposeAsync();
        await _holds.DisposeAsync();
        _conversations.Dispose();
        _calm.Dispose();
        await _sessions.DisposeAsync();
        _warm.Dispose();
        await _terminals.DisposeAsync();
        await _git.DisposeAsync();
        await _hands.DisposeAsync();
        await _snapshots.DisposeAsync();
        _attachments.Dispose();
        _finder.Dispose();
        await _fileStreams.DisposeAsync();
        _files.Dispose();
        await _models.DisposeAsync();
        _secrets.Dispose();
        _approvals.Dispose();
        await _head.DisposeAsync();
        await _ledger.DisposeAsync();
        _identity.Dispose();
    }

    public async ValueTask DisposeAsync() => await StopAsync("The daemon stopped.");

    private static MigrationSet Of(string name, string folder) => new(name, typeof(Daemon).Assembly, $"PocketCoder.Machine.{folder}Migrations");

    private static IReadOnlyList<IAgentDriver> Drivers(DaemonOptions options)
        => options.Demo ? [new StubDriver(options.TimeProvider)] : AgentDrivers.All(options.TimeProvider, options.Home.Root);

    private static LedgerSigner Signer(ChannelIdentity identity) => new(
        identity.SigningPublicKey.ToArray(),
        text =>
        {
            // The head's text is a domain and fields, one a line: just what an identity signs.
            var lines = System.Text.Encoding.UTF8.GetString(text).Split('\n');
            return identity.Sign(lines[0], lines.AsSpan(1));
        });

    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        await _store.WriteAsync(change => change.Ledger(new LedgerEntry(LedgerKind.MachineStarted) { Actor = "machine", Data = new StartedMachineData(DaemonOptions.ProductVersion).ToJson() }));
        await _devices.LoadAsync(cancellationToken);
        await _models.LoadAsync(cancellationToken);
        await _agents.ProbeAsync(cancellationToken);
        if (_options.Demo)
        {
            await AddDemoProjectAsync();
        }

        await _attachments.SweepAsync();
        await _hands.CleanAsync(cancellationToken);
        _ = LookAsync(); // a few seconds' work that nothing waits for
        await _holds.LoadAsync(cancellationToken);
        await _sessions.RecoverAsync(cancellationToken);
        await _terminals.RecoverAsync(cancellationToken);
        await _commands.RecoverAsync(cancellationToken);
        var fabric = new InProcessFabric();
        var endpoint = new MachineEndpoint(
            _identity, _pairing, _devices, _connections, _table, _store, Greet, _options.TimeProvider, _options.LoggerFactory.CreateLogger("PocketCoder.Machine.Connections"));
        _registration = fabric.Register(endpoint);
        _gateway = await GatewayServer.StartAsync(_options.Gateway, fabric, _options.LoggerFactory, _options.TimeProvider, cancellationToken);
    }

    private Task<bool> AskBudgetAsync(BudgetSpent spent, CancellationToken ct) => _sessions.Find(spent.SessionId)?.AskBudgetAsync(spent, ct) ?? Task.FromResult(false);

    private async Task LookAsync()
    {
        await _hands.LookAsync();
        _store.Announce(new MachineChanged(Info()));
    }

    private async Task AddDemoProjectAsync()
    {
        var readme = Path.Combine(_options.Home.Demo, "README.md");
        if (!File.Exists(readme))
        {
            Home.WritePrivate(readme, System.Text.Encoding.UTF8.GetBytes(DemoText.Readme));
        }

        await _projects.AddAsync(_options.Home.Demo, "demo");
    }

    private HelloResponse Greet(Device device) => new(
        1,
        Info(),
        System.Buffers.Text.Base64Url.EncodeToString(_identity.SigningPublicKey),
        device.DeviceId,
        device.Scopes,
        _hub.Machine.Epoch,
        _store.Now,
        _head.Current);

    private MachineInfo Info() => new(
        _identity.Id,
        _label.Text,
        DaemonOptions.ProductVersion,
        RuntimeInformation.OSDescription,
        RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant(),
        _options.Demo,
        _hands.Default,
        _hands.Known,
        Warnings());

    [LoggerMessage(EventId = 101, Level = LogLevel.Warning, Message = "the stop can't be recorded: {Why}")]
    private static partial void LogNotRecorded(ILogger logger, string why);

    private List<string> Warnings()
    {
        var warnings = new List<string>();
        if (_hands.Default == SandboxKind.None)
        {
            warnings.Add("No sandbox unless a session chose one: commands that you allow run with all rights of the user that runs PocketCoder.");
        }
        else if (_hands.WhyNoDefault is { } why)
        {
            warnings.Add($"No sandbox works here, so a session must choose to go without: {why}");
        }

        if (_hands.Default == SandboxKind.Bubblewrap && !HandsRoom.HasNetwork)
        {
            warnings.Add("Sandboxes have no network, since socat is missing. On Debian or Ubuntu: sudo apt-get install socat, then restart PocketCoder.");
        }

        if (Environment.IsPrivilegedProcess)
        {
            warnings.Add("PocketCoder runs as an administrator (root). Run it as an ordinary user.");
        }

        warnings.AddRange(_agents.Known.Where(a => !a.Installed && a.Advice is not null).Select(a => $"{a.Name} was not found. {a.Advice}"));
        warnings.AddRange(_fileStreams.Warnings);
        return warnings;
    }
}
