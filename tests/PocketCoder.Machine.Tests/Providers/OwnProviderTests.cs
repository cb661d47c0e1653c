using System.Text;
using System.Text.Json;
using PocketCoder.Agents;
using PocketCoder.Agents.OpenCode;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Providers;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Machine.Tests.Providers;

/// <summary>
/// Providers of models that the owner names: what is kept, refused and told. What a session does with one: RealOpenCodeOwnProviderTests and
/// RealAgentsOwnProviderTests.
/// </summary>
public sealed class OwnProviderTests
{
    private const string Key = "sk-key-of-mine-0123456789";
    private const string Url = "http://127.0.0.1:9/v1";

    private static readonly OwnModel s_model = new("qwen3:30b")
    { Title = "Qwen", ContextTokens = 32_768, Price = new OwnPrice(0.5m, 2) { CacheRead = 0.1m } };

    [Fact]
    public async Task One_holds_over_a_restart_until_it_is_removed_with_a_row_each_and_its_key_is_in_the_secrets_only()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var home = daemon.Options.Home;
        using (var first = Owner(daemon))
        {
            var set = await first.SetProviderAsync(Request(key: Key), default);
            Assert.True(set.HasKey);
            Assert.DoesNotContain(Key, await File.ReadAllTextAsync(home.Providers), StringComparison.Ordinal);
            if (!OperatingSystem.IsWindows())
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(home.Providers));
            }
        }

        await daemon.RestartAsync();
        using var owner = Owner(daemon);
        var listed = Assert.Single(await owner.ListProvidersAsync(default));
        Assert.Equal(("lan", ProviderDialect.OpenaiChat, Url, true), (listed.Name, listed.Dialect, listed.Url, listed.HasKey));
        Assert.Equal([s_model], listed.Models);

        await owner.RemoveProviderAsync("lan", default);
        Assert.Empty(await owner.ListProvidersAsync(default));
        Assert.Empty(await owner.ListSecretsAsync(default));
        Assert.DoesNotContain("127.0.0.1", await File.ReadAllTextAsync(home.Providers), StringComparison.Ordinal);
        foreach (var again in (Func<Task>[])[() => owner.RemoveProviderAsync("lan", default), () => owner.TestProviderAsync("lan", default)])
        {
            Assert.Equal(ErrorCode.Conflict, (await Assert.ThrowsAsync<ControlException>(again)).Code);
        }

        var rows = await RowsAsync(owner);
        Assert.Equal(["removed", "set"], rows.Select(r => r.GetProperty("action").GetString()));
        Assert.Equal("openai-chat at http://127.0.0.1:9/v1, 1 model, 1 with a price", rows[1].GetProperty("value").GetString());
        Assert.DoesNotContain(daemon.Log.Lines, l => l.Contains(Key, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_key_stays_with_its_origin_and_never_goes_to_another_one()
    {
        await using var daemon = await TestDaemon.StartAsync();
        using var owner = Owner(daemon);
        await owner.SetSecretAsync("provider.lan", "left-by-somebody-0123", default);
        Assert.False((await owner.SetProviderAsync(Request(), default)).HasKey); // not known for whom it was

        Assert.True((await owner.SetProviderAsync(Request(key: Key), default)).HasKey);
        Assert.True((await owner.SetProviderAsync(Request(url: "http://127.0.0.1:9/other/v1"), default)).HasKey);
        foreach (var elsewhere in (string[])["http://127.0.0.1:10/v1", "https://127.0.0.1:9/v1", "http://127.0.0.2:9/v1"])
        {
            Assert.True((await owner.SetProviderAsync(Request(key: Key), default)).HasKey);
            Assert.False((await owner.SetProviderAsync(Request(url: elsewhere), default)).HasKey, elsewhere);
            Assert.Empty(await owner.ListSecretsAsync(default));
        }

        Assert.True((await owner.SetProviderAsync(Request(key: Key), default)).HasKey);
        Assert.False((await owner.SetProviderAsync(Request() with { DropKey = true }, default)).HasKey);
    }

    [Fact]
    public async Task What_can_not_be_set_is_refused_with_why_and_leaves_things_as_they_are()
    {
        await using var daemon = await TestDaemon.StartAsync();
        using var owner = Owner(daemon);
        await owner.SetProviderAsync(Request(key: Key), default);
        var before = await File.ReadAllTextAsync(daemon.Options.Home.Providers);
        foreach (var wrong in (ProviderSetRequest[])
        [
            Request() with { Name = "" }, Request() with { Name = "Lan" }, Request() with { Name = "-lan" }, Request() with { Name = "a/b" },
            Request() with { Name = new string('a', 33) }, Request() with { Name = "openai" }, Request() with { Name = "azure" },
            Request() with { Dialect = (ProviderDialect)9 },
            Request(url: "http://8.8.8.8/v1"), Request(url: "http://ollama.lan:11434/v1"), Request(url: "ftp://127.0.0.1/v1"),
            Request(url: "file:///etc/passwd"), Request(url: "https://me@m.example/v1"), Request(url: "https://m.example/v1?key=1"),
            Request(url: "https://m.example/v1#x"), Request(url: "http://169.254.169.254/v1"), Request(url: ""),
            Request(url: "https://m.example/v1/chat/completions"), Request(url: "https://" + new string('m', 600)),
            Request() with { Models = [] }, Request() with { Models = [s_model, s_model] }, Request() with { Models = [null!] },
            Request() with { Models = [new OwnModel("a b")] }, Request(url: "https://m.example") with { Dialect = ProviderDialect.Gemini }, Request() with { Models = [new OwnModel("")] },
            Request() with { Models = [new OwnModel("a\u202eb")] }, Request() with { Models = [s_model with { ContextTokens = 0 }] },
            Request() with { Models = [s_model with { OutputTokens = 32_769 }] }, Request() with { Models = [s_model with { Title = "a\nb" }] },
            Request() with { Models = [s_model with { Price = new OwnPrice(-1, 1) }] },
            Request() with { Models = [s_model with { Price = new OwnPrice(1, 1) { CacheRead = 100_001 } }] },
            Request() with { Models = [.. Enumerable.Range(0, 65).Select(i => new OwnModel($"m{i}"))] },
            Request(key: "short"), Request(key: "two words of a key 0123"), Request(key: Key) with { DropKey = true },
        ])
        {
            var refused = await Assert.ThrowsAsync<ControlException>(() => owner.SetProviderAsync(wrong, default));
            Assert.True(refused.Code == ErrorCode.InvalidRequest, $"{refused.Code} for {wrong}");
        }

        Assert.Equal(before, await File.ReadAllTextAsync(daemon.Options.Home.Providers));
        Assert.True(Assert.Single(await owner.ListProvidersAsync(default)).HasKey);
        for (var i = 1; i < ProviderSettings.Most; i++)
        {
            await owner.SetProviderAsync(Request() with { Name = $"n{i}" }, default);
        }

        Assert.Equal(
            ErrorCode.Conflict,
            (await Assert.ThrowsAsync<ControlException>(() => owner.SetProviderAsync(Request() with { Name = "more" }, default))).Code);
        Assert.Equal(ProviderSettings.Most, (await owner.ListProvidersAsync(default)).Count);
    }

    [Theory]
    [InlineData("http://127.0.0.1:11434/v1", ProviderDialect.OpenaiChat)]
    [InlineData("http://localhost:1234/v1/", ProviderDialect.OpenaiChat)]
    [InlineData("http://[::1]:1234/v1", ProviderDialect.OpenaiResponses)]
    [InlineData("http://10.1.2.3/v1", ProviderDialect.OpenaiChat)]
    [InlineData("http://172.31.0.1:8000/v1", ProviderDialect.OpenaiChat)]
    [InlineData("http://[fd00::2]:8000/v1", ProviderDialect.OpenaiChat)]
    [InlineData("https://openrouter.ai/api/v1", ProviderDialect.OpenaiChat)]
    [InlineData("https://m.example/api/coding/paas/v4", ProviderDialect.OpenaiChat)]
    [InlineData("https://m.example/anthropic", ProviderDialect.Anthropic)]
    [InlineData("https://m.example", ProviderDialect.Gemini)]
    public void An_address_may_be_https_anywhere_and_http_where_nobody_else_listens_in(string url, ProviderDialect dialect)
        => Assert.Null(ProviderAddress.Problem(url, dialect));

    [Theory]
    [InlineData("http://172.32.0.1/v1")]
    [InlineData("http://[::ffff:8.8.8.8]/v1")]
    [InlineData("http://127.0.0.1.example/v1")]
    [InlineData("http://localhost.example/v1")]
    [InlineData("http://0.0.0.0/v1")]
    [InlineData("http://134744072/v1")] // 8.8.8.8 as one number
    [InlineData("//127.0.0.1/v1")]
    [InlineData("https://m.example/%2e%2e/v1")]
    [InlineData("https://m.exa\tmple/v1")]
    [InlineData("https:\\\\m.example/v1")]
    public void No_other_address_is_taken(string url) => Assert.NotNull(ProviderAddress.Problem(url, ProviderDialect.OpenaiChat));

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("{\"v\":2,\"providers\":[]}")]
    [InlineData("{\"v\":1,\"providers\":[null]}")]
    [InlineData("{\"v\":1,\"providers\":[],\"removed\":[\"a\"]}")]
    [InlineData("{\"v\":2,\"providers\":[],\"removed\":[\"A/b\"]}")]
    [InlineData("{\"v\":2,\"providers\":[],\"removed\":[null]}")]
    [InlineData("{\"v\":1,\"providers\":[{\"name\":\"a\",\"dialect\":\"latin\",\"url\":\"https://h.example\",\"models\":[{\"id\":\"m\"}]}]}")]
    [InlineData("{\"v\":1,\"providers\":[{\"name\":\"a\",\"dialect\":77,\"url\":\"https://h.example\",\"models\":[{\"id\":\"m\"}]}]}")]
    [InlineData("{\"v\":1,\"providers\":[{\"name\":\"a\",\"dialect\":\"gemini\",\"url\":\"http://h.example\",\"models\":[{\"id\":\"m\"}]}]}")]
    [InlineData("{\"v\":1,\"providers\":[{\"name\":\"a\",\"dialect\":\"gemini\",\"url\":\"https://h.example\",\"models\":[]}]}")]
    [InlineData("{\"v\":1,\"providers\":[{\"name\":\"a\",\"dialect\":\"gemini\",\"url\":\"https://h.example\",\"models\":[null]}]}")]
    [InlineData("{\"v\":1,\"providers\":[{\"name\":\"a\",\"dialect\":\"gemini\",\"url\":\"https://h.example\",\"models\":[{\"id\":\"m\"}],\"key\":\"k\"}]}")]
    public void A_damaged_file_is_refused_with_what_to_do(string text)
    {
        var home = Home.At(Directory.CreateTempSubdirectory("pc-").FullName);
        File.WriteAllText(home.Providers, text);
        Assert.Contains(
            "pocketcoder provider set", Assert.Throws<HomeRefusal>(() => ProviderSettings.Load(home)).Message, StringComparison.Ordinal);
    }

    /// <summary>What was meant for a provider that is gone must not go to another one, whenever that is.</summary>
    [Fact]
    public async Task A_removed_providers_name_is_known_over_restarts_until_it_is_set_again()
    {
        await using var daemon = await TestDaemon.StartAsync();
        using (var owner = Owner(daemon))
        {
            await owner.SetProviderAsync(Request(key: Key), default);
            await owner.RemoveProviderAsync("lan", default);
        }

        await daemon.RestartAsync();
        var known = ProviderSettings.Load(daemon.Options.Home).Known;
        Assert.Empty(known.All);
        Assert.Equal(("lan", null), (known.Lost("lan/m"), known.Lost("lam/m")));

        using (var owner = Owner(daemon))
        {
            await owner.SetProviderAsync(Request(key: Key), default);
        }

        known = ProviderSettings.Load(daemon.Options.Home).Known;
        Assert.Equal(("lan", null), (Assert.Single(known.All).Name, known.Lost("lan/m")));
    }

    /// <summary>Changed at random, it is refused with a sentence or is one of which everything holds.</summary>
    [Fact]
    public void Whatever_stands_in_the_file_is_taken_or_refused()
    {
        var good = Encoding.UTF8.GetBytes(
            """{"v":2,"providers":[{"name":"lan","dialect":"openai-chat","url":"http://127.0.0.1:9/v1","models":[{"id":"m","contextTokens":8000,"price":{"input":0.5,"output":2}}]}],"removed":["old"]}""");
        Assert.NotNull(ProviderSettings.Parse(good, out _));
        var random = new Random(14);
        var (taken, refused) = (0, 0);
        for (var round = 0; round < 20_000; round++)
        {
            var changed = good.ToList();
            for (var n = random.Next(1, 4); n > 0; n--)
            {
                var at = random.Next(changed.Count);
                switch (random.Next(3))
                {
                    case 0:
                        changed[at] = (byte)random.Next(256);
                        break;
                    case 1:
                        changed.RemoveAt(at);
                        break;
                    default:
                        changed.InsertRange(at, good.Skip(random.Next(good.Length)).Take(random.Next(1, 12)));
                        break;
                }
            }

            if (ProviderSettings.Parse(changed.ToArray(), out var problem) is { } file)
            {
                taken++;
                Assert.All(file.Providers, p => Assert.Null(p.Problem()));
                Assert.All(file.Removed ?? [], n => Assert.True(OwnProvider.IsName(n)));
            }
            else
            {
                refused++;
                Assert.False(string.IsNullOrWhiteSpace(problem));
            }
        }

        Assert.True(taken > 100 && refused > 10_000, $"{taken} taken, {refused} refused");
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
        await Assert.ThrowsAsync<ControlException>(() => owner.SetProviderAsync(Request(), default));
        fails = false;
        Assert.Empty(await owner.ListProvidersAsync(default));
        Assert.False(File.Exists(daemon.Options.Home.Providers));
    }

    [Fact]
    public async Task An_agent_that_can_ask_it_offers_its_models_and_a_device_learns_no_more_of_it()
    {
        await using var daemon = await TestDaemon.StartAsync(drivers: [new OpenCodeDriver(TimeProvider.System)]);
        using var owner = Owner(daemon);
        await owner.SetProviderAsync(Request(key: Key), default);
        await using var phone = await daemon.PairAsync();
        var agents = await phone.AskAsync(
            MessageTypes.AgentsList, new AgentsListRequest(), ProtocolJson.Default.AgentsListRequest,
            ProtocolJson.Default.AgentsListResponse);
        Assert.Equal([new ModelInfo("lan/qwen3:30b", "Qwen (lan)", null)], Assert.Single(agents.Agents).KnownModels);
        Assert.DoesNotContain("127.0.0.1:9", JsonSerializer.Serialize(agents, ProtocolJson.Default.AgentsListResponse), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_phone_that_manages_sets_tries_and_removes_its_key_and_names_no_address()
    {
        await using var server = await ScriptedModelServer.StartAsync();
        await using var daemon = await TestDaemon.StartAsync();
        using var owner = Owner(daemon);
        await using var phone = await daemon.PairAsync();
        await using var viewer = await daemon.PhoneAsync("tablet", Scope.View);
        await viewer.Device.SubscribeAsync("machine", viewer.Device.Hello.Instance);
        Task<ProviderKeySetResponse> Set(TestDevice device, string provider) => device.AskAsync(
            MessageTypes.ProviderKeySet, new ProviderKeySetRequest(provider, Key), ProtocolJson.Default.ProviderKeySetRequest,
            ProtocolJson.Default.ProviderKeySetResponse);
        Task<ProviderKeyCheckResponse> Check() => phone.AskAsync(
            MessageTypes.ProviderKeyCheck, new ProviderKeyCheckRequest("lan"), ProtocolJson.Default.ProviderKeyCheckRequest,
            ProtocolJson.Default.ProviderKeyCheckResponse);

        await Assert.ThrowsAnyAsync<Exception>(() => Set(phone, "lan")); // it is not there yet
        await owner.SetProviderAsync(Request(url: server.Address + "/v1"), default);
        var told = await viewer.Device.NextAsync(
            e => e.Payload.ToString()!.Contains("\"lan\"", StringComparison.Ordinal), "the machine's description");
        Assert.DoesNotContain(new Uri(server.Address).Authority, told.Payload.ToString(), StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<Exception>(Check); // it has no key yet
        await Assert.ThrowsAnyAsync<Exception>(() => Set(viewer.Device, "lan"));
        await Assert.ThrowsAnyAsync<Exception>(() => Set(phone, "provider.lan"));
        Assert.Empty(await owner.ListSecretsAsync(default));

        var set = (await Set(phone, "lan")).Key;
        Assert.Equal(("lan", "phone"), (set.Provider, set.SetBy));
        Assert.Equal(["provider.lan"], (await owner.ListSecretsAsync(default)).Select(s => s.Name));
        Assert.Equal(new ProviderKeyCheckResponse(ProviderKeyVerdict.Works, new Uri(server.Address).Authority, 200), await Check());
        Assert.Equal([], server.Unexpected);
        Assert.True((await phone.AskAsync(
            MessageTypes.ProviderKeyRemove, new ProviderKeyRemoveRequest("lan"), ProtocolJson.Default.ProviderKeyRemoveRequest,
            ProtocolJson.Default.ProviderKeyRemoveResponse)).Was);
        Assert.False(Assert.Single(await owner.ListProvidersAsync(default)).HasKey);
    }

    private static ProviderSetRequest Request(string url = Url, string? key = null)
        => new("lan", ProviderDialect.OpenaiChat, url, [s_model], key);

    private static async Task<IReadOnlyList<JsonElement>> RowsAsync(ControlClient owner)
        => [.. (await owner.ListLedgerAsync(new LedgerListRequest(Limit: 200), default)).Rows
            .Where(r => r.Body.Contains("\"what\":\"provider\"", StringComparison.Ordinal))
            .Select(r => JsonDocument.Parse(r.Body).RootElement.GetProperty("data"))];

    private static ControlClient Owner(TestDaemon daemon) => new(new InProcessTransport(daemon.Daemon.Owner));
}
