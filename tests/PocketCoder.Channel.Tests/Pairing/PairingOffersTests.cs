namespace PocketCoder.Channels.Tests;

public sealed class PairingOffersTests
{
    private readonly ManualTime _time = new();
    private readonly PairingOffers _offers;

    public PairingOffersTests() => _offers = new PairingOffers(_time);

    [Fact]
    public void An_offer_pairs_one_device_with_the_first_authentic_frame_and_not_before()
    {
        var offer = _offers.Create(["read", "steer"]);
        using var ends = Ends.Pair(_offers, offer);
        Assert.Equal(["read", "steer"], ends.Pairing!.Scopes);
        Assert.False(ends.Pairing.IsConfirmed);
        Assert.False(ends.Machine.IsConfirmed);
        Assert.Equal(OfferState.Open, _offers.StateOf(offer.OfferId.Span));

        Assert.Equal("hello"u8, ends.Machine.OpenAll(ends.Device.SealAll("hello"u8)));
        Assert.True(ends.Pairing.IsConfirmed);
        Assert.True(ends.Machine.IsConfirmed);
        Assert.Equal(OfferState.Used, _offers.StateOf(offer.OfferId.Span));
        Assert.Equal("again"u8, ends.Machine.OpenAll(ends.Device.SealAll("again"u8)));
        Assert.Equal("welcome"u8, ends.Device.OpenAll(ends.Machine.SealAll("welcome"u8)));
    }

    [Fact]
    public void Of_two_devices_with_the_same_link_the_first_to_speak_is_paired_and_the_other_is_cut_off()
    {
        var offer = _offers.Create([]);
        using var first = Ends.Pair(_offers, offer);
        using var second = Ends.Pair(_offers, offer);
        using (second.Machine.Open(second.Device.SealAll([])[0]))
        {
            Assert.True(second.Pairing!.IsConfirmed);
        }

        ChannelTestExtensions.Fails(ChannelError.PairingRefused, () => first.Machine.Open(first.Device.SealAll("secret"u8)[0]));
        Assert.False(first.Pairing!.IsConfirmed);
        Assert.False(first.Machine.IsConfirmed);
        Assert.True(first.Machine.IsPoisoned);
        Refused(ChannelError.OfferUsed, offer);
    }

    [Fact]
    public void A_claim_by_many_at_once_succeeds_once()
    {
        var offer = _offers.Create([]);
        var ends = Enumerable.Range(0, PairingOffers.MaxAttempts).Select(_ => Ends.Pair(_offers, offer)).ToArray();
        var frames = ends.Select(end => end.Device.SealAll("x"u8)[0]).ToArray();
        Parallel.For(0, ends.Length, index =>
        {
            try
            {
                ends[index].Machine.Open(frames[index])?.Dispose();
            }
            catch (ChannelException e) when (e.Error == ChannelError.PairingRefused)
            {
                // All but one; which one is not for the test to say.
            }
        });
        Assert.Single(ends, end => end.Pairing!.IsConfirmed);
        Assert.Single(ends, end => end.Machine.IsConfirmed);
        Array.ForEach(ends, end => end.Dispose());
    }

