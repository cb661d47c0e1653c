using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PocketCoder.Testing;

namespace PocketCoder.Cli.Tests;

/// <summary><c>tls</c>, and a daemon that serves with what it made.</summary>
public sealed class TlsTests
{
    [Fact]
    public async Task A_client_that_trusts_the_CA_reaches_the_gateway_under_its_name_and_no_other_client_does()
    {
        await using var home = new CliHome();
        Assert.Contains("pocketcoder tls init", (await home.RunAsync("tls", "show")).Ended(1).Error, StringComparison.Ordinal);
        Assert.Contains("pocketcoder tls init", (await home.RunAsync("tls", "renew")).Ended(1).Error, StringComparison.Ordinal);

        var made = await home.AskAsync("tls", "init", "--name", "box.example");

        Assert.Contains("box.example", made.GetProperty("names").EnumerateArray().Select(n => n.GetString()));
        using var authority = X509CertificateLoader.LoadCertificateFromFile(made.GetProperty("authorityFile").GetString()!);
        Assert.Equal(made.GetProperty("authoritySha256").GetString(), Convert.ToHexString(SHA256.HashData(authority.RawData)));
        Assert.Contains("tls renew", (await home.RunAsync("tls", "init")).Ended(1).Error, StringComparison.Ordinal);
        var shown = (await home.RunAsync("tls", "show")).Succeeded().Out;
        foreach (var what in (string[])["box.example", "iPhone", "Android", "Certificate Trust Settings",
            made.GetProperty("authoritySha256").GetString()!])
        {
            Assert.Contains(what, shown, StringComparison.Ordinal);
        }

        await home.StartAsync();
        Assert.StartsWith($"https://box.example:{home.Port}", (await home.AskAsync("status")).GetProperty("listen")[0].GetString(),
            StringComparison.Ordinal);
        Assert.StartsWith($"https://box.example:{home.Port}/#pair=", await home.LinkAsync(), StringComparison.Ordinal);

        using (var trusting = Client(home.Port, authority))
        {
            Assert.Equal(HttpStatusCode.OK, (await trusting.GetAsync($"https://box.example:{home.Port}/healthz")).StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await trusting.GetAsync($"https://127.0.0.1:{home.Port}/healthz")).StatusCode);
            Assert.Equal(authority.RawData, await trusting.GetByteArrayAsync($"https://127.0.0.1:{home.Port}/ca.crt"));
            await Assert.ThrowsAsync<HttpRequestException>(() => trusting.GetAsync($"https://other.example:{home.Port}/healthz"));
        }

        using (var stranger = Client(home.Port, null))
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => stranger.GetAsync($"https://127.0.0.1:{home.Port}/healthz"));
        }

        // A new certificate of the same CA, for the names it had; a CA has no say about names it was not made for.
        var before = await File.ReadAllTextAsync(Path.Combine(home.Home.Tls, "server.crt"));
        var renewed = await home.AskAsync("tls", "renew");
        Assert.Equal(made.GetProperty("authoritySha256").GetString(), renewed.GetProperty("authoritySha256").GetString());
        Assert.Contains("box.example", renewed.GetProperty("names").EnumerateArray().Select(n => n.GetString()));
        Assert.NotEqual(before, await File.ReadAllTextAsync(Path.Combine(home.Home.Tls, "server.crt")));
        Assert.Contains("tls init --force", (await home.RunAsync("tls", "renew", "--name", "bank.example")).Ended(1).Error,
            StringComparison.Ordinal);
        (await home.RunAsync("stop")).Succeeded();
        await home.StartAsync();
        using (var trusting = Client(home.Port, authority))
        {
            Assert.Equal(HttpStatusCode.OK, (await trusting.GetAsync($"https://box.example:{home.Port}/healthz")).StatusCode);
        }

        var other = await home.AskAsync("tls", "init", "--force");
        Assert.NotEqual(made.GetProperty("authoritySha256").GetString(), other.GetProperty("authoritySha256").GetString());
        Assert.All(Directory.EnumerateFiles(home.Home.Tls),
            f => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(f)));
    }

    [Fact]
    public async Task With_a_certificate_a_public_address_is_served_and_plain_HTTP_stays_possible_on_loopback()
    {
        await using var home = new CliHome();
        (await home.RunAsync("tls", "init", "--name", "box.example")).Succeeded();
        using var authority = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(home.Home.Tls, "ca.crt"));

        (await home.RunAsync("start", "--demo", "--listen", $"0.0.0.0:{home.Port}")).Succeeded();
        using (var trusting = Client(home.Port, authority))
        {
            Assert.Equal(HttpStatusCode.OK, (await trusting.GetAsync($"https://box.example:{home.Port}/healthz")).StatusCode);
        }

        (await home.RunAsync("stop")).Succeeded();
        await home.StartAsync("--no-tls");
        using var http = new HttpClient();
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync($"{home.Url}/healthz")).StatusCode);
    }

    [Fact]
    public async Task A_name_that_is_none_is_refused_and_makes_no_half_certificate()
    {
        await using var home = new CliHome();

        Assert.Contains("is no host name", (await home.RunAsync("tls", "init", "--name", "https://box.example/")).Ended(2).Error,
            StringComparison.Ordinal);

        Assert.Empty(Directory.EnumerateFiles(home.Home.Tls));
    }

    [Fact]
    public async Task A_broken_certificate_is_told_when_it_is_started()
    {
        await using var home = new CliHome();
        (await home.RunAsync("tls", "init")).Succeeded();
        await File.WriteAllTextAsync(Path.Combine(home.Home.Tls, "server.crt"), "nothing");

        var refused = (await home.RunAsync("start", "--demo", "--listen", home.Listen)).Ended(1);

        Assert.Contains("tls renew", refused.Error, StringComparison.Ordinal);
        (await home.RunAsync("tls", "renew")).Succeeded(); // and that helps
        await home.StartAsync();
    }

    /// <summary>
    /// A real client: every name leads to this machine, and the certificate is checked as usual, against one CA or the system's.
    /// </summary>
    private static HttpClient Client(int port, X509Certificate2? authority)
    {
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck };
        if (authority is not null)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.Add(authority);
        }

        return new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy },
            ConnectCallback = async (_, ct) =>
            {
                var socket = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, port, ct);
                return new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
            },
        })
        {
            Timeout = Wait.Limit,
        };
    }
}
