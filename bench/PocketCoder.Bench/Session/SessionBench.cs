using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using PocketCoder.Gateway;
using PocketCoder.Machine;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Bench.Session;

/// <summary>
/// What our side adds to an agent: from the agent's standard output to a device that has the text decrypted, from a decision sent to
/// the agent told, and how fast a device that was away is level again. The daemon, the driver, the crypto and the socket are the real ones.
/// </summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
internal static class SessionBench
{
    private const int Tokens = 2_000;
    private const int Decisions = 100;
    private const int Events = 10_000;

    public static async Task<int> RunAsync(BenchOptions options)
    {
        var table = new BenchTable($"session ({Tokens} tokens at 1,000/s, {Decisions} decisions, {Events} events)");
        for (var run = 0; run < options.Runs; run++)
        {
            var folder = Directory.CreateDirectory(Path.Combine(options.Folder, $"pcb-{Guid.CreateVersion7():N}"[..12]));
            try
            {
                await RunOnceAsync(folder, table);
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        }

        table.Print(options.Json);
        return 0;
    }

    private static async Task RunOnceAsync(DirectoryInfo folder, BenchTable table)
    {
        Environment.SetEnvironmentVariable("POCKETCODER_CLAUDE", WriteFakeClaude(folder));
        var project = folder.CreateSubdirectory("project").FullName;
        await using var daemon = await Daemon.StartAsync(
            new DaemonOptions
            {
                Home = Home.At(Path.Combine(folder.FullName, "home")),
                Gateway = GatewayOptions.Default with { Listen = [new IPEndPoint(IPAddress.Loopback, 0)] },
            },
            CancellationToken.None);
        IControlTarget control = daemon;
        var added = await control.AddProjectAsync(project, "bench", CancellationToken.None);
        var offer = await control.PairAsync(new PairingRequest([Scope.View, Scope.Prompt, Scope.Decide], "bench"), CancellationToken.None);
        await using var device = await TestDevice.PairAsync(offer.Links[0]);

        var session = Guid.CreateVersion7();
        await device.AskAsync(
            MessageTypes.AgentSessionNew,
            new AgentSessionNewRequest(session, Guid.CreateVersion7(), added.Project.ProjectId, "claude", "tokens 200"),
            ProtocolJson.Default.AgentSessionNewRequest,
            ProtocolJson.Default.AgentSessionNewResponse);
        await device.SubscribeAsync($"session/{session}");
        await device.NextEventAsync<DoneEvent>(); // warm-up: the JIT's cost is not ours

        await TokensAsync(device, session, table);
        await DecisionsAsync(device, session, table);
        await ResumeAsync(device, session, daemon.Urls[0], table);
    }

    private static async Task TokensAsync(TestDevice device, Guid session, BenchTable table)
    {
        await PromptAsync(device, session, $"tokens {Tokens}");
        var under = new List<double>(Tokens);
        while (under.Count < Tokens)
        {
            var pushed = await device.NextAsync(e => e.Type == MessageTypes.AgentDelta, "a token");
            var now = Stopwatch.GetTimestamp();
            foreach (var stamp in pushed.Payload!.Value.GetProperty("text").GetString()!.Split(';', StringSplitOptions.RemoveEmptyEntries))
            {
                under.Add(Milliseconds(now - long.Parse(stamp, CultureInfo.InvariantCulture)));
            }
        }

        await device.NextEventAsync<DoneEvent>();
        Add(table, "token, agent's stdout → device", under);
    }

    private static async Task DecisionsAsync(TestDevice device, Guid session, BenchTable table)
    {
        var took = new List<double>(Decisions);
        for (var i = 0; i < Decisions; i++)
        {
            await PromptAsync(device, session, "decide");
            var asked = (await device.NextEventAsync<PromptEvent>(e => e.Approval.State == ApprovalState.Pending)).Approval;
            var tapped = Stopwatch.GetTimestamp();
            _ = device.DecideAsync(asked, DecisionVerdict.Allow);
            var told = await device.NextEventAsync<ToolResultEvent>();
            took.Add(Milliseconds(long.Parse(told.Output, CultureInfo.InvariantCulture) - tapped));
            await device.NextEventAsync<DoneEvent>();
        }

        Add(table, "decision sent → agent told", took);
    }

    private static async Task ResumeAsync(TestDevice device, Guid session, string url, BenchTable table)
    {
        var before = (await GetAsync(device, session)).Head;
        await PromptAsync(device, session, $"blocks {Events}");
        await device.NextEventAsync<DoneEvent>();
        var head = (await GetAsync(device, session)).Head;
        var clock = Stopwatch.StartNew();
        await using var away = await device.AgainAsync(url);
        await away.SubscribeAsync($"session/{session}", device.LastEpoch(session), before);
        await away.NextAsync(e => e.Seq == head, "the last event");
        table.Add($"resume after {Events:#,0} missed events (connect, decrypt, parse)", "ms", clock.Elapsed.TotalMilliseconds);
    }

    private static async Task<SessionInfo> GetAsync(TestDevice device, Guid session) => (await device.AskAsync(
        MessageTypes.AgentSessionGet, new AgentSessionGetRequest(session), ProtocolJson.Default.AgentSessionGetRequest, ProtocolJson.Default.AgentSessionGetResponse)).Session;

    private static Task<AgentMessageResponse> PromptAsync(TestDevice device, Guid session, string content) => device.AskAsync(
        MessageTypes.AgentMessage,
        new AgentMessageRequest(session, Guid.CreateVersion7(), content),
        ProtocolJson.Default.AgentMessageRequest,
        ProtocolJson.Default.AgentMessageResponse);

    private static void Add(BenchTable table, string what, List<double> values)
    {
        values.Sort();
        table.Add(what + ", p50", "ms", values[values.Count / 2]);
        table.Add(what + ", p99", "ms", values[(int)(values.Count * 0.99)]);
    }

    private static double Milliseconds(long ticks) => ticks * 1000.0 / Stopwatch.Frequency;

    /// <summary>A program named like Claude that runs this benchmark's own imitation of it.</summary>
    private static string WriteFakeClaude(DirectoryInfo folder)
    {
        var path = Path.Combine(folder.FullName, "claude");
        var self = Environment.ProcessPath ?? throw new InvalidOperationException("unknown program path");
        File.WriteAllText(path, $"#!/bin/sh\nexec '{self.Replace("'", "'\\''", StringComparison.Ordinal)}' fake-claude\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }
}
