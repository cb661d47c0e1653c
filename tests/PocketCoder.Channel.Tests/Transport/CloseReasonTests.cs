namespace PocketCoder.Channels.Tests;

public sealed class CloseReasonTests
{
    [Fact]
    public void Every_error_has_a_code_of_its_own_that_a_close_frame_carries()
    {
        var codes = Enum.GetValues<ChannelError>().Select(error => error.Code()).ToArray();
        Assert.Equal(codes.Length, codes.Distinct(StringComparer.Ordinal).Count());
        Assert.All(codes, code => Assert.Equal(new CloseReason(code, "why"), CloseReason.Parse(new CloseReason(code, "why").ToFrame())));
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("Upper", "")]
    [InlineData("with space", "")]
    public void A_code_that_is_no_snake_case_word_is_not_written(string code, string message)
        => ChannelTestExtensions.Fails(ChannelError.Malformed, () => new CloseReason(code, message).ToFrame());

    [Fact]
    public void A_message_of_512_characters_fits_and_a_longer_one_is_not_written()
    {
        Assert.NotNull(CloseReason.Parse(new CloseReason("x", new string('\u65e5', 512)).ToFrame()));
        ChannelTestExtensions.Fails(ChannelError.Malformed, () => new CloseReason("x", new string('x', 513)).ToFrame());
    }

    [Fact]
    public void Random_bytes_and_bent_frames_parse_to_nothing_or_to_a_reason_within_the_limits()
    {
        var seed = Random.Shared.Next();
        var bender = new FrameBender(new Random(seed));
        var good = new CloseReason("unknown_device", "This device is not paired.").ToFrame();
        for (var round = 0; round < 20_000; round++)
        {
            var frame = bender.Bend(good, largest: 5000);
            var reason = default(CloseReason);
            var failure = Record.Exception(() => reason = CloseReason.Parse(frame));
            Assert.True(failure is null && reason is null or { Code.Length: > 0 and <= 64, Message.Length: <= 512 },
                $"seed {seed}, {Convert.ToHexString(frame)}: {failure}");
        }
    }
}
