namespace PocketCoder.Sandboxes.Host;

/// <summary>The folders of host sessions below the state directory.</summary>
internal static class HostSessions
{
    public const string None = "none", Landlock = "landlock", Docker = "docker";

    /// <summary>
    /// Whether a folder of the state directory holds sessions of these kinds, and is none itself: the records in it are what their
    /// processes are found by.
    /// </summary>
    public static bool IsKind(string folder) => folder is None or Landlock or Docker;

    public static HostFolder Create(SandboxOptions options, string kind, string id)
    {
        var root = Path.Combine(options.StateDirectory, kind, id);
        if (Path.Exists(root))
        {
            throw new SandboxException(SandboxError.Exists, $"The sandbox {id} already exists.");
        }

        var folder = new HostFolder(root);
        folder.Create();
        return folder;
    }

    /// <summary>Ends what a killed daemon left: nothing here can be taken over, as the output is gone.</summary>
    public static async Task CleanAsync(SandboxOptions options, string kind, CancellationToken cancellationToken)
    {
        var root = Path.Combine(options.StateDirectory, kind);
        foreach (var session in Directory.Exists(root) ? Directory.GetDirectories(root) : [])
        {
            cancellationToken.ThrowIfCancellationRequested();
            await new HostFolder(session).RemoveAsync(options.Time);
        }
    }
}
