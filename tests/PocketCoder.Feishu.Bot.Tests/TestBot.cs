using System.Net;
using System.Text.Json.Nodes;
using PocketCoder.Agents;
using PocketCoder.Agents.Stub;
using PocketCoder.Entry;
using PocketCoder.Feishu.Bot;
using PocketCoder.Feishu.Cards;
using PocketCoder.Gateway;
using PocketCoder.Machine;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Starting;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Feishu;
using PocketCoder.Testing.Homes;

namespace PocketCoder.Feishu.Bot.Tests;

/// <summary>A whole daemon with the demo agent and a bot, and the fake platform that the bot is on.</summary>
internal sealed class TestBot : FakeChats, IAsyncDisposable
{
    private readonly TestLog _log;
    private readonly DaemonOptions _options;
    private readonly IReadOnlyList<IAgentDriver> _drivers;
    private readonly IPEndPoint? _webhook;
    private Daemon _daemon;

    private TestBot(
        FakeFeishu platform, DaemonOptions options, IReadOnlyList<IAgentDriver> drivers, IPEndPoint? webhook, Daemon daemon, TestLog log)
        : base(platform)
        => (_options, _drivers, _webhook, _daemon, _log) = (options, drivers, webhook, daemon, log);

    public ControlClient Owner => new(new InProcessTransport(_daemon.Owner));

    public override string Log => _log.ToString();

    public FeishuBot Bot => ((WithSecret)_options.EntryPoints[0]).Bot;

    public TestNotes Notes => ((WithSecret)_options.EntryPoints[0]).Notes;

    /// <summary>What waits for a decision, as a paired person sees it.</summary>
    public async Task<IReadOnlyList<ApprovalInfo>> PendingAsync(string account = "ou_ada")
    {
        await using var person = await ((WithSecret)_options.EntryPoints[0]).Known!.OpenAsync(account, CancellationToken.None);
        return (await person!.AskAsync(DeviceVerbs.ApprovalsList, new ApprovalsListRequest(), CancellationToken.None)).Approvals;
    }

    /// <summary>Decides as a paired person does elsewhere: in the app, or in another chat.</summary>
    public async Task DecideAsync(ApprovalInfo asked, DecisionVerdict verdict, string account = "ou_ada")
    {
        await using var person = await ((WithSecret)_options.EntryPoints[0]).Known!.OpenAsync(account, CancellationToken.None);
        await person!.AskAsync(
            Verbs.AgentPromptResponse,
            new DecisionRequest(asked.ApprovalId, Guid.CreateVersion7(), verdict, DecisionScope.Once, asked.Digest, ""),
            CancellationToken.None);
    }

    /// <summary>The demo project's folder.</summary>
    public string Folder => _options.Home.Demo;

    /// <param name="drivers">Agents in the place of the demo agent; the demo project is there only with that.</param>
    public static Task<TestBot> StartAsync(params IReadOnlyList<IAgentDriver> drivers) => StartAsync(null, drivers);

    /// <param name="webhook">Where requests arrive in the place of the long connection.</param>
    /// <inheritdoc cref="StartAsync(IReadOnlyList{IAgentDriver})"/>
    public static async Task<TestBot> StartAsync(IPEndPoint? webhook, IReadOnlyList<IAgentDriver> drivers)
    {
        var bot = await BeginAsync(webhook, drivers);
        await bot.ConnectedAsync();
        return bot;
    }

    /// <summary>Does not wait until it is connected.</summary>
    /// <inheritdoc cref="StartAsync(IPEndPoint, IReadOnlyList{IAgentDriver})"/>
    public static Task<TestBot> BeginAsync(IPEndPoint? webhook, params IReadOnlyList<IAgentDriver> drivers)
        => BeginAsync(webhook, drivers, TimeProvider.System);

    /// <param name="time">The bot's clock; the machine's is the system's.</param>
    /// <inheritdoc cref="StartAsync(IReadOnlyList{IAgentDriver})"/>
    public static async Task<TestBot> StartAsync(TimeProvider time)
    {
        var bot = await BeginAsync(null, [], time);
        await bot.ConnectedAsync();
        return bot;
    }

    /// <summary>One that speaks another language.</summary>
    public static async Task<TestBot> StartAsync(CardLanguage language)
    {
        var bot = await BeginAsync(null, [], TimeProvider.System, language);
        await bot.ConnectedAsync();
        return bot;
    }

