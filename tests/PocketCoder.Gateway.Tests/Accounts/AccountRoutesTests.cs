using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using PocketCoder.Accounts;
using PocketCoder.Gateway.Hosting;
using PocketCoder.Gateway.Tests.Machines;

namespace PocketCoder.Gateway.Tests.Accounts;

public sealed class AccountRoutesTests
{
    /// <summary>
    /// Each route, and the least role that may use it; null: nobody has to be signed in. A new route must be added here by somebody who
    /// thought about who may use it.
    /// </summary>
    private static readonly (string Path, Role? Least)[] s_routes =
    [
        ("welcome", null), ("sign-in", null), ("refresh", null),
        ("passkeys/begin-sign-in", null), ("passkeys/sign-in", null), ("passkeys/begin-welcome", null), ("passkeys/welcome", null),
        ("passkeys/begin-register", Role.Viewer), ("passkeys/register", Role.Viewer), ("passkeys/rename", Role.Viewer),
        ("passkeys/remove", Role.Viewer),
        ("services/begin-sign-in", null), ("services/begin-welcome", null), ("services/sign-in", null),
        ("services/begin-add", Role.Viewer), ("services/add", Role.Viewer), ("services/remove", Role.Viewer),
        ("letters", Role.Operator), ("letters/leave", Role.Operator), ("letters/withdraw", Role.Operator),
        ("me", Role.Viewer), ("machines", Role.Viewer), ("ticket", Role.Viewer), ("sign-ins/end", Role.Viewer), ("password", Role.Viewer),
        ("users", Role.Admin), ("users/invite", Role.Admin), ("users/uninvite", Role.Admin), ("users/change", Role.Admin),
        ("users/sign-out", Role.Admin), ("users/remove", Role.Admin),
        ("machines/find", Role.Admin), ("machines/add", Role.Admin), ("machines/refuse", Role.Admin), ("machines/remove", Role.Admin),
        ("sign-out", Role.Viewer), // the last one: nothing is allowed after it
    ];

