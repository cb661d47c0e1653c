using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;

namespace PocketCoder.Testing.Feishu;

/// <summary>People on the fake platform: what they write in chats and press on cards, and what they see there. Thread-safe.</summary>
public class FakeChats(FakeFeishu platform)
{
    /// <summary>Where the ids of direct chats begin.</summary>
    public const string Direct = "oc_direct";

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30); // of a quiet machine

    private readonly ConcurrentDictionary<string, string> _chats = new(StringComparer.Ordinal); // of people's messages
    private int _events;

    public FakeFeishu Platform => platform;

    /// <summary>Where events go; null: over the long connection.</summary>
    public FakeWebhook? Webhook { get; init; }

    /// <summary>What a failure's message has beside what a chat shows.</summary>
    public virtual string Log => "";

    public static string DirectOf(string account) => $"{Direct}_{account}";

    /// <summary>A message of a person's, delivered once and acknowledged.</summary>
    /// <param name="chat">Null: their direct chat.</param>
    /// <param name="named">Whom it names: <c>@_user_1</c> in the text is the first of them.</param>
    /// <param name="thread">The thread that it is in; one of its own in a group of topics.</param>
    /// <param name="parent">The message that it answers.</param>
    /// <returns>Its event, to be delivered again.</returns>
    public async Task<string> MessageAsync(
        string text, string account = "ou_ada", string? chat = null, string kind = "text", string? thread = null, string? parent = null,
        params IReadOnlyList<(string Account, string Name)> named)
    {
        chat ??= DirectOf(account);
        var id = $"ev_{Interlocked.Increment(ref _events)}";
        var isTopic = platform.Topics.ContainsKey(chat);
        thread ??= isTopic ? $"omt_of_{id}" : null;
        var chatKind = chat.StartsWith(Direct, StringComparison.Ordinal) ? "p2p" : isTopic ? "topic_group" : "group";
        var sent = FakeEvents.Message(id, account, chat, chatKind, text, kind, parent, thread, named);
        _chats[$"om_of_{id}"] = chat;
        platform.Messages[$"om_of_{id}"] = new FakeMessage($"om_of_{id}", account, kind, text, null, thread); // to be answered
        await DeliverAsync(sent);
        return sent;
    }

    /// <summary>Delivers an event.</summary>
    /// <exception cref="InvalidOperationException">It was not taken.</exception>
    public async Task<FakeAck> DeliverAsync(string payload, string kind = "event")
    {
        var ack = await (Webhook is { } webhook ? webhook.DeliverAsync(payload, kind) : platform.Connections.DeliverAsync(payload, kind));
        return ack.Code == 200 ? ack : throw new InvalidOperationException($"an event was answered {ack.Code}, and 200 was wanted");
    }

    /// <summary>Presses a button of a card.</summary>
    /// <returns>Its event, to be delivered again.</returns>
    public async Task<string> PressAsync(
        SeenCard card, string verb, string account = "ou_ada", Func<JsonObject, bool>? which = null, JsonObject? form = null,
        string? chat = null, string? message = null)
    {
        var sent = FakeEvents.Click(
            $"ev_{Interlocked.Increment(ref _events)}", account, chat ?? card.Chat, message ?? card.Message, card.Button(verb, which),
            form);
        await DeliverAsync(sent, "card");
        return sent;
    }

    /// <summary>Comes in with a code of the owner's.</summary>
    public async Task ComeInAsync(string code, string account)
    {
        await MessageAsync($"pair {code}", account);
        await TextAsync(DirectOf(account), "You are paired");
    }

    /// <summary>Lets the demo project have its group, as a person who is paired.</summary>
    /// <returns>The group's chat.</returns>
    public async Task<string> BindAsync(string project, string account)
    {
        await MessageAsync("hello", account);
        var direct = DirectOf(account);
        var home = await CardAsync(direct, "Projects", c => c.Text.Contains(project, StringComparison.Ordinal));
        await PressAsync(home, "project.open", account);
        await PressAsync(await CardAsync(direct, project, c => c.Has("project.bind_group")), "project.bind_group", account);
        await CardAsync(direct, project, c => !c.Has("project.bind_group"));
        return platform.Chats.Keys.Single();
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
        => [.. Messages(chat).Where(m => m.Kind == "interactive").Select(m => SeenCard.Of(platform, m, chat))];

    /// <summary>Texts of a chat, and answers to its messages.</summary>
    public IReadOnlyList<string> Texts(string chat)
        => [.. Messages(chat).Where(m => m.Kind == "text").Select(m => (string)JsonNode.Parse(m.Content)!["text"]!)];

    /// <summary>What the bot wrote in a thread: the titles of cards, and texts.</summary>
    public IReadOnlyList<string> InThread(string chat, string thread)
        => [.. Messages(chat).Where(m => m.Thread == thread).Select(m => m.Kind == "interactive" ? SeenCard.Of(platform, m, chat).Title
            : (string)JsonNode.Parse(m.Content)!["text"]!)];

    /// <summary>A card's message as the platform keeps it.</summary>
    public FakeMessage MessageOf(SeenCard card) => platform.Messages[card.Message];

    /// <summary>All that a chat shows, for a failure's message.</summary>
    public string Shown(string chat) => string.Join(
        '\n', Cards(chat).Select(c => $"[{c.Title}] {string.Join(' ', c.Verbs)}\n{c.Text}").Concat(Texts(chat)).Append(Log));

    private async Task<T?> LookAsync<T>(string chat, Func<T?> find, string what)
        where T : class
        => (await Wait.SeeAsync(
            () => new Look<T>(find(), () => Shown(chat)), l => l.Found is not null, $"{what} in {chat}", s_limit)).Found;

    private IEnumerable<FakeMessage> Messages(string chat)
        => platform.Messages.Values
            .Where(m => m.Receiver == chat || (m.Parent is { } parent && _chats.GetValueOrDefault(parent) == chat))
            .OrderBy(m => int.Parse(m.Id[(m.Id.LastIndexOf('_') + 1)..], CultureInfo.InvariantCulture));

    /// <summary>What was found, or what there is.</summary>
    private sealed class Look<T>(T? found, Func<string> shown)
        where T : class
    {
        public T? Found => found;

        public override string ToString() => shown();
    }
}
