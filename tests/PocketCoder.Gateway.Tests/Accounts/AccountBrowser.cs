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

    public AccountBrowser(RemoteGateway gateway)
    {
        _gateway = gateway;
        Origin = gateway.Base.GetLeftPart(UriPartial.Authority);
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, UseCookies = false })
        { BaseAddress = gateway.Base };
    }

    public BrowserKey Key { get; } = new();

    public string Origin { get; }

    public string? Access { get; private set; }

    public string Refresh { get; private set; } = "";

    /// <summary>The first person of a gateway.</summary>
    public static async Task<AccountBrowser> OwnerAsync(RemoteGateway gateway)
    {
        var browser = new AccountBrowser(gateway);
        var desk = new AccountDesk(new AccountStore(gateway.People, TimeProvider.System), TimeProvider.System);
        await browser.WelcomeAsync(await desk.NewOwnerLinkAsync(CancellationToken.None), "ada");
        return browser;
    }

    /// <summary>Somebody whom this one invites.</summary>
    public async Task<AccountBrowser> InviteAsync(string role, string name, params string[] machines)
    {
        var asked = new JsonObject
        {
            ["role"] = role,
            ["machines"] = machines.Length == 0 ? null : new JsonArray([.. machines.Select(m => (JsonNode)m)]),
        };
        var invitation = await DoneAsync("users/invite", asked.ToJsonString());
        var browser = new AccountBrowser(_gateway);
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
        token ??= path is "welcome" or "sign-in" or "refresh" ? null : Access;
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

    private void Take(JsonElement tokens)
    {
        Access = tokens.GetProperty("access").GetString();
        Refresh = tokens.GetProperty("refresh").GetString()!;
    }
}
