namespace PocketCoder.Feishu.Api;

/// <summary>A message that another one belongs to.</summary>
/// <param name="MessageId">The one that is answered.</param>
/// <param name="InThread">The answer is in the message's thread, or begins one; else it stands in the chat and quotes the message.</param>
public sealed record FeishuReply(string MessageId, bool InThread);

/// <summary>Where a message goes.</summary>
/// <param name="Reply">Null: it stands in the chat by itself.</param>
public sealed record FeishuPlace(FeishuReceiver Kind, string Receiver, FeishuReply? Reply = null)
{
    private const string Plain = "-c";

    /// <summary>
    /// Posts at the place. Where that is refused, perhaps since the message that is answered was taken back or its chat has no threads, it
    /// is posted in the chat: better there than nowhere.
    /// </summary>
    /// <param name="uuid">At most 40 characters; what is posted in the chat instead has another one.</param>
    /// <param name="post">Posts at a place with a uuid.</param>
    /// <exception cref="FeishuException">It is refused in the chat as well, or failed.</exception>
    public async Task<T> PostAsync<T>(string uuid, Func<FeishuPlace, string, Task<T>> post)
    {
        try
        {
            return await post(this, uuid);
        }
        catch (FeishuException e) when (e.Error == FeishuError.Refused && Reply is not null)
        {
            return await post(this with { Reply = null }, uuid + Plain);
        }
    }

    /// <summary>Posts a text.</summary>
    /// <returns>The message's id.</returns>
    /// <exception cref="FeishuException"></exception>
    public Task<string> TextAsync(FeishuClient client, string text, string uuid, CancellationToken cancellationToken)
        => Reply is { } to ? client.ReplyTextAsync(to.MessageId, text, to.InThread, uuid, cancellationToken)
            : client.SendTextAsync(Kind, Receiver, text, uuid, cancellationToken);

    /// <summary>Posts a card.</summary>
    /// <inheritdoc cref="TextAsync"/>
    public Task<string> CardAsync(FeishuClient client, string card, string uuid, CancellationToken cancellationToken)
        => Reply is { } to ? client.ReplyCardAsync(to.MessageId, card, to.InThread, uuid, cancellationToken)
            : client.SendCardAsync(Kind, Receiver, card, uuid, cancellationToken);

    /// <summary>Posts a card that <see cref="FeishuClient.CreateCardAsync"/> made.</summary>
    /// <inheritdoc cref="TextAsync"/>
    public Task<string> MadeCardAsync(FeishuClient client, string cardId, string uuid, CancellationToken cancellationToken)
        => Reply is { } to ? client.ReplyMadeCardAsync(to.MessageId, cardId, to.InThread, uuid, cancellationToken)
            : client.SendMadeCardAsync(Kind, Receiver, cardId, uuid, cancellationToken);
}
