using System.Text.Json;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Agents;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Agents;

/// <summary>
/// Every real agent × every way in which the model's stream breaks in the middle of a block, each after a device was shown the beginning:
/// it stays, marked as cut, unless the agent said it anew. One daemon for all of them, and one session for each agent.
/// </summary>
[Trait("Category", "Slow")]
[Collection(AllAgentsFixture.Name)]
public sealed class BrokenStreamTests(AllAgentsFixture all)
{
    private const string Beginning = "about to break";
    private const string Anew = "whole after all";

    public static TheoryData<string> Agents => new(AllAgentsHome.Agents);

    [Theory]
    [MemberData(nameof(Agents))]
    public async Task What_was_seen_of_a_broken_stream_stays_or_is_said_anew(string agent)
    {
        await using var device = await all.Daemon.PairAsync(agent);
        var session = Guid.CreateVersion7();

        await BeginAsync(device, session, agent, "CUT");
        Stays(await EndAsync(device), await TextsAsync(device, session, turns: 1));

        await GoOnAsync(device, session, $"MALFORMED\n({agent})");
        Stays(await EndAsync(device), await TextsAsync(device, session, turns: 2));
    }

    [Theory]
    [MemberData(nameof(Agents))]
    public async Task What_was_seen_stays_when_every_try_breaks_and_the_person_stops_it(string agent)
    {
        await using var device = await all.Daemon.PairAsync(agent);
        var session = Guid.CreateVersion7();
        await BeginAsync(device, session, agent, "CUT: always");
        await Wait.UntilAsync(
            async () => all.TimesAsked(agent) > 1 || (await StateAsync(device, session)) is not SessionState.Working,
            "the second try, or the end");
        await device.AskAsync(MessageTypes.AgentCancel, new AgentCancelRequest(session), ProtocolJson.Default.AgentCancelRequest,
            ProtocolJson.Default.AgentCancelResponse);
        await EndAsync(device);
        AreCut(await TextsAsync(device, session, turns: 1));
    }

    /// <summary>Nothing more comes, and the connection stays: the silence limit ends the turn.</summary>
    [Theory]
    [MemberData(nameof(Agents))]
    public async Task What_was_seen_stays_when_the_agent_falls_silent(string agent)
    {
        await using var device = await all.Daemon.PairAsync(agent);
        var session = Guid.CreateVersion7();
        await BeginAsync(device, session, agent, "HANG");
        var end = EndAsync(device);
        var looked = 0;
        await Wait.UntilAsync(() =>
        {
            if (looked++ % 100 == 0)
            {
                // More than once: a piece that was still under way is a sign of life at the time to which the clock was moved.
                all.Time.Advance(AllAgentsFixture.Silence + TimeSpan.FromMinutes(1));
            }

            return end.IsCompleted;
        }, "the turn ends");
        Assert.Equal(TurnState.Failed, (await end).Outcome);
        AreCut(await TextsAsync(device, session, turns: 1));
    }

    private static void Stays(DoneEvent done, IReadOnlyList<TextEvent> texts)
    {
        if (done.Outcome == TurnState.Completed)
        {
            Assert.False(Assert.Single(texts, t => t.Text.EndsWith(Anew, StringComparison.Ordinal)).Cut);
            return;
        }

        Assert.Equal(TurnState.Failed, done.Outcome);
        AreCut(texts);
    }

    private static void AreCut(IReadOnlyList<TextEvent> texts)
    {
        Assert.Contains(texts, t => t.Text.Contains(Beginning, StringComparison.Ordinal));
        Assert.All(texts.Where(t => t.Text.Contains(Beginning, StringComparison.Ordinal)), t => Assert.True(t.Cut, t.Text));
    }

    private async Task BeginAsync(TestDevice device, Guid session, string agent, string script)
    {
        all.HoldBreaks();
        await device.AskAsync(
            MessageTypes.AgentSessionNew,
            new AgentSessionNewRequest(
                session, Guid.CreateVersion7(), all.Project, agent, $"{script}\n({agent})", Sandbox: SandboxKind.None),
            ProtocolJson.Default.AgentSessionNewRequest,
            ProtocolJson.Default.AgentSessionNewResponse);
        await device.SubscribeAsync($"session/{session}");
        await BreakOnceSeenAsync(device);
    }

    private async Task GoOnAsync(TestDevice device, Guid session, string prompt)
    {
        all.HoldBreaks();
        await device.AskAsync(
            MessageTypes.AgentMessage, new AgentMessageRequest(session, Guid.CreateVersion7(), prompt),
            ProtocolJson.Default.AgentMessageRequest, ProtocolJson.Default.AgentMessageResponse);
        await BreakOnceSeenAsync(device);
    }

    /// <summary>
    /// Waits until the device was shown the beginning of the answer live; an agent in a new home may take minutes for its first start.
    /// </summary>
    private async Task BreakOnceSeenAsync(TestDevice device)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await device.NextAsync(
                    e => e.Type == MessageTypes.AgentDelta && e.Payload!.Value.GetProperty("kind").GetString() == "text"
                        && e.Payload.Value.GetProperty("text").GetString()!.Contains(Beginning, StringComparison.Ordinal),
                    "the live text");
                break;
            }
            catch (TimeoutException) when (attempt < 5)
            {
                // It is still starting.
            }
        }

        all.LetBreak();
    }

    private static Task<DoneEvent> EndAsync(TestDevice device) => device.NextEventAsync<DoneEvent>();

    private static async Task<SessionState> StateAsync(TestDevice device, Guid session) => (await device.AskAsync(
        MessageTypes.AgentSessionGet, new AgentSessionGetRequest(session), ProtocolJson.Default.AgentSessionGetRequest,
        ProtocolJson.Default.AgentSessionGetResponse)).Session.State;

    /// <summary>The texts of the last turn, as a device gets them that comes afterwards.</summary>
    private static async Task<IReadOnlyList<TextEvent>> TextsAsync(TestDevice device, Guid session, int turns)
    {
        await device.SubscribeAsync($"session/{session}");
        var events = new List<AgentEventPayload>();
        while (events.OfType<DoneEvent>().Count() < turns)
        {
            var next = await device.NextAsync(e => e.Type == MessageTypes.AgentEvent && e.Seq == events.Count + 1, "the next event");
            events.Add(next.Payload!.Value.Deserialize(ProtocolJson.Default.AgentEventPayload)!);
        }

        var texts = events.OfType<TextEvent>().ToList();
        Assert.Equal(texts.Count, texts.Select(t => t.BlockId).Distinct(StringComparer.Ordinal).Count());
        return [.. texts.Where(t => t.TurnId == events[^1].TurnId)];
    }
}
