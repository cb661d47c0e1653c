using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace PocketCoder.Testing.Accounts;

/// <summary>
/// A service by which people sign in, on loopback, written from OpenID Connect Core, RFC 6749, 7636 and 9207 and GitHub's pages: it holds
/// its clients to what these say, makes its tokens by itself, and can be told to get anything wrong.
/// </summary>
public sealed class ServicePeer : IAsyncDisposable
{
    public const string Client = "pocketcoder:client";
    public const string Secret = "a-secret/with=signs:%+";

    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, Granted> _codes = new(StringComparer.Ordinal);
    private RSA _key = RSA.Create(2048);

    private ServicePeer(WebApplication app, TimeProvider time) => (_app, Time) = (app, time);

    public TimeProvider Time { get; }

    /// <summary>Also the base address of GitHub's pages; of its API with <c>/api</c>.</summary>
    public string Issuer { get; private set; } = "";

    /// <summary>What is published, and what tokens say; null: <see cref="Issuer"/>.</summary>
    public string? SaysIssuer { get; set; }

    public string KeyId { get; private set; } = "key 1";

    /// <summary>Who is signed in there.</summary>
    public string Subject { get; set; } = "subject 1";

    /// <summary>Whether answers say who answers (RFC 9207).</summary>
    public bool NamesItself { get; set; } = true;

    public bool TakesBasic { get; set; } = true;

    /// <summary>The address that a client may have somebody sent back to; null: any.</summary>
    public string? Registered { get; set; }

    /// <summary>Changes what is in an id token: its header and its claims.</summary>
    public Action<JsonObject, JsonObject>? Spoil { get; set; }

    /// <summary>Makes an id token of what would be signed, in place of a signature by the peer's key.</summary>
    public Func<string, RSA, string>? Sign { get; set; }

    /// <summary>Answers in place of what is right, by path. False: as it should be.</summary>
    public Func<HttpContext, Task<bool>>? Instead { get; set; }

    /// <summary>Paths that were asked, in their order.</summary>
    public ConcurrentQueue<string> Asked { get; } = new();

    /// <summary>Codes and tokens that were given, and the client's secret: none of them belongs into anybody's log.</summary>
    public ConcurrentQueue<string> Secrets { get; } = new([Secret]);

