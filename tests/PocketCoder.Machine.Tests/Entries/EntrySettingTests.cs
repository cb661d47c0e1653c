using System.Diagnostics;
using System.Text;
using System.Text.Json;
using PocketCoder.Entry;
using PocketCoder.Gateway;
using PocketCoder.Ledger;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Entries;
using PocketCoder.Machine.Linking;
using PocketCoder.Platform;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Entries;

/// <summary>What the owner sets for a chat platform: kept, recorded, and refused when it can't be right.</summary>
public sealed class EntrySettingTests
{
    private const string Secret = "secret-of-mine-0123456789";

    private static readonly EntrySetting s_usual = new("cli_a1b2c3", "https://open.feishu.cn", "en", true);

    /// <summary>A platform, an app, a domain, a language and a secret, one of them wrong.</summary>
    private static readonly (string Platform, string App, string Domain, string Language, string? Secret)[] s_wrong =
    [
        ("slack", "cli_a", "https://f.example", "en", "s"),
        ("", "cli_a", "https://f.example", "en", "s"),
        ("feishu", "", "https://f.example", "en", "s"),
        ("feishu", "cli a", "https://f.example", "en", "s"),
        ("feishu", "../x", "https://f.example", "en", "s"),
        ("feishu", "cli_\u202eb", "https://f.example", "en", "s"),
        ("feishu", new string('a', 65), "https://f.example", "en", "s"),
        ("feishu", "cli_a", "", "en", "s"),
        ("feishu", "cli_a", "f.example", "en", "s"),
        ("feishu", "cli_a", "http://f.example", "en", "s"),
        ("feishu", "cli_a", "http://127.0.0.1.f.example", "en", "s"),
        ("feishu", "cli_a", "file:///etc/passwd", "en", "s"),
        ("feishu", "cli_a", "https://me:pw@f.example", "en", "s"),
        ("feishu", "cli_a", "https://f.example/path", "en", "s"),
        ("feishu", "cli_a", "https://f.example?q", "en", "s"),
        ("feishu", "cli_a", "https://f.example#x", "en", "s"),
        ("feishu", "cli_a", "https://f.example\\@evil.example", "en", "s"),
        ("feishu", "cli_a", "https://f.example\r\nX: y", "en", "s"),
        ("feishu", "cli_a", $"https://{new string('a', 200)}.example", "en", "s"),
        ("feishu", "cli_a", "https://f.example", "EN", "s"),
        ("feishu", "cli_a", "https://f.example", "", "s"),
        ("feishu", "cli_a", "https://f.example", "en", ""),
        ("feishu", "cli_a", "https://f.example", "en", "two words"),
        ("feishu", "cli_a", "https://f.example", "en", "s\r\nX: y"),
        ("feishu", "cli_a", "https://f.example", "en", "sécret"),
        ("feishu", "cli_a", "https://f.example", "en", new string('s', 257)),
        ("feishu", "cli_a", "https://f.example", "en", null), // an app without a secret
        ("feishu", "cli_other", "https://open.feishu.cn", "en", null), // the secret is another app's
        ("feishu", "cli_a1b2c3", "https://evil.example", "en", null), // it would go to another server
    ];

    [Fact]
    public async Task What_is_set_is_kept_recorded_and_counts_from_the_next_start_and_its_secret_is_in_nothing()
    {
        var room = new ChatRoom("feishu");
        await using var daemon = await TestDaemon.StartAsync();
        using (var owner = Owner(daemon))
        {
            Assert.Equal(new EntryReport(null, null, EntryPhase.Off, null, null, false), await owner.EntryAsync("feishu", default));
            var set = await owner.SetEntryAsync(
                new EntrySetRequest("feishu", s_usual with { Domain = "https://OPEN.feishu.cn:443/" }, Secret), default);
            Assert.Equal((s_usual, EntryPhase.Off, true), (set.Set, set.State, set.Restart));
            Assert.NotNull(set.SecretSetAt);
        }

        await daemon.RestartAsync(o => o with { EntryPoints = [room] });
        using var back = Owner(daemon);
        var machine = await room.MachineAsync();
        Assert.Equal(Secret, await machine.SecretAsync(EntrySecretKind.App, CancellationToken.None));
        var report = await back.EntryAsync("feishu", default);
        Assert.Equal((s_usual, EntryPhase.Ready, false), (report.Set, report.State, report.Restart));

        Assert.True((await back.SetEntryAsync(new EntrySetRequest("feishu", s_usual with { Language = "zh" }), default)).Restart);
        Assert.False((await back.SetEntryAsync(new EntrySetRequest("feishu", s_usual), default)).Restart); // as it was
        Assert.True((await back.SetEntryAsync(new EntrySetRequest("feishu", s_usual, Secret + "-newer"), default)).Restart);
        Assert.True((await back.SetEntryAsync(new EntrySetRequest("feishu", s_usual with { Enabled = false }), default)).Restart);

        var rows = await RowsAsync(back);
        Assert.Equal(
            [
                "entry feishu set cli_a1b2c3 at https://open.feishu.cn, en, on ",
                "secret feishu-app-secret set  ",
                "start EntryPoints set feishu ",
                "entry feishu set cli_a1b2c3 at https://open.feishu.cn, zh, on cli_a1b2c3 at https://open.feishu.cn, en, on",
                "entry feishu set cli_a1b2c3 at https://open.feishu.cn, en, on cli_a1b2c3 at https://open.feishu.cn, zh, on",
                "entry feishu set cli_a1b2c3 at https://open.feishu.cn, en, on cli_a1b2c3 at https://open.feishu.cn, en, on",
                "secret feishu-app-secret set  ",
                "entry feishu set cli_a1b2c3 at https://open.feishu.cn, en, off cli_a1b2c3 at https://open.feishu.cn, en, on",
            ],
            rows);
        Assert.DoesNotContain(Secret, await File.ReadAllTextAsync(daemon.Options.Home.Feishu), StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, await File.ReadAllTextAsync(daemon.Options.Home.Secrets), StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, daemon.Log.ToString(), StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(PrivateFile.Mode, File.GetUnixFileMode(daemon.Options.Home.Feishu));
        }
    }

