using PocketCoder.Feishu.Api;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.Sending;
using PocketCoder.Feishu.Cards;
using PocketCoder.Feishu.Live;

namespace PocketCoder.Feishu.Bot.Turns;

/// <summary>
/// The one message that shows a turn. It is kept which it is, so that after a restart it goes on there. For one thread at a time.
/// </summary>
internal sealed class TurnCard : IAsyncDisposable
{
    private readonly CardSender _sender;
    private readonly BotNotes _notes;
    private readonly LiveCard _live;
    private readonly string _key;
    private readonly FeishuReply? _reply;
    private TurnNote _note;

    private TurnCard(CardSender sender, BotNotes notes, LiveCard live, string key, FeishuReply? reply, TurnNote note)
        => (_sender, _notes, _live, _key, _reply, _note) = (sender, notes, live, key, reply, note);

    /// <summary>Which page is shown; null: the usual one.</summary>
    public int? Page { get; private set; }

    /// <summary>Sends the first card, or goes on with what an earlier run sent.</summary>
    /// <returns>Null: the turn was shown to its end.</returns>
    /// <exception cref="FeishuException">Nothing could be sent; may be called again.</exception>
    public static async Task<TurnCard?> BeginAsync(
        CardSender sender, BotNotes notes, TimeProvider time, string chat, Guid turn, Func<int?, TurnView> view,
        CancellationToken cancellationToken)
    {
        var key = turn.ToString("N");
        var reply = await sender.Threads.OfTurnAsync(turn, cancellationToken);
        var place = new LivePlace(FeishuReceiver.Chat, chat, EventIds.Uuid(key, "turn"), reply);
        var known = await notes.FindAsync(Note.Turn, key, cancellationToken);
        if (known is { MessageId.Length: > 0 })
        {
            return known.IsFinished ? null
                : new TurnCard(sender, notes, LiveCard.TakeOver(sender.Client, time, place, Handle(known)), key, reply, known);
        }

        var nonce = await sender.Nonces.MakeAsync(place.Uuid, chat, null, null, cancellationToken);
        var live = await LiveCard.BeginAsync(
            sender.Client, time, place, sender.Render(view(null), nonce), known?.CardId,
            card => notes.SetAsync(Note.Turn, key, new TurnNote(chat, nonce, "", card, IsText: false), cancellationToken),
            cancellationToken);
        var note = Of(live.Handle, chat, nonce);
        await sender.Nonces.BindAsync(nonce, note.MessageId, cancellationToken);
        await sender.Threads.KeepAsync(note.MessageId, reply, cancellationToken);
        await notes.SetAsync(Note.Turn, key, note, cancellationToken);
        return new TurnCard(sender, notes, live, key, reply, note);
    }

    /// <summary>Shows how it stands soon; the newest wins.</summary>
    public void Update(Func<int?, TurnView> view) => _live.Update(_sender.Render(view(Page), _note.Nonce));

    /// <summary>A button of it was used: it gets a new nonce, and shows a page.</summary>
    public async Task RenewAsync(Func<int?, TurnView> view, int? page, string eventId, CancellationToken cancellationToken)
    {
        Page = page;
        var nonce = await _sender.Nonces.MakeAsync(
            EventIds.Uuid(eventId, "turn"), _note.Chat, _note.MessageId, null, cancellationToken);
        _note = _note with { Nonce = nonce };
        await _notes.SetAsync(Note.Turn, _key, _note, cancellationToken);
        Update(view);
    }

    /// <summary>Shows the end, and keeps that it was shown.</summary>
    /// <exception cref="FeishuException">It could not be shown; may be called again.</exception>
    public async Task FinishAsync(Func<int?, TurnView> view, CancellationToken cancellationToken)
    {
        var handle = await _live.FinishAsync(_sender.Render(view(null), _note.Nonce), cancellationToken);
        if (handle.MessageId != _note.MessageId)
        {
            // It is a new message: the buttons of the old one are good for nothing any more.
            await _sender.Nonces.BindAnewAsync(_note.Nonce, handle.MessageId, cancellationToken);
            await _sender.Threads.KeepAsync(handle.MessageId, _reply, cancellationToken);
        }

        _note = Of(handle, _note.Chat, _note.Nonce) with { IsFinished = true };
        await _notes.SetAsync(Note.Turn, _key, _note, cancellationToken);
    }

    /// <summary>Shows another page of a turn that was shown to its end.</summary>
    /// <exception cref="FeishuException">The message can't be changed any more.</exception>
    public static async Task TurnPageAsync(
        CardSender sender, BotNotes notes, TimeProvider time, TurnNote note, TurnView view, string eventId,
        CancellationToken cancellationToken)
    {
        var nonce = await sender.Nonces.MakeAsync(
            EventIds.Uuid(eventId, "turn"), note.Chat, note.MessageId, null, cancellationToken);
        var reply = await sender.Threads.OfTurnAsync(Guid.Parse(view.Turn), cancellationToken);
        var place = new LivePlace(FeishuReceiver.Chat, note.Chat, EventIds.Uuid(eventId, "page"), reply);
        await using var live = LiveCard.TakeOver(sender.Client, time, place, Handle(note));
        var handle = await live.FinishAsync(sender.Render(view, nonce), cancellationToken);
        await sender.Threads.KeepAsync(handle.MessageId, reply, cancellationToken);
        await notes.SetAsync(
            Note.Turn, Guid.Parse(view.Turn).ToString("N"), Of(handle, note.Chat, nonce) with { IsFinished = true }, cancellationToken);
    }

    public ValueTask DisposeAsync() => _live.DisposeAsync();

    private static LiveHandle Handle(TurnNote note) => new(note.MessageId, note.CardId, note.IsText);

    private static TurnNote Of(LiveHandle handle, string chat, string nonce)
        => new(chat, nonce, handle.MessageId, handle.CardId, handle.IsText);
}
