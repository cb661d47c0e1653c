using System.Text.Json;
using System.Text.Json.Nodes;
using PocketCoder.Entry;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Feishu.Bot.Places;
using PocketCoder.Feishu.Bot.Talking;
using PocketCoder.Feishu.Cards;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Local;

/// <summary>
/// The cards of a direct chat, drawn for whoever looks at their JSON, and what their buttons do: list, make and take away projects. What
/// needs a group, or belongs to one chat's view (hidden, archived), is not here.
/// </summary>
internal sealed class LocalCards(BotNotes notes, CardLanguage language, Uri? app, TimeProvider time)
{
    private const int LongestRequestId = 64;
    private const int MostSessions = 200;

    private static readonly IReadOnlyDictionary<CardVerb, CardRoute> s_notices = new NoticeActions().Routes.ToDictionary(r => r.Verb);

    private static readonly CardVerb[] s_known =
    [
        CardVerb.Home, CardVerb.NewProject, CardVerb.CreateProject, CardVerb.Manage, CardVerb.OpenProject, CardVerb.DeleteProject,
        CardVerb.ConfirmDelete, .. s_notices.Keys,
    ];

    private static readonly CardVerb[] s_without = [.. Enum.GetValues<CardVerb>().Except(s_known)];

    public IEnumerable<LocalRoute> Routes =>
    [
        new("GET", "/demo/cards/dm/projects", false, HomeAsync),
        new("POST", "/demo/card-actions", true, ActAsync),
    ];

    private async Task<byte[]> HomeAsync(LocalRequest request, CancellationToken cancellationToken)
        => Answer(await HomeAsync(request.Person, 0, cancellationToken), "new_message", "append_new", null);

    private async Task<byte[]> ActAsync(LocalRequest request, CancellationToken cancellationToken)
    {
        var wanted = CardActionBody.Read(request.Body);
        var (view, toast) = await DoAsync(request.Person, wanted, cancellationToken);
        return Answer(view, "current_card", "replace_current", toast);
    }

    private async Task<(CardView View, CardToast Toast)> DoAsync(
        Person person, CardActionBody wanted, CancellationToken cancellationToken)
    {
        var intent = wanted.Intent;
        if (!s_known.Contains(intent.Verb))
        {
            throw LocalFailure.Conflict("This needs a chat. Ask the bot there, or use the app.");
        }

        if (intent.Verb is CardVerb.ConfirmDelete && !await IsFirstAsync(wanted.RequestId, cancellationToken))
        {
            return (await HomeAsync(person, 0, cancellationToken), new CardToast("warning", "That was done already."));
        }

        var ok = new CardToast("success", "ok");
        switch (intent.Verb)
        {
            case CardVerb.NewProject:
                return (await NewAsync(person, intent, null, cancellationToken), ok);
            case CardVerb.CreateProject:
                return await CreateAsync(person, wanted, cancellationToken);
            case CardVerb.Manage or CardVerb.DeleteProject:
                var asked = intent.Verb == CardVerb.DeleteProject ? intent.Project : null;
                return (new ManageView(await LinesAsync(person, cancellationToken), asked, intent.Page ?? 0), ok);
            case CardVerb.OpenProject:
                var (line, path) = await ProjectAsync(person, intent.Project, cancellationToken);
                return (new ProjectView(line, path), ok);
            case CardVerb.ConfirmDelete:
                var (gone, _) = await ProjectAsync(person, intent.Project, cancellationToken);
                var works = LocalFailure.Conflict("A session of this project works. Stop it first.");
                await ProjectReader.DeleteAsync(person, Guid.Parse(gone.Id), works, cancellationToken);
                return (new ManageView(await LinesAsync(person, cancellationToken)), ok);
            case CardVerb.Home:
                return (await HomeAsync(person, intent.Page ?? 0, cancellationToken), ok);
            default:
                var request = new CardRequest(Item("notice"), person, intent, new NonceNote(EntryLocalHttp.Account), null);
                return ((await s_notices[intent.Verb].Answer(request, cancellationToken))!, ok);
        }
    }

    private async Task<(CardView, CardToast)> CreateAsync(Person person, CardActionBody wanted, CancellationToken cancellationToken)
    {
        var roots = await RootsAsync(person, cancellationToken);
        var parent = wanted.Intent.Folder ?? ProjectActions.Usual(roots);
        if (parent is null || !roots.Contains(parent, StringComparer.Ordinal))
        {
            const string none = "The owner has not allowed this folder for new projects: pocketcoder roots add FOLDER";
            return (await NewAsync(person, wanted.Intent, none, cancellationToken), new CardToast("warning", none));
        }

        var agent = wanted.Intent.Agent!;
        if ((await WorkspaceActions.AgentsAsync(person, cancellationToken)).All(a => a.Value != agent))
        {
            const string none = "This agent is not installed on the machine.";
            return (await NewAsync(person, wanted.Intent, none, cancellationToken), new CardToast("warning", none));
        }

        try
        {
            var made = await person.AskAsync(
                DeviceVerbs.ProjectCreate,
                new ProjectCreateRequest(parent, wanted.Intent.Name!, Git: true, await IdAsync(wanted.RequestId, cancellationToken)),
                cancellationToken);
            await notes.SetAsync(LocalNotes.Agent, ProjectReader.Id(made.Project.ProjectId), new AgentNote(agent), cancellationToken);
        }
        catch (EntryRefusal e) when (e.Error.Code != ErrorCode.Unauthorized)
        {
            return (await NewAsync(person, wanted.Intent, e.Message, cancellationToken), new CardToast("warning", e.Message));
        }

        return (await HomeAsync(person, 0, cancellationToken), new CardToast("success", "ok"));
    }

