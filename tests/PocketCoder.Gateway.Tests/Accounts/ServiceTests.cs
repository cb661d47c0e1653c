using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using PocketCoder.Accounts;
using PocketCoder.Gateway.Hosting.Accounts.Services;
using PocketCoder.Gateway.Tests.Machines;
using PocketCoder.Testing;
using PocketCoder.Testing.Accounts;

namespace PocketCoder.Gateway.Tests.Accounts;

/// <summary>Signing in by another service, over HTTP, by one that is written from the standards and can get anything wrong.</summary>
public sealed class ServiceTests : IAsyncLifetime
{
    private const string Work = "work";
    private readonly TestLog _log = new();
    private ServicePeer _peer = null!;
    private RemoteGateway _gateway = null!;

    public async ValueTask InitializeAsync()
    {
        _peer = await ServicePeer.StartAsync();
        _gateway = await RemoteGateway.StartAsync(accounts: true, log: _log);
        await SetAsync(OpenId());
    }

    public async ValueTask DisposeAsync()
    {
        // Whatever a test does: what opens something is in no log and in no file.
        var kept = $"{_log}{(File.Exists(_gateway.People) ? await File.ReadAllTextAsync(_gateway.People) : "")}";
        await _gateway.DisposeAsync();
        await _peer.DisposeAsync();
        Assert.All(_peer.Secrets, secret => Assert.DoesNotContain(secret, kept, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Whoever_added_an_account_of_a_service_signs_in_with_it_and_is_shown_it()
    {
        using var owner = await AccountBrowser.OwnerAsync(_gateway);
        _peer.Registered = $"{owner.Origin}/account/signed-in/{Work}";
        await AddAsync(owner);
        using var other = new AccountBrowser(_gateway);
        Assert.Equal("ada", await other.SignInByAsync(Work));
        var me = await other.DoneAsync("me");
        Assert.Equal("owner", me.GetProperty("role").GetString());
        var shown = Assert.Single(me.GetProperty("services").EnumerateArray());
        Assert.Equal(["id", "service", "account", "createdAt", "usedAt"], shown.EnumerateObject().Select(p => p.Name));
        Assert.Equal(("Work", "Ada of the service"), (
            shown.GetProperty("service").GetString(), shown.GetProperty("account").GetString()));
        Assert.Equal(JsonValueKind.String, shown.GetProperty("usedAt").ValueKind);
        Assert.Contains("\"v\":3,", await File.ReadAllTextAsync(_gateway.People), StringComparison.Ordinal);

        // Removing it ends what it signed in, and an older program may read the file again.
        var id = new JsonObject { ["id"] = shown.GetProperty("id").GetString() }.ToJsonString();
        await owner.DoneAsync("services/remove", id);
        Assert.Equal("not_signed_in", AccountBrowser.CodeOf(await other.PostAsync("me")));
        Assert.Equal("not_found", AccountBrowser.CodeOf(await owner.PostAsync("services/remove", id)));
        await RefusedAsync(other, await other.VisitedAsync("services/begin-sign-in", Work));
        Assert.Contains("\"v\":1,", await File.ReadAllTextAsync(_gateway.People), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Somebody_who_is_invited_comes_by_a_service_and_has_no_other_way_in()
    {
        using var owner = await AccountBrowser.OwnerAsync(_gateway);
        var token = (await owner.DoneAsync("users/invite", """{"role":"viewer","machines":null}""")).GetProperty("token").GetString()!;
        using var guest = new AccountBrowser(_gateway);
        var link = new JsonObject { ["token"] = token, ["name"] = "Grace" };
        var unused = new JsonObject { ["token"] = new string('A', 43), ["name"] = "grace" };
        Assert.Equal("bad_link", AccountBrowser.CodeOf(
            await guest.PostAsync("services/begin-welcome", guest.Visit(Work, unused).ToJsonString())));
        var answer = await guest.DoneAsync(
            "services/sign-in", (await guest.VisitedAsync("services/begin-welcome", Work, link)).ToJsonString());
        guest.Take(answer);
        Assert.Equal("grace", answer.GetProperty("name").GetString());
        var me = await guest.DoneAsync("me");
        Assert.Equal(("viewer", false), (me.GetProperty("role").GetString(), me.GetProperty("password").GetBoolean()));
        var id = me.GetProperty("services")[0].GetProperty("id").GetString();
        Assert.Equal("last_way_in", AccountBrowser.CodeOf(
            await guest.PostAsync("services/remove", new JsonObject { ["id"] = id }.ToJsonString())));

        // The link is used, and the account of the service is theirs alone.
        Assert.Equal("bad_link", AccountBrowser.CodeOf(
            await guest.PostAsync("services/begin-welcome", guest.Visit(Work, link).ToJsonString())));
        Assert.Equal("service_taken", AccountBrowser.CodeOf(
            await owner.PostAsync("services/add", (await owner.VisitedAsync("services/begin-add", Work)).ToJsonString())));
        Assert.Empty((await owner.DoneAsync("me")).GetProperty("services").EnumerateArray());
        using var again = new AccountBrowser(_gateway);
        Assert.Equal("grace", await again.SignInByAsync(Work));
    }

    [Fact]
    public async Task Nobody_becomes_a_person_by_signing_in_at_a_service_whatever_they_are_called_there()
    {
        using var owner = await AccountBrowser.OwnerAsync(_gateway);
        _peer.Spoil = (_, claims) =>
            (claims["preferred_username"], claims["email"], claims["email_verified"], claims["name"]) = ("ada", "ada", true, "ada");
        using var stranger = new AccountBrowser(_gateway);
        var unknown = await stranger.PostAsync(
            "services/sign-in", (await stranger.VisitedAsync("services/begin-sign-in", Work)).ToJsonString());
        var spoilt = await stranger.VisitedAsync("services/begin-sign-in", Work);
        spoilt["code"] = "no-code";
        var wrong = await stranger.PostAsync("services/sign-in", spoilt.ToJsonString());
        Assert.Equal("bad_service", AccountBrowser.CodeOf(unknown));
        Assert.Equal((unknown.Status, unknown.Answer.GetRawText()), (wrong.Status, wrong.Answer.GetRawText()));
        Assert.Single((await owner.DoneAsync("users")).GetProperty("users").EnumerateArray());
    }

    public static TheoryData<string> Spoilt =>
    [
        "issuer", "audience", "more audiences", "party", "expired", "no end", "not yet", "nonce", "no nonce", "no subject",
        "long subject", "none", "none in capitals", "hmac with the public key", "ps256", "another key", "another name of the key",
        "no signature", "changed", "encrypted", "no parts", "empty", "no token", "answers for another", "says nothing",
    ];

    [Theory]
    [MemberData(nameof(Spoilt))]
    public async Task An_answer_that_is_not_to_the_question_signs_nobody_in(string what)
    {
        using var owner = await AccountBrowser.OwnerAsync(_gateway);
        await AddAsync(owner);
        using var stranger = RSA.Create(2048);
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        _peer.Spoil = (header, claims) =>
        {
            switch (what)
            {
                case "issuer": claims["iss"] = _peer.Issuer + "/"; break;
                case "audience": claims["aud"] = "another client"; break;
                case "more audiences": claims["aud"] = new JsonArray(ServicePeer.Client, "another client"); break;
                case "party": claims["azp"] = "another client"; break;
                case "expired": claims["exp"] = now - 120; break;
                case "no end": claims.Remove("exp"); break;
                case "not yet": claims["nbf"] = now + 600; break;
                case "nonce": claims["nonce"] = "another question"; break;
                case "no nonce": claims.Remove("nonce"); break;
                case "no subject": claims.Remove("sub"); break;
                case "long subject": claims["sub"] = new string('s', 1001); break;
                case "none" or "none in capitals": header["alg"] = what == "none" ? "none" : "NONE"; break;
                case "hmac with the public key": header["alg"] = "HS256"; break;
                case "ps256": header["alg"] = "PS256"; break;
                case "another name of the key": header["kid"] = "key 9"; break;
            }
        };
        _peer.Sign = what switch
        {
            "none" or "none in capitals" or "no signature" => (text, _) => text + ".",
            "hmac with the public key" => (text, key) => $"{text}.{Base64Url.EncodeToString(
                HMACSHA256.HashData(Encoding.ASCII.GetBytes(key.ExportSubjectPublicKeyInfoPem()), Encoding.ASCII.GetBytes(text)))}",
            "ps256" => (text, key) => $"{text}.{Base64Url.EncodeToString(
                key.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256, RSASignaturePadding.Pss))}",
            "another key" => (text, _) => ServicePeer.Signed(text, stranger),
            "changed" => (text, key) => ServicePeer.Signed(text, key).Split('.') is [var head, var body, var signature]
                ? $"{head}.{Changed(body)}.{signature}" : "",
            "encrypted" => (text, key) => ServicePeer.Signed(text, key) + ".AA.AA",
            "no parts" => (_, _) => "token",
            "empty" => (_, _) => "",
            _ => null,
        };
        _peer.Instead = what == "no token" ? async context =>
        {
            if (context.Request.Path != "/token")
            {
                return false;
            }

            await context.Response.WriteAsync("""{"access_token":"a","token_type":"Bearer"}""");
            return true;
        }
        : null;
        using var browser = new AccountBrowser(_gateway);
        var answer = await browser.VisitedAsync("services/begin-sign-in", Work);
        if (what is "answers for another" or "says nothing")
        {
            answer["issuer"] = what == "says nothing" ? null : "https://evil.example";
        }

        await RefusedAsync(browser, answer);
        Assert.Equal(1, (await owner.DoneAsync("users")).GetProperty("users")[0].GetProperty("signIns").GetInt32());

        // The same way goes on to be good: what was refused was what was spoilt.
        (_peer.Spoil, _peer.Sign, _peer.Instead) = (null, null, null);
        Assert.Equal("ada", await browser.SignInByAsync(Work));
    }

