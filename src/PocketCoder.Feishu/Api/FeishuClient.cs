using System.Text;
using System.Text.Json;

namespace PocketCoder.Feishu.Api;

/// <summary>
/// The platform's operations that an entry point needs. Each keeps the platform's limits by waiting (at most 30 s, then
/// <see cref="FeishuError.RateLimited"/>), is tried up to four times where that does no harm, and ends within about two minutes whatever
/// happens. Those that make something take a <c>uuid</c>: the platform makes one thing for one uuid (messages: for an hour), so whoever
/// repeats a call after a crash repeats its uuid. Thread-safe; changes of one message or card must be awaited one after the other, or a
/// later one may be overtaken.
/// </summary>
public sealed class FeishuClient : IDisposable
{
    /// <summary>The longest card, in bytes: the platform takes 30 KB with everything around it.</summary>
    public const int LongestCard = 30 * 1024;

    /// <summary>The longest text of a message, in bytes.</summary>
    public const int LongestText = 150 * 1024;

    /// <summary>The most members that are read of a chat.</summary>
    public const int MostMembers = 5000;

    private const int LongestUuid = 50;
    private const int LongestName = 60; // of a chat, in characters
    private const int LongestElement = 100_000; // a streamed element's text, in characters
    private const int LongestElementId = 20;
    private const int MembersOfPage = 100;

    private readonly FeishuCalls _calls;

    /// <param name="tried">Told of each operation when it is over, with all its tries. Must not throw and not block.</param>
    public FeishuClient(FeishuApp app, TimeProvider time, Action<FeishuAttempt>? tried = null)
        => _calls = new FeishuCalls(app, time, tried);

    /// <summary>The bot's own open id: to know its name among mentions.</summary>
    /// <exception cref="FeishuException"></exception>
    public async Task<string> BotAsync(CancellationToken cancellationToken)
    {
        // This old operation answers with "bot" beside its code, not with "data".
        var answer = await _calls.RootAsync(HttpMethod.Get, "/open-apis/bot/v3/info", cancellationToken);
        return WireJson.Id(WireJson.NeededObject(answer, "bot"), "open_id");
    }

    /// <returns>The message's id.</returns>
    /// <exception cref="FeishuException"></exception>
    public Task<string> SendTextAsync(FeishuReceiver kind, string receiver, string text, string uuid, CancellationToken cancellationToken)
        => SendAsync(kind, receiver, "text", TextOf(text), uuid, cancellationToken);

    /// <param name="card">The card's JSON.</param>
    /// <inheritdoc cref="SendTextAsync"/>
    public Task<string> SendCardAsync(FeishuReceiver kind, string receiver, string card, string uuid, CancellationToken cancellationToken)
        => SendAsync(kind, receiver, "interactive", CardOf(card), uuid, cancellationToken);

    /// <summary>Sends a card that <see cref="CreateCardAsync"/> made: once for each card.</summary>
    /// <inheritdoc cref="SendTextAsync"/>
    public Task<string> SendMadeCardAsync(
        FeishuReceiver kind, string receiver, string cardId, string uuid, CancellationToken cancellationToken)
        => SendAsync(
            kind, receiver, "interactive", MadeCard(cardId), uuid, cancellationToken);

    /// <param name="thread">Whether the answer begins a thread or belongs to the message's.</param>
    /// <inheritdoc cref="SendTextAsync"/>
    public Task<string> ReplyTextAsync(string messageId, string text, bool thread, string uuid, CancellationToken cancellationToken)
        => ReplyAsync(messageId, new ReplyRequest("text", TextOf(text), thread, Uuid(uuid)), cancellationToken);

    /// <inheritdoc cref="ReplyTextAsync"/>
    public Task<string> ReplyCardAsync(string messageId, string card, bool thread, string uuid, CancellationToken cancellationToken)
        => ReplyAsync(messageId, new ReplyRequest("interactive", CardOf(card), thread, Uuid(uuid)), cancellationToken);

