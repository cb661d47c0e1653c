using System.Net;
using PocketCoder.Testing.Push;

namespace PocketCoder.Push.Tests;

/// <summary>Where a device may not send this machine.</summary>
public sealed class EndpointTests
{
    private static readonly PushAllowed s_none = PushAllowed.None;

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("push")]
    [InlineData("/x")]
    [InlineData("http://push.example.net/x")]
    [InlineData("ftp://push.example.net/x")]
    [InlineData("file:///etc/passwd")]
    [InlineData("https://user:word@push.example.net/x")]
    [InlineData("https://user@push.example.net/x")]
    [InlineData("https://push.example.net@127.0.0.1/x")]
    [InlineData("https://push.example.net/x#y")]
    [InlineData("https://push.example.net:8443/x")]
    [InlineData("https://push.example.net:80/x")]
    [InlineData("https://push.example.net:22/x")]
    [InlineData("https://127.0.0.1/x")]
    [InlineData("https://127.1/x")]
    [InlineData("https://2130706433/x")]
    [InlineData("https://0x7f.1/x")]
    [InlineData("https://0177.0.0.1/x")]
    [InlineData("https://8.8.8.8/x")]
    [InlineData("https://[::1]/x")]
    [InlineData("https://[2001:4860:4860::8888]/x")]
    [InlineData("https://push.example.net\\@127.0.0.1/x")]
    [InlineData("https://push.example.net/x\r\nHost: y")]
    [InlineData("https://push.example.net/x y")]
    [InlineData("https://pu\u0455h.example.net/x")]
    public void An_endpoint_of_another_form_is_refused(string? endpoint)
        => Assert.Throws<PushException>(() => Of(endpoint, s_none));

    [Theory]
    [InlineData("https://fcm.googleapis.com/fcm/send/abc:APA91b-_x")]
    [InlineData("https://updates.push.services.mozilla.com/wpush/v2/gAAAA")]
    [InlineData("https://wns2-par02p.notify.windows.com/w/?token=BQYAAAD%2f")]
    [InlineData("https://web.push.apple.com:443/QOsJ")]
    [InlineData("https://ntfy.sh/upABC?up=1")]
    public void Those_of_browsers_are_taken(string endpoint) => Assert.Equal(endpoint.Replace(":443", "", StringComparison.Ordinal), Of(endpoint, s_none).Endpoint.AbsoluteUri);

    [Fact]
    public void The_owner_allows_one_origin_and_nothing_else()
    {
        var allowed = new PushAllowed(["https://push.home.lan:8443", "https://10.1.2.3"]);
        Assert.Equal("https://push.home.lan:8443", Of("https://push.home.lan:8443/x", allowed).Origin);
        Assert.Equal("https://10.1.2.3", Of("https://10.1.2.3/x", allowed).Origin);
        Assert.Throws<PushException>(() => Of("https://push.home.lan:8444/x", allowed));
        Assert.Throws<PushException>(() => Of("https://10.1.2.4/x", allowed));
        Assert.Throws<PushException>(() => Of("http://push.home.lan:8443/x", allowed));
        Assert.All((string[])["push.home.lan", "http://a", "https://a/b", "https://u@a", "https://a?b", "https://a#b"],
            o => Assert.Throws<PushException>(() => new PushAllowed([o])));
    }

    [Fact]
    public void Keys_of_another_form_are_refused()
    {
        using var receiver = new PushReceiver("https://push.example.net/x");
        var offCurve = receiver.PublicKey.ToArray();
        offCurve[^1] ^= 1;
        byte[][] keys = [[], receiver.PublicKey[1..], [2, .. receiver.PublicKey[1..]], [.. receiver.PublicKey, 0], offCurve, new byte[65]];
        Assert.All(keys, k => Assert.Throws<PushException>(() => PushSubscription.Of(receiver.Endpoint, k, receiver.Auth, s_none)));
        Assert.All((byte[][])[[], receiver.Auth[1..], [.. receiver.Auth, 0]],
            a => Assert.Throws<PushException>(() => PushSubscription.Of(receiver.Endpoint, receiver.PublicKey, a, s_none)));
    }

    [Fact]
    public void Texts_made_at_random_are_taken_or_refused_and_never_lead_elsewhere()
    {
        var random = new Random(8291);
        const string Signs = "htps:/@.?#[]%\\ 0123456789abcdefxX-_~\u0000\u00e9\u2028";
        string[] starts = ["https://", "https://push.example.net", "https://push.example.net/", "https:", ""];
        for (var i = 0; i < 20_000; i++)
        {
            char[] rest = [.. Enumerable.Range(0, random.Next(24)).Select(_ => Signs[random.Next(Signs.Length)])];
            var text = starts[random.Next(starts.Length)] + new string(rest);
            try
            {
                var taken = Of(text, s_none).Endpoint;
                Assert.True(taken is { Scheme: "https", Port: 443, UserInfo: "", HostNameType: UriHostNameType.Dns }, text);
            }
            catch (PushException)
            {
                // Refused, with words.
            }
        }
    }

    public static TheoryData<string> Private()
    {
        var data = new TheoryData<string>();
        string[] fixedOnes = ["0.0.0.0", "127.0.0.1", "169.254.169.254", "100.100.100.200", "168.63.129.16", "255.255.255.255", "::", "::1",
            "::ffff:8.8.8.8", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "fd00:ec2::254", "fe80::1", "2002:7f00:1::", "2001:db8::1", "ff02::1"];
        foreach (var one in fixedOnes)
        {
            data.Add(one);
        }

        var random = new Random(1918);
        (byte[] Start, int More)[] ranges =
            [([10], 3), ([127], 3), ([172, 16], 2), ([192, 168], 2), ([169, 254], 2), ([224], 3), ([0xfd], 15)];
        foreach (var (start, more) in ranges)
        {
            for (var i = 0; i < 4; i++)
            {
                var bytes = new byte[more];
                random.NextBytes(bytes);
                data.Add(new IPAddress([.. start, .. bytes]).ToString());
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Private))]
    public async Task A_name_that_leads_to_such_an_address_is_not_connected_to(string address)
    {
        using var home = new TemporaryFolder();
        using var key = PushKey.LoadOrCreate(Path.Combine(home.Path, "push.key"));
        using var receiver = new PushReceiver("https://push.example.net/x");
        foreach (var resolved in (IPAddress[][])[[IPAddress.Parse(address)], [IPAddress.Parse("1.1.1.1"), IPAddress.Parse(address)]])
        {
            var ways = new PushWays { Resolve = (_, _) => ValueTask.FromResult<IReadOnlyList<IPAddress>>(resolved) };
            using var sender = new PushSender(key, "mailto:a@b.example", ways, TimeProvider.System);
            var outcome = await sender.SendAsync(
                PushSubscription.Of(receiver.Endpoint, receiver.PublicKey, receiver.Auth, s_none),
                new PushMessage("x"u8.ToArray(), TimeSpan.FromMinutes(1), PushUrgency.Normal, "t"), CancellationToken.None);
            Assert.Equal(PushResult.Refused, outcome.Result);
            Assert.Contains("not on the public internet", outcome.Words, StringComparison.Ordinal);
        }
    }

    private static PushSubscription Of(string? endpoint, PushAllowed allowed)
    {
        using var receiver = new PushReceiver(endpoint ?? "");
        return PushSubscription.Of(endpoint, receiver.PublicKey, receiver.Auth, allowed);
    }
}
