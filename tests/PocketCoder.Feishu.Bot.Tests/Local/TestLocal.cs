using System.Net;
using System.Text;
using System.Text.Json;
using PocketCoder.Agents.Stub;
using PocketCoder.Entry;
using PocketCoder.Feishu.Cards;
using PocketCoder.Gateway;
using PocketCoder.Machine;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Entries;
using PocketCoder.Machine.Starting;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Feishu;
using PocketCoder.Testing.Homes;

namespace PocketCoder.Feishu.Bot.Tests.Local;

/// <summary>What was answered.</summary>
internal sealed record LocalReply(int Status, JsonElement Json, string? Authenticate)
{
    public string? Text(string name) => Json.GetProperty(name).GetString();

    public LocalReply Is(int status)
    {
        Assert.True(Status == status, $"{Status} in the place of {status}: {Json}");
        return this;
    }
}

/// <summary>A whole daemon with the demo agent and the local port, whose token its owner made.</summary>
internal sealed class TestLocal : IAsyncDisposable
{
    private static readonly Scope[] s_usual = [Scope.View, Scope.Prompt, Scope.Decide, Scope.Manage];

    private readonly TestLog _log;
    private readonly DaemonOptions _options;
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false });
    private readonly FakeFeishu? _platform;
    private readonly FeishuBot? _bot;
    private Daemon _daemon;

    private TestLocal(
        DaemonOptions options, FakeFeishu? platform, FeishuBot? bot, LocalHttp local, IPEndPoint endpoint, Daemon daemon, TestLog log)
    {
        (_options, _platform, _bot, Local, Endpoint, _daemon, _log) = (options, platform, bot, local, endpoint, daemon, log);
        Chats = platform is null ? null : new FakeChats(platform);
    }

    public LocalHttp Local { get; }

    public IPEndPoint Endpoint { get; }

    public string Token { get; private set; } = "";

    /// <summary>Null: the bot is off.</summary>
    public FakeChats? Chats { get; }

    public string Log => _log.ToString();

    public string Folder => _options.Home.Demo;

    public string SettingFile => _options.Home.Feishu;

    public ControlClient Owner => new(new InProcessTransport(_daemon.Owner));

    /// <param name="withBot">Whether the bot is on, connected to a fake of the platform.</param>
    public static async Task<TestLocal> StartAsync(
        bool withBot = false, Func<string, string?>? environment = null, IPEndPoint? endpoint = null)
    {
        endpoint ??= new IPEndPoint(IPAddress.Loopback, Ports.Free());
        var log = new TestLog();
        var logger = log.CreateLogger("PocketCoder.Feishu");
        var platform = withBot ? await FakeFeishu.StartAsync() : null;
        var bot = platform is null ? null : new FeishuBot(
            new FeishuBotSettings(FakeFeishu.AppId, platform.Address, CardLanguage.English, null), TimeProvider.System, logger);
        var local = new LocalHttp(
            new LocalHttpSettings(endpoint, CardLanguage.English, null, IsWebhook: false), bot, TimeProvider.System, logger)
        {
            Environment = environment ?? (_ => null),
        };
        var options = new DaemonOptions
        {
            Home = Home.At(Directory.CreateTempSubdirectory("pc-").FullName),
            Demo = true,
            Gateway = GatewayOptions.Default with { Listen = [new IPEndPoint(IPAddress.Loopback, 0)] },
            Sandbox = SandboxKind.None,
            LoggerFactory = log,
            EntryPoints = bot is null ? [local] : [bot, local],
        };
        var made = new TestLocal(options, platform, bot, local, endpoint, await DaemonAsync(options), log);
        await made.GrantAsync();
        if (bot is not null)
        {
            await made.RestartAsync(); // the bot's secret belongs to the app that the start found
            await Wait.UntilAsync(() => bot.Status.State == EntryState.Ready, "the bot is connected");
        }

        await made.OpenAsync();
        return made;
    }

    /// <summary>Sets it up as the owner does, with a new token.</summary>
    public async Task<EntryReport> GrantAsync(params Scope[] scopes)
    {
        var report = await SetAsync(Endpoint.ToString(), scopes.Length == 0 ? s_usual : scopes);
        Token = report.LocalToken!;
        return report;
    }

    public Task<EntryReport> SetAsync(string? address, IReadOnlyList<Scope>? scopes) => Owner.SetEntryAsync(
        new EntrySetRequest(
            "feishu",
            new EntrySetting(
                FakeFeishu.AppId, _platform?.Address.ToString() ?? "https://open.feishu.cn", "en", _bot is not null, LocalHttp: address),
            FakeFeishu.AppSecret, scopes),
        CancellationToken.None);

    public Task OpenAsync() => Wait.UntilAsync(() => Local.Status.State == EntryState.Ready, "the local port is open");

    public async Task RestartAsync()
    {
        await _daemon.StopAsync("restart by a test");
        _daemon = await DaemonAsync(_options);
        await OpenAsync();
    }

    public Task<LocalReply> GetAsync(string path, Action<HttpRequestMessage>? change = null)
        => SendAsync(HttpMethod.Get, path, null, change);

    /// <param name="body">JSON, or null: none.</param>
    public Task<LocalReply> PostAsync(string path, string? body, Action<HttpRequestMessage>? change = null)
        => SendAsync(HttpMethod.Post, path, body, change);

    public Task<LocalReply> CommandAsync(string text, string? requestId = null)
        => PostAsync("/demo/command", JsonSerializer.Serialize(
            requestId is null ? new Dictionary<string, string> { ["text"] = text }
                : new Dictionary<string, string> { ["text"] = text, ["request_id"] = requestId }));

    public async Task<LocalReply> SendAsync(HttpMethod method, string path, string? body, Action<HttpRequestMessage>? change = null)
    {
        using var request = new HttpRequestMessage(method, $"http://{Endpoint}{path}");
        request.Headers.Authorization = new("Bearer", Token);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        }

        change?.Invoke(request);
        using var response = await _client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        using var json = JsonDocument.Parse(text.Length == 0 ? "null" : text);
        return new LocalReply((int)response.StatusCode, json.RootElement.Clone(), response.Headers.WwwAuthenticate.ToString());
    }

    /// <summary>The task as it is once it stands so.</summary>
    public Task<JsonElement> BecomesAsync(string task, string status) => Wait.SeeAsync(
        async () => (await GetAsync($"/tasks/{task}")).Is(200).Json, t => t.GetProperty("status").GetString() == status, $"it is {status}");

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _daemon.DisposeAsync();
        await (_platform?.DisposeAsync() ?? ValueTask.CompletedTask);
        TestContext.Current.TestOutputHelper?.WriteLine(_log.ToString());
        await HomeRemains.ClearAsync(_options.Home.Sandboxes, _options.Home.Root, _options.Home.AgentFiles, _options.Home.Attached,
            _options.Home.Worktrees);
    }

    private static Task<Daemon> DaemonAsync(DaemonOptions options)
        => Daemon.StartAsync(options, [new StubDriver(TimeProvider.System)], new DaemonSeams(), CancellationToken.None);
}