    /// <summary>Answers with a card that <see cref="CreateCardAsync"/> made: once for each card.</summary>
    /// <inheritdoc cref="ReplyTextAsync"/>
    public Task<string> ReplyMadeCardAsync(
        string messageId, string cardId, bool thread, string uuid, CancellationToken cancellationToken)
        => ReplyAsync(messageId, new ReplyRequest("interactive", MadeCard(cardId), thread, Uuid(uuid)), cancellationToken);

    /// <summary>Replaces the card of a message: for 14 days, and only cards with <c>update_multi</c>; five times a second.</summary>
    /// <exception cref="FeishuException"></exception>
    public Task ReplaceCardAsync(string messageId, string card, CancellationToken cancellationToken)
        => _calls.CallAsync(
            HttpMethod.Patch, $"/open-apis/im/v1/messages/{Ids.Checked(messageId, "message id")}", new PatchRequest(CardOf(card)),
            FeishuJson.Default.PatchRequest, new CallKind(messageId), cancellationToken);

    /// <summary>Makes a private group with an owner and the bot, which manages it.</summary>
    /// <returns>The chat's id.</returns>
    /// <exception cref="FeishuException"></exception>
    public async Task<string> CreateChatAsync(string name, string ownerOpenId, string uuid, CancellationToken cancellationToken)
    {
        if (name.Length is 0 or > LongestName)
        {
            throw new FeishuException(FeishuError.Invalid, $"A chat's name has 1 to {LongestName} characters.");
        }

        var owner = Ids.Checked(ownerOpenId, "owner");
        var data = await _calls.CallAsync(
            HttpMethod.Post, $"/open-apis/im/v1/chats?user_id_type=open_id&set_bot_manager=true&uuid={Uuid(uuid)}",
            new ChatRequest(name, null, owner, [owner], "group", "private", "chat", "no_approval_required"),
            FeishuJson.Default.ChatRequest, new CallKind(), cancellationToken);
        return WireJson.Id(data, "chat_id");
    }

    /// <summary>Who is in a chat now, without bots. Every page is asked for.</summary>
    /// <exception cref="FeishuException">Also when there are more than <see cref="MostMembers"/>.</exception>
    public async Task<IReadOnlyList<FeishuMember>> MembersAsync(string chatId, CancellationToken cancellationToken)
    {
        var path = $"/open-apis/im/v1/chats/{Ids.Checked(chatId, "chat id")}/members?member_id_type=open_id&page_size={MembersOfPage}";
        var members = new List<FeishuMember>();
        string? page = null;
        do
        {
            var data = await _calls.CallAsync(
                HttpMethod.Get, page is null ? path : $"{path}&page_token={Uri.EscapeDataString(page)}", null, new CallKind(), cancellationToken);
            var items = WireJson.Array(data, "items", MembersOfPage);
            members.AddRange(items.Select(Member));
            page = WireJson.FlagOrNull(data, "has_more") == true ? WireJson.Text(data, "page_token", Ids.Longest) : null;
            if (members.Count > MostMembers || (page is not null && items.Count == 0))
            {
                throw new FeishuException(FeishuError.TooLarge, $"The chat has more than {MostMembers} members, or its list does not end.");
            }
        }
        while (page is not null);
        return members;
    }

    /// <summary>Takes people into a chat.</summary>
    /// <exception cref="FeishuException"></exception>
    public Task AddMembersAsync(string chatId, IReadOnlyList<string> openIds, CancellationToken cancellationToken)
        => _calls.CallAsync(
            HttpMethod.Post, $"/open-apis/im/v1/chats/{Ids.Checked(chatId, "chat id")}/members?member_id_type=open_id",
            new MembersRequest([.. openIds.Select(i => Ids.Checked(i, "member"))]), FeishuJson.Default.MembersRequest, new CallKind(),
            cancellationToken);

