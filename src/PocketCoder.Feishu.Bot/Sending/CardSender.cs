using PocketCoder.Feishu.Api;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Cards;

namespace PocketCoder.Feishu.Bot.Sending;

/// <summary>
/// Sends cards and texts to chats. What is sent once more for the same event is one message. Thread-safe.
/// </summary>
/// <param name="app">Where the app is, for what a card can't do; null: nobody knows.</param>
internal sealed class CardSender(
    FeishuClient client, Nonces nonces, Threads threads, WorkspaceMessages workspaces, CardLanguage language, Uri? app)
{
    /// <summary>What no chat does: files of projects stay with the app, so folders are typed and not listed.</summary>
    public static IReadOnlyCollection<CardVerb> Without { get; } =
    [
        CardVerb.BrowseFolder,
    ];

    public FeishuClient Client => client;

    public Nonces Nonces => nonces;

    public Threads Threads => threads;

    /// <exception cref="FeishuException"></exception>
    public FeishuCard Render(CardView view, string nonce)
        => CardRenderer.Render(view, new CardContext(language, nonce, app) { Without = Without });

    /// <summary>Words in the language that was set.</summary>
    public string Say(BotWord word, params object[] parts) => BotWords.In(language, word, parts);

    /// <param name="id">Of the event or thing that it is sent for.</param>
    /// <param name="purpose">Which of its messages.</param>
    /// <param name="digest">Of what is decided with it.</param>
    /// <param name="reply">The message that it belongs to; null: none.</param>
    /// <returns>The message's id.</returns>
    /// <exception cref="FeishuException"></exception>
    public async Task<string> SendAsync(
        string chat, CardView view, string id, string purpose, CancellationToken cancellationToken, string? digest = null,
        FeishuReply? reply = null)
    {
        var uuid = EventIds.Uuid(id, purpose);
        var nonce = await nonces.MakeAsync(uuid, chat, null, digest, cancellationToken);
        var card = Render(view, nonce);
        var message = await workspaces.ShownAsync(
            chat, view, nonce,
            () => new FeishuPlace(FeishuReceiver.Chat, chat, reply)
                .PostAsync(uuid, (to, once) => PostAsync(to, card, once, cancellationToken)),
            cancellationToken);
        await nonces.BindAsync(nonce, message, cancellationToken);
        await threads.KeepAsync(message, reply, cancellationToken);
        return message;
    }

    /// <summary>Sends a card as the answer to something: in its thread, where it is in one.</summary>
    /// <inheritdoc cref="SendAsync"/>
    public async Task<string> AnswerAsync(
        InboxItem item, CardView view, string purpose, CancellationToken cancellationToken, string? digest = null)
        => await SendAsync(
            item.Chat, view, item.Id, purpose, cancellationToken, digest, await threads.OfAsync(item, cancellationToken));

    /// <summary>Puts another card into a message of ours.</summary>
    /// <inheritdoc cref="SendAsync"/>
    public async Task ReplaceAsync(
        string message, string chat, CardView view, string id, string purpose, CancellationToken cancellationToken, string? digest = null)
    {
        var nonce = await nonces.MakeAsync(EventIds.Uuid(id, purpose), chat, message, digest, cancellationToken);
        await workspaces.ShownAsync(
            chat, view, nonce,
            async () =>
            {
                await client.ReplaceCardAsync(message, Render(view, nonce).Json, cancellationToken);
                return message;
            },
            cancellationToken);
    }

    /// <summary>Changes the newest workspace card of a group, with the buttons that it has. Does nothing where it has none.</summary>
    /// <param name="draw">Gives the card for its nonce.</param>
    /// <param name="change">Changes the message.</param>
    /// <exception cref="FeishuException">It can be tried again.</exception>
    public Task RedrawAsync(
        Place place, Func<string, Task<FeishuCard>> draw, Func<string, FeishuCard, Task> change, CancellationToken cancellationToken)
        => workspaces.ChangeAsync(
            place.Chat, place.Project.ToString("N"), async note => await change(note.MessageId, await draw(note.Nonce)), cancellationToken);

    /// <summary>Says something as the answer to something: in its thread, where it is in one.</summary>
    /// <inheritdoc cref="SendAsync"/>
    public async Task TextAsync(InboxItem item, string text, string purpose, CancellationToken cancellationToken)
        => await TextAsync(item, await threads.OfAsync(item, cancellationToken), text, purpose, cancellationToken);

    /// <summary>As <see cref="TextAsync(InboxItem, string, string, CancellationToken)"/>, below the message that it answers.</summary>
    /// <inheritdoc cref="SendAsync"/>
    public async Task ReplyAsync(InboxItem item, string text, string purpose, CancellationToken cancellationToken)
    {
        var reply = item.Message is { } message ? new FeishuReply(message.MessageId, message.InThread)
            : await threads.OfAsync(item, cancellationToken);
        await TextAsync(item, reply, text, purpose, cancellationToken);
    }

    private Task<string> TextAsync(InboxItem item, FeishuReply? reply, string text, string purpose, CancellationToken cancellationToken)
        => new FeishuPlace(FeishuReceiver.Chat, item.Chat, reply).PostAsync(
            EventIds.Uuid(item.Id, purpose),
            (to, once) => to.TextAsync(client, SafeText.Message(SafeText.Visible(text)), once, cancellationToken));

    private async Task<string> PostAsync(FeishuPlace to, FeishuCard card, string uuid, CancellationToken cancellationToken)
    {
        try
        {
            return await to.CardAsync(client, card.Json, uuid, cancellationToken);
        }
        catch (FeishuException e) when (e.Error == FeishuError.Refused)
        {
            // Perhaps the card is not taken; where nothing is, the text is refused as well.
            return await to.TextAsync(client, card.Text, $"{uuid}-t", cancellationToken);
        }
    }
}
