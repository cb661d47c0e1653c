using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using PocketCoder.Entry;
using PocketCoder.Gateway;
using PocketCoder.Machine;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Feishu;

namespace PocketCoder.Cli.Tests;

/// <summary><c>pocketcoder feishu</c>: what a person types to switch the bot on, and to let people in and out.</summary>
public sealed class FeishuTests
{
    private const string Secret = "secret-of-mine-0123456789";

    [Fact]
    public async Task The_bot_is_set_up_with_a_secret_that_is_typed_or_piped_and_shown_nowhere()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        Assert.Contains("Not set up.", (await home.RunAsync("feishu", "config")).Succeeded().Out, StringComparison.Ordinal);
        Assert.Contains("Not set up.", (await home.RunAsync("feishu", "status")).Succeeded().Out, StringComparison.Ordinal);
        Assert.Contains(
            "config --app-id ID", (await home.RunAsync("feishu", "config", "--off")).Ended(ExitCode.NotSetUp).Error,
            StringComparison.Ordinal);
        foreach (var verb in (string[])["pair", "test"])
        {
            Assert.Contains(
                "config --app-id ID", (await home.RunAsync("feishu", verb)).Ended(ExitCode.NotSetUp).Error, StringComparison.Ordinal);
        }

        var set = (await home.FeedAsync($"{Secret}\n", "feishu", "config", "--app-id", "cli_a1b2c3")).Succeeded();
        Assert.Contains("App       cli_a1b2c3 at https://open.feishu.cn\n", set.Out, StringComparison.Ordinal);
        Assert.Contains("takes effect when it restarts: pocketcoder restart", set.Out, StringComparison.Ordinal);
        Assert.Equal("", set.Error);
        Assert.Contains(
            "pocketcoder restart", (await home.RunAsync("feishu", "pair")).Ended(ExitCode.NotSetUp).Error, StringComparison.Ordinal);

        // What is refused is refused before anything changes, most of it before the secret is read.
        foreach (var (piped, words) in ((string, string[])[])
        [
            ("", ["--app-id", "cli_b"]), ("two words", ["--app-id", "cli_b"]), (new string('s', 300), ["--app-id", "cli_b"]),
            (Secret, ["--app-id", "cli b"]), (Secret, ["--domain", "http://f.example"]), (Secret, ["--domain", "https://me:pw@f.example"]),
            ("", ["--domain", "https://f.example"]), (Secret, ["--language", "fr"]), (Secret, ["--app-id", "cli_b", Secret]),
            (Secret, ["--on", "--off"]),
        ])
        {
            var refused = (await home.FeedAsync(piped, ["feishu", "config", .. words])).Ended(ExitCode.Usage);
            Assert.DoesNotContain(words.Contains(Secret) ? "\0" : Secret, refused.Error + refused.Out, StringComparison.Ordinal);
        }

        var report = await home.AskAsync("feishu", "config");
        Assert.Equal(("cli_a1b2c3", "https://open.feishu.cn", "en", true, "off", true), Told(report));

        (await home.RunAsync("feishu", "config", "--off", "--language", "zh")).Succeeded(); // no secret is asked for
        Assert.Equal(("cli_a1b2c3", "https://open.feishu.cn", "zh", false, "off", false), Told(await home.AskAsync("feishu", "config")));
        Assert.Contains("--on", (await home.RunAsync("feishu", "test")).Ended(ExitCode.NotSetUp).Error, StringComparison.Ordinal);
        (await home.FeedAsync(Secret, "feishu", "config", "--domain", "https://open.larksuite.com")).Succeeded();
        (await home.RunAsync("feishu", "config", "--on")).Succeeded();
        Assert.Equal(("cli_a1b2c3", "https://open.larksuite.com", "zh", true, "off", true), Told(await home.AskAsync("feishu", "config")));

