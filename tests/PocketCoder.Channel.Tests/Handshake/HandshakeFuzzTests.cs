using System.Diagnostics;

namespace PocketCoder.Channels.Tests;

/// <summary>
/// Frames that were bent on the way, in every state of a handshake: always a typed refusal, never a changed state beyond the counted
/// attempt.
/// </summary>
public sealed class HandshakeFuzzTests
{
    private static readonly TimeSpan s_budget = TimeSpan.FromSeconds(2);

    private readonly ChannelIdentity _device = TestKeys.Device();
    private readonly ChannelIdentity _machine = TestKeys.Machine();

    [Theory]
    [InlineData(HandshakePattern.Reconnect)]
    [InlineData(HandshakePattern.Pair)]
    public void A_bent_first_frame_is_refused_and_costs_no_offer(HandshakePattern pattern)
    {
        var offers = new PairingOffers(new ManualTime());
        var offer = offers.Create([]);
        using var handshake = pattern == HandshakePattern.Pair
            ? DeviceHandshake.BeginPairing(_device, offer.LinkTo(_machine))
            : DeviceHandshake.Begin(_device, _machine.PublicKey);
        var asked = 0;
        Fuzz(handshake.FirstFrame.ToArray(), (frame, where) =>
        {
            var result = MachineHandshake.Accept(
                frame,
                _machine,
                _ =>
                {
                    asked++;
                    return DeviceStanding.Known;
                },
                offers);
            var refused = result as HandshakeRefused;
            Assert.True(refused is not null, where);
            Assert.True(
                refused.Reason is ChannelError.Malformed or ChannelError.TooLarge or ChannelError.BadKey or ChannelError.HandshakeFailed,
                $"{where}: {refused.Reason}");
            Assert.NotNull(CloseReason.Parse(refused.CloseFrame.Span));
        });

        Assert.Equal(0, asked);
        Assert.Equal(OfferState.Open, offers.StateOf(offer.OfferId.Span));
        for (var attempt = 0; attempt < PairingOffers.MaxAttempts; attempt++)
        {
            Ends.Pair(offers, offer).Dispose(); // all five are still there
        }

        Assert.Equal(OfferState.Void, offers.StateOf(offer.OfferId.Span));
    }

    [Theory]
    [InlineData(HandshakePattern.Reconnect)]
    [InlineData(HandshakePattern.Pair)]
    public void A_bent_answer_ends_the_handshake_with_a_typed_error(HandshakePattern pattern)
    {
        var offers = new PairingOffers(new ManualTime());
        var link = offers.Create([]).LinkTo(_machine);
        byte[]? good = null;
        good = Begin().Reply;
        Fuzz(good, (frame, where) =>
        {
            using var handshake = Begin().Handshake;
            var error = Record.Exception(() => handshake.Complete(frame));
            Assert.True(
                error is ChannelException
                {
                    Error: ChannelError.Malformed or ChannelError.TooLarge or ChannelError.BadKey or ChannelError.HandshakeFailed
                },
                $"{where}: {error}");
            Assert.Throws<InvalidOperationException>(() => handshake.Complete(good));
        });

        (DeviceHandshake Handshake, byte[] Reply) Begin()
        {
            // The same ephemeral key each time, so that one good answer is the good answer to each.
            var handshake = DeviceHandshake.Begin(
                _device, _machine.PublicKey, pattern == HandshakePattern.Pair ? link : null, ChannelLimits.Default,
                TestKeys.Agreement("device ephemeral"));
            if (good is not null)
            {
                return (handshake, good);
            }

            var accepted = Assert.IsType<HandshakeAccepted>(MachineHandshake.Accept(
                handshake.FirstFrame.Span, _machine, _ => DeviceStanding.Known, offers, ChannelLimits.Default,
                TestKeys.Agreement("machine ephemeral")));
            return (handshake, accepted.Reply.ToArray());
        }
    }

    [Fact]
    public void Random_bytes_are_never_taken_for_a_handshake()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < s_budget;)
        {
            var frame = new byte[random.Next(300)];
            random.NextBytes(frame);
            if (frame.Length > 1 && random.Next(2) == 0)
            {
                frame[0] = (byte)random.Next(6);
                frame[1] = (byte)random.Next(3);
            }

            Assert.True(
                MachineHandshake.Accept(frame, _machine, _ => DeviceStanding.Known, null) is HandshakeRefused,
                $"seed {seed}: {Convert.ToHexString(frame)}");
        }
    }

    private static void Fuzz(byte[] good, Action<byte[], string> check)
    {
        var seed = Random.Shared.Next();
        var bender = new FrameBender(new Random(seed));
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < s_budget;)
        {
            var frame = bender.Bend(good, largest: 5000);
            check(frame, $"seed {seed}, frame {Convert.ToHexString(frame)}");
        }
    }
}
