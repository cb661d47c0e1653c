using PocketCoder.Processes;

namespace PocketCoder.EndToEnd.Tests.Crash;

/// <summary>Processes that work in a folder: what a killed daemon leaves behind when it ran something there.</summary>
internal static class Survivors
{
    public static IReadOnlyList<ProcessIdentity> In(string folder)
    {
        var found = new List<ProcessIdentity>();
        foreach (var entry in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(entry.AsSpan()), out var pid)
                && WorksIn(pid) is { } place
                && (place == folder || place.StartsWith(folder + "/", StringComparison.Ordinal))
                && ProcessGroup.Identify(pid) is { } identity)
            {
                found.Add(identity);
            }
        }

        return found;
    }

    /// <summary>The command line, for messages.</summary>
    public static string Describe(ProcessIdentity process)
    {
        try
        {
            return $"{process.Pid}: {File.ReadAllText($"/proc/{process.Pid}/cmdline").Replace('\0', ' ')}";
        }
        catch (IOException)
        {
            return $"{process.Pid}";
        }
    }

    private static string? WorksIn(int pid)
    {
        try
        {
            return new FileInfo($"/proc/{pid}/cwd").LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // ended meanwhile
        }
    }
}
