namespace PocketCoder.Risks.Paths;

/// <summary>Where a path leads.</summary>
internal enum Zone
{
    Workspace,

    /// <summary>Below <c>/tmp</c> or <c>/var/tmp</c>: scratch space, shared with other programs.</summary>
    Temporary,

    /// <summary><c>/dev/null</c> and the standard streams.</summary>
    Sink,
    Outside,
}

/// <param name="Path">Absolute, without <c>.</c> and <c>..</c>, links followed; patterns stay.</param>
/// <param name="Shown">Relative to the workspace when it lies in it.</param>
internal sealed record Place(string Path, string Shown, Zone Zone);
