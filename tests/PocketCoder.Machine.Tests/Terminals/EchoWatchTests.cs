using PocketCoder.Machine.Terminals;

namespace PocketCoder.Machine.Tests.Terminals;

public sealed class EchoWatchTests
{
    [Fact]
    public async Task What_comes_back_in_order_between_colours_and_redraws_is_echoed()
    {
        var echo = new EchoWatch();
        echo.Type("ls -l");
        echo.Write("l\u001b[1ms\u001b[0m -\b\u001b[K");
        Assert.False(await echo.SeenAsync(TimeSpan.Zero, TimeProvider.System));
        echo.Write("l");
        Assert.True(await echo.SeenAsync(TimeSpan.Zero, TimeProvider.System));
    }

    [Fact]
    public async Task What_does_not_come_back_is_a_password()
    {
        var echo = new EchoWatch();
        echo.Type("hunter2");
        echo.Write("Password: \u001b[1;31m\r\n*******");
        Assert.False(await echo.SeenAsync(TimeSpan.FromMilliseconds(1), TimeProvider.System));
        echo.Begin();
        echo.Type("ls");
        echo.Write("ls");
        Assert.True(await echo.SeenAsync(TimeSpan.Zero, TimeProvider.System));
    }

    [Fact]
    public async Task A_flood_that_happens_to_contain_it_is_no_echo()
    {
        var echo = new EchoWatch();
        echo.Type("secret");
        echo.Write(string.Concat(Enumerable.Repeat("some program writes a lot of the rest, cut here\r\n", 50)));
        Assert.False(await echo.SeenAsync(TimeSpan.Zero, TimeProvider.System));
    }

    [Fact]
    public async Task Letters_within_escape_sequences_are_none()
    {
        var echo = new EchoWatch();
        echo.Type("mmm");
        echo.Write("\u001b[1m\u001b[0m\u001b[31m\u001b(B\u001bM");
        Assert.False(await echo.SeenAsync(TimeSpan.Zero, TimeProvider.System));
    }

    [Fact]
    public async Task Nothing_typed_needs_no_echo_and_lost_output_is_none()
    {
        var echo = new EchoWatch();
        Assert.True(await echo.SeenAsync(TimeSpan.Zero, TimeProvider.System));
        echo.Type("a");
        echo.Lose();
        echo.Write("a");
        Assert.False(await echo.SeenAsync(TimeSpan.Zero, TimeProvider.System));
    }
}
