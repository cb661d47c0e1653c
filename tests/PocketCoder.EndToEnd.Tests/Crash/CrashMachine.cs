using System.Runtime.InteropServices;
using PocketCoder.Channels;
using PocketCoder.Machine;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.Homes;

namespace PocketCoder.EndToEnd.Tests.Crash;

/// <summary>The real program in demonstration, with one paired device: for one corner at a time.</summary>
internal sealed partial class CrashMachine : IAsyncDisposable
{
    private static readonly Dictionary<string, string> s_environment = [];

    private readonly int _port = Ports.Free();
    private readonly ChannelIdentity _identity = ChannelIdentity.Create();
    private byte[] _machineKey = [];
    private TestDevice? _device;

    private readonly bool _ownFolder;

    private CrashMachine(string? folder)
    {
        _ownFolder = folder is null;
        Home = Home.At(folder ?? Directory.CreateTempSubdirectory("pccrash-").FullName);
    }

    public Home Home { get; }

    public DaemonProcess Daemon { get; private set; } = null!;

    public TestDevice Device => _device ?? throw new InvalidOperationException("the device is not connected");

    public Guid Project { get; private set; }

    public IReadOnlyList<string> Ran => File.Exists(RunLog) ? File.ReadAllLines(RunLog) : [];

    private string RunLog => Path.Combine(Home.Demo, Vocabulary.RunLog);

    /// <param name="folder">An existing empty folder; null: a new one.</param>
    public static async Task<CrashMachine> StartAsync(string? folder = null)
    {
        var machine = new CrashMachine(folder);
        await machine.StartDaemonAsync();
        using var control = new ControlClient(machine.Home);
        machine.Project = (await control.ListProjectsAsync(CancellationToken.None))[0].ProjectId;
        var offer = await control.PairAsync(new PairingRequest([Scope.View, Scope.Prompt, Scope.Decide], null), CancellationToken.None);
        machine._device = await TestDevice.PairAsync(offer.Links[0], "phone", machine._identity);
        machine._machineKey = machine.Device.MachineKey;
        return machine;
    }

    public async Task StartDaemonAsync() => Daemon = await DaemonProcess.StartAsync(Home, _port, s_environment, demo: true);

    public async Task KillAsync()
    {
        await Daemon.DisposeAsync();
        if (_device is { } device)
        {
            _device = null;
            await device.DisposeAsync();
        }
    }

    public async Task<TestDevice> ConnectAsync() => _device = await OtherAsync();

    public Task<TestDevice> OtherAsync() => TestDevice.ConnectAsync($"http://127.0.0.1:{_port}/", _identity, _machineKey);

    /// <summary>Starts a session with its first prompt and follows it.</summary>
    public async Task<Guid> SessionAsync(string prompt)
    {
        var session = Guid.CreateVersion7();
        await new Errand(ErrandKind.NewSession, Guid.CreateVersion7(), session, prompt).SendAsync(Device, Project, "stub");
        await Device.SubscribeAsync($"session/{session}");
        return session;
    }

    public Task PromptAsync(Guid session, string content, Guid? id = null)
        => new Errand(ErrandKind.Prompt, id ?? Guid.CreateVersion7(), session, content).SendAsync(Device, Project, "stub");

    public async Task<ApprovalInfo> AskedAsync()
        => (await Device.NextEventAsync<ApprovalEvent>(e => e.Approval.State == ApprovalState.Pending)).Approval;

    public Task<AgentSessionGetResponse> GetAsync(Guid session) => Device.AskAsync(
        MessageTypes.AgentSessionGet, new AgentSessionGetRequest(session), ProtocolJson.Default.AgentSessionGetRequest,
        ProtocolJson.Default.AgentSessionGetResponse);

    /// <summary>Every event of a session so far.</summary>
    public async Task<IReadOnlyList<AgentEventPayload>> TranscriptAsync(Guid session)
    {
        var head = (await GetAsync(session)).Session.Head;
        await using var reader = await OtherAsync();
        await reader.SubscribeAsync($"session/{session}");
        var events = new List<AgentEventPayload>();
        while (events.Count < head)
        {
            events.Add(await reader.NextEventAsync<AgentEventPayload>());
        }

        return events;
    }

    /// <summary>Kinds of the ledger rows of an approval, oldest first.</summary>
    public async Task<IReadOnlyList<string>> LedgerAsync(Guid approval) => [.. (await Device.AskAsync(
        MessageTypes.LedgerList, new LedgerListRequest(Limit: 200, ApprovalId: approval), ProtocolJson.Default.LedgerListRequest,
        ProtocolJson.Default.LedgerListResponse))
        .Rows.Reverse().Select(r => LedgerFact.Read(r).Kind)];

    public async Task VerifyAsync()
    {
        var (exit, output) = await RunAsync("ledger", "verify");
        Assert.True(exit == 0, output);
    }

    public Task<(int Exit, string Output)> RunAsync(params string[] arguments) => DaemonProcess.RunAsync(Home, s_environment, arguments);

    public Task RanAsync(string id) => Wait.UntilAsync(() => Ran.Contains(id, StringComparer.Ordinal), $"{id} to run");

    /// <summary>The daemon stands still between two instructions while <paramref name="look"/> looks at its files.</summary>
    public void Frozen(Action look)
    {
        Assert.Equal(0, Signal(Daemon.Pid, 19));
        try
        {
            look();
        }
        finally
        {
            Assert.Equal(0, Signal(Daemon.Pid, 18));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        await ProcessGroup.ReapAsync(Survivors.In(Home.Root), TimeSpan.Zero, TimeProvider.System); // only after a failure is there anybody
        _identity.Dispose();
        // else whoever gave the folder takes it away
        await HomeRemains.ClearAsync(Home.Sandboxes, _ownFolder ? [Home.Root, Home.AgentFiles, Home.Attached] : []);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int pid, int signal);
}
