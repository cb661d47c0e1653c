using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace PocketCoder.Gateway.Tests.Acme;

/// <summary>
/// A certificate authority that holds its clients to RFC 8555: signatures, single-use nonces, addresses, accounts and the states of orders
/// are checked, names are validated by really connecting (HTTP-01, TLS-ALPN-01), and certificates are really issued. All names lead to
/// loopback, at ports that the test sets.
/// </summary>
internal sealed class AcmeAuthority : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, bool> _nonces = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, ECDsa> _accounts = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Order> _orders = new(StringComparer.Ordinal);
    private readonly ECDsa _rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly TimeProvider _time;
    private int _next;

    private AcmeAuthority(WebApplication app, TimeProvider time)
    {
        _app = app;
        _time = time;
        var request = new CertificateRequest("CN=Test authority", _rootKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        Root = request.CreateSelfSigned(time.GetUtcNow().AddDays(-1), time.GetUtcNow().AddYears(5));
    }

    public X509Certificate2 Root { get; }

    public Uri Directory => new($"{Base}/directory");

    /// <summary>Where HTTP-01 looks, in the place of port 80.</summary>
    public int HttpPort { get; set; }

    /// <summary>Where TLS-ALPN-01 looks, in the place of port 443.</summary>
    public int TlsPort { get; set; }

    public string[] Offers { get; set; } = ["http-01", "tls-alpn-01", "dns-01"];

    public TimeSpan Life { get; set; } = TimeSpan.FromDays(90);

    /// <summary>So many of the next signed requests are refused with badNonce.</summary>
    public int BadNonces { get; set; }

    /// <summary>Answers in the place of the real one, by the resource's first path segment; null: the real one.</summary>
    public Func<string, IResult?>? Instead { get; set; }

    /// <summary>It has validated before it answers, so that nobody needs to wait and ask again: for tests that move the clock.</summary>
    public bool AtOnce { get; set; }

    /// <summary>What is issued is for a key of somebody else.</summary>
    public bool WrongKey { get; set; }

    public int Orders => _orders.Count;

    public int Issued => _orders.Values.Count(o => o.Pem is not null);

    public int Accounts => _accounts.Count;

    /// <summary>What a client did that RFC 8555 forbids.</summary>
    public ConcurrentQueue<string> Violations { get; } = new();

    private string Base => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    public static async Task<AcmeAuthority> StartAsync(TimeProvider time)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        var authority = new AcmeAuthority(builder.Build(), time);
        authority.Map();
        await authority._app.StartAsync();
        return authority;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _rootKey.Dispose();
        Root.Dispose();
    }

    /// <summary>Forgets its accounts, as one that was set up anew does.</summary>
    public void ForgetAccounts() => _accounts.Clear();

    private void Map()
    {
        _app.Use(async (context, next) =>
        {
            context.Response.Headers["Replay-Nonce"] = Nonce();
            context.Response.Headers.CacheControl = "no-store";
            if (context.Request.Headers.UserAgent.Count == 0)
            {
                Violations.Enqueue("no User-Agent");
            }

            if (Instead?.Invoke(context.Request.Path.Value!.Split('/')[1]) is { } instead)
            {
                await instead.ExecuteAsync(context);
                return;
            }

            await next(context);
        });
        _app.MapGet("/directory", () => Json(new JsonObject
        {
            ["newNonce"] = $"{Base}/nonce",
            ["newAccount"] = $"{Base}/new-account",
            ["newOrder"] = $"{Base}/new-order",
            ["meta"] = new JsonObject { ["termsOfService"] = "https://example.org/terms" },
        }));
        _app.MapMethods("/nonce", ["HEAD"], () => Results.Ok());
        Post("/new-account", NewAccount);
        Post("/new-order", NewOrder);
        Post("/order/{id}", (s, id) => OrderJson(_orders[id], 200));
        Post("/authz/{id}", (_, id) => AuthorizationJson(Authorization(id)));
        Post("/challenge/{id}", ChallengeAsync);
        Post("/finalize/{id}", Finalize);
        Post("/certificate/{id}", (_, id) => Results.Text(_orders[id].Pem!, "application/pem-certificate-chain"));
    }

    private void Post(string path, Func<Signed, string, IResult> handle) => Post(path, (s, id) => Task.FromResult(handle(s, id)));

    private void Post(string path, Func<Signed, string, Task<IResult>> handle)
        => _app.MapPost(path, async (HttpContext context) =>
        {
            var id = context.Request.RouteValues["id"] as string ?? "";
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            return Verify(context, body.ToArray()) is (var signed, var refused) && refused is null ? await handle(signed!, id) : refused!;
        });

    private (Signed? Signed, IResult? Refused) Verify(HttpContext context, byte[] body)
    {
        if (context.Request.ContentType != "application/jose+json")
        {
            return (null, Problem("malformed", "content type"));
        }

        var jws = JsonNode.Parse(body)!;
        var (header, payload) = ((string)jws["protected"]!, (string)jws["payload"]!);
        var fields = JsonNode.Parse(Base64Url.DecodeFromChars(header))!;
        if (BadNonces > 0)
        {
            BadNonces--;
            return (null, Problem("badNonce", "try again"));
        }

        if (!_nonces.TryRemove((string)fields["nonce"]!, out _))
        {
            Violations.Enqueue("a nonce that was not given, or used");
            return (null, Problem("badNonce", "not ours"));
        }

        var url = $"{Base}{context.Request.Path}";
        if ((string)fields["url"]! != url || (string)fields["alg"]! != "ES256" || (fields["jwk"] is null) == (fields["kid"] is null))
        {
            Violations.Enqueue($"header {fields}");
            return (null, Problem("unauthorized", "header"));
        }

        var kid = (string?)fields["kid"];
        var key = kid is null ? KeyOf(fields["jwk"]!) : _accounts.GetValueOrDefault(kid);
        if (key is null)
        {
            return (null, Problem("accountDoesNotExist", "unknown account"));
        }

        var valid = key.VerifyData(Encoding.ASCII.GetBytes($"{header}.{payload}"), Base64Url.DecodeFromChars((string)jws["signature"]!),
            HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        if (!valid)
        {
            Violations.Enqueue("a signature that does not verify");
            return (null, Problem("malformed", "signature"));
        }

        var text = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(payload));
        return (new Signed(kid, key, text.Length == 0 ? null : JsonNode.Parse(text)), null);
    }

    private IResult NewAccount(Signed signed, string id)
    {
        if (signed.Kid is not null || signed.Payload?["termsOfServiceAgreed"]?.GetValue<bool>() != true)
        {
            return Problem("userActionRequired", "agree first");
        }

        var known = _accounts.FirstOrDefault(a => Thumbprint(a.Value) == Thumbprint(signed.Key)).Key;
        var kid = known ?? $"{Base}/account/{Interlocked.Increment(ref _next)}";
        _accounts[kid] = signed.Key;
        return new Located(kid, Json(new JsonObject { ["status"] = "valid" }, known is null ? 201 : 200));
    }

    private IResult NewOrder(Signed signed, string id)
    {
        var names = signed.Payload!["identifiers"]!.AsArray().Select(i => (string)i!["value"]!).ToArray();
        var order = new Order($"{Interlocked.Increment(ref _next)}", signed.Kid!, names);
        _orders[order.Id] = order;
        return new Located($"{Base}/order/{order.Id}", OrderJson(order, 201));
    }

    private Authorization Authorization(string id)
    {
        var parts = id.Split('-');
        return _orders[parts[0]].Authorizations[int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture)];
    }

    private IResult AuthorizationJson(Authorization a) => Json(new JsonObject
    {
        ["status"] = a.Status,
        ["identifier"] = new JsonObject { ["type"] = "dns", ["value"] = a.Name },
        ["challenges"] = new JsonArray([.. Offers.Select(o => (JsonNode)new JsonObject
        {
            ["type"] = o,
            ["url"] = $"{Base}/challenge/{a.Id}-{o.Split('-')[0]}",
            ["token"] = a.Token,
            ["status"] = a.Status,
            ["error"] = a.Error is null ? null
                : new JsonObject { ["type"] = "urn:ietf:params:acme:error:connection", ["detail"] = a.Error },
        })]),
    });

    private async Task<IResult> ChallengeAsync(Signed signed, string id)
    {
        var parts = id.Split('-');
        var a = Authorization($"{parts[0]}-{parts[1]}");
        if (signed.Payload is not JsonObject { Count: 0 })
        {
            Violations.Enqueue("a challenge is answered with {}");
        }

        a.Status = "processing";
        var validating = ValidateAsync(a, parts[2], $"{a.Token}.{Thumbprint(signed.Key)}");
        if (AtOnce)
        {
            await validating;
        }

        return Json(new JsonObject { ["type"] = parts[2], ["url"] = $"{Base}/challenge/{id}", ["status"] = "processing" });
    }

    private async Task ValidateAsync(Authorization a, string kind, string expected)
    {
        try
        {
            if (kind == "http")
            {
                using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false });
                using var request = new HttpRequestMessage(
                    HttpMethod.Get, $"http://127.0.0.1:{HttpPort}/.well-known/acme-challenge/{a.Token}")
                { Headers = { Host = a.Name } };
                using var response = await http.SendAsync(request);
                var body = await response.Content.ReadAsStringAsync();
                a.Error = response.StatusCode == HttpStatusCode.OK && body.TrimEnd() == expected ? null
                    : $"{(int)response.StatusCode} {body}";
            }
            else
            {
                using var tcp = new TcpClient();
                await tcp.ConnectAsync(IPAddress.Loopback, TlsPort);
                await using var tls = new SslStream(tcp.GetStream(), false, (_, shown, _, _) =>
                {
                    using var certificate = new X509Certificate2(shown!);
                    var proof = certificate.Extensions["1.3.6.1.5.5.7.1.31"];
                    byte[] digest = [4, 32, .. SHA256.HashData(Encoding.ASCII.GetBytes(expected))];
                    return proof is { Critical: true } && proof.RawData.AsSpan().SequenceEqual(digest)
                        && certificate.MatchesHostname(a.Name, allowCommonName: false);
                });
                await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
                {
                    TargetHost = a.Name,
                    ApplicationProtocols = [new SslApplicationProtocol("acme-tls/1")],
                });
                a.Error = tls.NegotiatedApplicationProtocol.ToString() == "acme-tls/1" ? null : "no acme-tls/1";
            }
        }
        catch (Exception e)
        {
            a.Error = e.Message;
        }

        a.Status = a.Error is null ? "valid" : "invalid";
    }

    private IResult Finalize(Signed signed, string id)
    {
        var order = _orders[id];
        if (order.Status != "ready")
        {
            return Problem("orderNotReady", order.Status);
        }

        var csr = Base64Url.DecodeFromChars((string)signed.Payload!["csr"]!);
        var request = CertificateRequest.LoadSigningRequest(
            csr, HashAlgorithmName.SHA256, CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions);
        var names = request.CertificateExtensions.OfType<X509SubjectAlternativeNameExtension>().Single().EnumerateDnsNames();
        if (!names.Order(StringComparer.Ordinal).SequenceEqual(order.Names.Order(StringComparer.Ordinal)))
        {
            return Problem("badCSR", "names");
        }

        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var subject = WrongKey ? new CertificateRequest(request.SubjectName, other, HashAlgorithmName.SHA256)
            : new CertificateRequest(request.SubjectName, request.PublicKey, HashAlgorithmName.SHA256);
        subject.CertificateExtensions.Add(request.CertificateExtensions.OfType<X509SubjectAlternativeNameExtension>().Single());
        var now = _time.GetUtcNow();
        using var leaf = subject.Create(Root.SubjectName, X509SignatureGenerator.CreateForECDsa(_rootKey), now.AddMinutes(-1), now + Life,
            RandomNumberGenerator.GetBytes(8));
        order.Pem = $"{leaf.ExportCertificatePem()}\n{Root.ExportCertificatePem()}\n";
        return OrderJson(order, 200);
    }

    private IResult OrderJson(Order order, int status) => Json(new JsonObject
    {
        ["status"] = order.Status,
        ["authorizations"] = new JsonArray([.. order.Authorizations.Select(a => (JsonNode)$"{Base}/authz/{a.Id}")]),
        ["finalize"] = $"{Base}/finalize/{order.Id}",
        ["certificate"] = order.Pem is null ? null : $"{Base}/certificate/{order.Id}",
    }, status);

    private string Nonce()
    {
        var nonce = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16));
        _nonces[nonce] = true;
        return nonce;
    }

    private static IResult Json(JsonObject value, int status = 200)
        => Results.Text(value.ToJsonString(), "application/json", statusCode: status);

    public static IResult Problem(string name, string detail, int status = 400) => Results.Text(
        new JsonObject { ["type"] = $"urn:ietf:params:acme:error:{name}", ["detail"] = detail }.ToJsonString(), "application/problem+json",
        statusCode: status);

    private static ECDsa KeyOf(JsonNode jwk) => ECDsa.Create(new ECParameters
    {
        Curve = ECCurve.NamedCurves.nistP256,
        Q = new ECPoint { X = Base64Url.DecodeFromChars((string)jwk["x"]!), Y = Base64Url.DecodeFromChars((string)jwk["y"]!) },
    });

    private static string Thumbprint(ECDsa key)
    {
        var q = key.ExportParameters(false).Q;
        return Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(
            $$"""{"crv":"P-256","kty":"EC","x":"{{Base64Url.EncodeToString(q.X)}}","y":"{{Base64Url.EncodeToString(q.Y)}}"}""")));
    }

    private sealed record Signed(string? Kid, ECDsa Key, JsonNode? Payload);

    private sealed class Located(string location, IResult result) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.Headers.Location = location;
            return result.ExecuteAsync(httpContext);
        }
    }
}

internal sealed class Order(string id, string account, string[] names)
{
    public string Id { get; } = id;

    public string Account { get; } = account;

    public string[] Names { get; } = names;

    public Authorization[] Authorizations { get; } = [.. names.Select((n, i) => new Authorization($"{id}-{i}", n))];

    public volatile string? Pem;

    public string Status => Pem is not null ? "valid"
        : Authorizations.Any(a => a.Status == "invalid") ? "invalid"
        : Authorizations.All(a => a.Status == "valid") ? "ready" : "pending";
}

internal sealed class Authorization(string id, string name)
{
    public string Id { get; } = id;

    public string Name { get; } = name;

    public string Token { get; } = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    public volatile string? Error;

    public volatile string Status = "pending";
}
