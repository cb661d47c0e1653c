using PocketCoder.Feishu.Bot.People;
using PocketCoder.Feishu.Bot.Places;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Turns;

/// <summary>A session as it is when one begins to read it.</summary>
internal sealed record SessionFacts(SessionInfo Session, TurnFacts Turn, IReadOnlyDictionary<Guid, TurnInfo> Turns)
{
    /// <exception cref="Entry.EntryRefusal">There is no such session, or no project of it.</exception>
    public static async Task<SessionFacts> ReadAsync(Person person, Guid session, CancellationToken cancellationToken)
    {
        var got = await person.AskAsync(DeviceVerbs.AgentSessionGet, new AgentSessionGetRequest(session), cancellationToken);
        var projects = await person.AskAsync(Verbs.ProjectsList, new ProjectsListRequest(), cancellationToken);
        var agents = await person.AskAsync(DeviceVerbs.AgentsList, new AgentsListRequest(), cancellationToken);
        var agent = agents.Agents.FirstOrDefault(a => a.Id == got.Session.Agent);
        var path = projects.Projects.FirstOrDefault(p => p.ProjectId == got.Session.ProjectId)?.Path;
        var folder = path is null ? "" : ProjectReader.FolderName(path, got.Session.Folder);
        return new SessionFacts(
            got.Session,
            new TurnFacts(agent?.Name ?? got.Session.Agent, got.Session.Model, folder, agent?.Steer == true),
            got.Turns.ToDictionary(t => t.TurnId));
    }

    /// <summary>Whether a turn was over before a time.</summary>
    public bool IsBefore(TurnInfo turn, DateTimeOffset time)
        => Turns.TryGetValue(turn.TurnId, out var now) ? now.FinishedAt < time : turn.CreatedAt < time && Turns.Count > 0
            && Turns.Values.All(t => t.CreatedAt > turn.CreatedAt);
}
