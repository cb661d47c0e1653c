using System.Text.Json;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Streams;

public sealed class ResumeTests
{
    [Fact]
    public async Task A_device_that_was_away_gets_every_event_once_and_in_order()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("first");
        var stream = $"session/{session}";
        var last = await phone.Device.NextAsync(e => e.Payload!.Value.GetProperty("kind").GetString() == "done", "the first turn's end");
        await phone.PromptAsync(session, "second");
        await phone.PromptAsync(session, "third");
        await phone.DoneAsync();
        await phone.DoneAsync();
        var head = (await phone.GetAsync(session)).Session.Head;
        var again = await phone.Device.AgainAsync(daemon.Url);
        await phone.DisposeAsync();

        await again.SubscribeAsync(stream, last.Epoch, last.Seq!.Value);

        for (var expected = last.Seq.Value + 1; expected <= head; expected++)
        {
            var next = await again.NextAsync(e => e.Type == MessageTypes.AgentEvent, $"event {expected}");
            Assert.Equal(expected, next.Seq);
        }

        await again.DisposeAsync();
    }

    [Fact]
    public async Task A_cursor_of_another_life_or_from_the_future_starts_over()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("hello");
        await phone.DoneAsync();
        foreach (var (epoch, after) in new[] { ("0123456789abcdef", 1L), (null as string, 1_000_000L) })
        {
            await using var device = await phone.Device.AgainAsync(daemon.Url);
            var answer = await device.AskAsync(
                MessageTypes.Subscribe, new SubscribeRequest($"session/{session}", epoch, after), ProtocolJson.Default.SubscribeRequest,
                ProtocolJson.Default.SubscribeResponse);
            Assert.True(answer.Reset);
            Assert.Equal(1, (await device.NextAsync(e => e.Type == MessageTypes.AgentEvent, "the first event")).Seq);
        }
    }

    [Fact]
    public async Task A_device_that_comes_in_the_middle_of_an_answer_gets_the_text_so_far_and_goes_on_without_a_gap()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("long: 60");
        var delta = await phone.Device.NextAsync(e => e.Type == MessageTypes.AgentDelta, "live text");
        await using var late = await daemon.PhoneAsync("late");

        await late.Device.SubscribeAsync($"session/{session}");

        var text = "";
        TextEvent? whole = null;
        while (whole is null)
        {
            var next = await late.Device.NextAsync(e => e.Type is MessageTypes.AgentDelta or MessageTypes.AgentEvent, "text");
            if (next.Type == MessageTypes.AgentDelta)
            {
                var live = next.Payload!.Value.Deserialize(ProtocolJson.Default.AgentDeltaPayload)!;
                Assert.Equal(text.Length, live.Offset);
                text += live.Text;
            }
            else
            {
                whole = next.Payload!.Value.Deserialize(ProtocolJson.Default.AgentEventPayload) as TextEvent;
            }
        }

        Assert.NotEmpty(text);
        Assert.StartsWith(text, whole.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_machine_stream_tells_of_a_session_that_needs_a_person()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var watcher = await daemon.PairAsync("watcher");
        var state = await watcher.AskAsync(MessageTypes.MachineState, new MachineStateRequest(), ProtocolJson.Default.MachineStateRequest,
            ProtocolJson.Default.MachineStateResponse);
        await watcher.SubscribeAsync(state.Cursor.Stream, state.Cursor.Epoch, state.Cursor.Seq);

        var session = await phone.StartAsync("run: true");

        var needs = await watcher.NextAsync(
            e => e.Type == MessageTypes.MachineEvent && e.Payload!.Value.Deserialize(
                ProtocolJson.Default.MachineEvent) is SessionChanged { Session.State: SessionState.NeedsYou }, "needs you");
        Assert.Equal(session.ToString(), needs.Payload!.Value.GetProperty("session").GetProperty("agentSessionId").GetString());
    }

    [Fact]
    public async Task A_machine_cursor_of_an_earlier_daemon_is_answered_with_reset()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var answer = await phone.Device.AskAsync(MessageTypes.Subscribe, new SubscribeRequest("machine", "an-earlier-one", 3),
            ProtocolJson.Default.SubscribeRequest, ProtocolJson.Default.SubscribeResponse);
        Assert.True(answer.Reset);
    }
}
