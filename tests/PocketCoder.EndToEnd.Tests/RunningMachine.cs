using System.Net;
using PocketCoder.Agents;
using PocketCoder.Agents.Stub;
using PocketCoder.Gateway;
using PocketCoder.Machine;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Starting;
using PocketCoder.Machine.Tests;
using PocketCoder.Protocol;
using PocketCoder.Push;
using PocketCoder.Testing;
using PocketCoder.Testing.Homes;

namespace PocketCoder.EndToEnd.Tests;

/// <summary>A daemon with the built app, on a port of its own that stays the same over restarts.</summary>
internal sealed class RunningMachine : IAsyncDisposable
{
    private readonly DaemonOptions _options;
    private readonly DaemonSeams _seams;
    private readonly IReadOnlyList<IAgentDriver> _drivers;

    private RunningMachine(DaemonOptions options, DaemonSeams seams, IReadOnlyList<IAgentDriver> drivers, TestLog log)
        => (_options, _seams, _drivers, Log) = (options, seams, drivers, log);

    public Daemon Daemon { get; private set; } = null!;

    public TestLog Log { get; }

    public TestOwner Control => Daemon.AsOwner();

    public string Url => Daemon.Urls[0];

    /// <param name="drivers">Null: the demo with its own agent and project.</param>
    /// <param name="ssh">What git's ssh is started with beside the usual.</param>
    /// <param name="push">The way to push services; null: the usual one.</param>
    public static async Task<RunningMachine> StartAsync(
        IReadOnlyList<IAgentDriver>? drivers = null, IReadOnlyList<string>? ssh = null, PushWays? push = null)
    {
        var log = new TestLog();
        var machine = new RunningMachine(
            new DaemonOptions
            {
                Home = Home.At(Directory.CreateTempSubdirectory("pce-").FullName),
                Demo = drivers is null,
                Gateway = GatewayOptions.Default with
                { Listen = [new IPEndPoint(IPAddress.Loopback, Ports.Free())], AppDirectory = Repository.PathOf("app/dist") },
                LoggerFactory = log,
            },
            new DaemonSeams { SshOptions = ssh ?? [], Push = push ?? new PushWays() },
            drivers ?? [new StubDriver(TimeProvider.System)],
            log);
        await machine.StartDaemonAsync();
        return machine;
    }

    public async Task StartDaemonAsync()
        => Daemon = await Daemon.StartAsync(_options, _drivers, _seams, CancellationToken.None);

    public async Task<string> LinkAsync() => (await Control.PairAsync(
        new PairingRequest([Scope.View, Scope.Prompt, Scope.Decide, Scope.Manage], null), CancellationToken.None)).Links[0];

    public async ValueTask DisposeAsync()
    {
        await Daemon.DisposeAsync();
        TestContext.Current.TestOutputHelper?.WriteLine(
            string.Join('\n', Log.Lines.Where(l => !l.Contains("Microsoft.AspNetCore", StringComparison.Ordinal))));
        await HomeRemains.ClearAsync(_options.Home.Sandboxes, _options.Home.Root, _options.Home.AgentFiles, _options.Home.Attached);
    }
}
