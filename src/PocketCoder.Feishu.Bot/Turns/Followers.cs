using Microsoft.Extensions.Logging;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Feishu.Bot.Places;
using PocketCoder.Feishu.Bot.Sending;
using PocketCoder.Feishu.Bot.Workspaces;

namespace PocketCoder.Feishu.Bot.Turns;

/// <summary>
/// The sessions that are shown in groups. At most sixty at once: a further one takes the place of the one in which nothing happened for
/// longest, which goes on when somebody uses its group again. Thread-safe; owns them.
/// </summary>
internal sealed class Followers(
    PeopleHere people, PlaceBook places, WorkspaceReader workspaces, CardSender sender, BotNotes notes, TimeProvider time, ILogger logger,
    CancellationToken stop) : IAsyncDisposable
{
    private const int Most = 60; // below what one connection may follow

    private readonly SemaphoreSlim _gate = new(1, 1); // guards the followers
    private readonly Dictionary<Guid, SessionFollower> _all = []; // by session

    /// <summary>Shows a place's session from now on; what is shown so already is left alone.</summary>
    public async Task FollowAsync(Place place, CancellationToken cancellationToken)
    {
        if (place.Session is not { } session)
        {
            return;
        }

        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_all.TryGetValue(session, out var known))
            {
                if (!known.HasEnded && known.Place.Chat == place.Chat && known.Place.Account == place.Account)
                {
                    return;
                }

                _all.Remove(session);
                await known.DisposeAsync();
            }

            if (_all.Count >= Most && _all.MinBy(f => (f.Value.IsBusy, f.Value.LastUse)) is { Value: { } oldest } entry)
            {
                _all.Remove(entry.Key);
                await oldest.DisposeAsync();
            }

            _all[session] = new SessionFollower(
                place, people, new WorkspaceBoard(place, workspaces, places, sender, time), sender, notes, time, logger, stop);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Shows it no longer.</summary>
    public async Task LeaveAsync(Guid session, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_all.Remove(session, out var known))
            {
                await known.DisposeAsync();
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc cref="SessionFollower.RenewAsync"/>
    public async Task<bool> RenewAsync(Guid session, Guid turn, int? page, string eventId, CancellationToken cancellationToken)
    {
        SessionFollower? known;
        await _gate.WaitAsync(cancellationToken);
        try
        {
            known = _all.GetValueOrDefault(session);
        }
        finally
        {
            _gate.Release();
        }

        return known is { HasEnded: false } && await known.RenewAsync(turn, page, eventId, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _gate.WaitAsync();
        try
        {
            await Task.WhenAll(_all.Values.Select(f => f.DisposeAsync().AsTask()));
            _all.Clear();
        }
        finally
        {
            _gate.Release();
        }
    }
}