    [Fact]
    public async Task What_can_not_be_right_is_refused_and_nothing_changes()
    {
        await using var daemon = await TestDaemon.StartAsync();
        using var owner = Owner(daemon);
        await owner.SetEntryAsync(new EntrySetRequest("feishu", s_usual, Secret), default);
        var before = await owner.EntryAsync("feishu", default);
        var rows = (await RowsAsync(owner)).Count;
        foreach (var (platform, app, domain, language, secret) in s_wrong)
        {
            var refused = await Assert.ThrowsAsync<ControlException>(() => owner.SetEntryAsync(
                new EntrySetRequest(platform, new EntrySetting(app, domain, language, true), secret), default));
            Assert.True(refused.Code == ErrorCode.InvalidRequest, $"{platform} {app} {domain} {language} {secret}: {refused.Message}");
            Assert.DoesNotContain("pw", refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal((before, rows), (await owner.EntryAsync("feishu", default), (await RowsAsync(owner)).Count));
        var off = await Assert.ThrowsAsync<ControlException>(() => owner.TestEntryAsync("feishu", default));
        Assert.Equal(ErrorCode.Conflict, off.Code);
        var unknown = await Assert.ThrowsAsync<ControlException>(() => owner.EntryAsync("slack", default));
        Assert.Equal(ErrorCode.InvalidRequest, unknown.Code);
    }

    [Fact]
    public async Task The_secret_of_another_app_is_not_given_to_the_bot_that_still_speaks_with_the_old_one()
    {
        var room = new ChatRoom("feishu");
        await using var daemon = await TestDaemon.StartAsync();
        using (var owner = Owner(daemon))
        {
            await owner.SetEntryAsync(new EntrySetRequest("feishu", s_usual, Secret), default);
        }

        await daemon.RestartAsync(o => o with { EntryPoints = [room] });
        using var back = Owner(daemon);
        var machine = await room.MachineAsync();
        await back.SetSecretAsync("feishu-webhook-key", "key-of-the-webhook", default);
        Assert.Equal("key-of-the-webhook", await machine.SecretAsync(EntrySecretKind.Webhook, CancellationToken.None));
        Assert.True((await back.EntryAsync("feishu", default)).Restart); // it is read at the start
        var moved = s_usual with { Domain = "https://open.larksuite.com" };
        await back.SetEntryAsync(new EntrySetRequest("feishu", moved, "secret-of-the-other"), default);
        var refused = await Assert.ThrowsAsync<EntryRefusal>(() => machine.SecretAsync(EntrySecretKind.App, CancellationToken.None));
        Assert.Equal(ErrorCode.Unavailable, refused.Error.Code);
        Assert.Contains("pocketcoder restart", refused.Error.Message, StringComparison.Ordinal);

        // The other way round: none of before is left for the new one.
        Assert.Contains("secret feishu-app-secret removed  ", await RowsAsync(back));
        Assert.Contains("secret feishu-webhook-key removed  ", await RowsAsync(back));
        await daemon.RestartAsync();
        machine = await room.MachineAsync();
        Assert.Equal("secret-of-the-other", await machine.SecretAsync(EntrySecretKind.App, CancellationToken.None));
        Assert.Null(await machine.SecretAsync(EntrySecretKind.Webhook, CancellationToken.None));
    }

    [Fact]
    public async Task What_can_not_be_recorded_is_not_set()
    {
        var fails = false;
        await using var daemon = await TestDaemon.StartAsync(seams: s => s with
        {
            Seam = step => _ = fails && step == "commit" ? throw new InvalidOperationException("as if the disk were full") : 0,
        });
        using var owner = Owner(daemon);
        fails = true;
        await Assert.ThrowsAsync<ControlException>(() => owner.SetEntryAsync(new EntrySetRequest("feishu", s_usual, Secret), default));
        fails = false;
        Assert.Equal(new EntryReport(null, null, EntryPhase.Off, null, null, false), await owner.EntryAsync("feishu", default));
        Assert.False(File.Exists(daemon.Options.Home.Feishu));
    }

    [Fact]
    public async Task The_owner_sees_how_a_bot_stands_tries_it_and_ends_people_of_its_chats_only()
    {
        var room = new ChatRoom("feishu") { Status = new EntryStatus(EntryState.Waiting, DateTimeOffset.UnixEpoch, "No network.") };
        await using var daemon = await room.StartAsync();
        await using var phone = await daemon.PhoneAsync("phone");
        await using var ada = await room.EnterAsync(daemon);
        using var owner = Owner(daemon);
        Assert.Equal(
            new EntryReport(null, null, EntryPhase.Waiting, DateTimeOffset.UnixEpoch, "No network.", false),
            await owner.EntryAsync("feishu", default));
        Assert.Equal(["It answers."], await owner.TestEntryAsync("feishu", default));
        room.Test = _ => throw new EntryRefusal(new WireError(ErrorCode.Unavailable, "It does not take the secret."));
        var refused = await Assert.ThrowsAsync<ControlException>(() => owner.TestEntryAsync("feishu", default));
        Assert.Equal((ErrorCode.Unavailable, "It does not take the secret."), (refused.Code, refused.Message));

        // A platform may quote what it was sent.
        await owner.SetSecretAsync("feishu-app-secret", Secret, default);
        room.Test = _ => throw new EntryRefusal(new WireError(ErrorCode.Unavailable, $"{Secret} is wrong."));
        refused = await Assert.ThrowsAsync<ControlException>(() => owner.TestEntryAsync("feishu", default));
        Assert.Equal("[secret:feishu-app-secret] is wrong.", refused.Message);
        room.Test = _ => Task.FromResult<IReadOnlyList<string>>([$"It has {Secret}."]);
        Assert.Equal(["It has [secret:feishu-app-secret]."], await owner.TestEntryAsync("feishu", default));
        room.Status = room.Status with { Reason = $"{Secret} is wrong." };
        Assert.Equal("[secret:feishu-app-secret] is wrong.", (await owner.EntryAsync("feishu", default)).Reason);

        Assert.Equal("Ada", Assert.Single(await owner.ListPeopleAsync("feishu", default)).Name);
        foreach (var nobody in (string[])["phone", phone.Device.Hello.DeviceId, "ou_ada", "", "cha"])
        {
            var none = await Assert.ThrowsAsync<ControlException>(() => owner.RevokePersonAsync("feishu", nobody, default));
            Assert.Equal(ErrorCode.DeviceNotFound, none.Code);
        }

        await Assert.ThrowsAsync<ControlException>(() => owner.RevokePersonAsync("other", "Ada", default));
        Assert.Equal("Ada", (await owner.RevokePersonAsync("feishu", "Ada", default)).Name);
        Assert.True(ada.Person.Over.IsCancellationRequested);
        Assert.Empty(await owner.ListPeopleAsync("feishu", default));
        await Assert.ThrowsAsync<ControlException>(() => owner.RevokePersonAsync("feishu", "Ada", default)); // gone already
    }

    public static TheoryData<string> Damaged => new(
        "",
        "{}",
        "null",
        "[]",
        "{\"v\":1}",
        "{\"v\":2,\"appId\":\"cli_a\",\"domain\":\"https://f.example\",\"language\":\"en\",\"enabled\":true}",
        "{\"v\":1,\"appId\":null,\"domain\":\"https://f.example\",\"language\":\"en\",\"enabled\":true}",
        "{\"v\":1,\"appId\":\"\",\"domain\":\"https://f.example\",\"language\":\"en\",\"enabled\":true}",
        "{\"v\":1,\"appId\":\"cli_a\",\"domain\":\"http://f.example\",\"language\":\"en\",\"enabled\":true}",
        "{\"v\":1,\"appId\":\"cli_a\",\"domain\":\"file:///etc\",\"language\":\"en\",\"enabled\":true}",
        "{\"v\":1,\"appId\":\"cli_a\",\"domain\":\"https://f.example\",\"language\":\"xx\",\"enabled\":true}",
        "{\"v\":1,\"appId\":\"cli_a\",\"domain\":\"https://f.example\",\"language\":\"en\",\"enabled\":\"yes\"}",
        "{\"v\":1,\"appId\":\"cli_a\",\"appId\":\"cli_b\",\"domain\":\"https://f.example\",\"language\":\"en\",\"enabled\":true}",
        "{\"v\":1,\"appId\":\"cli_a\",\"domain\":\"https://f.example\",\"language\":\"en\",\"enabled\":true}" + new string(' ', 4096));

    [Theory]
    [MemberData(nameof(Damaged))]
    public void A_damaged_file_is_refused_with_what_to_do(string text)
    {
        var home = NewHome();
        File.WriteAllText(home.Feishu, text);
        var refused = Assert.Throws<HomeRefusal>(() => EntrySetting.Read(home));
        Assert.Contains($"{home.Feishu} is damaged. Remove it", refused.Message, StringComparison.Ordinal);
        Assert.Contains("pocketcoder feishu config --app-id", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_daemon_whose_file_is_damaged_does_not_start_and_says_which()
    {
        var home = NewHome();
        await File.WriteAllTextAsync(home.Feishu, "{");
        var refused = await Assert.ThrowsAsync<HomeRefusal>(() => TestDaemon.StartAsync(home: home.Root));
        Assert.Contains(home.Feishu, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Whatever_stands_in_the_file_is_read_whole_or_refused()
    {
        var home = NewHome();
        var whole = Encoding.UTF8.GetBytes(
            "{\"v\":1,\"appId\":\"cli_a\",\"domain\":\"http://127.0.0.1:80\",\"language\":\"zh\",\"enabled\":false}");
        File.WriteAllBytes(home.Feishu, whole);
        Assert.Equal(new EntrySetting("cli_a", "http://127.0.0.1", "zh", false), EntrySetting.Read(home));

        var (random, until, tries) = (new Random(4), Stopwatch.StartNew(), 0);
        while (until.Elapsed < TimeSpan.FromSeconds(1))
        {
            var bytes = whole.ToArray();
            for (var changes = random.Next(1, 5); changes > 0; changes--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            File.WriteAllBytes(home.Feishu, random.Next(4) == 0 ? bytes[..random.Next(bytes.Length)] : bytes);
            tries++;
            try
            {
                Assert.Null(EntrySetting.Read(home)!.Problem());
            }
            catch (HomeRefusal)
            {
                // what it is for
            }
        }

        Assert.True(tries > 50, $"{tries}");
    }

    [Theory]
    [InlineData("https://g.example", "own.example", false, 8090, "https://g.example/")]
    [InlineData("http://127.0.0.1:9", "own.example", false, 8443, "https://own.example:8443/")] // loopback is nowhere else
    [InlineData(null, "own.example", false, 443, "https://own.example/")]
    [InlineData(null, "own.example", true, 8090, "https://own.example/")] // the proxy's port
    [InlineData(null, "own.example:9443", true, 8090, "https://own.example:9443/")]
    [InlineData(null, "[2001:db8::1]", false, 8443, "https://[2001:db8::1]:8443/")]
    [InlineData(null, "own.example", false, 0, null)] // not known before it listens
    [InlineData(null, "localhost", true, 8090, null)]
    [InlineData(null, null, false, 8090, null)]
    public void A_card_leads_to_the_app_where_it_is_reached_from_elsewhere(
        string? gateway, string? name, bool behindProxy, int port, string? address)
    {
        var home = NewHome();
        if (gateway is not null)
        {
            File.WriteAllText(home.Link, $"{{\"v\":1,\"gateway\":\"{gateway}\"}}");
        }

        var own = new GatewayOptions
        {
            Listen = [new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, port)],
            Names = name is null ? [] : [name],
            BehindProxy = behindProxy,
        };
        Assert.Equal(address, AppAddress.Of(home, own)?.ToString());
    }

    private static Home NewHome() => Home.At(Directory.CreateTempSubdirectory("pc-").FullName);

    private static ControlClient Owner(TestDaemon daemon) => new(new InProcessTransport(daemon.Daemon.Owner));

    /// <summary>What was set, oldest first: what, name, action, value, old value.</summary>
    private static async Task<IReadOnlyList<string>> RowsAsync(ControlClient owner)
    {
        var rows = (await owner.ListLedgerAsync(new LedgerListRequest(Limit: 200), default)).Rows.OrderBy(r => r.Seq).ToList();
        Assert.All(rows, r => Assert.DoesNotContain(Secret, r.Body, StringComparison.Ordinal));
        return
        [
            .. rows.Select(r => JsonDocument.Parse(r.Body).RootElement)
                .Where(r => r.GetProperty("kind").GetString() == LedgerKind.ConfigurationChanged).Select(r => r.GetProperty("data"))
                .Select(d => string.Join(' ', ((string[])["what", "name", "action", "value", "old"])
                    .Select(n => d.TryGetProperty(n, out var value) ? value.GetString() : ""))),
        ];
    }
}