    /// <summary>The id under which something is made: the same for the same request.</summary>
    private async Task<Guid> IdAsync(string? requestId, CancellationToken cancellationToken)
    {
        var key = Key(requestId);
        await notes.AddAsync(LocalNotes.Request, key, new RequestNote(time.GetUtcNow()), cancellationToken);
        var first = await notes.FindAsync(LocalNotes.Request, key, cancellationToken);
        return EventIds.Of(Item(key) with { At = first?.At ?? time.GetUtcNow() }, "project");
    }

    private async Task<bool> IsFirstAsync(string? requestId, CancellationToken cancellationToken)
        => await notes.AddAsync(LocalNotes.Request, Key(requestId), new RequestNote(time.GetUtcNow()), cancellationToken);

    private static string Key(string? requestId)
        => requestId is { Length: > 0 and <= LongestRequestId } id && id.All(c => c is > ' ' and <= '~') ? $"card/{id}"
            : throw LocalFailure.Wrong($"What changes something needs a request_id of 1 to {LongestRequestId} characters.");

    private InboxItem Item(string id) => new(id, time.GetUtcNow(), EntryLocalHttp.Account, EntryLocalHttp.Account, null, null);

    private static async Task<NewProjectView> NewAsync(Person person, CardIntent intent, string? error, CancellationToken cancellationToken)
    {
        var roots = await RootsAsync(person, cancellationToken);
        return new NewProjectView(
            await WorkspaceActions.AgentsAsync(person, cancellationToken), intent.Agent, intent.Name, error,
            [.. roots.Select(r => new CardOption(r, r))], intent.Folder ?? ProjectActions.Usual(roots));
    }

    private static async Task<IReadOnlyList<string>> RootsAsync(Person person, CancellationToken cancellationToken)
        => [.. (await person.AskAsync(DeviceVerbs.FoldersList, new FoldersListRequest(), cancellationToken)).Folders.Select(f => f.Path)];

    private static async Task<HomeView> HomeAsync(Person person, int page, CancellationToken cancellationToken)
        => new(await LinesAsync(person, cancellationToken), page);

    private static async Task<(ProjectLine Line, string Path)> ProjectAsync(Person person, string? id, CancellationToken cancellationToken)
    {
        var all = await person.AskAsync(Verbs.ProjectsList, new ProjectsListRequest(), cancellationToken);
        return Guid.TryParse(id, out var wanted) && all.Projects.FirstOrDefault(p => p.ProjectId == wanted && p.Worktree is null) is { } one
            && (await LinesAsync(person, cancellationToken)).FirstOrDefault(l => l.Id == ProjectReader.Id(wanted)) is { } line
                ? (line, one.Path)
                : throw LocalFailure.Of(new WireError(ErrorCode.ProjectNotFound, "There is no such project."));
    }

    private static async Task<IReadOnlyList<ProjectLine>> LinesAsync(Person person, CancellationToken cancellationToken)
    {
        var projects = await person.AskAsync(Verbs.ProjectsList, new ProjectsListRequest(), cancellationToken);
        var sessions = await person.AskAsync(Verbs.AgentSessionsList, new AgentSessionsListRequest(Limit: MostSessions), cancellationToken);
        var newest = sessions.Sessions.DistinctBy(s => s.ProjectId).ToDictionary(s => s.ProjectId);
        return
        [
            .. from project in projects.Projects.Where(p => p.Worktree is null).OrderBy(p => p.Name, StringComparer.OrdinalIgnoreCase)
               let session = newest.GetValueOrDefault(project.ProjectId)
               select new ProjectLine(
                   ProjectReader.Id(project.ProjectId), project.Name, session?.Agent ?? "—", ProjectReader.State(session?.State)),
        ];
    }

    private byte[] Answer(CardView view, string target, string refresh, CardToast? toast)
    {
        var nonce = Guid.CreateVersion7().ToString("N"); // what is pressed twice is done once
        var card = CardRenderer.Render(view, new CardContext(language, nonce, app) { Without = s_without });
        return JsonSerializer.SerializeToUtf8Bytes(
            new CardsAnswer("demo", new CardInstruction("dm", target, refresh, Template(view)), JsonNode.Parse(card.Json), toast),
            LocalCardJson.Default.CardsAnswer);
    }

    private static string Template(CardView view) => view switch
    {
        HomeView => "project_home",
        NewProjectView => "project_create",
        ManageView => "project_manage",
        ProjectView => "project_config",
        _ => "notice",
    };
}
