using Microsoft.Extensions.Logging;
using PocketCoder.Agents;
using PocketCoder.Channels;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Attachments;
using PocketCoder.Machine.AgentSandboxes;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Runs;
using PocketCoder.Machine.Runs.Rules;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Conversations;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Entries;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Executions.Archive;
using PocketCoder.Machine.Files;
using PocketCoder.Machine.Files.Watching;
using PocketCoder.Machine.Git;
using PocketCoder.Machine.Git.Clones;
using PocketCoder.Machine.Git.Worktrees;
using PocketCoder.Machine.Git.Transfers;
using PocketCoder.Machine.Guard;
using PocketCoder.Machine.Linking;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Network;
using PocketCoder.Machine.Notifications;
using PocketCoder.Machine.Paths;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Providers;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Secrets;
using PocketCoder.Machine.SessionLinks;
using PocketCoder.Machine.Sessions;
using PocketCoder.Machine.Sessions.Deleting;
using PocketCoder.Machine.Sessions.Search;
using PocketCoder.Machine.Sessions.Warming;
using PocketCoder.Machine.Settings;
using PocketCoder.Machine.Snapshots;
using PocketCoder.Machine.Snapshots.Undo;
using PocketCoder.Machine.Starting;
using PocketCoder.Machine.Status;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Machine.Terminals;
using PocketCoder.Machine.Usage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine;