    /// <summary>Makes a card that can be streamed to. The platform keeps it for 14 days; it can be sent once.</summary>
    /// <returns>The card's id.</returns>
    /// <exception cref="FeishuException"></exception>
    public async Task<string> CreateCardAsync(string card, CancellationToken cancellationToken)
        => WireJson.Id(
            await _calls.CallAsync(
                HttpMethod.Post, "/open-apis/cardkit/v1/cards", new CardRequest("card_json", CardOf(card)), FeishuJson.Default.CardRequest,
                new CallKind(), cancellationToken),
            "card_id");

    /// <summary>Sets an element's whole text; the client types what was added.</summary>
    /// <param name="sequence">More than in every earlier change of this card.</param>
    /// <exception cref="FeishuException"></exception>
    public Task StreamAsync(string cardId, string elementId, string text, long sequence, string uuid, CancellationToken cancellationToken)
    {
        if (!Ids.IsId(elementId) || elementId.Length > LongestElementId
            || !char.IsAsciiLetter(elementId[0]) || text.Length > LongestElement)
        {
            throw new FeishuException(
                FeishuError.Invalid, $"An element's id has 1 to {LongestElementId} letters, digits and '_', its text {LongestElement} characters.");
        }

        return _calls.CallAsync(
            HttpMethod.Put, $"{CardPath(cardId)}/elements/{elementId}/content", new StreamRequest(text, sequence, Uuid(uuid)),
            FeishuJson.Default.StreamRequest, OnCard(cardId), cancellationToken);
    }

    /// <summary>Changes a card's settings, like <c>{"config":{"streaming_mode":false}}</c> when nothing more comes.</summary>
    /// <inheritdoc cref="StreamAsync"/>
    public Task SetCardAsync(string cardId, string settings, long sequence, string uuid, CancellationToken cancellationToken)
        => _calls.CallAsync(
            HttpMethod.Patch, $"{CardPath(cardId)}/settings", new SettingsRequest(CardOf(settings), sequence, Uuid(uuid)),
            FeishuJson.Default.SettingsRequest, OnCard(cardId), cancellationToken);

    /// <summary>Replaces a card that <see cref="CreateCardAsync"/> made.</summary>
    /// <inheritdoc cref="StreamAsync"/>
    public Task ReplaceMadeCardAsync(string cardId, string card, long sequence, string uuid, CancellationToken cancellationToken)
        => _calls.CallAsync(
            HttpMethod.Put, CardPath(cardId), new CardUpdateRequest(new CardRequest("card_json", CardOf(card)), sequence, Uuid(uuid)),
            FeishuJson.Default.CardUpdateRequest, OnCard(cardId), cancellationToken);

    /// <summary>
    /// Changes the card that somebody used, after their callback was answered: twice, within 30 minutes. Sent again only when the platform
    /// surely did not take it, because each use counts.
    /// </summary>
    /// <param name="token">From the action.</param>
    /// <exception cref="FeishuException"></exception>
    public Task UpdateUsedCardAsync(string token, string card, CancellationToken cancellationToken)
    {
        var body = new MemoryStream();
        using (var writer = new Utf8JsonWriter(body))
        {
            writer.WriteStartObject();
            writer.WriteString("token", token.Length is > 0 and <= 1024
                ? token : throw new FeishuException(FeishuError.Invalid, "The token of a card's action has 1 to 1024 characters."));
            writer.WritePropertyName("card");
            writer.WriteRawValue(CardOf(card));
            writer.WriteEndObject();
        }

        return _calls.CallAsync(
            HttpMethod.Post, "/open-apis/interactive/v1/card/update", body.ToArray(), new CallKind(Again: false), cancellationToken);
    }

