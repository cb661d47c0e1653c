using System.Net;
using System.Text.Json.Nodes;
using PocketCoder.Accounts;
using PocketCoder.Channels;
using PocketCoder.Gateway.Tests.Machines;
using PocketCoder.Testing;
using PocketCoder.Testing.Accounts;

namespace PocketCoder.Gateway.Tests.Accounts;

/// <summary>Signing in with a passkey, over HTTP, by an authenticator that is written from the standard.</summary>
public sealed class PasskeyTests
{
    [Fact]
    public async Task A_passkey_signs_in_without_a_name_and_tells_who_it_is()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        using var owner = await AccountBrowser.OwnerAsync(gateway, "localhost");
        using var passkey = new SoftwareAuthenticator { Counter = 7 };
        await owner.AddAsync(passkey);
        var (_, options) = await owner.AskedAsync("passkeys/begin-register");
        Assert.Equal(("localhost", "required", "required"), (
            (string)options["rp"]!["id"]!, (string)options["authenticatorSelection"]!["residentKey"]!,
            (string)options["authenticatorSelection"]!["userVerification"]!));
        Assert.Equal([-7, -257], options["pubKeyCredParams"]!.AsArray().Select(p => (int)p!["alg"]!));
        Assert.Single(options["excludeCredentials"]!.AsArray()); // the same authenticator makes no second one