    private static async Task<TestBot> BeginAsync(
        IPEndPoint? webhook, IReadOnlyList<IAgentDriver> drivers, TimeProvider time, CardLanguage language = CardLanguage.English)
    {
        var platform = await FakeFeishu.StartAsync();
        var log = new TestLog();
        var settings = new FeishuBotSettings(
            FakeFeishu.AppId, platform.Address, language, new Uri("https://app.example.org/"), webhook);
        var options = new DaemonOptions
        {
            Home = Home.At(Directory.CreateTempSubdirectory("pc-").FullName),
            Demo = drivers.Count == 0,
            Gateway = GatewayOptions.Default with { Listen = [new IPEndPoint(IPAddress.Loopback, 0)] },
            Sandbox = SandboxKind.None,
            LoggerFactory = log,
            EntryPoints = [new WithSecret(new FeishuBot(settings, time, log.CreateLogger("PocketCoder.Feishu")))],
        };
        drivers = drivers.Count == 0 ? [new StubDriver(TimeProvider.System)] : drivers;
        return new TestBot(platform, options, drivers, webhook, await DaemonAsync(options, drivers), log)
        {
            Webhook = webhook is null ? null : new FakeWebhook(webhook),
        };
    }

    /// <summary>The turns of the only session.</summary>
    public async Task<IReadOnlyList<TurnInfo>> TurnsAsync()
    {
        await using var person = await ((WithSecret)_options.EntryPoints[0]).Known!.OpenAsync("ou_ada", CancellationToken.None);
        var session = Assert.Single(await Owner.ListSessionsAsync(CancellationToken.None)).AgentSessionId;
        return (await person!.AskAsync(
            DeviceVerbs.AgentSessionGet, new AgentSessionGetRequest(session), CancellationToken.None)).Turns;
    }

    /// <summary>The daemon stops and starts again; the platform goes on.</summary>
    /// <param name="meanwhile">What happens in between.</param>
    public async Task RestartAsync(Func<Task>? meanwhile = null)
    {
        await _daemon.StopAsync("restart by a test");
        await (meanwhile?.Invoke() ?? Task.CompletedTask);
        _daemon = await DaemonAsync(_options, _drivers);
        await ConnectedAsync();
    }

    public Task ConnectedAsync() => Wait.SeeAsync(
        () => ValueTask.FromResult((Platform.Connections.Open, Bot.Status)),
        s => s.Status.State == EntryState.Ready && s.Open == (_webhook is null ? 1 : 0), "the way in");

    /// <summary>Lets somebody in, as they do it: with a code of the owner's in a direct chat.</summary>
    public async Task PairAsync(string account = "ou_ada", bool destructive = false, params Scope[] scopes)
    {
        var offer = await Owner.OfferChatAsync(
            new ChatPairingOfferRequest("feishu", scopes.Length == 0 ? null : scopes, account[3..], destructive), CancellationToken.None);
        await ComeInAsync(offer.Code, account);
    }

    /// <summary>Pairs somebody and gives them the demo project's group.</summary>
    /// <returns>The group's chat.</returns>
    public async Task<string> GroupAsync(string account = "ou_ada", params Scope[] scopes)
    {
        await PairAsync(account, scopes: scopes);
        return await BindAsync("demo", account);
    }

    public async ValueTask DisposeAsync()
    {
        await _daemon.DisposeAsync();
        await Platform.DisposeAsync();
        TestContext.Current.TestOutputHelper?.WriteLine(_log.ToString());
        await HomeRemains.ClearAsync(_options.Home.Sandboxes, _options.Home.Root, _options.Home.AgentFiles, _options.Home.Attached,
            _options.Home.Worktrees);
    }

    private static Task<Daemon> DaemonAsync(DaemonOptions options, IReadOnlyList<IAgentDriver> drivers)
        => Daemon.StartAsync(options, drivers, new DaemonSeams(), CancellationToken.None);

    /// <summary>The bot with the machine's secret, whatever the machine keeps.</summary>
    private sealed class WithSecret(FeishuBot bot) : IEntryPoint
    {
        public FeishuBot Bot => bot;

        public string Platform => bot.Platform;

        public EntryStatus Status => bot.Status;

        public TestNotes Notes { get; } = new();

        public IEntryMachine? Known { get; private set; }

        public Task<IReadOnlyList<string>> TestAsync(IEntryMachine machine, CancellationToken cancellationToken)
            => bot.TestAsync(new Machine(machine, Notes), cancellationToken);

        public Task RunAsync(IEntryMachine machine, CancellationToken stop)
        {
            (Known, Notes.Inner) = (machine, machine.Notes);
            return bot.RunAsync(new Machine(machine, Notes), stop);
        }

        private sealed class Machine(IEntryMachine machine, IEntryNotes notes) : IEntryMachine
        {
            public IEntryNotes Notes => notes;

            public Task<string?> SecretAsync(EntrySecretKind kind, CancellationToken cancellationToken)
                => Task.FromResult<string?>(kind == EntrySecretKind.App ? FakeFeishu.AppSecret : FakeWebhook.Key);

            public Task<string> PairAsync(string account, string? name, string code, CancellationToken cancellationToken)
                => machine.PairAsync(account, name, code, cancellationToken);

            public Task<IEntryPerson?> OpenAsync(string account, CancellationToken cancellationToken)
                => machine.OpenAsync(account, cancellationToken);
        }
    }
}
