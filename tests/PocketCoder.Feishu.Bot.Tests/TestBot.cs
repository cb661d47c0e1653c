using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
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
internal sealed class TestBot : IAsyncDisposable
{
    public const string Direct = "oc_direct";

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30); // of a quiet machine

    private readonly TestLog _log;
    private readonly DaemonOptions _options;
    private readonly ConcurrentDictionary<string, string> _chats = new(StringComparer.Ordinal); // of people's messages
    private Daemon _daemon;
    private int _events;

    private TestBot(FakeFeishu platform, DaemonOptions options, Daemon daemon, TestLog log)
        => (Platform, _options, _daemon, _log) = (platform, options, daemon, log);

    public FakeFeishu Platform { get; }

    public ControlClient Owner => new(new InProcessTransport(_daemon.Owner));

    public TestLog Log => _log;

    public FeishuBot Bot => ((WithSecret)_options.EntryPoints[0]).Bot;

    public TestNotes Notes => ((WithSecret)_options.EntryPoints[0]).Notes;

    /// <summary>What waits for a decision, as a paired person sees it.</summary>
    public async Task<IReadOnlyList<ApprovalInfo>> PendingAsync(string account = "ou_ada")
    {
        await using var person = await ((WithSecret)_options.EntryPoints[0]).Known!.OpenAsync(account, CancellationToken.None);
        return (await person!.AskAsync(DeviceVerbs.ApprovalsList, new ApprovalsListRequest(), CancellationToken.None)).Approvals;
    }

    /// <summary>The demo project's folder.</summary>
    public string Folder => _options.Home.Demo;

    public static async Task<TestBot> StartAsync()
    {
        var platform = await FakeFeishu.StartAsync();
        var log = new TestLog();
        var settings = new FeishuBotSettings(
            FakeFeishu.AppId, platform.Address, CardLanguage.English, new Uri("https://app.example.org/"));
        var options = new DaemonOptions
        {
            Home = Home.At(Directory.CreateTempSubdirectory("pc-").FullName),
            Demo = true,
            Gateway = GatewayOptions.Default with { Listen = [new IPEndPoint(IPAddress.Loopback, 0)] },
            Sandbox = SandboxKind.None,
            LoggerFactory = log,
            EntryPoints = [new WithSecret(new FeishuBot(settings, TimeProvider.System, log.CreateLogger("PocketCoder.Feishu")))],
        };
        var bot = new TestBot(platform, options, await Daemon.StartAsync(options, CancellationToken.None), log);
        await bot.ConnectedAsync();
        return bot;
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
        _daemon = await Daemon.StartAsync(_options, CancellationToken.None);
        await ConnectedAsync();
    }

    public Task ConnectedAsync() => Wait.SeeAsync(
        () => ValueTask.FromResult((Platform.Connections.Open, Bot.Status)), s => s is { Open: 1, Status.State: EntryState.Ready },
        "the long connection");

    /// <summary>Lets somebody in, as they do it: with a code of the owner's in a direct chat.</summary>
    public async Task PairAsync(string account = "ou_ada", bool destructive = false, params Scope[] scopes)
    {
        var offer = await Owner.OfferChatAsync(
            new ChatPairingRequest("feishu", scopes.Length == 0 ? null : scopes, account[3..], destructive), CancellationToken.None);
        await MessageAsync($"pair {offer.Code}", account, $"{Direct}_{account}");
        await TextAsync($"{Direct}_{account}", "You are paired");
    }

    /// <summary>A message of a person's, delivered once and acknowledged.</summary>
    /// <returns>Its event, to be delivered again.</returns>
    public async Task<string> MessageAsync(string text, string account = "ou_ada", string? chat = null, string kind = "text")
    {
        chat ??= $"{Direct}_{account}";
        var id = $"ev_{Interlocked.Increment(ref _events)}";
        var sent = Events.Message(id, account, chat, chat.StartsWith(Direct, StringComparison.Ordinal), text, kind);
        _chats[$"om_of_{id}"] = chat;
        Platform.Messages[$"om_of_{id}"] = new FakeMessage($"om_of_{id}", account, kind, text, null); // to be answered
        await DeliverAsync(sent);
        return sent;
    }

    public async Task<FakeAck> DeliverAsync(string payload, string kind = "event")
    {
        var ack = await Platform.Connections.DeliverAsync(payload, kind);
        Assert.Equal(200, ack.Code);
        return ack;
    }

    /// <summary>Presses a button of a card.</summary>
    /// <returns>Its event, to be delivered again.</returns>
    public async Task<string> PressAsync(
        SeenCard card, string verb, string account = "ou_ada", Func<JsonObject, bool>? which = null, JsonObject? form = null,
        string? chat = null, string? message = null)
    {
        var value = card.Button(verb, which);
        var sent = Events.Click(
            $"ev_{Interlocked.Increment(ref _events)}", account, chat ?? card.Chat, message ?? card.Message, value, form);
        await DeliverAsync(sent, "card");
        return sent;
    }

    /// <summary>Waits until a chat's newest card that fits is there.</summary>
    public async Task<SeenCard> CardAsync(string chat, string title, Func<SeenCard, bool>? fits = null)
        => (await LookAsync(
            chat, () => Cards(chat).LastOrDefault(
                c => c.Title.Contains(title, StringComparison.Ordinal) && (fits?.Invoke(c) ?? true)), $"a card '{title}'"))!;

    /// <summary>Waits until a text is in a chat.</summary>
    public Task TextAsync(string chat, string text)
        => LookAsync(chat, () => Texts(chat).FirstOrDefault(t => t.Contains(text, StringComparison.Ordinal)), $"'{text}'");

    public IReadOnlyList<SeenCard> Cards(string chat)
        => [.. Messages(chat).Where(m => m.Kind == "interactive").Select(m => SeenCard.Of(Platform, m, chat))];

    /// <summary>Texts of a chat, and answers to its messages.</summary>
    public IReadOnlyList<string> Texts(string chat)
        => [.. Messages(chat).Where(m => m.Kind == "text").Select(m => (string)JsonNode.Parse(m.Content)!["text"]!)];

    /// <summary>All that a chat shows, for a failure's message.</summary>
    public string Shown(string chat) => string.Join(
        '\n', Cards(chat).Select(c => $"[{c.Title}] {string.Join(' ', c.Verbs)}\n{c.Text}").Concat(Texts(chat)).Append(_log.ToString()));

    /// <summary>Pairs somebody and gives them the demo project's group.</summary>
    /// <returns>The group's chat.</returns>
    public async Task<string> GroupAsync(string account = "ou_ada", params Scope[] scopes)
    {
        await PairAsync(account, scopes: scopes);
        await MessageAsync("hello", account);
        var direct = $"{Direct}_{account}";
        await PressAsync(await CardAsync(direct, "Projects"), "project.open", account);
        await PressAsync(await CardAsync(direct, "demo", c => c.Has("project.bind_group")), "project.bind_group", account);
        await CardAsync(direct, "demo", c => !c.Has("project.bind_group"));
        return Platform.Chats.Keys.Single();
    }

    public async ValueTask DisposeAsync()
    {
        await _daemon.DisposeAsync();
        await Platform.DisposeAsync();
        TestContext.Current.TestOutputHelper?.WriteLine(_log.ToString());
        await HomeRemains.ClearAsync(_options.Home.Sandboxes, _options.Home.Root, _options.Home.AgentFiles, _options.Home.Attached,
            _options.Home.Worktrees);
    }

    private async Task<T?> LookAsync<T>(string chat, Func<T?> find, string what)
        where T : class
        => (await Wait.SeeAsync(
            () => ValueTask.FromResult(new Look<T>(find(), () => Shown(chat))), l => l.Found is not null, $"{what} in {chat}", s_limit)).Found;

    private IEnumerable<FakeMessage> Messages(string chat)
        => Platform.Messages.Values
            .Where(m => m.Receiver == chat || (m.Parent is { } parent && _chats.GetValueOrDefault(parent) == chat))
            .OrderBy(m => int.Parse(m.Id[(m.Id.LastIndexOf('_') + 1)..], System.Globalization.CultureInfo.InvariantCulture));

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

            public Task<string?> SecretAsync(CancellationToken cancellationToken) => Task.FromResult<string?>(FakeFeishu.AppSecret);

            public Task<string> PairAsync(string account, string? name, string code, CancellationToken cancellationToken)
                => machine.PairAsync(account, name, code, cancellationToken);

            public Task<IEntryPerson?> OpenAsync(string account, CancellationToken cancellationToken)
                => machine.OpenAsync(account, cancellationToken);
        }
    }

    /// <summary>What was found, or what there is.</summary>
    private sealed class Look<T>(T? found, Func<string> shown)
        where T : class
    {
        public T? Found => found;

        public override string ToString() => shown();
    }
}