        using var other = new AccountBrowser(gateway, "localhost");
        Assert.Equal("ada", await other.SignInAsync(passkey));
        var me = await other.DoneAsync("me");
        Assert.Equal("owner", me.GetProperty("role").GetString());
        Assert.True(me.GetProperty("password").GetBoolean());
        var shown = Assert.Single(me.GetProperty("passkeys").EnumerateArray());
        Assert.Equal(["id", "name", "createdAt", "usedAt"], shown.EnumerateObject().Select(p => p.Name));
        Assert.Equal("Phone", shown.GetProperty("name").GetString());
        Assert.Equal(System.Text.Json.JsonValueKind.String, shown.GetProperty("usedAt").ValueKind);
        await other.SignInAsync("ada"); // the password is still one
    }

    [Fact]
    public async Task A_question_to_sign_in_names_nobody_whoever_there_is()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        using var stranger = new AccountBrowser(gateway, "localhost");
        var body = new JsonObject { ["key"] = stranger.Key.Public }.ToJsonString();
        var (_, before) = await stranger.AskedAsync("passkeys/begin-sign-in", body);
        using var owner = await AccountBrowser.OwnerAsync(gateway, "localhost");
        using var passkey = new SoftwareAuthenticator();
        await owner.AddAsync(passkey);
        var (_, after) = await stranger.AskedAsync("passkeys/begin-sign-in", body);
        Assert.NotEqual((string)before["challenge"]!, (string)after["challenge"]!);
        before["challenge"] = after["challenge"]!.DeepClone();
        Assert.Equal(before.ToJsonString(), after.ToJsonString());
        Assert.Equal("required", (string)after["userVerification"]!);
        Assert.Empty(after["allowCredentials"]?.AsArray() ?? []);
    }

    [Fact]
    public async Task Only_an_address_with_a_name_has_passkeys()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        using var http = new HttpClient { BaseAddress = gateway.Base };
        foreach (var (host, offered) in (IEnumerable<(string, string)>)[
            ("127.0.0.1", """["password"]"""), ("localhost", """["passkey","password"]""")])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/accounts");
            request.Headers.Host = $"{host}:{gateway.Base.Port}";
            using var response = await http.SendAsync(request);
            var told = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
            Assert.Equal(offered, told["signIn"]!.ToJsonString());
        }

        using var browser = await AccountBrowser.OwnerAsync(gateway);
        Assert.Equal("not_found", AccountBrowser.CodeOf(await browser.PostAsync("passkeys/begin-register")));
    }

    [Theory]
    [InlineData("https://nas.example", "nas.example")]
    [InlineData("https://NAS.example:8443", "nas.example")]
    [InlineData("http://localhost:8090", "localhost")]
    [InlineData("http://nas.example", null)]
    [InlineData("https://192.0.2.1", null)]
    [InlineData("https://[2001:db8::1]", null)]
    [InlineData("https://3221225985", null)]
    [InlineData("null", null)]
    [InlineData("", null)]
    public void The_domain_is_the_hosts_name_where_browsers_allow_it(string origin, string? host)
        => Assert.Equal(host, Passkeys.HostOf(origin));

    /// <summary>What is wrong with the answer to a question to sign in.</summary>
    public static TheoryData<string> Spoilt =>
    [
        "origin", "port", "sub-frame", "top", "type", "challenge", "relying party", "not verified", "user", "no user", "key", "credential",
        "signature", "empty", "null", "text", "became synced",
    ];

    [Theory]
    [MemberData(nameof(Spoilt))]
    public async Task An_answer_that_is_not_to_the_question_signs_nobody_in(string what)
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        using var owner = await AccountBrowser.OwnerAsync(gateway, "localhost");
        using var grace = await owner.InviteAsync("viewer", "grace");
        using var passkey = new SoftwareAuthenticator();
        await owner.AddAsync(passkey);
        using var browser = new AccountBrowser(gateway, "localhost");
        using var stranger = new SoftwareAuthenticator { UserHandle = passkey.UserHandle, CredentialId = passkey.CredentialId };
        var origin = what switch { "origin" => "https://evil.example", "port" => "http://localhost:1", _ => browser.Origin };
        switch (what)
        {
            case "sub-frame": passkey.ClientDataChanges = new JsonObject { ["crossOrigin"] = true }; break;
            case "top": passkey.ClientDataChanges = new JsonObject { ["topOrigin"] = "https://evil.example" }; break;
            case "type": passkey.ClientDataChanges = new JsonObject { ["type"] = "webauthn.create" }; break;
            case "challenge": passkey.ClientDataChanges = new JsonObject { ["challenge"] = new string('A', 43) }; break;
            case "relying party": passkey.RelyingParty = "evil.example"; break;
            case "not verified": passkey.IsUserVerified = false; break;
            case "user": passkey.UserHandle = "bm9ib2R5"; break;
            case "no user": passkey.UserHandle = null; break;
            case "became synced": passkey.IsSynced = true; break;
            default: break;
        }

        var (id, credential) = await browser.SignedAsync(what == "key" ? stranger : passkey, origin);
        switch (what)
        {
            case "credential": credential["id"] = new string('B', 43); break;
            case "signature": credential["response"]!["signature"] = "AAAA"; break;
            case "empty": credential = []; break;
            default: break;
        }

        JsonNode? sent = what switch { "null" => null, "text" => JsonValue.Create("passkey"), _ => credential };
        var answer = await browser.PostAsync("passkeys/sign-in", browser.Answered(id, sent));
        Assert.Equal((HttpStatusCode.Unauthorized, "bad_passkey"), (answer.Status, AccountBrowser.CodeOf(answer)));
        Assert.Equal("not_signed_in", AccountBrowser.CodeOf(await browser.PostAsync("me")));

        (passkey.ClientDataChanges, passkey.RelyingParty, passkey.IsUserVerified, passkey.IsSynced) = ([], null, true, false);
        passkey.UserHandle = stranger.UserHandle;
        Assert.Equal("ada", await browser.SignInAsync(passkey)); // it was that alone
    }

    [Fact]
    public async Task A_question_is_for_one_browser_once_and_for_five_minutes()
    {
        var time = new ManualTime();
        await using var gateway = await RemoteGateway.StartAsync(time, accounts: true);
        using var owner = await AccountBrowser.OwnerAsync(gateway, "localhost", time);
        using var passkey = new SoftwareAuthenticator();
        await owner.AddAsync(passkey);
        using var one = new AccountBrowser(gateway, "localhost");
        using var other = new AccountBrowser(gateway, "localhost");
        var taken = await one.SignedAsync(passkey);
        await RefusedAsync(other, "passkeys/sign-in", other.Answered(taken)); // asked of another browser's key
        await RefusedAsync(one, "passkeys/sign-in", one.Answered(taken)); // and used up by that
        var used = await one.SignedAsync(passkey);
        await one.DoneAsync("passkeys/sign-in", one.Answered(used));
        await RefusedAsync(one, "passkeys/sign-in", one.Answered(used));
        var late = await one.SignedAsync(passkey);
        var early = await one.SignedAsync(passkey);
        time.Advance(AccountLimits.PasskeyChallengeLife - TimeSpan.FromSeconds(1));
        await one.DoneAsync("passkeys/sign-in", one.Answered(early));
        time.Advance(TimeSpan.FromSeconds(1));
        await RefusedAsync(one, "passkeys/sign-in", one.Answered(late));

        // A browser has four at once: the fifth ends the first.
        var first = await one.SignedAsync(passkey);
        var second = await one.SignedAsync(passkey);
        for (var i = 0; i < 3; i++)
        {
            await one.SignedAsync(passkey);
        }

        await RefusedAsync(one, "passkeys/sign-in", one.Answered(first));
        await one.DoneAsync("passkeys/sign-in", one.Answered(second));
    }

    [Fact]
    public async Task A_question_to_add_a_passkey_is_for_whom_it_was_asked()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        using var owner = await AccountBrowser.OwnerAsync(gateway, "localhost");
        using var grace = await owner.InviteAsync("viewer", "grace");
        using var passkey = new SoftwareAuthenticator();
        var (id, options) = await owner.AskedAsync("passkeys/begin-register");
        var made = passkey.Create(options, owner.Origin);
        await RefusedAsync(grace, "passkeys/register", grace.Answered(id, made)); // another person's
        await RefusedAsync(owner, "passkeys/register", owner.Answered(id, made)); // used up by that
        (id, options) = await owner.AskedAsync("passkeys/begin-register");
        made = passkey.Create(options, owner.Origin);
        await owner.SignInAsync("ada"); // the same browser and person, so still its question
        await owner.DoneAsync("passkeys/register", owner.Answered(id, made));
        await RefusedAsync(owner, "passkeys/register", owner.Answered(id, made));

        // A question of the one kind is none of the other, and a passkey that somebody has is nobody else's.
        var signing = await owner.SignedAsync(passkey);
        await RefusedAsync(owner, "passkeys/register", owner.Answered(signing));
        (id, options) = await grace.AskedAsync("passkeys/begin-register");
        await RefusedAsync(grace, "passkeys/register", grace.Answered(id, passkey.Create(options, grace.Origin)));
        Assert.Equal(0, (await grace.DoneAsync("me")).GetProperty("passkeys").GetArrayLength());
        Assert.Equal(1, (await owner.DoneAsync("me")).GetProperty("passkeys").GetArrayLength());
    }

    [Theory]
    [InlineData("origin")]
    [InlineData("relying party")]
    [InlineData("not verified")]
    [InlineData("type")]
    [InlineData("challenge")]
    [InlineData("id")]
    [InlineData("long id")]
    public async Task A_passkey_that_was_made_for_something_else_is_not_added(string what)
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        using var owner = await AccountBrowser.OwnerAsync(gateway, "localhost");
        using var passkey = new SoftwareAuthenticator { CredentialId = new byte[what == "long id" ? 1024 : 16] };
        switch (what)
        {
            case "relying party": passkey.RelyingParty = "evil.example"; break;
            case "not verified": passkey.IsUserVerified = false; break;
            case "type": passkey.ClientDataChanges = new JsonObject { ["type"] = "webauthn.get" }; break;
            case "challenge": passkey.ClientDataChanges = new JsonObject { ["challenge"] = new string('A', 43) }; break;
            default: break;
        }

        var (id, options) = await owner.AskedAsync("passkeys/begin-register");
        var made = passkey.Create(options, what == "origin" ? "https://evil.example" : owner.Origin);
        made["id"] = what == "id" ? "AAAA" : made["id"]!.DeepClone();
        var before = await File.ReadAllBytesAsync(gateway.People);
        await RefusedAsync(owner, "passkeys/register", owner.Answered(id, made));
        Assert.Equal(before, await File.ReadAllBytesAsync(gateway.People));
    }

    [Fact]
    public async Task A_counter_that_does_not_go_on_is_refused_logged_and_changes_nothing()
    {
        using var log = new TestLog();
        await using var gateway = await RemoteGateway.StartAsync(accounts: true, log: log);
        using var owner = await AccountBrowser.OwnerAsync(gateway, "localhost");
        using var passkey = new SoftwareAuthenticator { Counter = 5 };
        await owner.AddAsync(passkey);
        using var browser = new AccountBrowser(gateway, "localhost");
        await browser.SignInAsync(passkey); // 6
        foreach (var counter in (uint[])[5, 4, 0])
        {
            passkey.Counter = counter; // one is added: 6 again, 5, and one that does not count
            var answer = await browser.PostAsync("passkeys/sign-in", browser.Answered(await browser.SignedAsync(passkey)));
            Assert.Equal((HttpStatusCode.Unauthorized, "copied_passkey"), (answer.Status, AccountBrowser.CodeOf(answer)));
        }

        passkey.Counter = 6;
        await browser.SignInAsync(passkey);
        var told = log.Lines.Where(l => l.Contains("may have been copied", StringComparison.Ordinal)).ToList();
        Assert.Equal(3, told.Count);
        Assert.All(told, line => Assert.Contains("of ada", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_link_is_used_with_a_passkey_and_no_password()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        using var owner = new AccountBrowser(gateway, "localhost");
        using var passkey = new SoftwareAuthenticator();
        await WelcomeAsync(owner, await AccountBrowser.OwnerLinkAsync(gateway), "ada", passkey);
        var me = await owner.DoneAsync("me");
        Assert.Equal(("owner", false), (me.GetProperty("role").GetString(), me.GetProperty("password").GetBoolean()));
        using var other = new AccountBrowser(gateway, "localhost");
        foreach (var password in (string[])["", AccountBrowser.Password])
        {
            var body = new JsonObject { ["name"] = "ada", ["password"] = password, ["key"] = other.Key.Public }.ToJsonString();
            Assert.Equal("wrong_name_or_password", AccountBrowser.CodeOf(await other.PostAsync("sign-in", body)));
        }

        Assert.Equal("ada", await other.SignInAsync(passkey));
        Assert.Contains("\"v\":2", await File.ReadAllTextAsync(gateway.People), StringComparison.Ordinal);

        // The owner's next link replaces all that signed the owner in before.
        using var lost = new AccountBrowser(gateway, "localhost");
        using var newer = new SoftwareAuthenticator();
        await WelcomeAsync(lost, await AccountBrowser.OwnerLinkAsync(gateway), "ada", newer);
        Assert.Equal("not_signed_in", AccountBrowser.CodeOf(await other.PostAsync("me")));
        await RefusedAsync(other, "passkeys/sign-in", other.Answered(await other.SignedAsync(passkey)));
        Assert.Equal("ada", await other.SignInAsync(newer));
        await lost.WelcomeAsync(await AccountBrowser.OwnerLinkAsync(gateway), "ada"); // with a password
        await RefusedAsync(other, "passkeys/sign-in", other.Answered(await other.SignedAsync(newer)));
        Assert.Contains("\"v\":1", await File.ReadAllTextAsync(gateway.People), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_link_stays_what_it_was_when_its_passkey_is_for_another_one()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        using var owner = await AccountBrowser.OwnerAsync(gateway, "localhost");
        var tokens = new List<string>();
        for (var i = 0; i < 2; i++)
        {
            tokens.Add((await owner.DoneAsync("users/invite", """{"role":"viewer","machines":null}""")).GetProperty("token").GetString()!);
        }

        using var guest = new AccountBrowser(gateway, "localhost");
        using var passkey = new SoftwareAuthenticator();
        foreach (var (token, name) in (IEnumerable<(string, string)>)[(tokens[1], "bob"), (tokens[0], "eve")])
        {
            var (id, options) = await guest.AskedAsync("passkeys/begin-welcome", Welcomed(guest, tokens[0], "bob").ToJsonString());
            var made = passkey.Create(options, guest.Origin);
            await RefusedAsync(guest, "passkeys/welcome", Welcomed(guest, token, name, id, made).ToJsonString());
        }

        var bad = await guest.PostAsync("passkeys/begin-welcome", Welcomed(guest, new string('A', 43), "bob").ToJsonString());
        Assert.Equal("bad_link", AccountBrowser.CodeOf(bad));
        var taken = await guest.PostAsync("passkeys/begin-welcome", Welcomed(guest, tokens[0], "ada").ToJsonString());
        Assert.Equal("name_taken", AccountBrowser.CodeOf(taken));
        await WelcomeAsync(guest, tokens[0], "bob", passkey);
        Assert.Equal("bob", await guest.SignInAsync(passkey));
        Assert.Equal("bad_link", AccountBrowser.CodeOf(
            await guest.PostAsync("passkeys/begin-welcome", Welcomed(guest, tokens[0], "eve").ToJsonString())));
    }

    [Fact]
    public async Task A_passkey_has_the_name_that_its_person_gave_it_and_signs_in_as_before()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        using var owner = await AccountBrowser.OwnerAsync(gateway, "localhost");
        using var first = new SoftwareAuthenticator();
        using var second = new SoftwareAuthenticator();
        await owner.AddAsync(first);
        await owner.AddAsync(second);
        using var other = new AccountBrowser(gateway, "localhost");
        await other.SignInAsync(first);
        var before = await KeptAsync(owner);
        await owner.DoneAsync("passkeys/rename", Named(before[0].Id, "  my \u94a5\u5319 \ud83d\udd11 "));

        Assert.Equal([(before[0].Id, "my \u94a5\u5319 \ud83d\udd11"), before[1]], await KeptAsync(owner));
        Assert.Equal("ada", await other.SignInAsync(first));
        await owner.DoneAsync("me"); // nobody was signed out
        var written = File.GetLastWriteTimeUtc(gateway.People);
        await owner.DoneAsync("passkeys/rename", Named(before[0].Id, "my \u94a5\u5319 \ud83d\udd11"));
        Assert.Equal(written, File.GetLastWriteTimeUtc(gateway.People)); // the same again changes nothing
    }

    [Fact]
    public async Task A_passkey_is_named_by_its_own_person_alone_and_by_what_can_be_seen()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        using var owner = await AccountBrowser.OwnerAsync(gateway, "localhost");
        using var passkey = new SoftwareAuthenticator();
        using var other = new SoftwareAuthenticator();
        using var admin = await owner.InviteAsync("admin", "grace");
        await owner.AddAsync(passkey);
        await admin.AddAsync(other);
        using var gone = new AccountBrowser(gateway, "localhost");
        await gone.SignInAsync(passkey);
        await gone.DoneAsync("sign-out");
        var id = (await KeptAsync(owner))[0].Id;
        var before = await File.ReadAllBytesAsync(gateway.People);
        string[] wrong =
        [
            "", "   ", new string('x', 61), "two\nlines", "a\u202eb", "a\u200bb", "a\ufeffb", "a\u00a0b", "a\u2028b", "\u0000", "\u001b[31m", "\ue000",
            "\ufffd",
        ];
        foreach (var name in wrong)
        {
            Assert.Equal("malformed", AccountBrowser.CodeOf(await owner.PostAsync("passkeys/rename", Named(id, name))));
        }

        foreach (var body in (string[])[$$"""{"id":"{{id}}"}""", $$"""{"id":"{{id}}","name":null}""", $$"""{"id":"{{id}}","name":"\ud800"}""", """{"name":"x"}"""])
        {
            Assert.Equal("malformed", AccountBrowser.CodeOf(await owner.PostAsync("passkeys/rename", body)));
        }

        Assert.Equal("not_found", AccountBrowser.CodeOf(await admin.PostAsync("passkeys/rename", Named(id, "mine")))); // not theirs
        Assert.Equal("not_found", AccountBrowser.CodeOf(await owner.PostAsync("passkeys/rename", Named("none", "mine"))));
        Assert.Equal("not_signed_in", AccountBrowser.CodeOf(await gone.PostAsync("passkeys/rename", Named(id, "mine"))));
        Assert.Equal(before, await File.ReadAllBytesAsync(gateway.People));
        await owner.DoneAsync("passkeys/rename", Named(id, new string('x', 60)));
    }

    [Fact]
    public async Task Removing_a_passkey_ends_its_sign_ins_and_the_last_way_in_stays()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        using var owner = new AccountBrowser(gateway, "localhost");
        using var first = new SoftwareAuthenticator();
        await WelcomeAsync(owner, await AccountBrowser.OwnerLinkAsync(gateway), "ada", first);
        var id = (await owner.DoneAsync("me")).GetProperty("passkeys")[0].GetProperty("id").GetString();
        var body = $$"""{"id":"{{id}}"}""";
        var last = await owner.PostAsync("passkeys/remove", body);
        Assert.Equal((HttpStatusCode.Conflict, "last_way_in"), (last.Status, AccountBrowser.CodeOf(last)));
        using var second = new SoftwareAuthenticator();
        await owner.AddAsync(second);
        using var withFirst = new AccountBrowser(gateway, "localhost");
        await withFirst.SignInAsync(first);
        using var withSecond = new AccountBrowser(gateway, "localhost");
        await withSecond.SignInAsync(second);
        using var grace = await withSecond.InviteAsync("admin", "grace");
        Assert.Equal("not_found", AccountBrowser.CodeOf(await grace.PostAsync("passkeys/remove", body))); // not theirs
        await withSecond.DoneAsync("passkeys/remove", body);
        Assert.Equal("not_signed_in", AccountBrowser.CodeOf(await withFirst.PostAsync("me")));
        await withSecond.DoneAsync("me");
        await RefusedAsync(withFirst, "passkeys/sign-in", withFirst.Answered(await withFirst.SignedAsync(first)));
        Assert.Equal("not_found", AccountBrowser.CodeOf(await withSecond.PostAsync("passkeys/remove", body)));
    }

    [Fact]
    public async Task A_connection_ends_with_the_passkey_that_opened_it()
    {
        await using var gateway = await RemoteGateway.StartAsync(new ManualTime(), accounts: true); // no watch helps
        using var identity = ChannelIdentity.Create();
        await using var machine = await gateway.KnownAsync(identity);
        using var owner = await AccountBrowser.OwnerAsync(gateway, "localhost", new ManualTime());
        using var passkey = new SoftwareAuthenticator();
        await owner.AddAsync(passkey);
        using var lost = new AccountBrowser(gateway, "localhost");
        await lost.SignInAsync(passkey);
        using var device = await gateway.DeviceAsync(identity.Id, await lost.TicketAsync(identity.Id));
        await machine.OpenedAsync();
        var id = (await owner.DoneAsync("me")).GetProperty("passkeys")[0].GetProperty("id").GetString();
        await owner.DoneAsync("passkeys/remove", $$"""{"id":"{{id}}"}""");
        Assert.Equal(RelayClose.SignInNeeded, (await device.ReceiveCloseAsync()).Code);
    }

    [Fact]
    public async Task Somebody_has_twenty_passkeys_at_most()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        using var owner = await AccountBrowser.OwnerAsync(gateway, "localhost");
        var (id, options) = await owner.AskedAsync("passkeys/begin-register"); // asked while there was room
        for (var i = 0; i < AccountLimits.MostPasskeysOfUser; i++)
        {
            using var passkey = new SoftwareAuthenticator();
            await owner.AddAsync(passkey);
        }

        using var late = new SoftwareAuthenticator();
        Assert.Equal("too_many", AccountBrowser.CodeOf(
            await owner.PostAsync("passkeys/register", owner.Answered(id, late.Create(options, owner.Origin)))));
        Assert.Equal("too_many", AccountBrowser.CodeOf(await owner.PostAsync("passkeys/begin-register")));
    }

    [Fact]
    public async Task Wrong_passkeys_are_counted_like_wrong_passwords_and_right_ones_are_not()
    {
        await using var gateway = await RemoteGateway.StartAsync(new ManualTime(), accounts: true);
        using var owner = await AccountBrowser.OwnerAsync(gateway, "localhost", new ManualTime());
        using var passkey = new SoftwareAuthenticator();
        await owner.AddAsync(passkey);
        using var browser = new AccountBrowser(gateway, "localhost");
        for (var i = 0; i < 32; i++)
        {
            await browser.SignInAsync(passkey);
        }

        var codes = new List<string?>();
        for (var i = 0; i < 11; i++)
        {
            codes.Add(AccountBrowser.CodeOf(await browser.PostAsync("passkeys/sign-in", browser.Answered("none", new JsonObject()))));
        }

        Assert.Equal([.. Enumerable.Repeat("bad_passkey", 10), "too_fast"], codes);
        Assert.Equal("too_fast", AccountBrowser.CodeOf(await browser.PostAsync("sign-in",
            new JsonObject { ["name"] = "ada", ["password"] = AccountBrowser.Password, ["key"] = browser.Key.Public }.ToJsonString())));
    }

    private static string Named(string id, string name) => new JsonObject { ["id"] = id, ["name"] = name }.ToJsonString();

    private static async Task<IReadOnlyList<(string Id, string Name)>> KeptAsync(AccountBrowser browser)
        => [.. (await browser.DoneAsync("me")).GetProperty("passkeys").EnumerateArray()
            .Select(p => (p.GetProperty("id").GetString()!, p.GetProperty("name").GetString()!))];

    private static async Task RefusedAsync(AccountBrowser browser, string path, string body)
        => Assert.Equal("bad_passkey", AccountBrowser.CodeOf(await browser.PostAsync(path, body)));

    private static async Task WelcomeAsync(AccountBrowser browser, string token, string name, SoftwareAuthenticator passkey)
    {
        var (id, options) = await browser.AskedAsync("passkeys/begin-welcome", Welcomed(browser, token, name).ToJsonString());
        browser.Take(await browser.DoneAsync(
            "passkeys/welcome", Welcomed(browser, token, name, id, passkey.Create(options, browser.Origin)).ToJsonString()));
    }

    private static JsonObject Welcomed(AccountBrowser browser, string token, string name, string? id = null, JsonObject? made = null)
    {
        var body = new JsonObject { ["token"] = token, ["name"] = name, ["key"] = browser.Key.Public };
        if (id is not null)
        {
            (body["question"], body["credential"]) = (id, made);
        }

        return body;
    }
}
