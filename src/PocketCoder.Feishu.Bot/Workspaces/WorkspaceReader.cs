using PocketCoder.Entry;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Feishu.Bot.Places;
using PocketCoder.Feishu.Cards;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Workspaces;

/// <summary>How the workspace of a group stands.</summary>
internal sealed class WorkspaceReader(ProjectReader projects)
{
    /// <summary>
    /// As one person sees it. Folder, agent and session can't be changed while a turn runs or prompts wait: those would go where nobody
    /// meant them to.
    /// </summary>
    /// <exception cref="EntryRefusal">They may not see it.</exception>
    /// <exception cref="Sending.NotDone">There is no such project any more.</exception>
    public async Task<WorkspaceView> ReadAsync(Person person, Place place, CancellationToken cancellationToken)
    {
        var project = await projects.FindAsync(person, ProjectReader.Id(place.Project), cancellationToken);
        var (session, turns) = await SessionAsync(person, place, cancellationToken);
        var running = turns.FirstOrDefault(t => t.State is TurnState.Running or TurnState.Waiting);
        var line = project.Line with { State = ProjectReader.State(session?.State), Agent = session?.Agent ?? project.Line.Agent };
        return new WorkspaceView(
            line, ProjectReader.FolderName(project.Info.Path, session is null ? place.Folder : session.Folder),
            session?.Model ?? place.Model, session is null ? null : session.AgentSessionId.ToString("N"),
            running?.TurnId.ToString("N"), session?.Queued ?? 0, Locked: running is not null || session is { Queued: > 0 });
    }

    /// <summary>
    /// The place's session with its turns; none when it began none, or it was deleted: the next prompt begins another one.
    /// </summary>
    /// <exception cref="EntryRefusal">They may not see it.</exception>
    public static async Task<(SessionInfo? Session, IReadOnlyList<TurnInfo> Turns)> SessionAsync(
        Person person, Place place, CancellationToken cancellationToken)
    {
        if (place.Session is not { } id)
        {
            return (null, []);
        }

        try
        {
            var got = await person.AskAsync(DeviceVerbs.AgentSessionGet, new AgentSessionGetRequest(id), cancellationToken);
            return (got.Session, got.Turns);
        }
        catch (EntryRefusal e) when (e.Error.Code == ErrorCode.SessionNotFound)
        {
            return (null, []);
        }
    }
}
