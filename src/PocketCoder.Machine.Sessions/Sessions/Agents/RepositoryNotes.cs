using PocketCoder.Agents;
using PocketCoder.Machine.Projects.Findings;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Agents;

/// <summary>Says what of the repository would have run by itself or steered the agent. On the mailbox only.</summary>
internal sealed class RepositoryNotes(SessionContext session)
{
    /// <summary>The last note; null: none yet, in this life of the daemon.</summary>
    private string? _last;

    /// <summary>
    /// One line when the agent begins to work in the project, and again when what is found became another. Nothing found: nothing said.
    /// </summary>
    /// <param name="resumed">The agent goes on with a conversation.</param>
    public async Task NoteAsync(bool resumed)
    {
        // a slow disk must not hold up the mailbox's other sessions
        var found = await Task.Run(() => RepositoryScan.At(session.WorkingDirectory, session.Directory));
        var words = RepositoryNoteText.Of(found, session.Driver.Description, session.Record.Sandbox != SandboxKind.None);
        var saidBefore = _last is null && resumed; // by the session's first start
        if (words.Length > 0 && words != _last && !saidBefore)
        {
            var runs = found.ForAgents.Count > 0 || found.ForOthers.Any(f => f.Contains(".git/", StringComparison.Ordinal));
            await session.UnlessFullAsync(session.NoteAsync(runs ? NoticeLevel.Warning : NoticeLevel.Info, words));
        }

        _last = words;
    }
}

/// <summary>The line about what a repository holds. Pure; nothing of the repository's own words is in it.</summary>
internal static class RepositoryNoteText
{
    private const int MostNamed = 12;

    /// <returns>Empty: there is nothing to say.</returns>
    public static string Of(RepositoryFound found, AgentDescription agent, bool sandboxed)
    {
        var leavesOff = agent.RepositorySettings == RepositorySettings.LeftOff
            || (agent.RepositorySettings == RepositorySettings.LeftOffWhenHeld && sandboxed);
        List<string> sentences = [];
        if (found.ForAgents.Count > 0)
        {
            sentences.Add(leavesOff
                ? $"Found in this project and ignored, so that {agent.Name} neither runs nor follows it: {List(found.ForAgents)}."
                : $"This project has agent settings: {List(found.ForAgents)}. PocketCoder can't stop {agent.Name} from using those that it reads. If you don't trust them, stop and use another agent.");
        }

        if (found.ForOthers.Count > 0)
        {
            sentences.Add($"PocketCoder runs none of these, but git, a shell or an editor would, also in a command that you allow: {List(found.ForOthers)}.");
        }

        return string.Join(' ', sentences);
    }

    private static string List(IReadOnlyList<string> names)
        => names.Count <= MostNamed ? string.Join(", ", names)
            : $"{string.Join(", ", names.Take(MostNamed))} and {names.Count - MostNamed} more";
}
