using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using System.Text.Json;
using PocketCoder.Bench.Daemons;
using PocketCoder.Bench.Results;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Bench.Sessions;

/// <summary>
/// What our side adds to an agent: from the agent's standard output to a device that has the text decrypted, from a decision sent to
/// the agent told, and how fast a device that was away is level again. Only the agent and the device are made for this; between
/// them is the built program with its driver, crypto, database and socket.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal static class SessionBench
{
    private const int Events = 10_000;
    private const int Resumes = 5;

    public static async Task RunAsync(BenchOptions options, Measured measured)
    {
        for (var run = 0; run < options.Runs; run++)
        {
            await using var daemon = await DaemonProcess.StartAsync(options);
            await using var device = await daemon.PairAsync();
            var session = await BeginAsync(daemon, device);
            await TokensAsync(device, session, options.Quick ? 500 : 2_000, measured, Claims.TokenP50, Claims.TokenP99);
            await DecisionsAsync(device, session, options.Quick ? 50 : 200, measured);
            await ResumeAsync(device, session, daemon, measured);
            measured.Add(Claims.WorkedRss, daemon.Memory().Rss / 1e6);
        }
    }

    /// <summary>A session after a first turn; the turn warms up both sides, because a compiler's cost is not what is asked for.</summary>
    public static async Task<Guid> BeginAsync(DaemonProcess daemon, TestDevice device, string agent = "claude")
    {
        var project = await daemon.AddProjectAsync();
        var session = Guid.CreateVersion7();
        await device.AskAsync(
            MessageTypes.AgentSessionNew,
            new AgentSessionNewRequest(session, Guid.CreateVersion7(), project.ProjectId, agent, "tokens 200"),
            ProtocolJson.Default.AgentSessionNewRequest,
            ProtocolJson.Default.AgentSessionNewResponse);
        await device.SubscribeAsync($"session/{session}");
        var done = await device.NextEventAsync<DoneEvent>();
        return done.Outcome == TurnState.Completed ? session : throw new InvalidOperationException(
            $"the first turn of {agent} ended as {done.Outcome}: {(await TurnsAsync(device, session))[^1].Error}");
    }

    public static async Task TokensAsync(TestDevice device, Guid session, int tokens, Measured measured, Claim p50, Claim p99)
    {
        await PromptAsync(device, session, $"tokens {tokens}");
        var under = new List<double>(tokens);
        var begun = ""; // pieces of live text end anywhere, also within a stamp
        while (true)
        {
            var pushed = await device.NextAsync(e => e.Type == MessageTypes.AgentDelta || IsDone(e), "a token");
            var now = Stopwatch.GetTimestamp();
            if (pushed.Type != MessageTypes.AgentDelta)
            {
                break;
            }

            var stamps = (begun + pushed.Payload!.Value.GetProperty("text").GetString()).Split(';');
            begun = stamps[^1];
            foreach (var stamp in stamps[..^1])
            {
                under.Add(Milliseconds(now - long.Parse(stamp, CultureInfo.InvariantCulture)));
            }
        }

        // What was not sent yet when its block was finished is in the finished block.
        if (under.Count < tokens * 0.95)
        {
            throw new InvalidOperationException($"Of {tokens} tokens only {under.Count} were shown as they came.");
        }

        measured.AddPercentiles(under, p50, p99);
    }

    private static bool IsDone(Envelope message) => message.Type == MessageTypes.AgentEvent
        && message.Payload!.Value.Deserialize(ProtocolJson.Default.AgentEventPayload) is DoneEvent;

    private static async Task DecisionsAsync(TestDevice device, Guid session, int decisions, Measured measured)
    {
        const int WarmUp = 5;
        var took = new List<double>(decisions);
        for (var i = -WarmUp; i < decisions; i++)
        {
            await PromptAsync(device, session, "decide");
            var asked = (await device.NextEventAsync<ApprovalEvent>(e => e.Approval.State == ApprovalState.Pending)).Approval;
            var tapped = Stopwatch.GetTimestamp();
            _ = device.DecideAsync(asked, DecisionVerdict.Allow);
            var told = await device.NextEventAsync<ToolResultEvent>();
            if (i >= 0)
            {
                took.Add(Milliseconds(long.Parse(told.Output, CultureInfo.InvariantCulture) - tapped));
            }

            await device.NextEventAsync<DoneEvent>();
        }

        measured.AddPercentiles(took, Claims.DecisionP50, Claims.DecisionP99);
    }

    private static async Task ResumeAsync(TestDevice device, Guid session, DaemonProcess daemon, Measured measured)
    {
        var before = (await GetAsync(device, session)).Head;
        await PromptAsync(device, session, $"blocks {Events}");
        await device.NextEventAsync<DoneEvent>();
        var head = (await GetAsync(device, session)).Head;
        for (var i = 0; i < Resumes; i++)
        {
            var clock = Stopwatch.StartNew();
            await using var away = await device.AgainAsync(daemon.Url);
            await away.SubscribeAsync($"session/{session}", device.LastEpoch(session), before);
            await away.NextAsync(e => e.Seq == head, "the last event");
            measured.Add(i == 0 ? Claims.Resume : Claims.ResumeAgain, clock.Elapsed.TotalMilliseconds);
        }
    }

    private static async Task<IReadOnlyList<TurnInfo>> TurnsAsync(TestDevice device, Guid session) => (await device.AskAsync(
        MessageTypes.AgentSessionGet, new AgentSessionGetRequest(session), ProtocolJson.Default.AgentSessionGetRequest,
        ProtocolJson.Default.AgentSessionGetResponse)).Turns;

    private static async Task<SessionInfo> GetAsync(TestDevice device, Guid session) => (await device.AskAsync(
        MessageTypes.AgentSessionGet, new AgentSessionGetRequest(session), ProtocolJson.Default.AgentSessionGetRequest,
        ProtocolJson.Default.AgentSessionGetResponse)).Session;

    public static Task<AgentMessageResponse> PromptAsync(TestDevice device, Guid session, string content) => device.AskAsync(
        MessageTypes.AgentMessage,
        new AgentMessageRequest(session, Guid.CreateVersion7(), content),
        ProtocolJson.Default.AgentMessageRequest,
        ProtocolJson.Default.AgentMessageResponse);

    private static double Milliseconds(long ticks) => ticks * 1000.0 / Stopwatch.Frequency;
}
