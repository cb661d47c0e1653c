using PocketCoder.Machine.Projects;
using PocketCoder.Protocol;
using PocketCoder.Risks;

namespace PocketCoder.Machine.Sessions.Tools;

/// <summary>What lies around a session's project, for telling what a command would do there.</summary>
internal static class Surroundings
{
    /// <summary>As it is now.</summary>
    public static async Task<RiskSurroundings> LookAsync(SessionContext session)
    {
        var projects = await new ProjectStore(session.Store).ListAsync(CancellationToken.None);
        return new RiskSurroundings(
            [.. projects.Where(p => p.ProjectId != session.Record.ProjectId).Select(p => new NeighbourProject(p.Name, p.Path))],
            OwnTemporary(session.Record.Sandbox))
        { Repository = session.Services.Sandboxes.Worktrees.Find(session.Directory)?.ParentFolder };
    }

    /// <summary>The temporary folders that sandboxes of this kind keep for themselves.</summary>
    public static IReadOnlyList<string> OwnTemporary(SandboxKind sandbox)
        => sandbox is SandboxKind.Bubblewrap or SandboxKind.Docker ? ["/tmp"] : [];
}
