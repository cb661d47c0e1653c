using PocketCoder.Feishu.Bot.Keeping;

namespace PocketCoder.Feishu.Bot.Places;

/// <summary>Which group belongs to which project: only what was bound from here counts. Thread-safe.</summary>
internal sealed class PlaceBook(BotNotes notes)
{
    public Task<Place?> OfProjectAsync(Guid project, CancellationToken cancellationToken)
        => notes.FindAsync(Note.Place, project.ToString("N"), cancellationToken);

    public async Task<Place?> OfChatAsync(string chat, CancellationToken cancellationToken)
        => await notes.FindAsync(Note.Chat, EventIds.Key(chat), cancellationToken) is { } bound
            && await OfProjectAsync(bound.Project, cancellationToken) is { } place && place.Chat == chat ? place : null;

    public async Task<IReadOnlyList<Place>> AllAsync(CancellationToken cancellationToken)
        => [.. (await notes.ListAsync(Note.Place, cancellationToken)).Select(n => n.Value)];

    /// <summary>Writes a place; the group that the project had before belongs to nothing then.</summary>
    public async Task SetAsync(Place place, CancellationToken cancellationToken)
    {
        await notes.SetAsync(Note.Chat, EventIds.Key(place.Chat), place, cancellationToken);
        await notes.SetAsync(Note.Place, place.Project.ToString("N"), place, cancellationToken);
    }

    public async Task RemoveAsync(Place place, CancellationToken cancellationToken)
    {
        await notes.TakeAsync(Note.Place, place.Project.ToString("N"), cancellationToken);
        await notes.TakeAsync(Note.Chat, EventIds.Key(place.Chat), cancellationToken);
    }
}
