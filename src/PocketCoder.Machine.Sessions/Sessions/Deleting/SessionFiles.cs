using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Executions.Archive;

namespace PocketCoder.Machine.Sessions.Deleting;

/// <summary>
/// What a session has in the daemon's home beside the database: outputs, files given to its agent, the agent's own state.
/// </summary>
/// <param name="agentFiles">A folder a session, <see cref="Home.AgentFiles"/>.</param>
public sealed class SessionFiles(SessionArchive archive, AttachedFolders attached, string agentFiles)
{
    /// <summary>Deletes all of it. Again does nothing.</summary>
    /// <exception cref="IOException">Some can't be deleted.</exception>
    /// <exception cref="UnauthorizedAccessException">Some can't be deleted.</exception>
    public void Delete(Guid session)
    {
        archive.Remove(session);
        attached.Delete(session);
        var own = Path.Combine(agentFiles, session.ToString("N"));
        if (Directory.Exists(own))
        {
            Directory.Delete(own, recursive: true); // links in it are deleted, not followed
        }
    }
}
