using System.Security.Cryptography;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Cards;

namespace PocketCoder.Feishu.Bot.Sending;

/// <summary>
/// What buttons are good for. Each card has a nonce of its own, good in its chat and its message only, and used up by the first button that
/// changes something: pressed twice, or sent again by whoever saw it, it does nothing more. Thread-safe.
/// </summary>
internal sealed class Nonces(BotNotes notes)
{
    private const string OnlyKey = "0";

    private volatile string? _key;

    /// <summary>Makes the nonce of a card that is about to be sent; the same again for the same uuid; nobody else can tell it.</summary>
    /// <param name="uuid">Of the message or the change.</param>
    /// <param name="message">The card's message; null: it is new.</param>
    /// <param name="digest">Of what is decided with it.</param>
    public async Task<string> MakeAsync(
        string uuid, string chat, string? message, string? digest, CancellationToken cancellationToken)
    {
        var nonce = EventIds.Uuid($"{await KeyAsync(cancellationToken)}{uuid}", "nonce");
        await notes.AddAsync(Note.Nonce, nonce, new NonceNote(chat, message, digest), cancellationToken);
        return nonce;
    }

    /// <summary>A card was sent: its nonce is good in this message only from now on.</summary>
    public async Task BindAsync(string nonce, string message, CancellationToken cancellationToken)
    {
        if (await notes.FindAsync(Note.Nonce, nonce, cancellationToken) is { Message: null } note)
        {
            await notes.SetAsync(Note.Nonce, nonce, note with { Message = message }, cancellationToken);
        }
    }

    /// <summary>The card is shown by another message from now on.</summary>
    public async Task BindAnewAsync(string nonce, string message, CancellationToken cancellationToken)
    {
        if (await notes.FindAsync(Note.Nonce, nonce, cancellationToken) is { } note)
        {
            await notes.SetAsync(Note.Nonce, nonce, note with { Message = message }, cancellationToken);
        }
    }

    /// <returns>Null: it is no nonce of this card, or it is too old.</returns>
    public async Task<NonceNote?> FindAsync(CardIntent intent, InboxItem item, CancellationToken cancellationToken)
        => await notes.FindAsync(Note.Nonce, EventIds.Key(intent.Nonce), cancellationToken) is { } note
            && note.Chat == item.Chat && (note.Message is null || note.Message == item.Card!.MessageId) ? note : null;

    /// <summary>Uses it up.</summary>
    /// <returns>Whether this event may do what it is for: also when it is done once more after a failure.</returns>
    public async Task<bool> UseAsync(CardIntent intent, NonceNote note, InboxItem item, CancellationToken cancellationToken)
    {
        if (note.UsedBy is { } user)
        {
            return user == item.Id;
        }

        // Buttons of one chat are done one after the other.
        await notes.SetAsync(Note.Nonce, EventIds.Key(intent.Nonce), note with { UsedBy = item.Id }, cancellationToken);
        return true;
    }

    /// <summary>A secret of this machine's, made once.</summary>
    private async Task<string> KeyAsync(CancellationToken cancellationToken)
    {
        if (_key is null)
        {
            await notes.AddAsync(Note.Key, OnlyKey, new KeyNote(RandomNumberGenerator.GetHexString(64)), cancellationToken);
            _key = (await notes.FindAsync(Note.Key, OnlyKey, cancellationToken))?.Key
                ?? throw new InvalidOperationException("The note of the key is gone.");
        }

        return _key;
    }
}
