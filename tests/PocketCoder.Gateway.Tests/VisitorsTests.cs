using System.Net;
using FsCheck;
using FsCheck.Fluent;
using PocketCoder.Gateway.Hosting;

namespace PocketCoder.Gateway.Tests;

public sealed class VisitorsTests
{
    private static readonly IPAddress s_loopback = IPAddress.Loopback;

    public static TheoryData<string> ForeignHosts =>
    [
        "evil.example", "evil.example:PORT", "127.0.0.1.nip.io:PORT", "localhost.evil.example:PORT", "evil.localhost:PORT",
        "localhost", "127.0.0.1", "[::1]", "localhost:1", "127.0.0.1:1", "[::1]:1",
        "localhost.:PORT", "127.0.0.1.:PORT", "127.1:PORT", "2130706433:PORT", "0x7f000001:PORT", "0177.0.0.1:PORT", "127.0.0.01:PORT",
        "0.0.0.0:PORT", "127.0.0.2:PORT", "[::ffff:127.0.0.1]:PORT", "[0:0:0:0:0:0:0:1]:PORT", "[::1%25lo]:PORT", "[::1%1]:PORT",
        "::1:PORT",
        "localhost:0PORT", "localhost:PORT:PORT", "localhost:", "localhost:+PORT", "user@localhost:PORT", "localhost:PORT@evil.example",
        "localhost:PORT.evil.example", "localhost:PORT/", "local host:PORT", "-localhost:PORT", "localhost\\:PORT", "ｌocalhost:PORT",
        "localhoſt:PORT", "[]:PORT", "[:PORT",
    ];

    [Theory]
    [MemberData(nameof(ForeignHosts))]
    public async Task A_host_that_is_not_ours_is_turned_away_on_pages_and_on_upgrades(string pattern)
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        var host = pattern.Replace("PORT", gateway.Port.ToString(), StringComparison.Ordinal);