        foreach (var address in (string[])["17340", "here:17340", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536"])
        {
            Assert.Contains(
                "IP address and a port", (await home.RunAsync("feishu", "config", "--webhook", address)).Ended(ExitCode.Usage).Error,
                StringComparison.Ordinal);
        }

        Assert.Contains(
            "secrets set feishu-webhook-key", (await home.RunAsync("feishu", "config", "--webhook", "[::1]:17340")).Succeeded().Out,
            StringComparison.Ordinal);
        Assert.Equal("[::1]:17340", (await home.AskAsync("feishu", "config")).GetProperty("set").GetProperty("webhook").GetString());
        Assert.DoesNotContain("ebhook", (await home.RunAsync("feishu", "config", "--webhook", "off")).Succeeded().Out, StringComparison.Ordinal);

        Assert.Contains("feishu-app-secret", (await home.RunAsync("secrets", "list")).Succeeded().Out, StringComparison.Ordinal);
        foreach (var said in (string[])
        [
            set.Out, (await home.RunAsync("feishu", "status")).Succeeded().Out,
            (await home.RunAsync("feishu", "status", "--json")).Succeeded().Out,
            (await home.RunAsync("ledger", "show", "--json")).Succeeded().Out, await File.ReadAllTextAsync(home.Home.Feishu),
            await ReadAsync(home.Home.LogFile),
        ])
        {
            Assert.DoesNotContain(Secret, said, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_local_port_is_switched_on_with_a_token_that_is_shown_once()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        (await home.FeedAsync(Secret, "feishu", "config", "--app-id", "cli_a", "--off")).Succeeded();
        foreach (var words in (string[][])[["--scope", "view"], ["--local-http", "off", "--scope", "view"], ["--local-http", "0.0.0.0:1"],
            ["--local-http", "0"], ["--local-http", "here"]])
        {
            (await home.RunAsync(["feishu", "config", .. words])).Ended(ExitCode.Usage);
        }

        var port = Ports.Free();
        var on = (await home.RunAsync("feishu", "config", "--local-http", $"{port}", "--scope", "view")).Succeeded().Out;
        var token = on.Split('\n').Single(l => l.StartsWith("  ", StringComparison.Ordinal) && l.Trim().Length == 64).Trim();
        Assert.Contains($"Local     http://127.0.0.1:{port} for programs", on, StringComparison.Ordinal);
        Assert.Contains("pocketcoder restart", on, StringComparison.Ordinal);
        (await home.RunAsync("stop")).Succeeded();
        await home.StartAsync();
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        Assert.Equal(HttpStatusCode.OK, await AskAsync(token));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(new string('0', 64)));
        var another = (await home.AskAsync("feishu", "config", "--local-http", $"{port}")).GetProperty("localToken").GetString()!;
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(token));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(another));
        Assert.Matches(@"Local HTTP\s+http\s+view", (await home.RunAsync("devices", "list")).Succeeded().Out);
        foreach (var said in (string[])
        [
            (await home.RunAsync("feishu", "config")).Succeeded().Out, (await home.RunAsync("feishu", "config", "--json")).Succeeded().Out,
            (await home.RunAsync("ledger", "show", "--json")).Succeeded().Out, await File.ReadAllTextAsync(home.Home.Feishu),
            await ReadAsync(home.Home.LogFile),
        ])
        {
            Assert.DoesNotContain(another, said, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("Local ", (await home.RunAsync("feishu", "config", "--local-http", "off")).Succeeded().Out, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(another));

        async Task<HttpStatusCode> AskAsync(string with)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{port}/health");
            request.Headers.Authorization = new("Bearer", with);
            using var reply = await client.SendAsync(request);
            return reply.StatusCode;
        }
    }

    [Fact]
    public async Task What_the_older_bot_was_set_up_with_is_taken_over_from_its_file_and_its_variables()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        var file = Path.Combine(home.Home.Root, "poco.config.json");
        await File.WriteAllTextAsync(file, $$"""
            {"feishu":{"app_id":"cli_section","app_secret":"{{Secret}}","api_base_url":"https://open.larksuite.com/","delivery_mode":"Webhook",
            "encrypt_key":"key-of-mine"},"POCO_FEISHU_APP_ID":"cli_flat","POCO_CODEX_TIMEOUT_SECONDS":900,"POCO_CODEX_SANDBOX":"read-only",
            "slack":{"bot_token":"xoxb-of-mine"},"POCO_MADE_UP\u202e":"x"}
            """);
        Assert.Contains(
            "--webhook ADDRESS:PORT", (await home.RunAsync("feishu", "config", "--from", file)).Ended(ExitCode.Usage).Error,
            StringComparison.Ordinal);
        var taken = (await home.RunAsync("feishu", "config", "--from", file, "--webhook", "127.0.0.1:17340")).Succeeded().Out;
        Assert.Contains("App       cli_flat at https://open.larksuite.com\n", taken, StringComparison.Ordinal);
        Assert.Contains("Left out    POCO_CODEX_SANDBOX: what an agent does is asked for here", taken, StringComparison.Ordinal);
        Assert.Contains("POCO_MADE_UP\\u{202e}: it is not known", taken, StringComparison.Ordinal);
        Assert.Contains("POCO_SLACK_BOT_TOKEN: there is no Slack here", taken, StringComparison.Ordinal);
        Assert.DoesNotContain("of-mine", taken, StringComparison.Ordinal);
        var secrets = (await home.RunAsync("secrets", "list")).Succeeded().Out;
        Assert.Contains("feishu-app-secret", secrets, StringComparison.Ordinal);
        Assert.Contains("feishu-webhook-key", secrets, StringComparison.Ordinal);

        home.Environment["POCO_FEISHU_APP_ID"] = "cli_env";
        home.Environment["POCO_FEISHU_DELIVERY_MODE"] = "longconn";
        home.Environment["POCO_FEISHU_APP_SECRET"] = " ";
        Assert.Contains(
            "App       cli_env at https://open.larksuite.com\n", (await home.RunAsync("feishu", "config", "--from", file)).Succeeded().Out,
            StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.Null, (await home.AskAsync("feishu", "config")).GetProperty("set").GetProperty("webhook").ValueKind);
        home.Environment["POCO_FEISHU_APP_SECRET"] = "other-of-mine";
        (await home.RunAsync("feishu", "config", "--from", "env")).Succeeded();

        // An app that was typed does not get another one's secret.
        Assert.Contains(
            "No secret given",
            (await home.FeedAsync("", "feishu", "config", "--from", "env", "--app-id", "cli_typed")).Ended(ExitCode.Usage).Error,
            StringComparison.Ordinal);
        foreach (var wrong in (string[])
        [
            "", "[]", "{", """{"a":1,"a":2}""", """{"POCO_FEISHU_APP_ID":["of-mine"]}""", """{"POCO_FEISHU_APP_SECRET":5}""",
            """{"POCO_FEISHU_DELIVERY_MODE":"of-mine"}""", $$"""{"x":"{{new string('y', 70_000)}}"}""",
        ])
        {
            home.Environment.Remove("POCO_FEISHU_DELIVERY_MODE");
            home.Environment.Remove("POCO_FEISHU_APP_SECRET");
            await File.WriteAllTextAsync(file, wrong);
            var refused = (await home.RunAsync("feishu", "config", "--from", file)).Ended(ExitCode.Usage).Error;
            Assert.DoesNotContain("of-mine", refused, StringComparison.Ordinal);
        }

        (await home.RunAsync("feishu", "config", "--from", file + "-none")).Ended(ExitCode.Usage);
        Assert.Equal("cli_env", (await home.AskAsync("feishu", "config")).GetProperty("set").GetProperty("appId").GetString());
    }