    [Fact]
    public async Task More_audiences_are_taken_where_the_token_says_that_it_was_made_for_this_client()
    {
        using var owner = await AccountBrowser.OwnerAsync(_gateway);
        _peer.Spoil = (_, claims) =>
            (claims["aud"], claims["azp"]) = (new JsonArray("another client", ServicePeer.Client), ServicePeer.Client);
        await AddAsync(owner);
    }

    /// <summary>What somebody does with the answer of another one, or with one that was used.</summary>
    [Theory]
    [InlineData("another browser")]
    [InlineData("used")]
    [InlineData("another service")]
    [InlineData("service set anew")]
    [InlineData("to add")]
    [InlineData("code of another question")]
    [InlineData("no code")]
    [InlineData("long code")]
    public async Task An_answer_is_good_once_for_the_browser_that_went_and_for_what_it_went_for(string what)
    {
        using var owner = await AccountBrowser.OwnerAsync(_gateway);
        await AddAsync(owner);
        await SetAsync(OpenId() with { Name = "other" });
        using var browser = new AccountBrowser(_gateway);
        using var second = new AccountBrowser(_gateway);
        var answer = what == "to add" ? await owner.VisitedAsync("services/begin-add", Work)
            : await browser.VisitedAsync("services/begin-sign-in", Work);
        var asks = what switch { "another browser" => second, "to add" => owner, _ => browser };
        answer["key"] = asks.Key.Public;
        switch (what)
        {
            case "used": await browser.DoneAsync("services/sign-in", answer.ToJsonString()); break;
            case "another service": answer["service"] = "other"; break;
            case "service set anew": await SetAsync(OpenId() with { Issuer = "https://evil.example" }); break;
            case "code of another question":
                answer["code"] = (await browser.VisitedAsync("services/begin-sign-in", Work))["code"]!.DeepClone();
                break;
            case "no code": answer["code"] = ""; break;
            case "long code": answer["code"] = new string('c', 4097); break;
        }

        var asked = _peer.Asked.Count(p => p == "/token");
        await RefusedAsync(asks, answer);
        Assert.Equal(asked + (what == "code of another question" ? 1 : 0), _peer.Asked.Count(p => p == "/token"));
    }