    [Fact]
    public void An_offer_ends_with_its_time()
    {
        var offer = _offers.Create([]);
        Assert.Equal(_time.GetUtcNow() + TimeSpan.FromMinutes(10), offer.ExpiresAt);
        _time.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromTicks(1));
        using var late = Ends.Pair(_offers, offer);
        _time.Advance(TimeSpan.FromTicks(1));
        Refused(ChannelError.OfferExpired, offer);
        ChannelTestExtensions.Fails(ChannelError.PairingRefused, () => late.Machine.Open(late.Device.SealAll([])[0]));
        Assert.Equal(OfferState.Expired, _offers.StateOf(offer.OfferId.Span));
    }

    [Fact]
    public void Five_attempts_without_proof_spend_an_offer()
    {
        var offer = _offers.Create([]);
        for (var attempt = 0; attempt < 5; attempt++)
        {
            using var device = TestKeys.Device();
            using var machine = TestKeys.Machine();
            var wrong = new PairingLink(machine.PublicKey, offer.OfferId.Span, new byte[16]);
            using var handshake = DeviceHandshake.BeginPairing(device, wrong);
            var accepted = Assert.IsType<HandshakeAccepted>(
                MachineHandshake.Accept(handshake.FirstFrame.Span, machine, _ => DeviceStanding.Unknown, _offers));
            ChannelTestExtensions.Fails(ChannelError.HandshakeFailed, () => handshake.Complete(accepted.Reply.Span));
            Assert.False(accepted.Pairing!.IsConfirmed);
            accepted.Channel.Dispose();
        }

        Assert.Equal(OfferState.Void, _offers.StateOf(offer.OfferId.Span));
        Refused(ChannelError.OfferVoid, offer);
    }

    [Fact]
    public void The_fifth_attempt_may_still_succeed_and_later_ones_do_not_spoil_it()
    {
        var offer = _offers.Create([]);
        for (var attempt = 0; attempt < 4; attempt++)
        {
            Ends.Pair(_offers, offer).Dispose();
        }

        using var fifth = Ends.Pair(_offers, offer);
        Refused(ChannelError.OfferVoid, offer);
        Assert.Equal("x"u8, fifth.Machine.OpenAll(fifth.Device.SealAll("x"u8)));
        Assert.Equal(OfferState.Used, _offers.StateOf(offer.OfferId.Span));
    }

    [Fact]
    public void A_cancelled_offer_is_void_and_so_are_its_open_attempts()
    {
        var offer = _offers.Create([]);
        using var begun = Ends.Pair(_offers, offer);
        Assert.True(_offers.Cancel(offer.OfferId.Span));
        Assert.False(_offers.Cancel(offer.OfferId.Span));
        Refused(ChannelError.OfferVoid, offer);
        ChannelTestExtensions.Fails(ChannelError.PairingRefused, () => begun.Machine.Open(begun.Device.SealAll([])[0]));
    }

    [Fact]
    public void At_most_eight_offers_are_open()
    {
        var offers = Enumerable.Range(0, 8).Select(_ => _offers.Create([], TimeSpan.FromMinutes(1))).ToArray();
        ChannelTestExtensions.Fails(ChannelError.TooManyOffers, () => _offers.Create([]));
        Assert.True(_offers.Cancel(offers[3].OfferId.Span));
        _offers.Create([], TimeSpan.FromHours(1));
        ChannelTestExtensions.Fails(ChannelError.TooManyOffers, () => _offers.Create([]));
        _time.Advance(TimeSpan.FromMinutes(1));
        for (var index = 0; index < 7; index++)
        {
            _offers.Create([]);
        }

        ChannelTestExtensions.Fails(ChannelError.TooManyOffers, () => _offers.Create([]));
    }

    [Fact]
    public void Closed_offers_are_forgotten_in_the_end()
    {
        var first = _offers.Create([]);
        Assert.True(_offers.Cancel(first.OfferId.Span));
        Assert.Equal(OfferState.Void, _offers.StateOf(first.OfferId.Span));
        for (var index = 0; index < 64; index++)
        {
            Assert.True(_offers.Cancel(_offers.Create([]).OfferId.Span));
        }

        Assert.Null(_offers.StateOf(first.OfferId.Span));
        Refused(ChannelError.OfferUnknown, first);
    }

    [Fact]
    public void Lifetimes_have_bounds()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => _offers.Create([], TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => _offers.Create([], TimeSpan.FromHours(25)));
    }

    [Fact]
    public void An_unknown_offer_and_no_offers_at_all_look_the_same_to_the_device()
    {
        using var machine = TestKeys.Machine();
        var elsewhere = new PairingOffers(_time).Create([]);
        Refused(ChannelError.OfferUnknown, elsewhere);
        using var device = TestKeys.Device();
        using var handshake = DeviceHandshake.BeginPairing(device, elsewhere.LinkTo(machine));
        var refused = Assert.IsType<HandshakeRefused>(
            MachineHandshake.Accept(handshake.FirstFrame.Span, machine, _ => DeviceStanding.Known, offers: null));
        Assert.Equal(ChannelError.OfferUnknown, refused.Reason);
    }

    /// <summary>The machine knows the reason; every device gets the same bytes.</summary>
    private void Refused(ChannelError reason, PairingOffer offer)
    {
        using var device = TestKeys.Device();
        using var machine = TestKeys.Machine();
        using var handshake = DeviceHandshake.BeginPairing(device, offer.LinkTo(machine));
        var refused = Assert.IsType<HandshakeRefused>(
            MachineHandshake.Accept(handshake.FirstFrame.Span, machine, _ => DeviceStanding.Known, _offers));
        Assert.Equal(reason, refused.Reason);
        Assert.Equal(device.Id, refused.DeviceId);
        var error = Assert.Throws<ChannelException>(() => handshake.Complete(refused.CloseFrame.Span));
        Assert.Equal(ChannelError.ClosedByPeer, error.Error);
        Assert.Equal(new CloseReason("pairing_refused", "This pairing link cannot be used any more; make a new one on the machine."),
            error.PeerReason);
    }
}
