using PocketCoder.Testing;

namespace PocketCoder.Channels.Tests;

public sealed class SecureChannelTests
{
    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(65_510, 1)]
    [InlineData(65_511, 2)]
    [InlineData(131_020, 2)]
    [InlineData(131_021, 3)]
    [InlineData(8 << 20, 129)]
    public void Messages_of_every_size_come_through_in_frames_of_at_most_64_KiB(int length, int frames)
    {
        using var ends = Ends.Connect();
        var message = new byte[length];
        new Random(length).NextBytes(message);
        var made = ends.Device.SealAll(message);
        Assert.Equal(frames, made.Length);
        Assert.All(made, frame => Assert.InRange(frame.Length, 26, 65_536));
        Assert.True(message.AsSpan().SequenceEqual(ends.Machine.OpenAll(made)));
        Assert.Equal("next"u8, ends.Machine.OpenAll(ends.Device.SealAll("next"u8)));
    }

    [Fact]
    public void A_message_above_the_limit_is_refused_by_the_sender_and_changes_nothing()
    {
        using var ends = Ends.Connect();
        ChannelTestExtensions.Fails(ChannelError.TooLarge, () => ends.Device.Seal(new byte[(8 << 20) + 1]));
        Assert.Equal("x"u8, ends.Machine.OpenAll(ends.Device.SealAll("x"u8)));
    }

    [Fact]
    public void A_message_above_the_receivers_limit_is_refused_while_it_is_assembled()
    {
        using var device = TestKeys.Device();
        using var machine = TestKeys.Machine();
        using var handshake = DeviceHandshake.Begin(device, machine.PublicKey, new ChannelLimits { MaxMessageBytes = 1 << 20 });
        var accepted = Assert.IsType<HandshakeAccepted>(MachineHandshake.Accept(
            handshake.FirstFrame.Span, machine, _ => DeviceStanding.Known, null, new ChannelLimits { MaxMessageBytes = 100_000 }));
        using var sender = handshake.Complete(accepted.Reply.Span);
        using var receiver = accepted.Channel;
        Assert.Equal(100_000, receiver.OpenAll(sender.SealAll(new byte[100_000])).Length);
        var frames = sender.SealAll(new byte[100_001]);
        Assert.Null(receiver.Open(frames[0]));
        ChannelTestExtensions.Fails(ChannelError.TooLarge, () => receiver.Open(frames[1]));
        ChannelTestExtensions.Fails(ChannelError.Poisoned, () => receiver.Open(frames[1]));
    }

    [Fact]
    public void A_key_is_replaced_after_16384_frames_and_the_counter_goes_on()
    {
        using var ends = Ends.Connect();
        for (var index = 0; index < 16_384; index++)
        {
            using var frames = ends.Device.Seal([1]);
            using var message = ends.Machine.Open(frames[0].Span);
            Assert.NotNull(message);
        }

        // The next frame is under a new key: one that skips the rekeying cannot be opened by an end that does not.
        Assert.Equal(16_384ul, ends.Device.SendDirection.Counter);
        Assert.Equal("on"u8, ends.Machine.OpenAll(ends.Device.SealAll("on"u8)));
        Assert.Equal(16_385ul, ends.Machine.ReceiveDirection.Counter);
        Assert.Equal("back"u8, ends.Device.OpenAll(ends.Machine.SealAll("back"u8)));
    }

    [Fact]
    public void Without_the_rekeying_the_frame_after_it_does_not_open()
    {
        using var ends = Ends.Connect();
        ends.Device.SendDirection.JumpTo(16_385); // past the boundary, still under the first key
        ends.Machine.ReceiveDirection.JumpTo(16_384);
        using var frames = ends.Device.Seal([1]);
        ChannelTestExtensions.Fails(ChannelError.OutOfOrder, () => ends.Machine.Open(frames[0].Span));

        using var again = Ends.Connect();
        again.Device.SendDirection.JumpTo(16_384);
        var rekeyed = again.Device.SealAll([1])[0];
        again.Machine.ReceiveDirection.JumpTo(16_384);
        Assert.Equal(new byte[] { 1 }, again.Machine.OpenAll([rekeyed]));

        using var never = Ends.Connect(new ChannelLimits { RekeyInterval = ulong.MaxValue });
        never.Device.SendDirection.JumpTo(16_384);
        var plain = never.Device.SealAll([1])[0];
        Assert.NotEqual(plain, rekeyed);
    }

    [Fact]
    public void The_last_counter_is_used_and_the_one_after_it_never()
    {
        using var ends = Ends.Connect(new ChannelLimits { RekeyInterval = ulong.MaxValue });
        ends.Device.SendDirection.JumpTo(ulong.MaxValue - 2);
        ends.Machine.ReceiveDirection.JumpTo(ulong.MaxValue - 2);
        // three frames, two counters left
        ChannelTestExtensions.Fails(ChannelError.Exhausted, () => ends.Device.Seal(new byte[3 * 65_510]));
        Assert.Equal("a"u8, ends.Machine.OpenAll(ends.Device.SealAll("a"u8)));
        Assert.Equal("b"u8, ends.Machine.OpenAll(ends.Device.SealAll("b"u8)));
        ChannelTestExtensions.Fails(ChannelError.Exhausted, () => ends.Device.Seal([]));
        byte[] beyond = [3, 255, 255, 255, 255, 255, 255, 255, 255, .. new byte[17]];
        ChannelTestExtensions.Fails(ChannelError.Exhausted, () => ends.Machine.Open(beyond));
    }

    [Fact]
    public async Task A_second_thread_in_the_same_direction_is_caught_before_it_can_repeat_a_nonce()
    {
        using var gate = new ManualResetEventSlim();
        using var inside = new ManualResetEventSlim();
        SecureChannel? machine = null;
        var keys = (One: new byte[32], Two: new byte[32]);
        machine = new SecureChannel(keys.One, keys.Two, [], ChannelLimits.Default, claim: () =>
        {
            inside.Set();
            Assert.True(gate.Wait(Wait.Limit), "nobody opened the gate");
            return null;
        });
        using var device = new SecureChannel(new byte[32], new byte[32], [], ChannelLimits.Default);
        var frames = device.SealAll("a"u8).Concat(device.SealAll("b"u8)).ToArray();
        var first = Task.Run(() => machine.Open(frames[0])!.Span.ToArray());
        Assert.True(inside.Wait(Wait.Limit), "the first call never got inside");
        Assert.Throws<InvalidOperationException>(() => machine.Open(frames[1]));
        Assert.Single(machine.SealAll("the other direction is free"u8));
        machine.Dispose(); // while a call is inside: it ends normally, and the keys go afterwards
        gate.Set();
        Assert.Equal("61", Convert.ToHexString(await first));
        Assert.Throws<ObjectDisposedException>(() => machine.Open(frames[1]));
        Assert.Throws<ObjectDisposedException>(() => machine.Seal([]));
    }

    [Fact]
    public async Task Both_directions_work_at_once()
    {
        using var ends = Ends.Connect(Ends.SmallFrames);
        var toMachine = Task.Run(() => Talk(ends.Device, ends.Machine, 1));
        var toDevice = Task.Run(() => Talk(ends.Machine, ends.Device, 2));
        await Task.WhenAll(toMachine, toDevice);

        static void Talk(SecureChannel from, SecureChannel to, int seed)
        {
            var random = new Random(seed);
            for (var round = 0; round < 500; round++)
            {
                var message = new byte[random.Next(300)];
                random.NextBytes(message);
                Assert.Equal(message, to.OpenAll(from.SealAll(message)));
            }
        }
    }

    [Fact]
    public void Pooled_things_refuse_use_after_their_end_and_bear_a_second_end()
    {
        using var ends = Ends.Connect();
        var frames = ends.Device.Seal("x"u8);
        var message = ends.Machine.Open(frames[0].Span)!;
        Assert.Throws<ArgumentOutOfRangeException>(() => frames[1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => frames[-1]);
        frames.Dispose();
        frames.Dispose();
        message.Dispose();
        message.Dispose();
        Assert.Throws<ObjectDisposedException>(() => frames[0]);
        Assert.Throws<ObjectDisposedException>(() => message.Memory);
    }

    [Fact]
    public void A_message_that_is_given_back_is_wiped()
    {
        using var ends = Ends.Connect();
        var message = ends.Machine.OpenAndKeep(ends.Device.SealAll("secret"u8)[0]);
        var memory = message.Memory;
        message.Dispose();
        Assert.Equal(new byte[6], memory.ToArray());
    }

    [Fact]
    public void Sealing_and_opening_allocate_a_few_objects_and_no_buffers()
    {
        using var ends = Ends.Connect();
        var message = new byte[32 << 10];
        for (var round = 0; round < 50; round++)
        {
            Once();
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var round = 0; round < 100; round++)
        {
            Once();
        }

        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 100, 0, 1024);

        void Once()
        {
            using var frames = ends.Device.Seal(message);
            using var opened = ends.Machine.Open(frames[0].Span);
        }
    }

    [Fact]
    public void Limits_have_bounds()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new ChannelLimits { MaxMessageBytes = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new ChannelLimits { MaxMessageBytes = int.MaxValue });
    }
}