    [Fact]
    public async Task A_question_of_somebody_else_adds_nothing_to_whoever_is_signed_in()
    {
        using var owner = await AccountBrowser.OwnerAsync(_gateway);
        using var grace = await owner.InviteAsync("viewer", "grace");
        var theirs = await grace.VisitedAsync("services/begin-add", Work);
        Assert.Equal("bad_service", AccountBrowser.CodeOf(await owner.PostAsync("services/add", theirs.ToJsonString())));
        var none = await owner.VisitedAsync("services/begin-sign-in", Work); // for nobody, although in the same browser
        Assert.Equal("bad_service", AccountBrowser.CodeOf(await owner.PostAsync("services/add", none.ToJsonString())));
        Assert.Empty((await owner.DoneAsync("me")).GetProperty("services").EnumerateArray());
    }

    public static TheoryData<string> Answers => ["redirect", "large", "half", "html", "error", "null", "array", "text", "deep", "nothing"];

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task A_token_endpoint_that_answers_something_else_is_not_followed_and_signs_nobody_in(string what)
    {
        using var owner = await AccountBrowser.OwnerAsync(_gateway);
        await AddAsync(owner);
        var elsewhere = 0;
        _peer.Instead = async context =>
        {
            if (context.Request.Path == "/elsewhere")
            {
                Interlocked.Increment(ref elsewhere);
            }

            return context.Request.Path == "/token" && await OtherwiseAsync(context, what);
        };
        using var browser = new AccountBrowser(_gateway);
        var refused = AccountBrowser.CodeOf(await browser.PostAsync(
            "services/sign-in", (await browser.VisitedAsync("services/begin-sign-in", Work)).ToJsonString()));
        Assert.Equal("service_unreachable", refused);
        Assert.Equal(0, elsewhere);
        Assert.Contains(_log.Lines, l => l.Contains("The service work could not be asked", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("issuer")]
    [InlineData("plain")]
    [InlineData("script")]
    [InlineData("redirect")]
    [InlineData("large")]
    [InlineData("null")]
    public async Task What_an_issuer_says_of_itself_has_to_be_of_this_issuer_and_to_name_safe_addresses(string what)
    {
        if (what == "issuer")
        {
            _peer.SaysIssuer = _peer.Issuer + "/";
        }

        _peer.Instead = async context =>
        {
            if (what == "issuer" || context.Request.Path != "/.well-known/openid-configuration")
            {
                return false;
            }

            if (what is "plain" or "script")
            {
                var there = what == "plain" ? "http://192.0.2.1/token" : "javascript:alert(1)";
                await context.Response.WriteAsync(
                    $$"""{"issuer":"{{_peer.Issuer}}","authorization_endpoint":"{{there}}","token_endpoint":"{{_peer.Issuer}}/token","jwks_uri":"{{_peer.Issuer}}/keys"}""");
                return true;
            }

            return await OtherwiseAsync(context, what);
        };
        using var browser = new AccountBrowser(_gateway);
        Assert.Equal("service_unreachable", AccountBrowser.CodeOf(
            await browser.PostAsync("services/begin-sign-in", browser.Visit(Work).ToJsonString())));
        Assert.Equal("not_found", AccountBrowser.CodeOf(
            await browser.PostAsync("services/begin-sign-in", browser.Visit("nowhere").ToJsonString())));
        Assert.Equal(["/.well-known/openid-configuration"], _peer.Asked);
    }

    [Fact]
    public async Task A_new_key_is_fetched_when_a_token_names_it_and_strangers_have_it_fetched_once_a_minute()
    {
        var time = new ManualTime();
        await using var peer = await ServicePeer.StartAsync(time);
        await using var gateway = await RemoteGateway.StartAsync(time, accounts: true);
        await SignInServiceFile.Beside(gateway.People).SetAsync(OpenId() with { Issuer = peer.Issuer }, CancellationToken.None);
        using var owner = await AccountBrowser.OwnerAsync(gateway, time: time);
        await AddAsync(owner);
        peer.Rotate("key 2");
        time.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal("ada", await owner.SignInByAsync(Work));
        Assert.Equal(2, peer.Asked.Count(p => p == "/keys"));
        peer.Spoil = (header, _) => header["kid"] = "key 9";
        await RefusedAsync(owner, await owner.VisitedAsync("services/begin-sign-in", Work));
        await RefusedAsync(owner, await owner.VisitedAsync("services/begin-sign-in", Work));
        Assert.Equal(2, peer.Asked.Count(p => p == "/keys"));
        time.Advance(TimeSpan.FromSeconds(61));
        await RefusedAsync(owner, await owner.VisitedAsync("services/begin-sign-in", Work));
        Assert.Equal(3, peer.Asked.Count(p => p == "/keys"));
        peer.Spoil = null;
        Assert.Equal("ada", await owner.SignInByAsync(Work));
        Assert.Equal(1, peer.Asked.Count(p => p == "/.well-known/openid-configuration"));
    }

    [Fact]
    public async Task A_client_gives_its_secret_the_way_that_the_service_takes_it()
    {
        _peer.TakesBasic = false;
        using var owner = await AccountBrowser.OwnerAsync(_gateway);
        await AddAsync(owner);
        await SetAsync(OpenId() with { ClientSecret = "wrong" });
        using var browser = new AccountBrowser(_gateway);
        await RefusedAsync(browser, await browser.VisitedAsync("services/begin-sign-in", Work));
        Assert.Contains(_log.Lines, l => l.Contains("/token answered 401", StringComparison.Ordinal)); // who runs the gateway finds out
    }

    [Fact]
    public async Task GitHub_signs_in_whoever_has_the_number_whatever_they_are_called()
    {
        _peer.Subject = "4711";
        await SetAsync(new SignInService(
            "github", ServiceKind.GitHub, "GitHub", ServicePeer.Client, ServicePeer.Secret, _peer.Issuer, [], $"{_peer.Issuer}/api"));
        using var owner = await AccountBrowser.OwnerAsync(_gateway);
        await owner.DoneAsync("services/add", (await owner.VisitedAsync("services/begin-add", "github")).ToJsonString());
        Assert.Equal("ada", (await owner.DoneAsync("me")).GetProperty("services")[0].GetProperty("account").GetString());
        using var browser = new AccountBrowser(_gateway);
        Assert.Equal("ada", await browser.SignInByAsync("github"));

        // The same login with another number, and the same number at another kind of service, are somebody else.
        _peer.Subject = "4712";
        await RefusedAsync(browser, await browser.VisitedAsync("services/begin-sign-in", "github"));
        _peer.Subject = "4711";
        await RefusedAsync(browser, await browser.VisitedAsync("services/begin-sign-in", Work));
        var bad = await browser.VisitedAsync("services/begin-sign-in", "github");
        bad["code"] = "no-code"; // refused with 200
        await RefusedAsync(browser, bad);
        _peer.Subject = "0";
        await RefusedAsync(browser, await browser.VisitedAsync("services/begin-sign-in", "github"));
    }

    [Fact]
    public async Task What_is_offered_follows_the_file_and_a_damaged_one_ends_nothing_else()
    {
        using var owner = await AccountBrowser.OwnerAsync(_gateway);
        Assert.Equal("""[{"name":"work","label":"Work"}]""", await OfferedAsync());
        await SignInServiceFile.Beside(_gateway.People).RemoveAsync(Work, CancellationToken.None);
        Assert.Equal("[]", await OfferedAsync());
        Assert.Equal("not_found", AccountBrowser.CodeOf(
            await owner.PostAsync("services/begin-add", owner.Visit(Work).ToJsonString())));
        await SetAsync(OpenId());
        await File.WriteAllTextAsync(Path.Combine(Path.GetDirectoryName(_gateway.People)!, "sign-in.json"), "{");
        Assert.Equal("[]", await OfferedAsync());
        Assert.Equal("unavailable", AccountBrowser.CodeOf(
            await owner.PostAsync("services/begin-add", owner.Visit(Work).ToJsonString())));
        using var other = new AccountBrowser(_gateway);
        await other.SignInAsync("ada");
    }

    [Fact]
    public async Task Tries_are_counted_as_those_of_passwords()
    {
        using var browser = new AccountBrowser(_gateway);
        string? code = null;
        for (var tries = 0; tries < 11 && code is null or "bad_service"; tries++)
        {
            code = AccountBrowser.CodeOf(await browser.PostAsync("services/sign-in", new JsonObject
            {
                ["question"] = new string('q', 43),
                ["service"] = Work,
                ["code"] = "c",
                ["key"] = browser.Key.Public,
            }.ToJsonString()));
        }

        Assert.Equal("too_fast", code);
        Assert.Empty(_peer.Asked);
    }

    [Fact]
    public async Task A_service_that_never_answers_is_waited_for_within_a_limit()
    {
        _peer.Instead = async context =>
        {
            await Wait.ForeverAsync(context.RequestAborted);
            return true;
        };
        using var http = new ServiceHttp(TimeSpan.FromMilliseconds(200));
        var failure = await Assert.ThrowsAsync<ServiceFailure>(() => http.GetAsync(
            $"{_peer.Issuer}/keys", ServiceAnswerJson.Default.KeySet, null, CancellationToken.None));
        Assert.Equal(ServiceFault.Unreachable, failure.Fault);
        failure = await Assert.ThrowsAsync<ServiceFailure>(() => http.GetAsync(
            "http://192.0.2.1/keys", ServiceAnswerJson.Default.KeySet, null, CancellationToken.None));
        Assert.Contains("no https address", failure.Message, StringComparison.Ordinal);
    }

    private SignInService OpenId() => new(
        Work, ServiceKind.OpenId, "Work", ServicePeer.Client, ServicePeer.Secret, _peer.Issuer, ["openid", "profile"]);

    private Task SetAsync(SignInService service) => SignInServiceFile.Beside(_gateway.People).SetAsync(service, CancellationToken.None);

    private static async Task AddAsync(AccountBrowser browser)
        => await browser.DoneAsync("services/add", (await browser.VisitedAsync("services/begin-add", Work)).ToJsonString());

    private static async Task RefusedAsync(AccountBrowser browser, JsonObject answer)
        => Assert.Equal("bad_service", AccountBrowser.CodeOf(await browser.PostAsync("services/sign-in", answer.ToJsonString())));

    /// <summary>The same claims, with another end.</summary>
    private static string Changed(string body)
    {
        var claims = JsonNode.Parse(Base64Url.DecodeFromChars(body))!.AsObject();
        claims["exp"] = (long)claims["exp"]! + 1;
        return Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims.ToJsonString()));
    }

    private async Task<string> OfferedAsync()
    {
        using var http = new HttpClient { BaseAddress = _gateway.Base };
        return JsonNode.Parse(await http.GetStringAsync(new Uri("/v1/accounts", UriKind.Relative)))!["services"]!.ToJsonString();
    }

    /// <summary>Answers with what belongs nowhere.</summary>
    private static async Task<bool> OtherwiseAsync(HttpContext context, string what)
    {
        switch (what)
        {
            case "redirect":
                context.Response.StatusCode = 307;
                context.Response.Headers.Location = "/elsewhere";
                break;
            case "large":
                await context.Response.WriteAsync($$"""{"id_token":"{{new string('x', ServiceHttp.MaxBytes)}}"}""");
                break;
            case "half":
                context.Response.ContentLength = 1000;
                await context.Response.WriteAsync("""{"id_token":""");
                context.Abort();
                break;
            case "error":
                context.Response.StatusCode = 503;
                break;
            default:
                await context.Response.WriteAsync(what switch
                {
                    "html" => "<html>",
                    "null" => "null",
                    "array" => "[]",
                    "text" => "\"token\"",
                    "deep" => $$"""{"id_token":{{new string('[', 40)}}""",
                    _ => "",
                });
                break;
        }

        return true;
    }
}
