using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Feishu.Bot.Sending;
using PocketCoder.Feishu.Cards;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Places;

/// <summary>A project with what cards show of it.</summary>
internal sealed record KnownProject(ProjectInfo Info, ProjectLine Line, Place? Place);

/// <summary>The projects as one person may see and delete them: those of the machine, and what they hid.</summary>
internal sealed class ProjectReader(BotNotes notes, PlaceBook places, CardSender sender)
{
    private const int MostSessions = 200;

    /// <summary>All but worktrees, by name.</summary>
    /// <exception cref="Entry.EntryRefusal">They may see none.</exception>
    public async Task<IReadOnlyList<KnownProject>> AllAsync(Person person, CancellationToken cancellationToken)
    {
        var projects = await person.AskAsync(Verbs.ProjectsList, new ProjectsListRequest(), cancellationToken);
        var sessions = await person.AskAsync(
            Verbs.AgentSessionsList, new AgentSessionsListRequest(Limit: MostSessions), cancellationToken);
        var newest = sessions.Sessions.DistinctBy(s => s.ProjectId).ToDictionary(s => s.ProjectId);
        var bound = (await places.AllAsync(cancellationToken)).ToDictionary(p => p.Project);
        var prefix = Prefix(person);
        var hidden = (await notes.ListAsync(Note.Hidden, cancellationToken, prefix)).Select(n => n.Key[prefix.Length..])
            .ToHashSet(StringComparer.Ordinal);
        var archived = (await notes.ListAsync(Note.Archived, cancellationToken)).Select(n => n.Key).ToHashSet(StringComparer.Ordinal);
        return
        [
            .. from info in projects.Projects.Where(p => p.Worktree is null).OrderBy(p => p.Name, StringComparer.OrdinalIgnoreCase)
               let id = Id(info.ProjectId)
               let place = bound.GetValueOrDefault(info.ProjectId)
               let session = newest.GetValueOrDefault(info.ProjectId)
               select new KnownProject(
                   info,
                   new ProjectLine(
                       id, info.Name, place?.Agent ?? session?.Agent ?? "—", State(session?.State), place is not null, hidden.Contains(id),
                       archived.Contains(id)),
                   place),
        ];
    }

    /// <summary>The project that a card means.</summary>
    /// <exception cref="NotDone">They see no such project.</exception>
    public async Task<KnownProject> FindAsync(Person person, string? id, CancellationToken cancellationToken)
        => (await AllAsync(person, cancellationToken)).FirstOrDefault(p => p.Line.Id == id)
            ?? throw new NotDone(sender.Say(BotWord.ProjectGone));

    /// <summary>
    /// Deletes a project's sessions for good and takes it from the machine's list; its folder stays. Nothing is deleted while one works;
    /// one that has a terminal open refuses, and what was not deleted by then stays with the project.
    /// </summary>
    /// <param name="working">What is thrown where a session works.</param>
    /// <exception cref="Entry.EntryRefusal">One refused, or they may not.</exception>
    public static async Task DeleteAsync(Person person, Guid project, Exception working, CancellationToken cancellationToken)
    {
        List<SessionInfo> all = [];
        string? after = null;
        do
        {
            var page = await person.AskAsync(
                Verbs.AgentSessionsList, new AgentSessionsListRequest(project, Archived: true, MostSessions, after), cancellationToken);
            all.AddRange(page.Sessions);
            after = page.Next;
        }
        while (after is not null);
        if (all.Any(s => s.State is SessionState.Working or SessionState.NeedsYou))
        {
            throw working;
        }

        foreach (var session in all)
        {
            await person.AskAsync(
                DeviceVerbs.AgentSessionDelete, new AgentSessionDeleteRequest(session.AgentSessionId), cancellationToken);
        }

        await person.AskAsync(Verbs.ProjectRemove, new ProjectRemoveRequest(project), cancellationToken);
    }

    public static string Id(Guid project) => project.ToString("N");

    /// <summary>Where a session works, as it is shown in a chat: the project's own name, then the folder beneath it.</summary>
    public static string FolderName(string path, string? folder)
        => folder is null ? Path.GetFileName(path) : $"{Path.GetFileName(path)}/{folder}";

    /// <summary>Where a person's marks begin.</summary>
    public static string Prefix(Person person) => $"{EventIds.Key(person.Account)}/";

    public static CardState State(SessionState? state) => state switch
    {
        SessionState.Working => CardState.Running,
        SessionState.NeedsYou => CardState.Waiting,
        SessionState.Failed => CardState.Failed,
        _ => CardState.Idle,
    };
}
