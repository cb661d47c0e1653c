using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.Sending;
using PocketCoder.Feishu.Cards;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Turns;

/// <summary>The turns of a session that are shown now. For one thread at a time; owns their cards.</summary>
internal sealed class TurnBoard(Place place, SessionFacts facts, CardSender sender, BotNotes notes, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan s_pace = TimeSpan.FromMilliseconds(200);

    private readonly Dictionary<Guid, Shown> _open = [];
    private readonly HashSet<Guid> _over = []; // those that were shown to their end in this run
    private IReadOnlyList<Guid> _order = [];
    private long _lastShown;

    /// <summary>Something is not shown yet.</summary>
    public bool IsDirty { get; private set; }

    /// <summary>It is time to show it.</summary>
    public bool IsDue => IsDirty && time.GetElapsedTime(_lastShown) >= s_pace;

    public bool IsBusy => _open.Count > 0;

    /// <summary>The first event that must be read again after a restart; null: none of those so far.</summary>
    public long? FirstNeeded => _open.Count == 0 ? null : _open.Values.Min(s => s.Fold.FirstSeq);

    /// <summary>Takes an event. The end of a turn is shown before this returns.</summary>
    /// <exception cref="FeishuException">It could not be shown: call again.</exception>
    public async Task ApplyAsync(AgentEventPayload happened, long seq, CancellationToken cancellationToken)
    {
        if (happened is QueueOrderEvent order)
        {
            _order = order.PromptIds;
            IsDirty = true;
            return;
        }

        var id = happened is TurnEvent e ? e.Turn.TurnId : happened.TurnId ?? Guid.Empty;
        if (!_open.TryGetValue(id, out var shown))
        {
            if (happened is not TurnEvent { Turn: var turn } || _over.Contains(id) || facts.IsBefore(turn, place.Since))
            {
                return;
            }

            _open[id] = shown = new Shown(new TurnFold(turn, seq));
        }

        shown.Fold.Apply(happened);
        IsDirty = true;
        if (shown.Fold.IsOver)
        {
            if (await CardAsync(shown, cancellationToken) is { } card)
            {
                await card.FinishAsync(page => View(shown.Fold, page), cancellationToken);
                await card.DisposeAsync();
            }

            _open.Remove(id);
            _over.Add(id);
        }
    }

    public void Apply(AgentDeltaPayload delta)
    {
        if (delta.TurnId is { } id && _open.TryGetValue(id, out var shown) && shown.Fold.Apply(delta))
        {
            IsDirty = true;
        }
    }

    /// <summary>Shows how everything stands.</summary>
    /// <exception cref="FeishuException">A card could not be sent: call again.</exception>
    public async Task ShowAsync(CancellationToken cancellationToken)
    {
        foreach (var shown in _open.Values.ToList())
        {
            if (await CardAsync(shown, cancellationToken) is { } card)
            {
                card.Update(page => View(shown.Fold, page));
            }
        }

        (IsDirty, _lastShown) = (false, time.GetTimestamp());
    }

    /// <inheritdoc cref="SessionFollower.RenewAsync"/>
    public async Task<bool> RenewAsync(Guid turn, int? page, string eventId, CancellationToken cancellationToken)
    {
        if (!_open.TryGetValue(turn, out var shown) || await CardAsync(shown, cancellationToken) is not { } card)
        {
            return false;
        }

        await card.RenewAsync(p => View(shown.Fold, p), page, eventId, cancellationToken);
        return true;
    }

    /// <summary>Whether the group sees that turn, or saw it.</summary>
    public async Task<bool> IsShownAsync(Guid turn, CancellationToken cancellationToken)
        => _open.ContainsKey(turn) || _over.Contains(turn)
            || (turn != Guid.Empty && await notes.FindAsync(Note.Turn, turn.ToString("N"), cancellationToken) is not null);

    public async ValueTask DisposeAsync()
    {
        foreach (var shown in _open.Values)
        {
            await (shown.Card?.DisposeAsync() ?? ValueTask.CompletedTask);
        }

        _open.Clear();
    }

    private async Task<TurnCard?> CardAsync(Shown shown, CancellationToken cancellationToken)
    {
        if (shown is { Card: null, IsPast: false })
        {
            shown.Card = await TurnCard.BeginAsync(
                sender, notes, time, place.Chat, shown.Fold.Turn.TurnId, page => View(shown.Fold, page), cancellationToken);
            shown.IsPast = shown.Card is null;
        }

        return shown.Card;
    }

    private TurnView View(TurnFold fold, int? page)
    {
        var running = _open.Values.FirstOrDefault(s => !s.Fold.IsQueued && !s.Fold.IsOver)?.Fold;
        return fold.View(
            facts.Session.AgentSessionId, facts.Turn, fold.IsQueued ? Queue(fold, running) : null, canSteer: running is not null, page);
    }

    private (int Position, string? Behind) Queue(TurnFold fold, TurnFold? running)
    {
        var waiting = _open.Values.Select(s => s.Fold).Where(f => f.IsQueued)
            .OrderBy(f => _order.TakeWhile(o => o != f.Turn.TurnId).Count()).ThenBy(f => f.FirstSeq).ToList();
        var at = waiting.IndexOf(fold);
        var before = at > 0 ? waiting[at - 1] : running;
        return (at + 1, before is null ? null : $"{before.Turn.TurnId:N}"[^8..]);
    }

    private sealed class Shown(TurnFold fold)
    {
        public TurnFold Fold => fold;

        public TurnCard? Card { get; set; }

        /// <summary>It was shown to its end in an earlier run.</summary>
        public bool IsPast { get; set; }
    }
}
