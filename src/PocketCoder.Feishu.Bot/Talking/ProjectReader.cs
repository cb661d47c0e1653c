using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Feishu.Bot.Places;
using PocketCoder.Feishu.Bot.Sending;
using PocketCoder.Feishu.Cards;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Talking;

/// <summary>A project with what cards show of it.</summary>
internal sealed record KnownProject(ProjectInfo Info, ProjectLine Line, Place? Place);

/// <summary>The projects as one person may see them: those of the machine, and what they hid.</summary>
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

    public static string Id(Guid project) => project.ToString("N");

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
