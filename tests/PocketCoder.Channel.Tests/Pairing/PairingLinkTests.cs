namespace PocketCoder.Channels.Tests;

public sealed class PairingLinkTests
{
    [Fact]
    public void A_link_says_what_it_was_made_of()
    {
        using var machine = TestKeys.Machine();
        var offer = new PairingOffers(new ManualTime()).Create(["steer"]);
        var url = offer.LinkTo(machine).ToUrl(new Uri("https://app.example/#elsewhere"));
        Assert.StartsWith("https://app.example/#pair=", url, StringComparison.Ordinal);
        var link = PairingLink.ParseUrl(url);
        Assert.Equal(machine.Id, link.MachineId);
        Assert.Equal(machine.PublicKey, link.MachinePublicKey);
        Assert.Equal(offer.OfferId.Span, link.OfferId);
        Assert.Equal(offer.Secret.Span, link.Secret);
        Assert.Equal(120, link.ToPayload().Length);
    }

    [Theory]
    [InlineData("")]
    [InlineData("https://app.example/")]
    [InlineData("https://app.example/?pair=AQ")]
    [InlineData("https://app.example/#PAIR=AQ")]
    [InlineData("https://app.example/#x&pair=AQ")]
    [InlineData("https://app.example/#pair=")]
    public void An_address_without_a_link_is_refused(string url)
        => ChannelTestExtensions.Fails(ChannelError.LinkMalformed, () => PairingLink.ParseUrl(url));

    [Fact]
    public void A_link_in_a_string_shows_nothing()
    {
        using var machine = TestKeys.Machine();
        var offer = new PairingOffers(new ManualTime()).Create([]);
        object[] logged = [offer, offer.LinkTo(machine)];
        Assert.DoesNotContain(offer.LinkTo(machine).ToPayload(), string.Concat(logged), StringComparison.Ordinal);
    }

    [Fact]
    public void Any_text_is_either_the_one_spelling_of_a_link_or_a_typed_error()
    {
        using var machine = TestKeys.Machine();
        var good = new PairingOffers(new ManualTime()).Create([]).LinkTo(machine).ToPayload();
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        for (var round = 0; round < 3000; round++)
        {
            var text = good.ToCharArray();
            for (var change = random.Next(1, 4); change > 0; change--)
            {
                text[random.Next(text.Length)] = random.Next(3) == 0 ? (char)random.Next(1, 0x2000) : good[random.Next(good.Length)];
            }

            var mutated = new string(text)[..random.Next(good.Length + 1)] + (random.Next(5) == 0 ? "A" : "");
            try
            {
                Assert.Equal(mutated, PairingLink.ParsePayload(mutated).ToPayload());
            }
            catch (Exception e)
            {
                Assert.True(
                    e is ChannelException { Error: ChannelError.LinkMalformed or ChannelError.LinkVersion or ChannelError.BadKey },
                    $"seed {seed}, '{mutated}': {e}");
            }
        }
    }
}
