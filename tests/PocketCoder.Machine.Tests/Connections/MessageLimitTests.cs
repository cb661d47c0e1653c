using System.Text.Json;
using PocketCoder.Channels;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Connections;

/// <summary>
/// What a paired device can make the machine hold: messages without end, many connections, and requests that nobody reads the answers of.
/// </summary>
public sealed class MessageLimitTests
{
    /// <summary>What the attack sent: 128 frames of 65,000 bytes, "more follows".</summary>
    private static readonly byte[] s_large = new byte[128 * 65_000];

    [Fact]
    public async Task A_device_that_may_only_look_is_cut_off_at_one_mebibyte_and_nothing_is_held_afterwards()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var device = await daemon.PairAsync("looks", Scope.View);
        await SendUntilCutAsync(device, 128);

        await device.Over.WaitAsync(Wait.Limit);
        Assert.Equal("too_large", device.Closed?.Code);
        await Wait.UntilAsync(() => daemon.Daemon.MessageBytesHeld == 0, "the memory is given back");
        await using var again = await device.AgainAsync(daemon.Url);
    }

    [Fact]
    public async Task A_hundred_and_twenty_half_messages_of_one_device_hold_no_more_than_its_share_and_give_it_back()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var device = await daemon.PairAsync("floods", Scope.View);
        await using var other = await daemon.PhoneAsync();
        var opened = new List<TestDevice>();
        try
        {
            for (var i = 0; i < 120; i++)
            {
                var next = await device.AgainAsync(daemon.Url);
                opened.Add(next);
                await SendUntilCutAsync(next, 15); // below one mebibyte, so that no connection breaks its own bound
                Assert.InRange(daemon.Daemon.MessageBytesHeld, 0,
                    MachineEndpoint.MessageBytesPerDevice + (Limits.ConnectionsPerDevice * 256 * 1024L));
            }

            await Wait.UntilAsync(() => opened.Count(o => !o.Over.IsCompleted) <= Limits.ConnectionsPerDevice,
                "no more connections than a device may have");
            Assert.NotEmpty((await other.Device.AskAsync(
                MessageTypes.MachineState, new MachineStateRequest(), ProtocolJson.Default.MachineStateRequest,
                ProtocolJson.Default.MachineStateResponse)).Projects);
        }
        finally
        {
            foreach (var one in opened)
            {
                await one.DisposeAsync();
            }
        }

        await Wait.UntilAsync(() => daemon.Daemon.MessageBytesHeld == 0, "the memory is given back");
    }

    [Fact]
    public async Task A_message_that_is_not_finished_in_time_ends_its_connection_with_a_reason()
    {
        var time = new ManualTime();
        await using var daemon = await TestDaemon.StartAsync(time);
        await using var device = await daemon.PairAsync("stops", Scope.View);
        await device.SendPartAsync(s_large, 3);
        await Wait.UntilAsync(() => daemon.Daemon.MessageBytesHeld > 3 * 65_000, "three frames are there");

        time.Advance(UnfinishedMessage.FrameLimit);
        await device.Over.WaitAsync(Wait.Limit);
        var last = await device.NextAsync(e => e.Type == MessageTypes.Error, "the reason, through the channel");
        Assert.Equal(ErrorCode.InvalidRequest, last.Error?.Code);
        Assert.Contains("not finished", last.Error!.Message, StringComparison.Ordinal);
        await Wait.UntilAsync(() => daemon.Daemon.MessageBytesHeld == 0, "the memory is given back");
    }

    [Fact]
    public void A_message_has_ten_seconds_from_frame_to_frame_and_a_minute_in_all()
    {
        var time = new ManualTime();
        var late = 0;
        using var message = new UnfinishedMessage(time, () => late++);
        for (var i = 0; i < 6; i++)
        {
            message.GoesOn();
            time.Advance(TimeSpan.FromSeconds(9));
            Assert.Equal(0, late);
        }

        message.GoesOn(); // 54 s: 6 are left, whatever the last frame would get
        time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(1, late);

        message.IsWhole();
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(1, late);
        message.GoesOn();
        message.IsWhole();
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(1, late);
        message.GoesOn();
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(2, late);
    }

    [Fact]
    public async Task A_device_that_comes_back_always_gets_in_and_the_connection_that_was_silent_longest_is_told_to_go()
    {
        var time = new ManualTime();
        await using var daemon = await TestDaemon.StartAsync(time);
        await using var first = await daemon.PairAsync("phone", Scope.View);
        await using var other = await daemon.PairAsync("tablet", Scope.View);
        var more = new List<TestDevice>();
        try
        {
            for (var i = 0; i < Limits.ConnectionsPerDevice; i++)
            {
                time.Advance(TimeSpan.FromSeconds(1));
                await AskAsync(first); // not the silent one, although it is the oldest
                more.Add(await first.AgainAsync(daemon.Url));
            }

            await more[0].Over.WaitAsync(Wait.Limit);
            var reason = await more[0].NextAsync(e => e.Type == MessageTypes.Error, "the reason, through the channel");
            Assert.Equal(ErrorCode.RateLimited, reason.Error?.Code);
            foreach (var alive in more.Skip(1).Append(first).Append(other))
            {
                await AskAsync(alive);
            }
        }
        finally
        {
            foreach (var one in more)
            {
                await one.DisposeAsync();
            }
        }

        static Task AskAsync(TestDevice device) => device.AskAsync(
            MessageTypes.MachineState, new MachineStateRequest(), ProtocolJson.Default.MachineStateRequest,
            ProtocolJson.Default.MachineStateResponse);
    }

    [Fact]
    public async Task The_first_message_of_a_connection_is_small()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var link = await daemon.LinkAsync(Scope.View);
        var refused = await Assert.ThrowsAnyAsync<Exception>(() => TestDevice.PairAsync(link, new string('x', Limits.HelloBytes + 1)));
        Assert.Contains("too_large", refused is ChannelException { PeerReason: { } reason } ? reason.Code : refused.ToString(),
            StringComparison.Ordinal);
        Assert.Equal(0, daemon.Daemon.MessageBytesHeld);
    }

    [Fact]
    public async Task A_file_of_a_mebibyte_is_written_however_its_text_is_escaped_and_other_requests_of_that_size_are_refused()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var text = new string('\u0001', FileLimits.WriteBytes); // six bytes each in JSON
        var written = await phone.Device.AskAsync(
            MessageTypes.FsWrite,
            new FsWriteRequest(phone.Project.ProjectId, "escapes.txt", text),
            ProtocolJson.Default.FsWriteRequest,
            ProtocolJson.Default.FsWriteResponse);
        Assert.Equal(FileLimits.WriteBytes, written.Bytes);

        var error = await Assert.ThrowsAsync<WireErrorException>(
            () => phone.Device.AskRawAsync(
                MessageTypes.MachineState, JsonSerializer.SerializeToElement(new { filler = new string('x', Limits.RequestBytes) })));
        Assert.Equal(ErrorCode.InvalidRequest, error.Error.Code);
        await Wait.UntilAsync(() => daemon.Daemon.MessageBytesHeld == 0, "the memory is given back");
    }

    [Fact]
    public async Task Answers_that_nobody_takes_wait_outside_once_a_mebibyte_waits_inside()
    {
        var queue = new OutgoingQueue();
        var message = new byte[300 * 1024];
        var writes = Enumerable.Range(0, 20).Select(_ => queue.WriteAsync(message, CancellationToken.None).AsTask()).ToList();
        Assert.Equal(4, writes.Count(w => w.IsCompletedSuccessfully));

        var taken = 0;
        await foreach (var _ in queue.ReadAllAsync(CancellationToken.None))
        {
            // Never more inside than the four, and the one that is being sent.
            Assert.True(writes.Count(w => w.IsCompletedSuccessfully) <= taken + 5);
            if (++taken == writes.Count)
            {
                queue.Complete();
            }
        }

        await Task.WhenAll(writes).WaitAsync(Wait.Limit);
        Assert.Equal(20, taken);
    }

    [Fact]
    public async Task Who_waits_for_room_learns_that_the_connection_is_over()
    {
        var queue = new OutgoingQueue();
        await queue.WriteAsync(new byte[2 << 20], CancellationToken.None);
        var waits = queue.WriteAsync(new byte[1], CancellationToken.None).AsTask();
        Assert.False(waits.IsCompleted);
        queue.Complete();
        await Assert.ThrowsAsync<System.Threading.Channels.ChannelClosedException>(() => waits.WaitAsync(Wait.Limit));
    }

    /// <summary>Sends frames of a message without end; the machine may cut in between.</summary>
    private static async Task SendUntilCutAsync(TestDevice device, int frames)
    {
        try
        {
            await device.SendPartAsync(s_large, frames);
        }
        catch (Exception e) when (e is System.Net.WebSockets.WebSocketException or IOException or ObjectDisposedException)
        {
            // cut
        }
    }
}
