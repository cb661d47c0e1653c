using System.Text;
using System.Text.Json;
using PocketCoder.Channels;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Streams;

/// <summary>What many followers get is written once and sealed for each; a device that may not follow gets none of it.</summary>
public sealed class SharedMessageTests
{
    private const int Many = 300;

    [Fact]
    public void Text_and_events_are_written_once_however_many_follow()
    {
        var stream = new SessionStream("session/x", "e", 0);
        var followers = Enumerable.Range(0, Many).Select(_ => stream.Follow(0)).ToList();
        for (var token = 0; token < 50; token++)
        {
            stream.Append(null, "b", DeltaKind.Text, $"token {token} ", null);
            var sent = followers.Select(f => Assert.Single(f.Next().Deltas).Value).Distinct(ReferenceEqualityComparer.Instance).ToList();
            Assert.Single(sent);
        }

        Assert.Equal(50, stream.Written);
        stream.Publish(1, "{}"u8.ToArray(), "b");
        Assert.Single(followers.Select(f => Assert.Single(f.Next().Events).Message).Distinct(ReferenceEqualityComparer.Instance));
        Assert.Equal(51, stream.Written);
    }

    [Fact]
    public void Who_is_behind_gets_one_longer_piece_and_misses_nothing()
    {
        var random = new Random(20261122);
        var stream = new SessionStream("session/x", "e", 0);
        var followers = Enumerable.Range(0, 20).Select(_ => (Follower: stream.Follow(0), Text: new StringBuilder())).ToList();
        var whole = new StringBuilder();
        for (var token = 0; token < 2_000; token++)
        {
            var text = new string((char)('a' + (token % 26)), random.Next(1, 40));
            whole.Append(text);
            stream.Append(null, "b", DeltaKind.Text, text, null);
            foreach (var (follower, seen) in followers.Where(_ => random.Next(3) == 0))
            {
                Take(follower, seen);
            }
        }

        foreach (var (follower, seen) in followers)
        {
            Take(follower, seen);
            Assert.Equal(whole.ToString(), seen.ToString());
        }

        static void Take(SessionStream.Follower follower, StringBuilder seen)
        {
            foreach (var message in follower.Next().Deltas) // at most one
            {
                var delta = JsonSerializer.Deserialize(message.Value, ProtocolJson.Default.Envelope)!.Payload!.Value.Deserialize(
                    ProtocolJson.Default.AgentDeltaPayload)!;
                Assert.Equal(seen.Length, delta.Offset);
                seen.Append(delta.Text);
            }
        }
    }

    [Fact]
    public void Changes_of_the_machine_are_written_once_however_many_follow()
    {
        var stream = new MachineStream("e");
        var written = 0;
        for (var i = 1; i <= MachineStream.Kept + 10; i++)
        {
            stream.Publish(Encoding.UTF8.GetBytes($$"""{"n":{{i}}}"""));
        }

        for (var follower = 0; follower < Many; follower++)
        {
            var events = stream.ReadAfter(MachineStream.Kept).Events!;
            Assert.Equal(Enumerable.Range(MachineStream.Kept + 1, 10).Select(i => (long)i), events.Select(e => e.Seq));
            foreach (var entry in events)
            {
                var message = entry.MessageBy((seq, body) =>
                {
                    written++;
                    return Message.Event(MessageTypes.MachineEvent, MachineStream.Name, "e", seq, body);
                });
                Assert.Equal(entry.Seq, JsonSerializer.Deserialize(message, ProtocolJson.Default.Envelope)!.Payload!.Value.GetProperty("n")
                    .GetInt64());
            }
        }

        Assert.Equal(10, written);
        Assert.Equal(MachineStream.Kept, stream.ReadAfter(10).Events!.Count);
        Assert.Null(stream.ReadAfter(9).Events); // older than what is kept
        Assert.Null(stream.ReadAfter(MachineStream.Kept + 11).Events); // from the future
    }