    [Fact]
    public async Task Every_route_is_known_here_and_says_who_may_use_it()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        var routes = gateway.Endpoints.Cast<RouteEndpoint>().Select(e => (
            e.RoutePattern.RawText, string.Join(' ', e.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods),
            e.Metadata.GetMetadata<RouteAccess>())).Order().ToList();
        (string?, string, RouteAccess?)[] expected =
        [
            ("/healthz", "GET HEAD", RouteAccess.Public), ("/v1/machine", "GET", RouteAccess.ProvenByMachine),
            ("/v1/relay", "GET", RouteAccess.WithTicket), ("/{**path}", "GET HEAD", RouteAccess.Public),
            ("/v1/accounts", "GET HEAD", RouteAccess.Public),
            .. s_routes.Select(r => (
                $"/v1/accounts/{r.Path}", "POST", r.Least is { } least ? RouteAccess.SignedIn(least) : RouteAccess.WithSecret)),
        ];
        Assert.Equal(expected.Order().Select(r => r.ToString()), routes.Select(r => r.ToString()));
    }

    /// <summary>Every route for nobody and for each role. What is allowed fails later, for the body says nothing.</summary>
    [Fact]
    public async Task Each_cell_of_route_and_role_is_what_the_table_says()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        using var owner = await AccountBrowser.OwnerAsync(gateway);
        using var admin = await owner.InviteAsync("admin", "grace");
        using var operators = await owner.InviteAsync("operator", "edsger");
        using var viewer = await owner.InviteAsync("viewer", "alan");
        using var nobody = new AccountBrowser(gateway);
        (AccountBrowser Browser, Role? Role)[] browsers =
            [(nobody, null), (viewer, Role.Viewer), (operators, Role.Operator), (admin, Role.Admin), (owner, Role.Owner)];
        foreach (var (browser, role) in browsers)
        {
            foreach (var (path, least) in s_routes)
            {
                var answer = await browser.PostAsync(path);
                var expected = least is null ? ["malformed"]
                    : role is null ? ["not_signed_in"]
                    : role < least ? ["forbidden"]
                    : (string?[])[null, "malformed", "not_found"]; // an address of numbers has no passkeys
                Assert.True(expected.Contains(AccountBrowser.CodeOf(answer)), $"{role} {path}: {answer.Status} {answer.Answer}");
            }
        }
    }

    [Fact]
    public async Task A_request_without_all_that_belongs_to_it_does_nothing()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        using var owner = await AccountBrowser.OwnerAsync(gateway);
        const string Body = """{"role":"viewer","machines":null}""";
        (HttpStatusCode Status, Action<HttpRequestMessage> Spoil)[] wrong =
        [
            (HttpStatusCode.BadRequest, r => r.Headers.Remove("Origin")),
            (HttpStatusCode.Forbidden, r => Put(r, "Origin", "https://evil.example")),
            (HttpStatusCode.Forbidden, r => Put(r, "Origin", "null")),
            (HttpStatusCode.MisdirectedRequest, r => r.Headers.Host = "evil.example"),
            (HttpStatusCode.Unauthorized, r => r.Headers.Remove("Account-Proof")),
            (HttpStatusCode.Unauthorized, r => r.Headers.Add("Account-Proof", "twice")),
            (HttpStatusCode.Unauthorized, r => r.Headers.Remove("Authorization")),
            (HttpStatusCode.Unauthorized, r => Put(r, "Authorization", $"Bearer {owner.Access}")),
            (HttpStatusCode.BadRequest, r => r.Content!.Headers.ContentType = new MediaTypeHeaderValue("text/plain")),
            (HttpStatusCode.BadRequest, r => r.Content!.Headers.ContentType = null),
            (HttpStatusCode.MethodNotAllowed, r => r.Method = HttpMethod.Put),
            (HttpStatusCode.MethodNotAllowed, r => r.Method = HttpMethod.Options),
            (HttpStatusCode.MethodNotAllowed, r => r.RequestUri = new Uri("/v1/accounts/users/INVITE", UriKind.Relative)),
            (HttpStatusCode.MethodNotAllowed, r => r.RequestUri = new Uri("/v1/accounts", UriKind.Relative)),
            (HttpStatusCode.Unauthorized, r => r.RequestUri = new Uri("/v1/accounts/users/uninvite", UriKind.Relative)),
        ];
        foreach (var (status, spoil) in wrong)
        {
            using var request = owner.Request("users/invite", Body);
            spoil(request);
            Assert.Equal(status, (await owner.SendAsync(request)).Status);
        }

        Assert.Equal(0, (await owner.DoneAsync("users")).GetProperty("invitations").GetArrayLength());
        Assert.Equal(HttpStatusCode.OK, (await owner.PostAsync("users/invite", Body)).Status);

        static void Put(HttpRequestMessage request, string name, string value)
        {
            request.Headers.Remove(name);
            request.Headers.TryAddWithoutValidation(name, value);
        }
    }

    [Fact]
    public async Task Bodies_are_small_and_have_one_reading()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        using var owner = await AccountBrowser.OwnerAsync(gateway);
        string[] wrong =
        [
            "", "null", "[]", "{", """{"role":"viewer"}""", """{"role":"Viewer","machines":null}""", """{"role":0,"machines":null}""",
            """{"role":null,"machines":null}""", """{"role":"owner ","machines":null}""", """{"machines":null}""",
            """{"role":"viewer","role":"admin","machines":null}""", """{"role":"viewer","machines":"all"}""", """{"role":"viewer","machines":[null]}""",
            """{"role":"viewer","machines":["\ud800"]}""", new string('[', 4000), $$"""{"role":"viewer","machines":null,"x":"{{new string('x', 9000)}}"}""",
        ];
        foreach (var body in wrong)
        {
            Assert.Equal("malformed", AccountBrowser.CodeOf(await owner.PostAsync("users/invite", body)));
        }

        Assert.Equal("forbidden", AccountBrowser.CodeOf(await owner.PostAsync("users/invite", """{"role":"owner","machines":null}""")));
        Assert.Equal(0, (await owner.DoneAsync("users")).GetProperty("invitations").GetArrayLength());
    }

    [Fact]
    public async Task A_request_that_was_seen_can_not_be_sent_again()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        using var owner = await AccountBrowser.OwnerAsync(gateway);
        using var first = owner.Request("me");
        using var again = owner.Request("me");
        again.Headers.Remove("Account-Proof");
        again.Headers.Add("Account-Proof", first.Headers.GetValues("Account-Proof"));
        Assert.Equal(HttpStatusCode.OK, (await owner.SendAsync(first)).Status);
        Assert.Equal("bad_proof", AccountBrowser.CodeOf(await owner.SendAsync(again)));

        // What another gateway was given is none for this one.
        using var other = owner.Request("me");
        other.Headers.Remove("Account-Proof");
        other.Headers.Add("Account-Proof", owner.Key.Prove(
            "https://evil.example", "/v1/accounts/me", first.Headers.GetValues("Account-Proof").Single().Split('.')[0], "{}"u8, owner.Access));
        Assert.Equal("bad_proof", AccountBrowser.CodeOf(await owner.SendAsync(other)));
    }

    [Fact]
    public async Task A_gateway_without_accounts_has_none_of_it_and_takes_no_body()
    {
        await using var gateway = await RemoteGateway.StartAsync();
        using var browser = new AccountBrowser(gateway);
        using var http = new HttpClient { BaseAddress = gateway.Base };
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(new Uri("/v1/accounts", UriKind.Relative))).StatusCode);
        foreach (var (path, _) in s_routes)
        {
            Assert.Equal(HttpStatusCode.MethodNotAllowed, (await browser.PostAsync(path)).Status);
        }
    }

    [Fact]
    public async Task Anybody_learns_how_one_signs_in_and_nothing_else()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        using var http = new HttpClient { BaseAddress = gateway.Base };
        using var before = JsonDocument.Parse(await http.GetStringAsync(new Uri("/v1/accounts", UriKind.Relative)));
        using var owner = await AccountBrowser.OwnerAsync(gateway);
        using var after = JsonDocument.Parse(await http.GetStringAsync(new Uri("/v1/accounts", UriKind.Relative)));
        foreach (var told in (JsonDocument[])[before, after])
        {
            Assert.Equal(["signIn", "nonce", "services"], told.RootElement.EnumerateObject().Select(p => p.Name));
            Assert.Equal("""["password"]""", told.RootElement.GetProperty("signIn").GetRawText());
        }
    }

    [Fact]
    public async Task A_damaged_file_is_told_at_the_start_and_later_lets_nobody_in()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        using var owner = await AccountBrowser.OwnerAsync(gateway);
        await File.WriteAllTextAsync(gateway.People, "{");
        var answer = await owner.PostAsync("me");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "unavailable"), (answer.Status, AccountBrowser.CodeOf(answer)));
        Assert.DoesNotContain(gateway.People, answer.Answer.ToString(), StringComparison.Ordinal);
        var refusal = await Assert.ThrowsAsync<GatewayRefusal>(() => GatewayServer.StartAsync(
            GatewayOptions.Default with
            {
                Listen = [new IPEndPoint(IPAddress.Loopback, 0)],
                EnrolmentFile = gateway.List,
                AccountsFile = gateway.People,
            }, gateway.Machines, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, TimeProvider.System));
        Assert.Equal(RefusalReason.Files, refusal.Reason);
    }
}