    [Fact]
    public async Task At_a_terminal_the_secret_is_asked_for_once_the_rest_is_right()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        var output = new StringWriter();
        var asked = new List<string>();
        var terminal = new Terminal(output, output, name => home.Environment.GetValueOrDefault(name))
        {
            ReadHidden = question =>
            {
                asked.Add(question);
                return Secret;
            },
        };
        Assert.Equal(ExitCode.Usage, await RunAsync("feishu", "config", "--app-id", "cli a"));
        Assert.Empty(asked);
        Assert.Equal(0, await RunAsync("feishu", "config", "--app-id", "cli_a"));
        Assert.Equal(["App secret (hidden): "], asked);
        Assert.DoesNotContain(Secret, output.ToString(), StringComparison.Ordinal);

        Task<int> RunAsync(params string[] words) => CommandLine.RunAsync(words, terminal, CancellationToken.None);
    }

    [Fact]
    public async Task What_is_set_up_is_there_after_a_restart_and_a_damaged_file_is_told_with_what_to_do()
    {
        await using var home = new CliHome();
        await home.StartAsync();

        // An address of this computer where nobody listens: the bot is there, and finds nobody.
        var nobody = $"http://127.0.0.1:{Ports.Free()}";
        (await home.FeedAsync(Secret, "feishu", "config", "--app-id", "cli_a", "--domain", nobody)).Succeeded();
        (await home.RunAsync("stop")).Succeeded();
        await home.StartAsync();
        var bot = (await home.AskAsync("feishu", "status")).GetProperty("bot");
        Assert.NotEqual("off", bot.GetProperty("state").GetString());
        Assert.False(bot.GetProperty("restart").GetBoolean());
        var offer = await home.AskAsync("feishu", "pair");
        Assert.Matches("^[0-9A-Z]{4}-[0-9A-Z]{4}$", offer.GetProperty("code").GetString());
        Assert.DoesNotContain(Secret, await ReadAsync(home.Home.LogFile), StringComparison.Ordinal);
        Assert.Contains(
            (await home.RunAsync("ledger", "show", "--limit", "100", "--json")).Succeeded().Out.Split('\n'),
            r => r.Contains("EntryPoints", StringComparison.Ordinal) && r.Contains("feishu", StringComparison.Ordinal));

        (await home.RunAsync("feishu", "config", "--off")).Succeeded();
        (await home.RunAsync("stop")).Succeeded();
        await home.StartAsync();
        Assert.Equal("off", (await home.AskAsync("feishu", "status")).GetProperty("bot").GetProperty("state").GetString());

        (await home.RunAsync("stop")).Succeeded();
        await File.WriteAllTextAsync(home.Home.Feishu, "{\"v\":1");
        var refused = (await home.RunAsync("start", "--demo", "--listen", home.Listen)).Ended(ExitCode.Failure);
        Assert.Contains($"{home.Home.Feishu} is damaged. Remove it", refused.Error, StringComparison.Ordinal);
        File.Delete(home.Home.Feishu);
        await home.StartAsync();
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task From_an_app_s_id_to_a_person_who_is_let_in_by_what_they_write_to_the_bot()
    {
        await using var platform = await FakeFeishu.StartAsync();
        await using var home = new CliHome();
        await home.StartAsync();
        string[] config = ["feishu", "config", "--app-id", FakeFeishu.AppId, "--domain", platform.Address.ToString()];
        (await home.FeedAsync(FakeFeishu.AppSecret, config)).Succeeded();
        (await home.RunAsync("stop")).Succeeded();
        await home.StartAsync();
        await BecomesAsync(home, "ready");
        var tried = (await home.RunAsync("feishu", "test")).Succeeded().Out;
        Assert.Contains("takes the app's id and secret", tried, StringComparison.Ordinal);

        var code = (await home.AskAsync("feishu", "pair", "--name", "Ada")).GetProperty("code").GetString();
        Assert.Equal(200, (await platform.Connections.DeliverAsync(Written($"pair {code}"), "event")).Code);
        await Wait.UntilAsync(
            async () => (await home.AskAsync("feishu", "status")).GetProperty("people").GetArrayLength() == 1, "Ada is paired");
        Assert.Contains("Ada", (await home.RunAsync("feishu", "status")).Succeeded().Out, StringComparison.Ordinal);
        (await home.RunAsync("feishu", "unpair", "Ada")).Succeeded();
        Assert.Equal(0, (await home.AskAsync("feishu", "status")).GetProperty("people").GetArrayLength());

        // Another secret is another try, from the next start on; this one keeps its connection.
        (await home.FeedAsync("wrong-of-mine-0123456789", config)).Succeeded();
        await BecomesAsync(home, "ready");
        (await home.RunAsync("stop")).Succeeded();
        await home.StartAsync();
        await BecomesAsync(home, "failed");
        var wrong = (await home.RunAsync("feishu", "test")).Ended(ExitCode.Failure).Error;
        foreach (var said in (string[])[tried, wrong, (await home.RunAsync("feishu", "status")).Out, await ReadAsync(home.Home.LogFile)])
        {
            Assert.DoesNotContain(FakeFeishu.AppSecret, said, StringComparison.Ordinal);
            Assert.DoesNotContain("wrong-of-mine", said, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_person_is_let_in_by_a_code_listed_as_one_in_a_chat_and_revoked_by_name()
    {
        var room = new Room();
        await using var home = new CliHome();
        await using var daemon = await StartAsync(home, room);
        var machine = await room.Machine.Task.WaitAsync(Wait.Limit);
        var paired = (await home.RunAsync("feishu", "pair", "--name", "Ada", "--scope", "decide", "--destructive")).Succeeded().Out;
        var code = paired.Split('\n').Single(l => l.StartsWith("  pair ", StringComparison.Ordinal))["  pair ".Length..];
        Assert.Contains("They may view decide, and allow what can destroy something.", paired, StringComparison.Ordinal);
        Assert.Contains("Nobody is paired.", (await home.RunAsync("feishu", "status")).Succeeded().Out, StringComparison.Ordinal);

        Assert.Equal("Ada", await machine.PairAsync("ou_ada", "what the platform says\u202e", code, CancellationToken.None));
        await using var ada = await machine.OpenAsync("ou_ada", CancellationToken.None);
        var second = (await home.AskAsync("feishu", "pair")).GetProperty("code").GetString()!;
        await machine.PairAsync("ou_bo", "\u202eob", second, CancellationToken.None);

        var status = (await home.RunAsync("feishu", "status")).Succeeded().Out;
        Assert.Contains("Bot       ready since ", status, StringComparison.Ordinal);
        Assert.Matches(@"Ada\s+view", status);
        Assert.DoesNotContain('\u202e', status);
        var listed = (await home.RunAsync("devices", "list")).Succeeded().Out;
        Assert.Matches(@"Ada\s+feishu\s+view", listed);
        Assert.Equal(2, (await home.AskAsync("feishu", "status")).GetProperty("people").GetArrayLength());

        await using var phone = await home.PairAsync();
        Assert.Matches(@"phone\s+app\s", (await home.RunAsync("devices", "list")).Succeeded().Out);
        (await home.RunAsync("feishu", "unpair", "phone")).Ended(ExitCode.Failure); // no person in a chat
        var gone = (await home.RunAsync("feishu", "unpair", "Ada")).Succeeded().Out;
        Assert.Contains("Revoked Ada (chat-", gone, StringComparison.Ordinal);
        Assert.True(ada!.Over.IsCancellationRequested);
        Assert.Contains(
            "pocketcoder feishu status", (await home.RunAsync("feishu", "unpair", "Ada")).Ended(ExitCode.Failure).Error,
            StringComparison.Ordinal);
        (await home.RunAsync("devices", "revoke", "phone")).Succeeded();
    }

    [Fact]
    public async Task A_try_says_what_the_platform_said_with_nothing_hidden_in_it()
    {
        var room = new Room { Found = () => ["The app is known.", "Its bot is on\u001b[2J."] };
        await using var home = new CliHome();
        await using var daemon = await StartAsync(home, room);
        Assert.Equal("The app is known.\nIts bot is on\\u{1b}[2J.\n", (await home.RunAsync("feishu", "test")).Succeeded().Out);
        Assert.Equal(2, (await home.AskAsync("feishu", "test")).GetArrayLength());

        room.Found = () => throw new EntryRefusal(new WireError(ErrorCode.Unavailable, "It does not take the secret\u202e."));
        Assert.Equal("It does not take the secret\\u{202e}.\n", (await home.RunAsync("feishu", "test")).Ended(ExitCode.Failure).Error);
        Assert.Equal(
            "UNAVAILABLE",
            (await home.RunAsync("feishu", "test", "--json")).Ended(ExitCode.Failure).ErrorJson.GetProperty("code").GetString());

        room.Status = new EntryStatus(EntryState.Waiting, DateTimeOffset.UnixEpoch, "No network\u0007.");
        Assert.Contains("waiting", (await home.RunAsync("feishu", "pair")).Succeeded().Out, StringComparison.Ordinal);
        Assert.Contains(
            "          No network\\u{7}.\n", (await home.RunAsync("feishu", "status")).Succeeded().Out, StringComparison.Ordinal);
    }

    private static Task BecomesAsync(CliHome home, string state) => Wait.UntilAsync(
        async () => (await home.AskAsync("feishu", "status")).GetProperty("bot").GetProperty("state").GetString() == state,
        $"the bot is {state}");

    /// <summary>What a person wrote to the bot in a direct chat, as the platform tells it.</summary>
    private static string Written(string text) => new JsonObject
    {
        ["schema"] = "2.0",
        ["header"] = new JsonObject
        {
            ["event_id"] = "ev_1",
            ["event_type"] = "im.message.receive_v1",
            ["create_time"] = "1700000000123",
            ["tenant_key"] = "tenant",
            ["app_id"] = FakeFeishu.AppId,
        },
        ["event"] = new JsonObject
        {
            ["sender"] = new JsonObject { ["sender_id"] = new JsonObject { ["open_id"] = "ou_ada" }, ["sender_type"] = "user" },
            ["message"] = new JsonObject
            {
                ["message_id"] = "om_1",
                ["chat_id"] = "oc_direct",
                ["chat_type"] = "p2p",
                ["create_time"] = "1700000000123",
                ["message_type"] = "text",
                ["content"] = new JsonObject { ["text"] = text }.ToJsonString(),
            },
        },
    }.ToJsonString();

    private static Task<DaemonHost?> StartAsync(CliHome home, Room room) => DaemonHost.StartAsync(
        new DaemonOptions
        {
            Home = home.Home,
            Demo = true,
            Gateway = GatewayOptions.Default with { Listen = [new IPEndPoint(IPAddress.Loopback, home.Port)] },
            EntryPoints = [room],
        },
        CancellationToken.None);

    /// <summary>App, domain, language, whether it is on, how it stands, whether a restart is needed.</summary>
    private static (string? App, string? Domain, string? Language, bool On, string? State, bool Restart) Told(JsonElement report)
    {
        var set = report.GetProperty("set");
        return (
            set.GetProperty("appId").GetString(), set.GetProperty("domain").GetString(), set.GetProperty("language").GetString(),
            set.GetProperty("enabled").GetBoolean(), report.GetProperty("state").GetString(), report.GetProperty("restart").GetBoolean());
    }

    /// <summary>The daemon has it open.</summary>
    private static async Task<string> ReadAsync(string file)
    {
        await using var open = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(open);
        return await reader.ReadToEndAsync();
    }

    /// <summary>A way in that does what a test says.</summary>
    private sealed class Room : IEntryPoint
    {
        public TaskCompletionSource<IEntryMachine> Machine { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Func<IReadOnlyList<string>> Found { get; set; } = () => [];

        public string Platform => "feishu";

        public EntryStatus Status { get; set; } = new(EntryState.Ready, DateTimeOffset.UnixEpoch, null);

        public Task<IReadOnlyList<string>> TestAsync(IEntryMachine machine, CancellationToken cancellationToken)
            => Task.FromResult(Found());

        public Task RunAsync(IEntryMachine machine, CancellationToken stop)
        {
            Machine.SetResult(machine);
            return Wait.ForeverAsync(stop);
        }
    }
}