    public static async Task<ServicePeer> StartAsync(TimeProvider? time = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k =>
        {
            k.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
            k.AllowSynchronousIO = true;
        });
        var app = builder.Build();
        var peer = new ServicePeer(app, time ?? TimeProvider.System);
        app.Run(peer.AnswerAsync);
        await app.StartAsync();
        peer.Issuer = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return peer;
    }

    /// <summary>Another key with another name takes the place of the one before.</summary>
    public void Rotate(string name)
    {
        _key.Dispose();
        (_key, KeyId) = (RSA.Create(2048), name);
    }

    /// <summary>
    /// What a browser does with the address that it was given: goes there, where its person is signed in, and is sent back. The address
    /// that it comes back to.
    /// </summary>
    public static async Task<Uri> VisitAsync(string url)
    {
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false });
        using var answer = await http.GetAsync(new Uri(url));
        return answer.StatusCode == HttpStatusCode.Redirect ? answer.Headers.Location!
            : throw new InvalidOperationException($"{url}: {answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _key.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        Asked.Enqueue(path);
        if (Instead is { } instead && await instead(context))
        {
            return;
        }

        await (path switch
        {
            "/.well-known/openid-configuration" => WriteAsync(context, Published()),
            "/keys" => WriteAsync(context, new JsonObject { ["keys"] = new JsonArray(Unknown(), Published(_key)) }),
            "/authorize" or "/login/oauth/authorize" => AuthorizeAsync(context),
            "/token" => TokenAsync(context),
            "/login/oauth/access_token" => GitHubTokenAsync(context),
            "/api/user" => UserAsync(context),
            _ => RefuseAsync(context, 404, "not_found"),
        });
    }

    private JsonObject Published()
    {
        var named = new JsonObject
        {
            ["issuer"] = SaysIssuer ?? Issuer,
            ["authorization_endpoint"] = $"{Issuer}/authorize?tenant=1",
            ["token_endpoint"] = $"{Issuer}/token",
            ["jwks_uri"] = $"{Issuer}/keys",
            ["response_types_supported"] = new JsonArray("code"),
            ["id_token_signing_alg_values_supported"] = new JsonArray("RS256"),
            ["authorization_response_iss_parameter_supported"] = NamesItself,
        };
        if (!TakesBasic)
        {
            named["token_endpoint_auth_methods_supported"] = new JsonArray("client_secret_post");
        }

        return named;
    }

    /// <summary>A key of a kind that nobody knows: it must not spoil the others.</summary>
    private static JsonObject Unknown() => new() { ["kty"] = "FUTURE", ["kid"] = "future", ["use"] = "sig" };

    private JsonObject Published(RSA key)
    {
        var parameters = key.ExportParameters(includePrivateParameters: false);
        return new JsonObject
        {
            ["kty"] = "RSA",
            ["use"] = "sig",
            ["alg"] = "RS256",
            ["kid"] = KeyId,
            ["n"] = Base64Url.EncodeToString(parameters.Modulus),
            ["e"] = Base64Url.EncodeToString(parameters.Exponent),
        };
    }

    private Task AuthorizeAsync(HttpContext context)
    {
        var query = context.Request.Query;
        var returnTo = query["redirect_uri"].ToString();
        if (query["client_id"] != Client || query["response_type"] != "code" || (Registered is { } only && only != returnTo))
        {
            return RefuseAsync(context, 400, "invalid_request");
        }

        if (query["code_challenge_method"] != "S256" || query["code_challenge"].ToString().Length != 43 || query["state"].Count != 1)
        {
            return RefuseAsync(context, 400, "invalid_request");
        }

        var code = New();
        _codes[code] = new Granted(returnTo, query["code_challenge"]!, query["nonce"], Subject);
        var issuer = NamesItself ? $"&iss={Uri.EscapeDataString(Issuer)}" : "";
        context.Response.Redirect($"{returnTo}?code={code}&state={query["state"]}{issuer}");
        return Task.CompletedTask;
    }

    private async Task TokenAsync(HttpContext context)
    {
        var form = await context.Request.ReadFormAsync();
        var basic = Convert.ToBase64String(Encoding.ASCII.GetBytes($"{Uri.EscapeDataString(Client)}:{Uri.EscapeDataString(Secret)}"));
        var known = TakesBasic ? context.Request.Headers.Authorization == $"Basic {basic}"
            : form["client_id"] == Client && form["client_secret"] == Secret;
        if (!known)
        {
            await RefuseAsync(context, 401, "invalid_client");
        }
        else if (form["grant_type"] != "authorization_code" || Take(form) is not { } granted)
        {
            await RefuseAsync(context, 400, "invalid_grant");
        }
        else
        {
            var token = Token(granted);
            if (token.Contains('.')) // a test may have it give what is no token, and no secret
            {
                Secrets.Enqueue(token);
            }

            await WriteAsync(context, new JsonObject { ["access_token"] = New(), ["token_type"] = "Bearer", ["id_token"] = token });
        }
    }

    /// <summary>Each code is good once, where it was asked for, with what its challenge is of.</summary>
    private Granted? Take(IFormCollection form)
    {
        var hash = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(form["code_verifier"].ToString())));
        return _codes.TryRemove(form["code"].ToString(), out var granted) && granted.Challenge == hash
            && granted.ReturnTo == form["redirect_uri"] ? granted : null;
    }

    private string Token(Granted granted)
    {
        var now = Time.GetUtcNow().ToUnixTimeSeconds();
        var header = new JsonObject { ["alg"] = "RS256", ["typ"] = "JWT", ["kid"] = KeyId };
        var claims = new JsonObject
        {
            ["iss"] = SaysIssuer ?? Issuer,
            ["sub"] = granted.Subject,
            ["aud"] = Client,
            ["exp"] = now + 300,
            ["iat"] = now,
            ["nonce"] = granted.Nonce,
            ["preferred_username"] = "Ada of the service",
        };
        Spoil?.Invoke(header, claims);
        var signed = $"{Part(header)}.{Part(claims)}";
        return Sign is { } sign ? sign(signed, _key) : Signed(signed, _key);

        static string Part(JsonObject json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json.ToJsonString()));
    }

    /// <summary>As RS256 has it.</summary>
    public static string Signed(string text, RSA key)
        => $"{text}.{Base64Url.EncodeToString(key.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}";

    private async Task GitHubTokenAsync(HttpContext context)
    {
        var form = await context.Request.ReadFormAsync();
        var good = form["client_id"] == Client && form["client_secret"] == Secret && context.Request.Headers.Accept == "application/json";
        if (!good || Take(form) is not { } granted)
        {
            await WriteAsync(context, new JsonObject { ["error"] = "bad_verification_code" }); // with 200, as GitHub does
            return;
        }

        var token = New();
        _codes[token] = granted;
        await WriteAsync(context, new JsonObject { ["access_token"] = token, ["token_type"] = "bearer", ["scope"] = "" });
    }

    private Task UserAsync(HttpContext context)
    {
        var token = context.Request.Headers.Authorization.ToString();
        return context.Request.Headers.UserAgent.Count == 1 && token.StartsWith("Bearer ", StringComparison.Ordinal)
            && _codes.TryGetValue(token["Bearer ".Length..], out var granted)
                ? WriteAsync(context, new JsonObject { ["id"] = long.Parse(granted.Subject), ["login"] = "ada" })
                : RefuseAsync(context, 401, "Bad credentials");
    }

    private string New()
    {
        var secret = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(24));
        Secrets.Enqueue(secret);
        return secret;
    }

    private static Task RefuseAsync(HttpContext context, int status, string error)
    {
        context.Response.StatusCode = status;
        return WriteAsync(context, new JsonObject { ["error"] = error });
    }

    private static Task WriteAsync(HttpContext context, JsonObject body)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(body.ToJsonString());
    }

    private sealed record Granted(string ReturnTo, string Challenge, string? Nonce, string Subject);
}
