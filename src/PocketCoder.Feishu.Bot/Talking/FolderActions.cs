using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.Places;
using PocketCoder.Feishu.Bot.Sending;
using PocketCoder.Feishu.Cards;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Talking;

/// <summary>
/// Where a group's next session works beneath its project's root: typed, one of the last ones, or one of a few that were kept. A session
/// keeps its folder, so another one begins a session with the next prompt; whether the folder is there, the machine says then. Folders of
/// projects are not listed in a chat: files stay with the app.
/// </summary>
internal sealed class FolderActions(PlaceBook places, ProjectReader projects, WorkspaceActions workspace, CardSender sender)
{
    /// <summary>How the root is written in a chat.</summary>
    public const string Root = "/";

    private const int MostSessions = 200;
    private const int MostPresets = 20;

    public IEnumerable<CardRoute> Routes =>
    [
        new(CardVerb.TypeFolder, false, async (r, ct) => await TypeAsync(r, null, ct)),
        new(CardVerb.RecentFolders, false, RecentAsync),
        new(CardVerb.DefaultFolder, false, DefaultAsync),
        new(CardVerb.Presets, false, async (r, ct) => await PresetsAsync(r, await workspace.PlaceAsync(r, ct), null, ct)),
        new(CardVerb.ApplyFolder, true, (r, ct) => ApplyAsync(r, r.Intent.Folder, ct), Scope.Prompt),
        new(CardVerb.UseDefaultFolder, true, (r, ct) => ApplyAsync(r, Root, ct), Scope.Prompt),
        new(CardVerb.UsePreset, true, UsePresetAsync, Scope.Prompt),
        new(CardVerb.AddPreset, true, AddPresetAsync, Scope.Prompt),
        new(CardVerb.RemovePreset, true, RemovePresetAsync, Scope.Prompt),
    ];

    /// <summary>What was typed as the protocol has it: null for the root. False: it is none, whatever is on the disk.</summary>
    internal static bool TryRead(string? typed, out string? folder)
    {
        var text = (typed ?? "").Trim();
        folder = text is Root or "." or "" ? null : text.Length > 1 ? text.TrimEnd('/') : text;
        return folder is null
            || (folder.Length <= CardIntent.LongestFolder && folder.Split('/').All(name => name is not ("" or "." or "..")));
    }

    private async Task<FolderView> TypeAsync(CardRequest request, string? error, CancellationToken cancellationToken)
    {
        var place = await workspace.PlaceAsync(request, cancellationToken);
        var project = await projects.FindAsync(request.Person, request.Intent.Project, cancellationToken);
        return new FolderView(project.Line, place.Folder ?? Root, null, [], error);
    }

    private async Task<CardView?> RecentAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var place = await workspace.PlaceAsync(request, cancellationToken);
        var project = await projects.FindAsync(request.Person, request.Intent.Project, cancellationToken);
        var sessions = await request.Person.AskAsync(
            Verbs.AgentSessionsList, new AgentSessionsListRequest(place.Project, Archived: true, Limit: MostSessions), cancellationToken);
        var folders = sessions.Sessions.Select(s => s.Folder ?? Root).Append(Root).Distinct(StringComparer.Ordinal);
        return new FolderListView(project.Line, FolderList.Recent, [.. folders]);
    }

    /// <summary>What a session has that says nothing else.</summary>
    private async Task<CardView?> DefaultAsync(CardRequest request, CancellationToken cancellationToken)
    {
        await workspace.PlaceAsync(request, cancellationToken);
        var project = await projects.FindAsync(request.Person, request.Intent.Project, cancellationToken);
        return new FolderListView(project.Line, FolderList.Default, [Root]);
    }

    private async Task<FolderListView> PresetsAsync(
        CardRequest request, Place place, string? error, CancellationToken cancellationToken)
    {
        var project = await projects.FindAsync(request.Person, request.Intent.Project, cancellationToken);
        return new FolderListView(project.Line, FolderList.Presets, place.Presets ?? [], error);
    }

    private async Task<CardView?> AddPresetAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var place = await workspace.PlaceAsync(request, cancellationToken);
        if (!TryRead(request.Intent.Folder, out var folder))
        {
            return await PresetsAsync(request, place, sender.Say(BotWord.BadFolder), cancellationToken);
        }

        var wanted = folder ?? Root;
        if (place.Presets is { Count: >= MostPresets } full && !full.Contains(wanted, StringComparer.Ordinal))
        {
            return await PresetsAsync(request, place, sender.Say(BotWord.PresetsFull, MostPresets), cancellationToken);
        }

        return await KeepAsync(
            request, place, all => [.. all.Append(wanted).Distinct(StringComparer.Ordinal).Take(MostPresets)], cancellationToken);
    }

    /// <summary>By what is kept now, and not by what a card says that was kept once.</summary>
    private async Task<CardView?> UsePresetAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var place = await workspace.PlaceAsync(request, cancellationToken);
        return IsKept(place, request) ? await ApplyAsync(request, request.Intent.Folder, cancellationToken)
            : await PresetsAsync(request, place, sender.Say(BotWord.NoPreset), cancellationToken);
    }

    private async Task<CardView?> RemovePresetAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var place = await workspace.PlaceAsync(request, cancellationToken);
        return IsKept(place, request)
            ? await KeepAsync(request, place, all => [.. all.Where(f => f != request.Intent.Folder)], cancellationToken)
            : await PresetsAsync(request, place, sender.Say(BotWord.NoPreset), cancellationToken);
    }

    private static bool IsKept(Place place, CardRequest request)
        => place.Presets?.Contains(request.Intent.Folder!, StringComparer.Ordinal) is true;

    private async Task<FolderListView> KeepAsync(
        CardRequest request, Place place, Func<IReadOnlyList<string>, IReadOnlyList<string>> change, CancellationToken cancellationToken)
        => await PresetsAsync(
            request,
            await places.ChangeAsync(place, p => p with { Presets = change(p.Presets ?? []) }, cancellationToken)
                ?? throw new NotDone(sender.Say(BotWord.OldCard)),
            null, cancellationToken);

    private async Task<CardView?> ApplyAsync(CardRequest request, string? wanted, CancellationToken cancellationToken)
    {
        var place = await workspace.PlaceAsync(request, cancellationToken);
        if (!TryRead(wanted, out var folder))
        {
            return await TypeAsync(request, sender.Say(BotWord.BadFolder), cancellationToken);
        }

        if (folder != place.Folder)
        {
            place = await places.ChangeAsync(place, p => p with { Folder = folder, Session = null }, cancellationToken)
                ?? throw new NotDone(sender.Say(BotWord.OldCard));
        }

        return await workspace.ViewAsync(request.Person, place, cancellationToken);
    }
}
