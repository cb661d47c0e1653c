namespace PocketCoder.Processes;

/// <summary>Finds programs as a shell would. Linux only.</summary>
public static class Executables
{
    private const UnixFileMode AnyExecute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>
    /// The first executable of that name in <paramref name="path"/> (colon-separated; relative entries are skipped), or null.
    /// </summary>
    public static string? Find(string name, string? path)
    {
        if (name.Contains('/', StringComparison.Ordinal))
        {
            return Path.IsPathFullyQualified(name) && IsExecutable(name) ? name : null;
        }

        // A relative entry would mean "whatever lies in the project": never.
        return name.Length == 0
            ? null
            : (path ?? "").Split(':').Where(Path.IsPathFullyQualified).Select(d => Path.Combine(d, name)).FirstOrDefault(IsExecutable);
    }

    private static bool IsExecutable(string file)
    {
        try
        {
            var target = new FileInfo(file);
            return File.Exists(file) && !OperatingSystem.IsWindows() && (File.GetUnixFileMode(
                target.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? file) & AnyExecute) != UnixFileMode.None;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
