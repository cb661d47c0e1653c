using PocketCoder.Feishu.Bot.Places;
using PocketCoder.Feishu.Bot.Sending;
using PocketCoder.Feishu.Cards;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Talking;

/// <summary>
/// Where a group's next session works beneath its project's root: typed, or one of the last ones. A session keeps its folder, so another
/// one begins a session with the next prompt; whether the folder is there, the machine says then. Folders of projects are not listed in a
/// chat: files stay with the app.
/// </summary>
internal sealed class FolderActions(PlaceBook places, ProjectReader projects, WorkspaceActions workspace, CardSender sender)
{
    /// <summary>How the root is written in a chat.</summary>
    public const string Root = "/";

    private const int MostSessions = 200;

    public IEnumerable<CardRoute> Routes =>
    [
        new(CardVerb.TypeFolder, false, async (r, ct) => await TypeAsync(r, null, ct)),
        new(CardVerb.RecentFolders, false, RecentAsync),
        new(CardVerb.ApplyFolder, true, ApplyAsync, Scope.Prompt),
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

    private async Task<CardView?> ApplyAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var place = await workspace.PlaceAsync(request, cancellationToken);
        if (!TryRead(request.Intent.Folder, out var folder))
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
