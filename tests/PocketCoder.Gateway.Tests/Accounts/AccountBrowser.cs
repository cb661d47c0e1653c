using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PocketCoder.Accounts;
using PocketCoder.Gateway.Tests.Machines;
using PocketCoder.Testing.Accounts;

namespace PocketCoder.Gateway.Tests.Accounts;

/// <summary>A browser at a gateway with accounts, over HTTP.</summary>
internal sealed class AccountBrowser : IDisposable
{
    public const string Password = "correct horse battery";

    private readonly RemoteGateway _gateway;
    private readonly HttpClient _http;
    private string _nonce = "";

    /// <param name="host">The name in the address bar; null: the gateway's address in numbers.</param>
    public AccountBrowser(RemoteGateway gateway, string? host = null)
    {
        _gateway = gateway;
        Origin = host is null ? gateway.Base.GetLeftPart(UriPartial.Authority) : $"http://{host}:{gateway.Base.Port}";
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, UseCookies = false })
        { BaseAddress = gateway.Base };
        _http.DefaultRequestHeaders.Host = new Uri(Origin).Authority;
    }

    public BrowserKey Key { get; } = new();

    public string Origin { get; }

    public string? Access { get; private set; }

    public string Refresh { get; private set; } = "";

    /// <summary>The first person of a gateway.</summary>
    public static async Task<AccountBrowser> OwnerAsync(RemoteGateway gateway, string? host = null, TimeProvider? time = null)
    {
        var browser = new AccountBrowser(gateway, host);
        await browser.WelcomeAsync(await OwnerLinkAsync(gateway, time), "ada");
        return browser;
    }

    /// <summary>A link's token that makes the owner.</summary>
    public static Task<string> OwnerLinkAsync(RemoteGateway gateway, TimeProvider? time = null)
        => new AccountAdministration(new AccountStore(gateway.People, time ?? TimeProvider.System), time ?? TimeProvider.System)
            .NewOwnerLinkAsync(CancellationToken.None);

    /// <summary>Somebody whom this one invites.</summary>
    public async Task<AccountBrowser> InviteAsync(string role, string name, params string[] machines)
    {
        var asked = new JsonObject
        {
            ["role"] = role,
            ["machines"] = machines.Length == 0 ? null : new JsonArray([.. machines.Select(m => (JsonNode)m)]),
        };
        var invitation = await DoneAsync("users/invite", asked.ToJsonString());
        var browser = new AccountBrowser(_gateway, new Uri(Origin).Host);
        await browser.WelcomeAsync(invitation.GetProperty("token").GetString()!, name);
        return browser;
    }

    public async Task WelcomeAsync(string token, string name) => Take(await DoneAsync("welcome", new JsonObject
    {
        ["token"] = token,
        ["name"] = name,
        ["password"] = Password,
        ["key"] = Key.Public,
        ["label"] = "Phone",
    }.ToJsonString()));

    public async Task SignInAsync(string name) => Take(await DoneAsync("sign-in", new JsonObject
    {
        ["name"] = name,
        ["password"] = Password,
        ["key"] = Key.Public,
    }.ToJsonString()));

    /// <summary>Asks for what a passkey is to do: the question's id and the browser's options.</summary>
    public async Task<(string Id, JsonObject Options)> AskedAsync(string path, string body = "{}")
    {
        var answer = await DoneAsync(path, body);
        return (answer.GetProperty("question").GetString()!, JsonNode.Parse(answer.GetProperty("options").GetRawText())!.AsObject());
    }

    /// <summary>Adds a passkey to whoever is signed in here.</summary>
    public async Task AddAsync(SoftwareAuthenticator passkey)
    {
        var (id, options) = await AskedAsync("passkeys/begin-register");
        await DoneAsync("passkeys/register", Answered(id, passkey.Create(options, Origin)));
    }

    /// <summary>Signs in with a passkey, and is told who it is.</summary>
    public async Task<string> SignInAsync(SoftwareAuthenticator passkey)
    {
        var answer = await DoneAsync("passkeys/sign-in", Answered(await SignedAsync(passkey)));
        Take(answer);
        return answer.GetProperty("name").GetString()!;
    }

    /// <summary>Goes to a service and comes back: the body that takes its answer back, for all routes that take one.</summary>
    public async Task<JsonObject> VisitedAsync(string path, string service, JsonObject? more = null)
    {
        var asked = await DoneAsync(path, Visit(service, more).ToJsonString());
        var url = await ServicePeer.VisitAsync(asked.GetProperty("url").GetString()!);
        var brought = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(url.Query);
        Assert.Equal($"{Origin}/account/signed-in/{service}", url.GetLeftPart(UriPartial.Path));
        Assert.Equal(asked.GetProperty("question").GetString(), (string?)brought["state"]);
        return new JsonObject
        {
            ["question"] = (string)brought["state"]!,
            ["service"] = service,
            ["code"] = (string)brought["code"]!,
            ["key"] = Key.Public,
            ["label"] = "Phone",
            ["issuer"] = brought.TryGetValue("iss", out var issuer) ? (string)issuer! : null,
        };
    }

    /// <summary>A body that asks to be sent to a service.</summary>
    public JsonObject Visit(string service, JsonObject? more = null)
    {
        var body = (JsonObject?)more?.DeepClone() ?? [];
        (body["service"], body["key"]) = (service, Key.Public);
        return body;
    }

    /// <summary>Signs in by a service, and is told who it is.</summary>
    public async Task<string> SignInByAsync(string service)
    {
        var answer = await DoneAsync("services/sign-in", (await VisitedAsync("services/begin-sign-in", service)).ToJsonString());
        Take(answer);
        return answer.GetProperty("name").GetString()!;
    }

    /// <summary>The answer to a fresh question.</summary>
    public async Task<(string Id, JsonObject Credential)> SignedAsync(SoftwareAuthenticator passkey, string? origin = null)
    {
        var (id, options) = await AskedAsync("passkeys/begin-sign-in", new JsonObject { ["key"] = Key.Public }.ToJsonString());
        return (id, passkey.Get(options, origin ?? Origin));
    }

    public string Answered((string Id, JsonObject Credential) answer) => Answered(answer.Id, answer.Credential);

    /// <summary>A body that takes an answer back, for all routes that take one.</summary>
    public string Answered(string question, JsonNode? credential) => new JsonObject
    {
        ["question"] = question,
        ["credential"] = credential?.DeepClone(),
        ["key"] = Key.Public,
        ["label"] = "Phone",
    }.ToJsonString();

    public async Task RefreshAsync() => Take(await DoneAsync("refresh", new JsonObject { ["refresh"] = Refresh }.ToJsonString()));

    /// <summary>What a connection to this machine has to offer.</summary>
    public async Task<string> TicketAsync(string machine)
        => "pocketcoder.ticket." + (await DoneAsync("ticket", new JsonObject { ["machine"] = machine }.ToJsonString()))
            .GetProperty("ticket").GetString();

    public async Task<JsonElement> DoneAsync(string path, string body = "{}")
    {
        var (status, answer) = await PostAsync(path, body);
        Assert.True(status == HttpStatusCode.OK, $"{path}: {status} {answer}");
        return answer;
    }

    /// <summary>As a browser does it: with a new nonce when the old one is over.</summary>
    public async Task<(HttpStatusCode Status, JsonElement Answer)> PostAsync(string path, string body = "{}")
    {
        var answer = await TryAsync(path, body);
        return CodeOf(answer) is "stale_proof" or "bad_proof" && _used != _nonce ? await TryAsync(path, body) : answer;
    }

    public static string? CodeOf((HttpStatusCode Status, JsonElement Answer) answer)
        => answer.Answer.ValueKind == JsonValueKind.Object && answer.Answer.TryGetProperty("error", out var error) ? error.GetProperty("code").GetString() : null;

    private static readonly string[] s_openRoutes =
    [
        "passkeys/begin-sign-in", "passkeys/sign-in", "passkeys/begin-welcome", "passkeys/welcome", "services/begin-sign-in",
        "services/begin-welcome", "services/sign-in",
    ];

    private string _used = "";

    private async Task<(HttpStatusCode, JsonElement)> TryAsync(string path, string body)
    {
        _used = _nonce;
        using var request = Request(path, body);
        return await SendAsync(request);
    }

    /// <summary>A request with all that belongs to it, for a test to spoil.</summary>
    public HttpRequestMessage Request(string path, string body = "{}", string? token = null)
    {
        var address = $"/v1/accounts/{path}";
        var bytes = Encoding.UTF8.GetBytes(body);
        var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ByteArrayContent(bytes) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("Origin", Origin);
        token ??= path is "welcome" or "sign-in" or "refresh" || s_openRoutes.Contains(path) ? null : Access;
        request.Headers.Add("Account-Proof", Key.Prove(Origin, address, _nonce, bytes, token));
        if (token is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", $"PocketCoder {token}");
        }

        return request;
    }

    public async Task<(HttpStatusCode Status, JsonElement Answer)> SendAsync(HttpRequestMessage request)
    {
        using var response = await _http.SendAsync(request);
        if (response.Headers.TryGetValues("Account-Nonce", out var nonces))
        {
            _nonce = nonces.Single();
        }

        var text = await response.Content.ReadAsStringAsync();
        return (response.StatusCode, response.Content.Headers.ContentType?.MediaType == "application/json"
            ? JsonDocument.Parse(text).RootElement : default);
    }

    public void Dispose()
    {
        Key.Dispose();
        _http.Dispose();
    }

    public void Take(JsonElement tokens)
    {
        Access = tokens.GetProperty("access").GetString();
        Refresh = tokens.GetProperty("refresh").GetString()!;
    }
}
