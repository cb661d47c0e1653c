using PocketCoder.Feishu.Api;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Cards;

namespace PocketCoder.Feishu.Bot.Sending;

/// <summary>
/// Sends cards and texts to chats. What is sent once more for the same event is one message. Thread-safe.
/// </summary>
/// <param name="app">Where the app is, for what a card can't do; null: nobody knows.</param>
internal sealed class CardSender(FeishuClient client, Nonces nonces, CardLanguage language, Uri? app)
{
    /// <summary>What no chat does: files of projects stay with the app, so folders are typed and not listed.</summary>
    public static IReadOnlyCollection<CardVerb> Without { get; } =
    [
        CardVerb.BrowseFolder,
    ];

    public FeishuClient Client => client;

    public Nonces Nonces => nonces;

    /// <exception cref="FeishuException"></exception>
    public FeishuCard Render(CardView view, string nonce)
        => CardRenderer.Render(view, new CardContext(language, nonce, app) { Without = Without });

    /// <summary>Words in the language that was set.</summary>
    public string Say(BotWord word, params object[] parts) => BotWords.In(language, word, parts);

    /// <param name="id">Of the event or thing that it is sent for.</param>
    /// <param name="purpose">Which of its messages.</param>
    /// <param name="digest">Of what is decided with it.</param>
    /// <returns>The message's id.</returns>
    /// <exception cref="FeishuException"></exception>
    public async Task<string> SendAsync(
        string chat, CardView view, string id, string purpose, CancellationToken cancellationToken, string? digest = null)
    {
        var uuid = EventIds.Uuid(id, purpose);
        var nonce = await nonces.MakeAsync(uuid, chat, null, digest, cancellationToken);
        var card = Render(view, nonce);
        string message;
        try
        {
            message = await client.SendCardAsync(FeishuReceiver.Chat, chat, card.Json, uuid, cancellationToken);
        }
        catch (FeishuException e) when (e.Error == FeishuError.Refused)
        {
            // Perhaps the card is not taken; where nothing is, the text is refused as well.
            message = await client.SendTextAsync(FeishuReceiver.Chat, chat, card.Text, $"{uuid}-t", cancellationToken);
        }

        await nonces.BindAsync(nonce, message, cancellationToken);
        return message;
    }

    /// <summary>Puts another card into a message of ours.</summary>
    /// <inheritdoc cref="SendAsync"/>
    public async Task ReplaceAsync(
        string message, string chat, CardView view, string id, string purpose, CancellationToken cancellationToken, string? digest = null)
    {
        var nonce = await nonces.MakeAsync(EventIds.Uuid(id, purpose), chat, message, digest, cancellationToken);
        await client.ReplaceCardAsync(message, Render(view, nonce).Json, cancellationToken);
    }

    /// <inheritdoc cref="SendAsync"/>
    public Task TextAsync(string chat, string text, string id, string purpose, CancellationToken cancellationToken)
        => client.SendTextAsync(
            FeishuReceiver.Chat, chat, SafeText.Message(SafeText.Visible(text)), EventIds.Uuid(id, purpose), cancellationToken);

    /// <summary>As <see cref="TextAsync"/>, below the message that it answers.</summary>
    /// <inheritdoc cref="SendAsync"/>
    public Task ReplyAsync(string message, string text, string id, string purpose, CancellationToken cancellationToken)
        => client.ReplyTextAsync(
            message, SafeText.Message(SafeText.Visible(text)), thread: false, EventIds.Uuid(id, purpose), cancellationToken);
}
