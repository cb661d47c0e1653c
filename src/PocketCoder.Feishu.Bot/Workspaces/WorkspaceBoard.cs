using PocketCoder.Entry;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Feishu.Bot.Places;
using PocketCoder.Feishu.Bot.Sending;
using PocketCoder.Feishu.Cards;

namespace PocketCoder.Feishu.Bot.Workspaces;

/// <summary>
/// The newest workspace card of a group, kept as its session stands: at most four times a second, the newest wins. A card that the
/// platform changes no more is left alone from then on. For one thread at a time.
/// </summary>
internal sealed class WorkspaceBoard(
    Place place, WorkspaceReader reader, PlaceBook places, CardSender sender, TimeProvider time)
{
    /// <summary>The machine tells an event a moment before its session says the same.</summary>
    private const int MostLooks = 8;

    private static readonly TimeSpan s_pace = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_afterFailure = TimeSpan.FromSeconds(5);

    private long _lastShown;
    private TimeSpan _pause = s_pace;
    private int _looks;
    private (string Message, string Card) _shown;

    /// <summary>Something may be different.</summary>
    public bool IsDirty { get; private set; }

    /// <summary>It is time to look.</summary>
    public bool IsDue => IsDirty && time.GetElapsedTime(_lastShown) >= _pause;

    /// <summary>Something happened in the session.</summary>
    public void Touch() => (IsDirty, _looks) = (true, 0);

    /// <summary>Shows how it stands, if the group has such a card of this session.</summary>
    /// <param name="isBusy">Whether the session has turns that are not over, as its events say.</param>
    public async Task ShowAsync(Person person, bool isBusy, CancellationToken cancellationToken)
    {
        (IsDirty, _lastShown, _pause) = (false, time.GetTimestamp(), s_pace);
        if (await places.OfChatAsync(place.Chat, cancellationToken) is not { } now || now.Session != place.Session)
        {
            return;
        }

        try
        {
            await sender.RedrawAsync(now, async nonce =>
            {
                var view = await reader.ReadAsync(person, now, cancellationToken);
                IsDirty |= view.Locked != isBusy && ++_looks < MostLooks;
                return sender.Render(view, nonce);
            }, Change, cancellationToken);
        }
        catch (Exception e) when (e is EntryRefusal or NotDone)
        {
            // Whoever bound it may not see it any more: it stays as it was.
        }
        catch (FeishuException e)
        {
            (IsDirty, _pause) = (true, e.RetryAfter ?? s_afterFailure);
        }

        async Task Change(string message, FeishuCard card)
        {
            if (_shown != (message, card.Json))
            {
                await sender.Client.ReplaceCardAsync(message, card.Json, cancellationToken);
                _shown = (message, card.Json);
            }
        }
    }
}