/// <summary>
/// The composition root: every part of the daemon, in order of construction. A constructor is given all that its part needs, made before
/// it. A part tells later ones something by an event that they subscribe to in their constructors, and reaches a session through
/// <see cref="LiveSessions"/>. Construction touches no disk and starts no work.
/// </summary>
internal sealed class DaemonParts
{
    /// <param name="stack">Takes over what must be disposed.</param>
    public DaemonParts(
        DaemonOptions options,
        DaemonSeams seams,
        DaemonFiles files,
        IReadOnlyList<IAgentDriver> drivers,
        DisposalStack stack,
        ILogger logger)
    {
        var (home, time, machine, own) = (options.Home, options.TimeProvider, files.Identity.Id, files.Providers.Known);
        (Identity, Ledger, Label, Found) = (files.Identity, files.Ledger, files.Label, files.Settings);

        // What everything is recorded, published and shown with.
        var live = new LiveSessions();
        IdleNotifier = stack.Own(new IdleNotifier(options.Rests ?? (static () => { }), () => live.AnyWorks, time));
        var secrets = options.LoggerFactory is LogFile log ? log.Secrets : new KnownSecrets();
        Hub = new StreamHub(Guid.CreateVersion7().ToString("N"));
        var health = stack.Own(new WriteHealth(time, () => new DriveInfo(home.Root).AvailableFreeSpace));
        Store = new Store(Ledger, Hub, "none", time, secrets.RedactEvent, health, IdleNotifier, logger, seams.Seam);
        Signer = MachineSigner.Of(Identity);
        Head = stack.Own(new LedgerHeadFeed(Ledger, machine, Signer, Store));
        Secrets = new SecretService(files.Secrets, secrets, Store);
        Archive = new SessionArchive(home.Outputs, time, () => secrets.Redactor);

        // Who may decide, and what waits for a decision.
        Devices = new DeviceStore(Store);
        Pairing = new PairingService(Identity, Devices, Store, time);
        Rules = new NetworkRules(Store);
        Approvals = stack.Own(new ApprovalService(Store, Rules, machine, options.ApprovalTimeout, time, logger));
        Asks = stack.Own(new PersonApprovals(Store, Approvals, logger));

        // Where commands and agents run.
        Agents = stack.Own(new AgentCatalog(drivers, time, own));
        Projects = new ProjectStore(Store);
        var worktrees = new WorktreeLinks();
        var attached = new AttachedFolders(home.Attached);
        var network = new NetworkService(Store, Rules, live, time, seams.Egress);
        Sandboxes = stack.Own(
            new SandboxService(files.Sandboxes, options.Sandbox, network, worktrees, logger) { Readable = attached.Of });
        Guard = stack.Own(new RepositoryGuard(home.TakenAway, home.Guard, logger, worktrees));
        Models = stack.Own(new ModelService(files.Prices, options.ModelUpstreams, own, Store, Secrets, live, time, logger));
        Providers = new ProviderParts(files.Providers, Secrets, Models, Store, drivers);
        var starter = new AgentStarter(home, Sandboxes, Models, Store, attached);

        // What is done in a project's folder. Git and snapshots go by the real clock: they wait for real processes.
        Roots = new FolderRoots(Store, home, seams.UserHome);
        Setup = new ProjectSetup(Projects, Roots, Store, home, seams.UserHome);
        Defaults = new ProjectDefaultsStore(Store, Projects, Agents, Sandboxes);
        Attachments = new AttachmentStore(home.Attachments, attached, Store, time);
        Finder = new FileFinder(home.Finder, home.Root, Projects, time);
        Git = stack.Own(new GitService(Sandboxes, Projects, home, seams.GitTime, logger));
        SessionTrees = new SessionTrees(Git, Asks, Projects, Store, worktrees, home, seams.Seam, seams.GitTime);
        TransferSettings = new TransferSettings(seams.SshOptions, seams.GitHttps, Secrets.Get);
        Clones = stack.Own(new ProjectClones(Setup, Projects, Sandboxes, Store, TransferSettings, seams.Clones, seams.GitTime, logger));
        var snapshots = stack.Own(new SnapshotService(home.Snapshots, Store, SnapshotLimits.Default, TimeProvider.System, logger));
        Undo = new UndoService(snapshots, Store, Projects, machine);
        Files = new FileService(home, Projects, Store, Asks, time) { GitStatus = new GitFileStatus(Git, TimeProvider.System).OfAsync };
        FileStreams = stack.Own(new FileStreams(Files, Store, time));

        // Conversations with agents.
        Conversations = new ConversationService(Agents, Store, Secrets);
        Locks = stack.Own(new TerminalLocks(Store, live, time, logger));
        var warm = stack.Own(new WarmPool(options.Warm, time));
        var services = new SessionServices(Store, Approvals, Sandboxes, starter, Models, Secrets, snapshots, time, logger)
        {
            Live = live,
            Warm = warm,
            Guard = Guard,
            Archive = Archive,
            Closed = files.Closed,
            Attachments = Attachments,
            Locks = Locks,
            Conversations = Conversations,
            KnownModels = Agents.Models,
            Limits = options.Limits,
            OutputLimit = options.OutputLimit,
            Seam = seams.Seam,
        };
        Sessions = stack.Own(new SessionDirectory(services, Projects, Agents, Defaults));
        Terminals = stack.Own(new TerminalService(Store, Sandboxes, Sessions, Projects, Guard, IdleNotifier, logger));
        Executions = new ExecutionReader(Store, Sessions, Archive);
        Search = stack.Own(new SessionSearch(home.Search, Store, logger));
        Deletion = stack.Own(new SessionDeletion(
            services, Sessions, Terminals, new SessionFiles(Archive, attached, home.AgentFiles), Search));

        // Commands of people.
        var places = new RunSandboxes(Sandboxes, Backends.Bare(home.Sandboxes));
        Runs = stack.Own(new RunService(Store, Projects, Defaults, Sandboxes, places, Guard, Archive, secrets.Redact, time, logger));
        Policies = new CommandPolicies(Store, Projects);
        RunAdmission = new RunAdmission(Runs, Policies, Projects, Asks, Store);

        // The machine as devices and its owner see it.
        Connections = new ConnectionRegistry(IdleNotifier);
        var writer = new NoticeWriter(Store, Projects, id => Sessions.Find(id)?.Info, () => Label.Text, machine, () => files.Link.Gateway);
        Notifications = stack.Own(new NotificationParts(
            Store, Devices, Connections, writer, new PushDoor(home, seams.Push, time), files.Receivers, time, logger));
        Report = new MachineReport(
            options, machine, Label, Instant.Truncate(time.GetUtcNow()), Ledger, Store, Sandboxes, Agents, Defaults, Sessions, FileStreams,
            Devices, Connections, files.OwnAgents, Addresses, Providers.Keys);
        Changes = new MachineChanges(Report, Store, Ledger, Secrets, Providers.Own, FileStreams, Devices.TwoPeople, logger);
        (Logs, Usage) = (new LogTail(home.LogFile, secrets.Redact), new UsageParts(Models, Projects, Sessions, Store));
        Entries = new EntryParts(options.EntryPoints, files.Entries, Devices, Connections, Secrets, Store, time, logger);
        (Link, Dialer) = (files.Link, new LinkDialer(Identity, () => Label.Text, time));
        Status = new OwnerStatus(options, machine, Label, Report, Sandboxes, Agents, Projects, Addresses, Link);
        OwnerStarter = new OwnerSessionStarter(Sessions, Projects, Agents, Defaults);
        Resumption = new TerminalResumption(Sessions, Agents, home);
        OwnerStreams = new OwnerStreams(Sessions, Store, Terminals, Ledger, Signer);

        // Who asks, and what answers.
        Table = DaemonTable.Of(this);
        Owner = new OwnerRequests(Table, options.LoggerFactory.CreateLogger<OwnerRequests>());
        var greeting = new Greeting(Report, Identity, Hub.Machine, Store, Head);
        var connectionLog = options.LoggerFactory.CreateLogger("PocketCoder.Machine.Connections");
        Endpoint = new MachineEndpoint(Identity, Pairing, Devices, Connections, Table, Store, greeting.To, time, connectionLog);
    }