        Assert.False(new Visitors(GatewayOptions.Default).IsHost(host, s_loopback, gateway.Port));
        if (host.All(char.IsAscii))
        {
            // Kestrel itself answers 400 to what is no host at all.
            Assert.Contains(RawHttp.StatusOf(await RawHttp.SendAsync(gateway.Port, RawHttp.Get("/", host))), (int[])[400, 421]);
            Assert.Contains(RawHttp.StatusOf(await RawHttp.SendAsync(gateway.Port, RawHttp.Upgrade(host))), (int[])[400, 421]);
        }
    }

    [Theory]
    [InlineData("127.0.0.1:PORT")]
    [InlineData("localhost:PORT")]
    [InlineData("LocalHost:PORT")]
    [InlineData("[::1]:PORT")]
    public async Task A_loopback_name_with_the_bound_port_is_let_in(string pattern)
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        var host = pattern.Replace("PORT", gateway.Port.ToString(), StringComparison.Ordinal);

        Assert.Equal(200, RawHttp.StatusOf(await RawHttp.SendAsync(gateway.Port, RawHttp.Get("/healthz", host))));
        Assert.Equal(101, RawHttp.StatusOf(await RawHttp.SendAsync(gateway.Port, RawHttp.Upgrade(host))));
    }

    [Fact]
    public async Task No_host_or_two_hosts_or_another_host_in_the_target_are_turned_away()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        var ours = $"localhost:{gateway.Port}";

        Assert.Equal(400, RawHttp.StatusOf(await RawHttp.SendAsync(gateway.Port, "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")));
        Assert.Contains(RawHttp.StatusOf(await RawHttp.SendAsync(gateway.Port, "GET /healthz HTTP/1.0\r\n\r\n")), (int[])[400, 421]);
        Assert.Equal(400, RawHttp.StatusOf(await RawHttp.SendAsync(gateway.Port, RawHttp.Get("/healthz", ours, "Host: evil.example"))));
        Assert.Equal(400, RawHttp.StatusOf(await RawHttp.SendAsync(gateway.Port, RawHttp.Get("http://evil.example/healthz", ours))));
    }

    [Theory]
    [InlineData("http://127.0.0.1:PORT", true)]
    [InlineData("http://localhost:PORT", true)]
    [InlineData("http://[::1]:PORT", true)]
    [InlineData("https://localhost:PORT", false)]
    [InlineData("http://localhost", false)]
    [InlineData("http://localhost:1", false)]
    [InlineData("http://LOCALHOST:PORT", false)]
    [InlineData("http://localhost:PORT/", false)]
    [InlineData("http://localhost.:PORT", false)]
    [InlineData("http://evil.example", false)]
    [InlineData("http://evil.example:PORT", false)]
    [InlineData("http://localhost:PORT.evil.example", false)]
    [InlineData("http://localhost:PORT@evil.example", false)]
    [InlineData("null", false)]
    [InlineData("", false)]
    [InlineData("file://", false)]
    [InlineData("chrome-extension://abcdefgh", false)]
    [InlineData("http://localhost:PORT http://evil.example", false)]
    public async Task Only_our_own_origin_may_ask(string pattern, bool ours)
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        var origin = pattern.Replace("PORT", gateway.Port.ToString(), StringComparison.Ordinal);
        var host = $"localhost:{gateway.Port}";

        Assert.Equal(ours ? 200 : 403,
            RawHttp.StatusOf(await RawHttp.SendAsync(gateway.Port, RawHttp.Get("/healthz", host, $"Origin: {origin}"))));
        Assert.Equal(ours ? 101 : 403, RawHttp.StatusOf(await RawHttp.SendAsync(gateway.Port, RawHttp.Upgrade(host, $"Origin: {origin}"))));
    }

    [Fact]
    public async Task Two_origins_are_no_origin()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        var host = $"localhost:{gateway.Port}";

        Assert.Equal(403, RawHttp.StatusOf(
            await RawHttp.SendAsync(gateway.Port, RawHttp.Upgrade(host, $"Origin: http://{host}", $"Origin: http://{host}"))));
    }

    [Fact]
    public async Task A_browser_that_names_no_origin_gets_no_websocket_but_a_program_does()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        var host = $"localhost:{gateway.Port}";

        Assert.Equal(403, RawHttp.StatusOf(await RawHttp.SendAsync(gateway.Port, RawHttp.Upgrade(host, "Sec-Fetch-Site: cross-site"))));
        Assert.Equal(101, RawHttp.StatusOf(await RawHttp.SendAsync(gateway.Port, RawHttp.Upgrade(host))));
    }

    [Theory]
    [InlineData("box.example", true)] // the proxy's own port
    [InlineData("box.example:8090", true)]
    [InlineData("BOX.example", true)]
    [InlineData("box.example:444", false)]
    [InlineData("box.example.", false)]
    [InlineData("other.example", false)]
    [InlineData("exact.example:8443", true)]
    [InlineData("exact.example", false)]
    [InlineData("exact.example:8090", false)]
    [InlineData("192.168.1.5", false)]
    public void A_configured_name_is_let_in_behind_a_proxy(string host, bool ours)
    {
        var visitors = new Visitors(new() { BehindProxy = true, Names = ["box.example", "exact.example:8443"] });

        Assert.Equal(ours, visitors.IsHost(host, s_loopback, 8090));
        Assert.Equal(ours, visitors.IsOrigin($"https://{host.ToLowerInvariant()}", s_loopback, 8090));
        Assert.False(visitors.IsOrigin($"http://{host}", s_loopback, 8090));
    }

    [Fact]
    public void With_tls_the_address_a_connection_came_in_on_is_ours_and_without_it_is_not()
    {
        var lan = IPAddress.Parse("192.168.1.5");
        var tls = new Visitors(new() { Tls = new("", "") });

        Assert.True(tls.IsHost("192.168.1.5:8090", lan, 8090));
        Assert.True(tls.IsOrigin("https://192.168.1.5:8090", lan, 8090));
        Assert.False(tls.IsHost("192.168.1.6:8090", lan, 8090));
        Assert.False(tls.IsOrigin("http://192.168.1.5:8090", lan, 8090));
        Assert.False(new Visitors(new() { BehindProxy = true }).IsHost("192.168.1.5:8090", lan, 8090));
    }

    [Fact]
    public void Plain_http_under_another_name_is_told_why_it_cannot_work()
    {
        var visitors = new Visitors(GatewayOptions.Default);

        Assert.True(visitors.IsPlainHttpElsewhere("192.168.1.5:8090"));
        Assert.False(visitors.IsPlainHttpElsewhere("localhost:1"));
        Assert.False(visitors.IsPlainHttpElsewhere("::"));
    }

    [Theory]
    [InlineData("https://box.example")]
    [InlineData("box.example/path")]
    [InlineData("box.example:99999")]
    [InlineData("*")]
    [InlineData("")]
    public void A_name_no_browser_could_ask_for_is_refused_at_start(string name)
        => Assert.Equal(RefusalReason.BadOption,
            Assert.Throws<GatewayRefusal>(() => new Visitors(new() { BehindProxy = true, Names = [name] })).Reason);

    [Fact]
    public void Reading_a_host_never_throws_and_what_is_read_is_written_back_the_same()
        => Prop.ForAll(ArbMap.Default.ArbFor<string?>(), text =>
            !Authority.TryParse(text, out var authority) || string.Equals(authority.ToString(), text, StringComparison.OrdinalIgnoreCase))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void No_mutation_of_a_loopback_host_is_taken_for_another_spelling_of_it()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var visitors = new Visitors(GatewayOptions.Default);
        const string Alphabet = "localhst127.01[]::@%/\\ \t#?0xABCDEFf-_";
        for (var i = 0; i < 50_000; i++)
        {
            var host = ((string[])["localhost:8090", "127.0.0.1:8090", "[::1]:8090"])[random.Next(3)].ToCharArray().ToList();
            for (var n = random.Next(1, 4); n > 0; n--)
            {
                host.Insert(random.Next(host.Count + 1), Alphabet[random.Next(Alphabet.Length)]);
            }

            var text = new string([.. host]);
            Assert.False(visitors.IsHost(text, s_loopback, 8090), $"seed {seed}: {text}");
        }
    }
}
