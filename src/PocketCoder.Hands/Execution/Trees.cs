using PocketCoder.Processes;

namespace PocketCoder.Hands.Execution;

/// <summary>Deletes what commands left.</summary>
internal static class Trees
{
    private const UnixFileMode OwnerAll = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const int ReasonLength = 2000;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Removes a directory with all in it, by rm(1): it holds each directory open and never walks through a link, so that nobody who owns a
    /// part of the tree can make root delete something else. Stays on one file system.
    /// </summary>
    /// <exception cref="IOException">Something could not be removed.</exception>
    public static async Task RemoveAsync(string root, TimeProvider time)
    {
        if (!Directory.Exists(root))
        {
            return;
        }

        if (Native.EffectiveUser() != 0)
        {
            GiveBackRights(root); // a command may have taken its own rights to a folder away, which stops its owner but not root
        }

        var result = await CommandRun.RunAsync(
            new ProcessStart
            {
                Program = "rm",
                Arguments = ["-rf", "--one-file-system", "--", root],
                WorkingDirectory = "/",
                Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["PATH"] = "/usr/bin:/bin" },
            },
            Limit,
            ReasonLength,
            time,
            CancellationToken.None);
        if (Directory.Exists(root))
        {
            throw new IOException($"{root} could not be removed: {result.Output.Trim()}");
        }
    }

    private static void GiveBackRights(string root)
    {
        var look = new EnumerationOptions { RecurseSubdirectories = false, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint };
        foreach (var directory in Directory.EnumerateDirectories(root, "*", look))
        {
            if ((File.GetUnixFileMode(directory) & OwnerAll) != OwnerAll)
            {
                File.SetUnixFileMode(directory, OwnerAll);
            }

            GiveBackRights(directory);
        }
    }
}
