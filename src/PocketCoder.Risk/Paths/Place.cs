namespace PocketCoder.Risks.Paths;

/// <summary>Where a path leads.</summary>
internal enum Zone
{
    Workspace,

    /// <summary>
    /// Scratch space that the sandbox keeps for itself (<see cref="RiskSurroundings.OwnTemporary"/>): nothing else sees it.
    /// </summary>
    Temporary,

    /// <summary>Below the folder of another registered project.</summary>
    Neighbour,

    /// <summary><c>/dev/null</c> and the standard streams.</summary>
    Sink,
    Outside,
}

/// <param name="Path">Absolute, without <c>.</c> and <c>..</c>, links followed; patterns stay.</param>
/// <param name="Shown">Relative to the workspace when it lies in it.</param>
/// <param name="Project">The name of the project that it belongs to, with <see cref="Zone.Neighbour"/>.</param>
internal sealed record Place(string Path, string Shown, Zone Zone, string? Project = null);
