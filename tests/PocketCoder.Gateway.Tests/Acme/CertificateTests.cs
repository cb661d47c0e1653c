using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Acme;
using PocketCoder.Gateway.Hosting;
using PocketCoder.Gateway.Tls;
using PocketCoder.Testing;

namespace PocketCoder.Gateway.Tests.Acme;

/// <summary>A gateway's certificate, from an authority that checks every request and really connects to see where a name leads.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class CertificateTests : IAsyncLifetime
{
    private static readonly string[] s_names = ["gateway.example.org", "other.example.org"];

    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("pocketcoder-test-");
    private AcmeAuthority _authority = null!;

    public async ValueTask InitializeAsync() => _authority = await AcmeAuthority.StartAsync(TimeProvider.System);

    public async ValueTask DisposeAsync()
    {
        await _authority.DisposeAsync();
        _home.Delete(recursive: true);
    }

    [Fact]
    public async Task A_plain_port_proves_the_names_and_leads_browsers_to_https()
    {
        var answers = new ChallengeAnswers(http: true, alpn: false, TimeProvider.System);
        await using var plain = await PlainAsync(answers);
        var keeper = Keeper(answers);
        await ReadyAsync(keeper);
        using var leaf = X509Certificate2.CreateFromPemFile(keeper.File, keeper.File);
        Assert.All(s_names, n => Assert.True(leaf.MatchesHostname(n)));
        Assert.True(leaf.HasPrivateKey);
        Assert.Empty(_authority.Violations);
        Assert.All(_home.GetFiles("*", SearchOption.AllDirectories),
            f => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, f.UnixFileMode));
        Assert.NotNull(keeper.Status.Until);
        Assert.Null(keeper.Status.LastError);

        await ReadyAsync(Keeper(answers)); // and not again
        Assert.Equal((1, 1), (_authority.Orders, _authority.Accounts));

        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        foreach (var (host, path, status, location) in ((string, string, int, string?)[])[
            ("gateway.example.org", "/anything?secret=1", 308, "https://gateway.example.org/"),
            ("evil.example", "/", 421, null),
            ("gateway.example.org", "/.well-known/acme-challenge/never-asked", 404, null),
            ("gateway.example.org", "/.well-known/acme-challenge/", 404, null)])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{plain.Port}{path}");
            request.Headers.Host = host;
            using var response = await http.SendAsync(request);
            Assert.Equal((status, location), ((int)response.StatusCode, response.Headers.Location?.AbsoluteUri));
        }
    }

    [Fact]
    public async Task A_gateway_proves_its_names_on_its_own_port_before_it_serves_and_while_it_serves()
    {
        var port = FreePort();
        _authority.TlsPort = port;
        var options = GatewayOptions.Default with
        {
            Listen = [new IPEndPoint(IPAddress.Loopback, port)],
            Names = [.. s_names],
            Acme = new GatewayAcme(Options(_authority.Directory), OverTls: true, []),
        };
        await using (await GatewayServer.StartAsync(options, new InProcessFabric(), NullLoggerFactory.Instance, TimeProvider.System))
        {
            Assert.Equal(HttpStatusCode.OK, await HealthAsync(port));

            // Nothing is asked for now: who offers the authority's protocol gets no certificate of ours for it.
            await Assert.ThrowsAnyAsync<Exception>(() => TlsAsync(port, "acme-tls/1"));
        }

        // The certificate is there at the next start, and due at once: its life is nearly over. It is renewed while it serves.
        _authority.Life = TimeSpan.FromHours(1);
        File.Delete(Path.Combine(_home.FullName, "acme", "certificate.pem"));
        await using (await GatewayServer.StartAsync(options, new InProcessFabric(), NullLoggerFactory.Instance, TimeProvider.System))
        {
        }

        Assert.Equal(2, _authority.Orders);
        var time = new ManualTime();
        time.Advance(TimeProvider.System.GetUtcNow() + TimeSpan.FromMinutes(50) - time.GetUtcNow());
        _authority.Life = TimeSpan.FromDays(90);
        _authority.AtOnce = true; // the clock stands still
        await using var server = await GatewayServer.StartAsync(options, new InProcessFabric(), NullLoggerFactory.Instance, time);
        await Wait.UntilAsync(async () =>
        {
            Assert.Equal(HttpStatusCode.OK, await HealthAsync(port)); // browsers and the authority come to the same port
            return _authority.Issued == 3;
        }, "it is renewed");
        Assert.Equal(3, _authority.Orders);
        Assert.Empty(_authority.Violations);
    }

    [Fact]
    public async Task A_gateway_proves_its_names_on_the_plain_port_and_says_why_it_can_not()
    {
        var (port, plain) = (FreePort(), FreePort());
        _authority.HttpPort = plain;
        var options = GatewayOptions.Default with
        {
            Listen = [new IPEndPoint(IPAddress.Loopback, port)],
            Names = [.. s_names],
            Acme = new GatewayAcme(Options(_authority.Directory), OverTls: false, [new IPEndPoint(IPAddress.Loopback, plain)]),
        };
        await using (await GatewayServer.StartAsync(options, new InProcessFabric(), NullLoggerFactory.Instance, TimeProvider.System))
        {
            Assert.Equal(HttpStatusCode.OK, await HealthAsync(port));
            var busy = await Assert.ThrowsAsync<GatewayRefusal>(
                () => GatewayServer.StartAsync(options, new InProcessFabric(), NullLoggerFactory.Instance, TimeProvider.System));
            Assert.Equal(RefusalReason.CannotListen, busy.Reason);
        }

        _authority.Offers = ["dns-01"];
        File.Delete(Path.Combine(_home.FullName, "acme", "certificate.pem"));
        var refused = await Assert.ThrowsAsync<GatewayRefusal>(
            () => GatewayServer.StartAsync(options, new InProcessFabric(), NullLoggerFactory.Instance, TimeProvider.System));
        Assert.Equal(RefusalReason.NoCertificate, refused.Reason);
        Assert.Equal("http", ListenPlan.From(GatewayOptions.Default).UrlsFor(["http://127.0.0.1:1"])[0].Split(':')[0]);

        // What a refused start opened is closed again.
        using var free = new TcpListener(IPAddress.Loopback, plain);
        free.Start();
    }

    [Fact]
    public async Task A_refused_nonce_is_tried_again_and_a_forgotten_account_is_made_again()
    {
        var answers = new ChallengeAnswers(http: true, alpn: false, TimeProvider.System);
        await using var plain = await PlainAsync(answers);
        _authority.BadNonces = 3;
        await ReadyAsync(Keeper(answers));
        _authority.ForgetAccounts();
        File.Delete(Path.Combine(_home.FullName, "acme", "certificate.pem"));
        await ReadyAsync(Keeper(answers));
        Assert.Equal((2, 1), (_authority.Orders, _authority.Accounts));
        Assert.Empty(_authority.Violations);
    }

    public static TheoryData<string, AcmeError> Faults => new()
    {
        { "unreachable", AcmeError.Unreachable },
        { "nobody-answers-the-challenge", AcmeError.NotValidated },
        { "only-dns", AcmeError.Refused },
        { "no-json", AcmeError.Malformed },
        { "no-fields", AcmeError.Malformed },
        { "elsewhere", AcmeError.Malformed },
        { "too-large", AcmeError.Unreachable },
        { "rate-limited", AcmeError.RateLimited },
        { "always-bad-nonce", AcmeError.Refused },
        { "wrong-key", AcmeError.BadCertificate },
        { "no-certificate", AcmeError.BadCertificate },
        { "redirect", AcmeError.Refused },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_failure_is_told_once_by_its_kind_and_the_next_try_waits_also_after_a_restart(string fault, AcmeError expected)
    {
        var time = new ManualTime();
        await using var authority = await AcmeAuthority.StartAsync(time);
        var answers = new ChallengeAnswers(http: true, alpn: false, time);
        await using var plain = await PlainAsync(answers, authority);
        authority.AtOnce = true;
        Break(authority, fault);
        if (fault == "nobody-answers-the-challenge")
        {
            await plain.DisposeAsync();
        }

        var options = Options(authority.Directory);
        if (fault == "unreachable")
        {
            await authority.DisposeAsync();
        }

        var keeper = new CertificateKeeper(options, answers, time, new Random(1), NullLogger<CertificateKeeper>.Instance);
        var error = await Assert.ThrowsAsync<AcmeException>(() => keeper.EnsureAsync(CancellationToken.None));
        Assert.Equal((expected, fault), (error.Error, fault));
        var next = keeper.Status.NextTry!.Value;
        Assert.True(next > time.GetUtcNow());
        Assert.False(File.Exists(keeper.File));
        Assert.DoesNotContain('\n', error.Message);
        if (fault == "rate-limited")
        {
            Assert.True(next - time.GetUtcNow() > TimeSpan.FromMinutes(59), "as long as the authority asked");
        }

        // A restart asks no sooner, and says why.
        var orders = authority.Orders;
        var again = new CertificateKeeper(options, answers, time, new Random(1), NullLogger<CertificateKeeper>.Instance);
        var early = await Assert.ThrowsAsync<AcmeException>(() => again.EnsureAsync(CancellationToken.None));
        Assert.StartsWith(error.Message, early.Message, StringComparison.Ordinal);
        Assert.Equal((next, orders), (again.Status.NextTry!.Value, authority.Orders));

        // Later it asks again.
        time.Advance(next - time.GetUtcNow());
        var late = await Assert.ThrowsAsync<AcmeException>(() => again.EnsureAsync(CancellationToken.None));
        Assert.Equal(expected, late.Error);
        Assert.True(again.Status.NextTry > next);
    }

    [Fact]
    public async Task It_is_renewed_when_a_third_of_its_life_is_left_and_not_before()
    {
        var time = new ManualTime();
        await using var authority = await AcmeAuthority.StartAsync(time);
        var answers = new ChallengeAnswers(http: true, alpn: false, time);
        await using var plain = await PlainAsync(answers, authority);
        var keeper = new CertificateKeeper(
            Options(authority.Directory), answers, time, new NoRandom(), NullLogger<CertificateKeeper>.Instance);
        using var stop = new CancellationTokenSource();
        authority.AtOnce = true;
        await ReadyAsync(keeper);
        var run = keeper.RunAsync(stop.Token);
        var first = keeper.Status.Until!.Value;
        SleepUntil(time, first - TimeSpan.FromDays(30));
        Assert.Equal(1, authority.Orders);
        await AdvanceUntilAsync(time, () => authority.Orders == 2, () => keeper.Status.Until != first);
        Assert.InRange(first - time.GetUtcNow(), TimeSpan.FromDays(29.9), TimeSpan.FromDays(30.1));

        // The authority fails: what there is goes on, and it comes back by itself.
        var second = keeper.Status.Until!.Value;
        var asked = false;
        authority.Instead = path =>
        {
            asked = true;
            return path == "directory" ? Results.StatusCode(503) : null;
        };
        SleepUntil(time, second - TimeSpan.FromDays(30));
        await AdvanceUntilAsync(time, () => Volatile.Read(ref asked), () => keeper.Status.LastError is not null);
        Assert.Equal(second, keeper.Status.Until);
        authority.Instead = null;
        await AdvanceUntilAsync(time, () => authority.Orders == 3, () => keeper.Status.Until != second);
        Assert.Null(keeper.Status.LastError);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    public static TheoryData<string, string[], bool, string?> BadOptions => new()
    {
        { "http://ca.example/directory", ["a.example.org"], true, null },
        { "https://user:secret@ca.example/directory", ["a.example.org"], true, null },
        { "https://ca.example/directory", [], true, null },
        { "https://ca.example/directory", ["localhost"], true, null },
        { "https://ca.example/directory", ["*.example.org"], true, null },
        { "https://ca.example/directory", ["Upper.example.org"], true, null },
        { "https://ca.example/directory", ["192.0.2.1"], true, null },
        { "https://ca.example/directory", ["a.example.org."], true, null },
        { "https://ca.example/directory", ["a.example.org"], false, null },
        { "https://ca.example/directory", ["a.example.org"], true, "no address" },
        { "https://ca.example/directory", ["a.example.org"], true, "a@b.example,c@d.example" },
    };

    [Theory]
    [MemberData(nameof(BadOptions))]
    public async Task Options_that_no_authority_would_take_are_refused_before_anything_is_asked(
        string directory, string[] names, bool agreed, string? email)
    {
        var options = new AcmeOptions
        {
            Directory = new Uri(directory),
            Names = names,
            Folder = Path.Combine(_home.FullName, "acme"),
            TermsAgreed = agreed,
            Email = email,
        };
        var keeper = new CertificateKeeper(options, new ChallengeAnswers(true, false, TimeProvider.System), TimeProvider.System,
            new Random(1), NullLogger<CertificateKeeper>.Instance);
        var refused = await Assert.ThrowsAsync<AcmeException>(() => keeper.EnsureAsync(CancellationToken.None));
        Assert.Equal(AcmeError.Refused, refused.Error);
        Assert.False(Directory.Exists(options.Folder));
    }

    [Fact]
    public async Task A_key_that_others_can_read_is_refused()
    {
        var answers = new ChallengeAnswers(http: true, alpn: false, TimeProvider.System);
        await using var plain = await PlainAsync(answers);
        await ReadyAsync(Keeper(answers));
        var file = Path.Combine(_home.FullName, "acme", "certificate.pem");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        var refused = await Assert.ThrowsAsync<AcmeException>(() => Keeper(answers).EnsureAsync(CancellationToken.None));
        Assert.Equal(AcmeError.Files, refused.Error);
        Assert.Contains("chmod 600", refused.Message, StringComparison.Ordinal);
    }

    private static void Break(AcmeAuthority authority, string fault)
    {
        authority.Instead = fault switch
        {
            "no-json" => path => path == "new-order" ? Results.Text("<html>") : null,
            "no-fields" => path => path == "directory" ? Results.Text("{}") : null,
            "elsewhere" => path => path == "directory"
                ? Results.Text("""{"newNonce":"file:///etc/passwd","newAccount":"http://192.0.2.1/a","newOrder":"http://192.0.2.1/o"}""") : null,
            "too-large" => path => path == "directory" ? Results.Text(new string(' ', 300_000)) : null,
            "rate-limited" => path => path == "new-order" ? new RateLimited() : null,
            "no-certificate" => path => path == "certificate"
                ? Results.Text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n") : null,
            "redirect" => path => path == "directory" ? Results.Redirect("http://127.0.0.1:1/") : null,
            _ => null,
        };
        authority.WrongKey = fault == "wrong-key";
        authority.BadNonces = fault == "always-bad-nonce" ? int.MaxValue : 0;
        if (fault == "only-dns")
        {
            authority.Offers = ["dns-01"];
        }
    }

    /// <summary>Moves the clock until it has begun, and lets it end.</summary>
    private static async Task AdvanceUntilAsync(ManualTime time, Func<bool> begun, Func<bool> ended)
    {
        await Wait.UntilAsync(() =>
        {
            if (!begun())
            {
                time.Advance(TimeSpan.FromSeconds(10));
            }

            return begun();
        }, "time brings it");
        await Wait.UntilAsync(ended, "it is done");
    }

    private static void SleepUntil(ManualTime time, DateTimeOffset when)
    {
        while (when - time.GetUtcNow() > TimeSpan.FromHours(2))
        {
            time.Advance(TimeSpan.FromHours(1));
        }
    }

    private async Task ReadyAsync(CertificateKeeper keeper)
        => await keeper.EnsureAsync(CancellationToken.None);

    private AcmeOptions Options(Uri directory, string folder = "acme") => new()
    {
        Directory = directory,
        Names = s_names,
        Folder = Path.Combine(_home.FullName, folder),
        TermsAgreed = true,
        Email = "ada@example.org",
    };

    private CertificateKeeper Keeper(ChallengeAnswers answers, string folder = "acme") => new(
        Options(_authority.Directory, folder), answers, TimeProvider.System, new Random(1), NullLogger<CertificateKeeper>.Instance);

    private async Task<ChallengeServer> PlainAsync(ChallengeAnswers answers, AcmeAuthority? authority = null)
    {
        var server = await ChallengeServer.StartPlainAsync(
            [new IPEndPoint(IPAddress.Loopback, 0)], answers, s_names, 443, NullLoggerFactory.Instance, CancellationToken.None);
        (authority ?? _authority).HttpPort = server.Port;
        return server;
    }

    private async Task<HttpStatusCode> HealthAsync(int port)
    {
        using var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, ct) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, port, ct);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _)
            => ((X509Certificate2)certificate!).MatchesHostname(s_names[0]) && certificate.Issuer == _authority.Root.Subject;
        using var http = new HttpClient(handler);
        using var response = await http.GetAsync(new Uri($"https://{s_names[0]}:{port}/healthz"));
        return response.StatusCode;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task TlsAsync(int port, string protocol)
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(IPAddress.Loopback, port);
        await using var tls = new SslStream(tcp.GetStream(), false, (_, shown, _, _) => shown is not null);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = s_names[0],
            ApplicationProtocols = [new SslApplicationProtocol(protocol)],
        });
    }

    private sealed class NoRandom : Random
    {
        public override double NextDouble() => 0;
    }

    private sealed class RateLimited : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.Headers.RetryAfter = "3600";
            return AcmeAuthority.Problem("rateLimited", "later", 429).ExecuteAsync(httpContext);
        }
    }
}