    public ChannelIdentity Identity { get; }

    public LedgerStore Ledger { get; }

    public MachineLabel Label { get; }

    public IReadOnlyList<FileSetting> Found { get; }

    public IdleNotifier IdleNotifier { get; }

    public StreamHub Hub { get; }

    public Store Store { get; }

    public LedgerSigner Signer { get; }

    public LedgerHeadFeed Head { get; }

    public SecretService Secrets { get; }

    public SessionArchive Archive { get; }

    public DeviceStore Devices { get; }

    public PairingService Pairing { get; }

    public NetworkRules Rules { get; }

    public ApprovalService Approvals { get; }

    public PersonApprovals Asks { get; }

    public AgentCatalog Agents { get; }

    public ProjectStore Projects { get; }

    public SandboxService Sandboxes { get; }

    public RepositoryGuard Guard { get; }

    public ModelService Models { get; }

    public ProviderParts Providers { get; }

    public FolderRoots Roots { get; }

    public ProjectSetup Setup { get; }

    public ProjectDefaultsStore Defaults { get; }

    public AttachmentStore Attachments { get; }

    public FileFinder Finder { get; }

    public GitService Git { get; }

    public SessionTrees SessionTrees { get; }

    public TransferSettings TransferSettings { get; }

    public ProjectClones Clones { get; }

    public UndoService Undo { get; }

    public FileService Files { get; }

    public FileStreams FileStreams { get; }

    public ConversationService Conversations { get; }

    public TerminalLocks Locks { get; }

    public SessionDirectory Sessions { get; }

    public TerminalService Terminals { get; }

    public ExecutionReader Executions { get; }

    public SessionSearch Search { get; }

    public SessionDeletion Deletion { get; }

    public RunService Runs { get; }

    public CommandPolicies Policies { get; }

    public RunAdmission RunAdmission { get; }

    public ConnectionRegistry Connections { get; }

    public Addresses Addresses { get; } = new();

    public NotificationParts Notifications { get; }

    public MachineReport Report { get; }

    public UsageParts Usage { get; }

    public MachineChanges Changes { get; }

    public LogTail Logs { get; }

    public EntryParts Entries { get; }

    public LinkSetting Link { get; }

    public LinkDialer Dialer { get; }

    public OwnerStatus Status { get; }

    public OwnerSessionStarter OwnerStarter { get; }

    public TerminalResumption Resumption { get; }

    public OwnerStreams OwnerStreams { get; }

    /// <summary>Completed with the reason when somebody asked the daemon to stop.</summary>
    public TaskCompletionSource<string> StopRequest { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public MessageTable Table { get; }

    public OwnerRequests Owner { get; }

    public MachineEndpoint Endpoint { get; }
}
