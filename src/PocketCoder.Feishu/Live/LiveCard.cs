using System.Globalization;
using System.Text.Json.Nodes;
using PocketCoder.Feishu.Api;
using PocketCoder.Feishu.Cards;

namespace PocketCoder.Feishu.Live;

/// <summary>What must be kept to go on with a card after a restart.</summary>
/// <param name="CardId">Of CardKit; null: the message's card is replaced.</param>
/// <param name="IsText">No card was taken, so the message is text and stays as it is.</param>
public sealed record LiveHandle(string MessageId, string? CardId, bool IsText = false);

/// <summary>Where a live card is sent.</summary>
/// <param name="Uuid">Of the message, at most 40 characters: the same after a crash gives the same message.</param>
/// <param name="Reply">The message that it belongs to; where that is refused, it stands in the chat. Null: it belongs to none.</param>
public sealed record LivePlace(FeishuReceiver Kind, string Receiver, string Uuid, FeishuReply? Reply = null)
{
    internal FeishuPlace To => new(Kind, Receiver, Reply);
}

/// <summary>
/// One message that follows a turn. Its output is streamed with CardKit; where the platform does not take that, the whole card is replaced;
/// where it takes no card, the text is sent. At most four changes a second, one at a time, and the latest wins: nothing is queued, so it
/// needs the room of one card however much is said. Thread-safe.
/// </summary>
public sealed class LiveCard : IAsyncDisposable
{
    private const string Final = "-end";
    private const string First = "-card";
    private static readonly TimeSpan s_pace = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(5); // after a failure that may pass

    private readonly FeishuClient _client;
    private readonly TimeProvider _time;
    private readonly LivePlace _place;
    private readonly CardSequence _sequence;
    private readonly Lock _gate = new(); // guards what is next, whether somebody sends, and the end
    private readonly CancellationTokenSource _stop = new();
    private FeishuCard? _next;
    private FeishuCard? _shown; // by the sender alone
    private Task _sending = Task.CompletedTask;
    private bool _isSending;
    private bool _isEnded;
    private bool _isLost; // neither way works: only the end is sent, as a new message

    private LiveCard(FeishuClient client, TimeProvider time, LivePlace place, LiveHandle handle, FeishuCard? shown)
        => (_client, _time, _place, _sequence, Handle, _shown) = (client, time, place, new CardSequence(time), handle, shown);

    /// <summary>To be kept, so that <see cref="TakeOver"/> can go on.</summary>
    public LiveHandle Handle { get; private set; }

    /// <summary>
    /// Sends the first card. CardKit makes a card, and then a message shows it: of two messages with one uuid the platform makes one, which
    /// shows the card that came first, so that one must be kept before it is sent.
    /// </summary>
    /// <param name="made">What an earlier try made and may have sent; null: there was none.</param>
    /// <param name="keep">Keeps what is made now.</param>
    /// <exception cref="FeishuException">Not even a text could be sent; may be called again, with what was kept.</exception>
    public static async Task<LiveCard> BeginAsync(
        FeishuClient client, TimeProvider time, LivePlace place, FeishuCard card, string? made, Func<string, Task> keep,
        CancellationToken cancellationToken)
    {
        var shown = made is null ? card : null; // what an earlier one says is not known
        var handle = await place.To.PostAsync(place.Uuid, async (to, uuid) =>
        {
            try
            {
                if (made is null)
                {
                    made = await client.CreateCardAsync(Streaming(card), cancellationToken);
                    await keep(made);
                }

                return new LiveHandle(await to.MadeCardAsync(client, made, uuid, cancellationToken), made);
            }
            catch (FeishuException e) when (e.Error == FeishuError.Refused)
            {
                return await SendPlainAsync(client, to, uuid + First, card, cancellationToken);
            }
        });
        return new LiveCard(client, time, place, handle, shown);
    }

    /// <summary>Goes on with a message that an earlier run began. Its first change replaces the whole card.</summary>
    public static LiveCard TakeOver(FeishuClient client, TimeProvider time, LivePlace place, LiveHandle handle)
        => new(client, time, place, handle, null);

    /// <summary>
    /// Shows a newer card soon, instead of any that waits. Failures are not told: one that may pass is tried again after five seconds (or
    /// as the platform asks), with the newest card; a refusal changes the way (CardKit, then replacing), and after that nothing is shown
    /// until the end.
    /// </summary>
    public void Update(FeishuCard card)
    {
        lock (_gate)
        {
            if (_isEnded || _isLost || Handle.IsText)
            {
                return;
            }

            _next = card;
            if (!_isSending)
            {
                _isSending = true;
                _sending = Task.Run(SendAllAsync);
            }
        }
    }

