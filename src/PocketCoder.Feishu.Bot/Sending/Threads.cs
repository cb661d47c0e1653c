using PocketCoder.Feishu.Api;
using PocketCoder.Feishu.Bot.Keeping;

namespace PocketCoder.Feishu.Bot.Sending;

/// <summary>
/// What belongs to which message: what a prompt in a thread brings about is in that thread, and what is done with a card there too, also
/// after a restart. A press does not say which thread its card is in, so the cards that are in one are kept. Thread-safe.
/// </summary>
internal sealed class Threads(BotNotes notes)
{
    /// <summary>Where the answer to something belongs.</summary>
    /// <returns>Null: in the chat.</returns>
    public async Task<FeishuReply?> OfAsync(InboxItem item, CancellationToken cancellationToken)
        => item.Message is { } message ? message.Reply
            : item.Card is { } card ? await notes.FindAsync(Note.Thread, Key(card.MessageId), cancellationToken) : null;

    /// <summary>Where the cards of a turn belong.</summary>
    /// <inheritdoc cref="OfAsync"/>
    public Task<FeishuReply?> OfTurnAsync(Guid turn, CancellationToken cancellationToken)
        => notes.FindAsync(Note.Thread, Key(turn), cancellationToken);

    /// <summary>A turn is about to begin because of something: its cards belong where that was.</summary>
    public async Task KeepAsync(Guid turn, InboxItem item, CancellationToken cancellationToken)
    {
        if (await OfAsync(item, cancellationToken) is { } reply)
        {
            await notes.SetAsync(Note.Thread, Key(turn), reply, cancellationToken);
        }
    }

    /// <summary>A message of ours was posted.</summary>
    /// <param name="reply">Where it belongs.</param>
    public Task KeepAsync(string message, FeishuReply? reply, CancellationToken cancellationToken)
        => reply is null ? Task.CompletedTask : notes.SetAsync(Note.Thread, Key(message), reply, cancellationToken);

    private static string Key(Guid turn) => $"turn-{turn:N}";

    private static string Key(string message) => $"message-{EventIds.Key(message)}";
}