    [Fact]
    public async Task A_device_gets_nothing_of_a_stream_that_others_share_and_it_did_not_ask_for()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var second = await daemon.PairAsync("second", Scope.View);
        await using var third = await daemon.PairAsync("third", Scope.View);
        await using var elsewhere = await daemon.PairAsync("elsewhere", Scope.View);
        var session = await phone.StartAsync("first");
        await phone.DoneAsync();
        var other = await phone.StartAsync("other");
        await phone.DoneAsync();
        await second.SubscribeAsync($"session/{session}");
        await third.SubscribeAsync($"session/{session}", batches: true);
        await elsewhere.SubscribeAsync($"session/{other}", batches: true);

        await phone.PromptAsync(session, "long: 20");
        await phone.DoneAsync();
        var head = (await phone.GetAsync(session)).Session.Head;
        var same = new List<List<string>>();
        foreach (var device in new[] { second, third })
        {
            var events = new List<string>();
            while (events.Count < head)
            {
                events.Add((await device.NextAsync(
                    e => e.Type == MessageTypes.AgentEvent && e.Stream == $"session/{session}", "an event")).Payload!.Value.GetRawText());
            }

            same.Add(events);
        }

        // what was pushed before is here by now
        await elsewhere.AskAsync(MessageTypes.Ping, new PingRequest(), ProtocolJson.Default.PingRequest, ProtocolJson.Default.PingResponse);

        Assert.Equal(same[0], same[1]);
        while (elsewhere.Pushed.Reader.TryRead(out var pushed))
        {
            Assert.Equal($"session/{other}", pushed.Stream);
        }
    }

    [Fact]
    public void Sealing_for_one_device_leaves_the_shared_message_as_it_was_for_the_next()
    {
        var stream = new SessionStream("session/x", "e", 0);
        using var follower = stream.Follow(0);
        stream.Publish(1, """{"kind":"notice"}"""u8.ToArray(), null);
        var message = Assert.Single(follower.Next().Events).Message;
        var before = message.ToArray();
        var sealedFrames = new List<byte[]>();
        for (var device = 0; device < 3; device++)
        {
            using var identity = ChannelIdentity.Create();
            using var own = ChannelIdentity.Create();
            using var handshake = DeviceHandshake.Begin(own, identity.PublicKey);
            var accepted = Assert.IsType<HandshakeAccepted>(
                MachineHandshake.Accept(handshake.FirstFrame.Span, identity, _ => DeviceStanding.Known, null));
            using var machine = accepted.Channel;
            using var phone = handshake.Complete(accepted.Reply.Span);
            using var frames = machine.Seal(message);
            sealedFrames.Add(frames[0].ToArray());
            using var opened = phone.Open(frames[0].Span);
            Assert.Equal(before, opened!.Span.ToArray());
            Assert.Equal(before, message);
        }

        Assert.Equal(3, sealedFrames.Select(f => Convert.ToHexString(f)).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public async Task A_device_that_stops_following_or_is_revoked_gets_no_more_of_what_others_get()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var leaves = await daemon.PairAsync("leaves", Scope.View);
        await using var revoked = await daemon.PairAsync("revoked", Scope.View);
        var session = await phone.StartAsync("first");
        await phone.DoneAsync();
        foreach (var device in new[] { leaves, revoked })
        {
            await device.SubscribeAsync($"session/{session}", batches: true);
            await device.NextEventAsync<DoneEvent>();
        }

        await leaves.AskAsync(MessageTypes.Unsubscribe, new UnsubscribeRequest($"session/{session}"),
            ProtocolJson.Default.UnsubscribeRequest, ProtocolJson.Default.UnsubscribeResponse);
        await phone.Device.AskAsync(MessageTypes.DeviceRevoke, new DeviceRevokeRequest(revoked.Hello.DeviceId),
            ProtocolJson.Default.DeviceRevokeRequest, ProtocolJson.Default.DeviceRevokeResponse);
        await revoked.Over.WaitAsync(Wait.Limit);
        await phone.PromptAsync(session, "long: 20");
        await phone.DoneAsync();
        await leaves.AskAsync(MessageTypes.Ping, new PingRequest(), ProtocolJson.Default.PingRequest, ProtocolJson.Default.PingResponse);

        Assert.False(leaves.Pushed.Reader.TryRead(out _));
        while (revoked.Pushed.Reader.TryRead(out var last))
        {
            Assert.Equal(ErrorCode.Unauthorized, last.Error?.Code); // only why it ended
        }
    }
}
