using System.Diagnostics;
using System.Net.WebSockets;
using System.Runtime.Versioning;
using PocketCoder.Bench.Daemons;
using PocketCoder.Bench.Results;
using PocketCoder.Bench.Sessions;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Bench.Scale;

/// <summary>
/// Much at once: a long absence, many followers of one stream, many sessions. The ratios are of one run, so that a busy machine does not
/// decide about them; the processor is the daemon's own time, not the clock's.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal static class ScaleBench
{
    private const int Sessions = 1_000;
    private const int FirstPage = 50;
    private const int FurtherPage = 200;

    /// <summary>A user of this machine may have 256 connections; some are left for the others of this benchmark.</summary>
    private const int Followers = 240;

    private const double TokensPerSecond = 80;

    public static async Task RunAsync(BenchOptions options, Measured measured)
    {
        await using (var daemon = await DaemonProcess.StartAsync(options))
        {
            await using var device = await daemon.PairAsync();
            var session = await SessionBench.BeginAsync(daemon, device);
            await FollowAsync(daemon, device, session, options, measured);
            await ResumeAsync(daemon, session, options, measured);
        }

        await using var demo = await DaemonProcess.StartAsync(options, ["--demo"]);
        await PagesAsync(demo, options, measured);
    }

    private static async Task ResumeAsync(DaemonProcess daemon, Guid session, BenchOptions options, Measured measured)
    {
        var events = options.Quick ? 20_000 : 200_000;
        await using var device = await daemon.PairAsync();
        var before = (await GetAsync(device, session)).Head;
        await SessionBench.PromptAsync(device, session, $"blocks {events}");
        SessionInfo info = null!;
        await Wait.UntilAsync(async () => (info = await GetAsync(device, session)) is { State: SessionState.Idle, Queued: 0 }
            && info.Head > before + events, "all events", TimeSpan.FromMinutes(10));
        await OnceAsync(batches: true); // does not count: the database's pages are in memory afterwards
        for (var run = 0; run < options.Runs; run++)
        {
            var single = await OnceAsync(batches: false);
            var batched = await OnceAsync(batches: true);
            var perEvent = 200_000.0 / (info.Head - before); // of as many as the claim names
            measured.Add(Claims.ScaleResumeSingle, single.Time * perEvent);
            measured.Add(Claims.ScaleResume, batched.Time * perEvent);
            measured.Add(Claims.ScaleResumeCpu, batched.Cpu * perEvent);
            measured.Add(Claims.ScaleResumeRatio, single.Cpu / batched.Cpu);
        }

        async Task<(double Time, double Cpu)> OnceAsync(bool batches)
        {
            var cpu = daemon.Processor();
            var clock = Stopwatch.StartNew();
            await using var away = await device.AgainAsync(daemon.Url);
            await away.SubscribeAsync($"session/{session}", null, 0, batches);
            long next = 1;
            while (next <= info.Head)
            {
                var got = await away.NextAsync(e => e.Type == MessageTypes.AgentEvent, "an event");
                if (got.Seq != next++)
                {
                    throw new InvalidOperationException($"event {next - 1} came as {got.Seq}");
                }
            }

            return (clock.Elapsed.TotalMilliseconds, (daemon.Processor() - cpu).TotalMilliseconds);
        }
    }

    /// <summary>The gateway lets in ten connections a second once a burst is used up, and says so.</summary>
    private static async Task<TestDevice> AdmittedAsync(Func<Task<TestDevice>> connect)
    {
        var began = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                return await connect();
            }
            catch (WebSocketException e) when (e.Message.Contains("429", StringComparison.Ordinal)
                && began.Elapsed < TimeSpan.FromMinutes(1))
            {
                await Task.Delay(200);
            }
        }
    }

    private static async Task FollowAsync(DaemonProcess daemon, TestDevice device, Guid session, BenchOptions options, Measured measured)
    {
        await using var prompting = await device.AgainAsync(daemon.Url); // follows nothing
        var seconds = options.Quick ? 3 : 10;
        await TurnAsync(); // the first of each kind does not count: it compiles
        var one = await TurnAsync();
        var followers = new List<TestDevice>();
        try
        {
            for (var i = 0; i < Followers / Limits.ConnectionsPerDevice; i++)
            {
                var paired = await AdmittedAsync(daemon.PairAsync);
                followers.Add(paired);
                for (var more = 1; more < Limits.ConnectionsPerDevice; more++)
                {
                    followers.Add(await AdmittedAsync(() => paired.AgainAsync(daemon.Url)));
                }
            }

            foreach (var follower in followers)
            {
                await follower.SubscribeAsync($"session/{session}", device.LastEpoch(session), (await GetAsync(prompting, session)).Head);
                follower.Drains = true; // it only takes its frames: what a device does with them is not asked for
            }

            await TurnAsync();
            for (var run = 0; run < options.Runs; run++)
            {
                var before = followers.Sum(f => (long)f.Frames);
                var many = await TurnAsync();
                var frames = followers.Sum(f => (long)f.Frames) - before;
                measured.Add(Claims.ScaleFollowers, 100 * many / seconds);
                measured.Add(Claims.ScaleFollowerMessages, (double)frames / followers.Count / seconds);
                measured.Add(Claims.ScaleFollowerMessage, (many - one) * 1e6 / frames);
                measured.Add(Claims.ScaleFollowersRatio, many / one);
            }
        }
        finally
        {
            foreach (var follower in followers)
            {
                await follower.DisposeAsync();
            }
        }

        // Seconds of the processor for a turn.
        async Task<double> TurnAsync()
        {
            var before = daemon.Processor();
            await SessionBench.PromptAsync(
                prompting, session, FormattableString.Invariant($"tokens {TokensPerSecond * seconds} {1_000 / TokensPerSecond}"));
            await device.NextEventAsync<DoneEvent>();
            return (daemon.Processor() - before).TotalSeconds;
        }
    }

    private static async Task PagesAsync(DaemonProcess daemon, BenchOptions options, Measured measured)
    {
        var project = await daemon.AddProjectAsync();
        await using var device = await daemon.PairAsync();
        for (var i = 0; i < Sessions; i++)
        {
            await device.AskAsync(
                MessageTypes.AgentSessionNew,
                new AgentSessionNewRequest(
                    Guid.CreateVersion7(), Guid.CreateVersion7(), project.ProjectId, "stub", $"hello {i}, a title of the usual length"),
                ProtocolJson.Default.AgentSessionNewRequest,
                ProtocolJson.Default.AgentSessionNewResponse);
        }

        for (var run = 0; run < options.Runs; run++)
        {
            await using var all = await device.AgainAsync(daemon.Url);
            var clock = Stopwatch.StartNew();
            var whole = await StateAsync(all, null);
            measured.Add(Claims.ScaleStateWhole, all.LargestMessage);
            measured.Add(Claims.ScaleStateWholeTime, clock.Elapsed.TotalMilliseconds);

            await using var paged = await device.AgainAsync(daemon.Url);
            clock.Restart();
            var first = await StateAsync(paged, FirstPage);
            measured.Add(Claims.ScaleStateFirst, paged.LargestMessage);
            measured.Add(Claims.ScaleStateFirstTime, clock.Elapsed.TotalMilliseconds);
            var got = first.Sessions.Select(s => s.AgentSessionId).ToList();
            for (var next = first.NextSessions; next is not null;)
            {
                var page = await paged.AskAsync(
                    MessageTypes.AgentSessionsList, new AgentSessionsListRequest(Limit: FurtherPage, After: next),
                    ProtocolJson.Default.AgentSessionsListRequest, ProtocolJson.Default.AgentSessionsListResponse);
                got.AddRange(page.Sessions.Select(s => s.AgentSessionId));
                next = page.Next;
            }

            measured.Add(Claims.ScaleStatePagesTime, clock.Elapsed.TotalMilliseconds);
            if (whole.Sessions.Count != Sessions || got.Count != Sessions || got.Distinct().Count() != Sessions)
            {
                throw new InvalidOperationException($"{whole.Sessions.Count} sessions at once, {got.Count} by pages");
            }
        }
    }

    private static Task<MachineStateResponse> StateAsync(TestDevice device, int? sessions)
        => device.AskAsync(MessageTypes.MachineState, new MachineStateRequest(sessions), ProtocolJson.Default.MachineStateRequest,
            ProtocolJson.Default.MachineStateResponse);

    private static async Task<SessionInfo> GetAsync(TestDevice device, Guid session) => (await device.AskAsync(
        MessageTypes.AgentSessionGet, new AgentSessionGetRequest(session), ProtocolJson.Default.AgentSessionGetRequest,
        ProtocolJson.Default.AgentSessionGetResponse)).Session;
}