    /// <summary>Shows the last card; what waited is dropped. When the message can't be changed any more, a new one is sent.</summary>
    /// <returns>The message that shows it.</returns>
    /// <exception cref="FeishuException">It could not be shown; may be called again.</exception>
    public async Task<LiveHandle> FinishAsync(FeishuCard card, CancellationToken cancellationToken)
    {
        await StopAsync();
        if (!_isLost && !Handle.IsText)
        {
            for (var isTried = false; !isTried;)
            {
                try
                {
                    await ShowAsync(card, isLast: true, cancellationToken);
                    return Handle;
                }
                catch (FeishuException e) when (!e.Retryable)
                {
                    isTried = Handle.CardId is null;
                    Handle = Handle with { CardId = null };
                }
            }
        }

        return Handle = await _place.To.PostAsync(
            _place.Uuid, (to, uuid) => SendPlainAsync(_client, to, uuid + Final, card, cancellationToken));
    }

    /// <summary>Stops without a last card: the message stays as it is, for <see cref="TakeOver"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private static async Task<LiveHandle> SendPlainAsync(
        FeishuClient client, FeishuPlace to, string uuid, FeishuCard card, CancellationToken cancellationToken)
    {
        try
        {
            return new LiveHandle(await to.CardAsync(client, card.Json, uuid, cancellationToken), null);
        }
        catch (FeishuException e) when (e.Error == FeishuError.Refused)
        {
            return new LiveHandle(await to.TextAsync(client, card.Text, $"{uuid}-t", cancellationToken), null, IsText: true);
        }
    }

    private static string Streaming(FeishuCard card)
    {
        var root = JsonNode.Parse(card.Json)!.AsObject();
        root["config"]!["streaming_mode"] = true;
        return CardBuilder.Written(root);
    }

    private async Task StopAsync()
    {
        Task sending;
        lock (_gate)
        {
            (_isEnded, _next) = (true, null);
            sending = _sending;
        }

        await _stop.CancelAsync();
        await sending;
    }

    private async Task SendAllAsync()
    {
        while (Take() is { } card)
        {
            var pause = s_pace;
            try
            {
                await ShowAsync(card, isLast: false, _stop.Token);
            }
            catch (FeishuException e) when (e.Retryable)
            {
                PutBack(card);
                pause = e.RetryAfter ?? s_pause;
            }
            catch (FeishuException)
            {
                Weaken(card);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await Task.Delay(pause, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private FeishuCard? Take()
    {
        lock (_gate)
        {
            var card = _next;
            (_next, _isSending) = (null, card is not null);
            return card;
        }
    }

    /// <summary>Is shown later, unless there is a newer one.</summary>
    private void PutBack(FeishuCard card)
    {
        lock (_gate)
        {
            _next = _isEnded ? null : _next ?? card;
        }
    }

    private void Weaken(FeishuCard card)
    {
        lock (_gate)
        {
            _isLost = Handle.CardId is null;
            Handle = Handle with { CardId = null };
            _next = _isLost || _isEnded ? null : _next ?? card;
        }
    }

    private async Task ShowAsync(FeishuCard card, bool isLast, CancellationToken cancellationToken)
    {
        if (Handle.CardId is not { } id)
        {
            await _client.ReplaceCardAsync(Handle.MessageId, card.Json, cancellationToken);
        }
        else if (isLast)
        {
            await _sequence.ChangeAsync(
                n => _client.SetCardAsync(id, """{"config":{"streaming_mode":false}}""", n, NewUuid(), cancellationToken));
            await _sequence.ChangeAsync(n => _client.ReplaceMadeCardAsync(id, card.Json, n, NewUuid(), cancellationToken));
        }
        else if (card.Live is { } live && _shown?.Frame == card.Frame)
        {
            if (live != _shown.Live)
            {
                await _sequence.ChangeAsync(
                    n => _client.StreamAsync(id, CardBuilder.LiveElement, live, n, NewUuid(), cancellationToken));
            }
        }
        else
        {
            await _sequence.ChangeAsync(n => _client.ReplaceMadeCardAsync(id, Streaming(card), n, NewUuid(), cancellationToken));
        }

        _shown = card;
    }

    private static string NewUuid() => Guid.CreateVersion7().ToString("N", CultureInfo.InvariantCulture);
}
