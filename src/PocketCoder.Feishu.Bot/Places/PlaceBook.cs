using PocketCoder.Feishu.Bot.Keeping;

namespace PocketCoder.Feishu.Bot.Places;

/// <summary>Which group belongs to which project: only what was bound from here counts. Thread-safe.</summary>
#pragma warning disable CA1001 // all that the semaphore has to give back is a wait handle, which nobody here asks for
internal sealed class PlaceBook(BotNotes notes)
#pragma warning restore CA1001
{
    private readonly SemaphoreSlim _gate = new(1, 1); // guards the two notes of a place: one at a time changes them

    public Task<Place?> OfProjectAsync(Guid project, CancellationToken cancellationToken)
        => notes.FindAsync(Note.Place, project.ToString("N"), cancellationToken);

    public async Task<Place?> OfChatAsync(string chat, CancellationToken cancellationToken)
        => await notes.FindAsync(Note.Chat, EventIds.Key(chat), cancellationToken) is { } bound
            && await OfProjectAsync(bound.Project, cancellationToken) is { } place && place.Chat == chat ? place : null;

    public async Task<IReadOnlyList<Place>> AllAsync(CancellationToken cancellationToken)
        => [.. (await notes.ListAsync(Note.Place, cancellationToken)).Select(n => n.Value)];

    /// <summary>Writes a place; the group that the project had before belongs to nothing then.</summary>
    public Task SetAsync(Place place, CancellationToken cancellationToken)
        => AloneAsync(() => WriteAsync(place, cancellationToken), cancellationToken);

    /// <summary>Changes what there is of a place now: somebody else may have changed it since it was read.</summary>
    /// <returns>As it is then; null: the group belongs to this project no more.</returns>
    public async Task<Place?> ChangeAsync(Place place, Func<Place, Place> change, CancellationToken cancellationToken)
    {
        Place? changed = null;
        await AloneAsync(
            async () =>
            {
                if (await OfProjectAsync(place.Project, cancellationToken) is { } now && now.Chat == place.Chat)
                {
                    changed = change(now);
                    await WriteAsync(changed, cancellationToken);
                }
            },
            cancellationToken);
        return changed;
    }

    public Task RemoveAsync(Place place, CancellationToken cancellationToken)
        => AloneAsync(
            async () =>
            {
                await notes.TakeAsync(Note.Place, place.Project.ToString("N"), cancellationToken);
                await notes.TakeAsync(Note.Chat, EventIds.Key(place.Chat), cancellationToken);
            },
            cancellationToken);

    private async Task WriteAsync(Place place, CancellationToken cancellationToken)
    {
        await notes.SetAsync(Note.Chat, EventIds.Key(place.Chat), place, cancellationToken);
        await notes.SetAsync(Note.Place, place.Project.ToString("N"), place, cancellationToken);
    }

    private async Task AloneAsync(Func<Task> work, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            await work();
        }
        finally
        {
            _gate.Release();
        }
    }
}
