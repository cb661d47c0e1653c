using PocketCoder.Agents;
using PocketCoder.Agents.Stub;
using PocketCoder.Broker.Egress;
using PocketCoder.Gateway;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Sessions.Warming;
using PocketCoder.Machine.Sessions.Watching;
using PocketCoder.Machine.Starting;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.Homes;

namespace PocketCoder.Machine.Tests;

/// <summary>A whole daemon in a home of its own, with the demo agent, on a free loopback port.</summary>
internal sealed class TestDaemon : IAsyncDisposable
{
    private IReadOnlyList<IAgentDriver> _drivers;

    private DaemonSeams _seams;

    private TestDaemon(DaemonOptions options, DaemonSeams seams, Daemon daemon, IReadOnlyList<IAgentDriver> drivers, TestLog log)
        => (Options, _seams, Daemon, _drivers, Log) = (options, seams, daemon, drivers, log);

    public TestLog Log { get; }

    public DaemonOptions Options { get; private set; }

    public Daemon Daemon { get; private set; }

    public string Url => Daemon.Urls.First(u => u.Contains("127.0.0.1", StringComparison.Ordinal));

    public static async Task<TestDaemon> StartAsync(
        TimeProvider? time = null, TimeSpan? approvalTimeout = null, string? home = null, IReadOnlyList<IAgentDriver>? drivers = null,
        SandboxKind? sandbox = SandboxKind.None, Func<EgressOptions, EgressOptions>? egress = null, TurnLimits? limits = null,
        WarmLimits? warm = null, IReadOnlyList<string>? ssh = null, Func<DaemonOptions, DaemonOptions>? more = null,
        Func<DaemonSeams, DaemonSeams>? seams = null)
    {
        home ??= Directory.CreateTempSubdirectory("pc-").FullName;
        var log = new TestLog();
        var options = new DaemonOptions
        {
            Home = Home.At(home),
            Demo = drivers is null,
            Gateway = GatewayOptions.Default with { Listen = [new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0)] },
            Sandbox = sandbox,
            Limits = limits ?? TurnLimits.Default,
            Warm = warm ?? WarmLimits.Default,
            ApprovalTimeout = approvalTimeout ?? TimeSpan.FromMinutes(10),
            TimeProvider = time ?? TimeProvider.System,
            LoggerFactory = log,
        };
        options = more?.Invoke(options) ?? options;
        drivers ??= [new StubDriver(options.TimeProvider)];
        var bent = new DaemonSeams { Egress = egress, SshOptions = ssh ?? [] };
        bent = seams?.Invoke(bent) ?? bent;
        return new TestDaemon(options, bent, await Daemon.StartAsync(options, drivers, bent, CancellationToken.None), drivers, log);
    }

    public async Task<string> LinkAsync(params Scope[] scopes)
    {
        var offer = await Daemon.AsOwner().PairAsync(new PairingRequest(
            scopes.Length == 0 ? [Scope.View, Scope.Prompt, Scope.Decide, Scope.Manage] : scopes, null), CancellationToken.None);
        return offer.Links.First(l => l.Contains("127.0.0.1", StringComparison.Ordinal));
    }

    public async Task<TestDevice> PairAsync(string name = "phone", params Scope[] scopes)
        => await TestDevice.PairAsync(await LinkAsync(scopes), name);

    /// <summary>A paired phone that follows the machine.</summary>
    public async Task<Phone> PhoneAsync(string name = "phone", params Scope[] scopes)
    {
        var device = await PairAsync(name, scopes);
        var state = await device.AskAsync(MessageTypes.MachineState, new MachineStateRequest(), ProtocolJson.Default.MachineStateRequest,
            ProtocolJson.Default.MachineStateResponse);
        return new Phone(device, state);
    }

    public async Task RestartAsync(
        Func<DaemonOptions, DaemonOptions>? change = null, IReadOnlyList<IAgentDriver>? drivers = null,
        Func<DaemonSeams, DaemonSeams>? seams = null)
    {
        _seams = seams?.Invoke(_seams) ?? _seams;
        _drivers = drivers ?? _drivers;
        Options = change?.Invoke(Options) ?? Options;
        await Daemon.StopAsync("restart by a test");
        Daemon = await Daemon.StartAsync(Options, _drivers, _seams, CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await Daemon.DisposeAsync();
        TestContext.Current.TestOutputHelper?.WriteLine(Log.ToString());
        await HomeRemains.ClearAsync(Options.Home.Sandboxes, Options.Home.Root, Options.Home.AgentFiles, Options.Home.Attached,
            Options.Home.Worktrees);
    }
}
