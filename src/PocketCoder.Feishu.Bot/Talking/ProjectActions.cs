using PocketCoder.Entry;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Feishu.Bot.Places;
using PocketCoder.Feishu.Bot.Sending;
using PocketCoder.Feishu.Bot.Turns;
using PocketCoder.Feishu.Cards;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Talking;

/// <summary>The direct chat: projects are listed, made, given a group, hidden and taken away.</summary>
internal sealed class ProjectActions(
    BotNotes notes, PlaceBook places, ProjectReader projects, CardSender sender, WorkspaceActions workspace, Followers followers,
    TimeProvider time)
{
    private const int LongestChatName = 60;

    public IEnumerable<CardRoute> Routes =>
    [
        new(CardVerb.Home, false, async (r, ct) => await HomeAsync(r, ct)),
        new(CardVerb.NewProject, false, async (r, ct) => await NewAsync(r, null, ct)),
        new(CardVerb.CreateProject, true, CreateAsync, Scope.Manage),
        new(CardVerb.Manage, false, async (r, ct) => await ManageAsync(r, null, ct)),
        new(CardVerb.OpenProject, false, OpenAsync),
        new(CardVerb.HideProject, true, (r, ct) => MarkAsync(r, isHidden: true, ct)),
        new(CardVerb.ShowProject, true, (r, ct) => MarkAsync(r, isHidden: false, ct)),
        new(CardVerb.DeleteProject, false, async (r, ct) => await ManageAsync(r, r.Intent.Project, ct)),
        new(CardVerb.ConfirmDelete, true, DeleteAsync, Scope.Manage),
        new(CardVerb.ArchiveProject, true, (r, ct) => ArchiveAsync(r, isArchived: true, ct), Scope.Manage),
        new(CardVerb.UnarchiveProject, true, (r, ct) => ArchiveAsync(r, isArchived: false, ct), Scope.Manage),
        new(CardVerb.BindGroup, true, BindAsync, Scope.Prompt),
    ];

    /// <summary>The list that a person gets who writes.</summary>
    public async Task<HomeView> HomeAsync(CardRequest request, CancellationToken cancellationToken)
        => await HomeAsync(request.Person, request.Intent.Page ?? 0, cancellationToken);

    /// <inheritdoc cref="HomeAsync(CardRequest, CancellationToken)"/>
    public async Task<HomeView> HomeAsync(Person person, int page, CancellationToken cancellationToken)
        => new(
            [.. (await projects.AllAsync(person, cancellationToken)).Select(p => p.Line).Where(l => !l.Hidden && !l.Archived)], page);

    private static async Task<NewProjectView> NewAsync(CardRequest request, string? error, CancellationToken cancellationToken)
    {
        var agents = await WorkspaceActions.AgentsAsync(request.Person, cancellationToken);
        var roots = await RootsAsync(request, cancellationToken);
        return new(
            agents, request.Intent.Agent, request.Intent.Name, error, [.. roots.Select(r => new CardOption(r, r))],
            request.Intent.Folder ?? Usual(roots));
    }

    /// <summary>The folders that the owner allowed for projects.</summary>
    private static async Task<IReadOnlyList<string>> RootsAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var roots = await request.Person.AskAsync(DeviceVerbs.FoldersList, new FoldersListRequest(), cancellationToken);
        return [.. roots.Folders.Select(f => f.Path)];
    }

    /// <summary>The home folder is one unless the owner took it away: a folder that they allowed for projects says more.</summary>
    public static string? Usual(IReadOnlyList<string> roots) => roots.MaxBy(r => r.Count(c => c == '/'));

    private async Task<CardView?> CreateAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var roots = await RootsAsync(request, cancellationToken);
        var parent = request.Intent.Folder ?? Usual(roots);
        if (parent is null || !roots.Contains(parent, StringComparer.Ordinal))
        {
            return await NewAsync(request, sender.Say(BotWord.NoFolder), cancellationToken);
        }

        ProjectInfo project;
        try
        {
            var made = await request.Person.AskAsync(
                DeviceVerbs.ProjectCreate,
                new ProjectCreateRequest(parent, request.Intent.Name!, Git: true, request.Id("project")), cancellationToken);
            project = made.Project;
        }
        catch (EntryRefusal e)
        {
            return await NewAsync(request, e.Message, cancellationToken);
        }

        await GroupAsync(request, project, request.Intent.Agent, BotWord.GroupRefusedNew, cancellationToken);
        return await HomeAsync(request, cancellationToken);
    }

    private async Task<CardView?> OpenAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var project = await projects.FindAsync(request.Person, request.Intent.Project, cancellationToken);
        return new ProjectView(project.Line, project.Info.Path);
    }

    private async Task<CardView?> BindAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var project = await projects.FindAsync(request.Person, request.Intent.Project, cancellationToken);
        if (project.Place is null)
        {
            await GroupAsync(request, project.Info, null, BotWord.GroupRefused, cancellationToken);
        }

        return await OpenAsync(request, cancellationToken);
    }

    /// <summary>In a group of somebody's that belongs to no project: <c>/bind PROJECT</c> gives it one.</summary>
    /// <exception cref="NotDone">It is something else, or can't be.</exception>
    public async Task BindHereAsync(Person person, InboxItem item, string? text, CancellationToken cancellationToken)
    {
        var words = text?.Split((char[]?)null, 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (words is not ["/bind", var wanted])
        {
            throw new NotDone(sender.Say(BotWord.NoProject));
        }

        if (!person.Scopes.Contains(Scope.Prompt))
        {
            throw NotDone.Needs(Scope.Prompt);
        }

        var named = (await projects.AllAsync(person, cancellationToken)).Where(p => IsNamed(p, wanted)).ToList();
        var project = named is [var one] ? one : throw new NotDone(sender.Say(BotWord.ProjectGone));
        if (project.Place is not null)
        {
            throw new NotDone(sender.Say(BotWord.HasGroup));
        }

        var place = new Place(project.Info.ProjectId, item.Chat, person.Account, time.GetUtcNow(), BoundBy: person.Account);
        await places.SetAsync(place, cancellationToken);
        await sender.AnswerAsync(item, await workspace.ViewAsync(person, place, cancellationToken), "workspace", cancellationToken);
    }

    /// <summary>Whether a group's project is called so: it was bound by the same message, which is done once more.</summary>
    public async Task<bool> IsAsync(Person person, Place place, string wanted, CancellationToken cancellationToken)
        => IsNamed(await projects.FindAsync(person, ProjectReader.Id(place.Project), cancellationToken), wanted);

    private static bool IsNamed(KnownProject project, string wanted) => project.Info.Name == wanted || project.Line.Id == wanted;

    /// <summary>The group belongs to no project any more; its session goes on.</summary>
    /// <exception cref="NotDone">Neither did they bind it, nor may they manage projects.</exception>
    public async Task UnbindAsync(Person person, Place place, InboxItem item, CancellationToken cancellationToken)
    {
        if (!RoleActions.IsInCharge(person, place))
        {
            throw new NotDone(sender.Say(BotWord.NotYourGroup));
        }

        await (place.Session is { } session ? followers.LeaveAsync(session, cancellationToken) : Task.CompletedTask);
        await places.RemoveAsync(place, cancellationToken);
        await sender.TextAsync(item, sender.Say(BotWord.Unbound), "unbound", cancellationToken);
    }

    private async Task<CardView?> MarkAsync(CardRequest request, bool isHidden, CancellationToken cancellationToken)
    {
        var project = await projects.FindAsync(request.Person, request.Intent.Project, cancellationToken);
        var key = ProjectReader.Prefix(request.Person) + project.Line.Id;
        await (isHidden ? notes.SetAsync(Note.Hidden, key, new Mark(time.GetUtcNow()), cancellationToken)
            : notes.TakeAsync(Note.Hidden, key, cancellationToken));
        return await ManageAsync(request, null, cancellationToken);
    }

    private async Task<CardView?> ArchiveAsync(CardRequest request, bool isArchived, CancellationToken cancellationToken)
    {
        var project = await projects.FindAsync(request.Person, request.Intent.Project, cancellationToken);
        await (isArchived ? notes.SetAsync(Note.Archived, project.Line.Id, new Mark(time.GetUtcNow()), cancellationToken)
            : notes.TakeAsync(Note.Archived, project.Line.Id, cancellationToken));
        return await OpenAsync(request, cancellationToken);
    }

    private async Task<ManageView> ManageAsync(CardRequest request, string? deleteAsked, CancellationToken cancellationToken)
        => new(
            [.. (await projects.AllAsync(request.Person, cancellationToken)).Select(p => p.Line)], deleteAsked, request.Intent.Page ?? 0);

    private async Task<CardView?> DeleteAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var all = await projects.AllAsync(request.Person, cancellationToken);
        if (all.FirstOrDefault(p => p.Line.Id == request.Intent.Project) is { } project) // else it was done before
        {
            try
            {
                await ProjectReader.DeleteAsync(
                    request.Person, project.Info.ProjectId, new NotDone(sender.Say(BotWord.StillWorks)), cancellationToken);
            }
            catch (NotDone e)
            {
                // The card gets new buttons, to be pressed once it has stopped.
                await sender.TextAsync(request.Item, $"⚠ {e.Message}", "still works", cancellationToken);
                return await ManageAsync(request, null, cancellationToken);
            }

            if (project.Place is { } place)
            {
                await (place.Session is { } session ? followers.LeaveAsync(session, cancellationToken) : Task.CompletedTask);
                await places.RemoveAsync(place, cancellationToken);
            }
        }

        return await ManageAsync(request, null, cancellationToken);
    }

    /// <summary>
    /// Makes a group for a project: its owner is who wanted it, its first card is the workspace. Where the platform refuses it for good,
    /// the person is told what to do, and the project stays: its card has a new button for a group.
    /// </summary>
    /// <param name="refused">What is said then, with the platform's reason.</param>
    private async Task GroupAsync(
        CardRequest request, ProjectInfo project, string? agent, BotWord refused, CancellationToken cancellationToken)
    {
        var name = SafeText.Line(project.Name, LongestChatName);
        string chat;
        try
        {
            chat = await sender.Client.CreateChatAsync(
                name, request.Person.Account, EventIds.Uuid(request.Item.Id, "chat"), cancellationToken);
        }
        catch (FeishuException e) when (!e.Retryable)
        {
            await sender.TextAsync(request.Item, $"⚠ {sender.Say(refused, name, e.Message)}", "group refused", cancellationToken);
            return;
        }

        var place = new Place(
            project.ProjectId, chat, request.Person.Account, time.GetUtcNow(), Agent: agent, BoundBy: request.Person.Account);
        await places.SetAsync(place, cancellationToken);
        var view = await workspace.ViewAsync(request.Person, place, cancellationToken);
        try
        {
            await sender.SendAsync(chat, view, request.Item.Id, "workspace", cancellationToken);
        }
        catch (FeishuException e) when (!e.Retryable)
        {
            // The group is there and bound; /status shows the card in it.
        }
    }
}