    /// <summary>Fetches an image or file of a message into a new file that only this user may read. What is not whole is deleted.</summary>
    /// <param name="path">Must not exist.</param>
    /// <param name="most">In bytes.</param>
    /// <returns>Its size in bytes.</returns>
    /// <exception cref="FeishuException"></exception>
    /// <exception cref="IOException">The file can't be made or written.</exception>
    public async Task<long> DownloadAsync(
        string messageId, string fileKey, FeishuResource kind, string path, long most, CancellationToken cancellationToken)
    {
        var address = $"/open-apis/im/v1/messages/{Ids.Checked(messageId, "message id")}/resources/{Ids.Checked(fileKey, "file")}"
            + $"?type={(kind == FeishuResource.Image ? "image" : "file")}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        var file = new FileStream(path, options);
        try
        {
            await using (file)
            {
                var size = await _calls.DownloadAsync(address, file, most, cancellationToken);
                await file.FlushAsync(cancellationToken);
                return size;
            }
        }
        catch
        {
            File.Delete(path);
            throw;
        }
    }

    public void Dispose() => _calls.Dispose();

    private static string TextOf(string text)
        => Encoding.UTF8.GetByteCount(text) <= LongestText ? JsonSerializer.Serialize(new TextBody(text), FeishuJson.Default.TextBody)
            : throw new FeishuException(FeishuError.TooLarge, $"A text has at most {LongestText} bytes.");

    /// <summary>A card that is too long or no JSON is refused here: the platform would do the same, later and with fewer words.</summary>
    private static string CardOf(string card)
    {
        var bytes = Encoding.UTF8.GetBytes(card);
        if (bytes.Length > LongestCard)
        {
            throw new FeishuException(FeishuError.TooLarge, $"A card has at most {LongestCard} bytes.");
        }

        try
        {
            WireJson.Object(bytes, "the card");
            return card;
        }
        catch (FeishuException)
        {
            throw new FeishuException(FeishuError.Invalid, "A card must be one JSON object.");
        }
    }

    private static string MadeCard(string cardId) => JsonSerializer.Serialize(
        new CardMessage("card", new CardReference(Ids.Checked(cardId, "card id"))), FeishuJson.Default.CardMessage);

    private static string Uuid(string uuid)
        => Ids.IsId(uuid) && uuid.Length <= LongestUuid ? uuid
            : throw new FeishuException(FeishuError.Invalid, $"A uuid has 1 to {LongestUuid} letters, digits, '-' and '_'.");

    private static string CardPath(string cardId) => $"/open-apis/cardkit/v1/cards/{Ids.Checked(cardId, "card id")}";

    private static CallKind OnCard(string cardId) => new(cardId, RateLimits.PerCard);

    private static FeishuMember Member(JsonElement member)
        => member.ValueKind == JsonValueKind.Object
            ? new FeishuMember(
                WireJson.Id(member, "member_id"), WireJson.TextOrNull(member, "name", Ids.Longest) ?? "", WireJson.IdOrNull(member, "tenant_key"))
            : throw WireJson.Wrong("a member is no object");

    private async Task<string> SendAsync(
        FeishuReceiver kind, string receiver, string type, string content, string uuid, CancellationToken cancellationToken)
        => WireJson.Id(
            await _calls.CallAsync(
                HttpMethod.Post, $"/open-apis/im/v1/messages?receive_id_type={(kind == FeishuReceiver.Person ? "open_id" : "chat_id")}",
                new SendRequest(Ids.Checked(receiver, "receiver"), type, content, Uuid(uuid)), FeishuJson.Default.SendRequest, new CallKind(),
                cancellationToken),
            "message_id");

    private async Task<string> ReplyAsync(string messageId, ReplyRequest request, CancellationToken cancellationToken)
        => WireJson.Id(
            await _calls.CallAsync(
                HttpMethod.Post, $"/open-apis/im/v1/messages/{Ids.Checked(messageId, "message id")}/reply", request,
                FeishuJson.Default.ReplyRequest, new CallKind(), cancellationToken),
            "message_id");
}
