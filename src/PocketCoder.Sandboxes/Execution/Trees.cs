using PocketCoder.Platform;
using PocketCoder.Processes;

namespace PocketCoder.Sandboxes.Execution;

/// <summary>Deletes what commands left, and gives directories away.</summary>
public static class Trees
{
    private const UnixFileMode OwnerAll = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const int ReasonLength = 2000;

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(5);

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

        if (CurrentUser.Id != 0)
        {
            GiveBackRights(root); // a command may have taken its own rights to a folder away, which stops its owner but not root
        }

        var result = await RunAsync("rm", ["-rf", "--one-file-system", "--", root], time);
        if (Directory.Exists(root))
        {
            throw new IOException($"{root} could not be removed: {result.Output.Trim()}");
        }
    }

    /// <summary>Gives a directory with all in it to a user, by chown(1): like rm it never walks through a link. Needs root.</summary>
    /// <exception cref="IOException">Something could not be given.</exception>
    internal static async Task GiveAsync(string root, uint user, uint group, TimeProvider time)
    {
        var result = await RunAsync(
            "chown", ["-RhP", "--", string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{user}:{group}"), root], time);
        if (result.TimedOut || result.ExitCode != 0)
        {
            throw new IOException($"{root} could not be given to user {user}: {result.Output.Trim()}");
        }
    }

    private static Task<CommandResult> RunAsync(string program, IReadOnlyList<string> arguments, TimeProvider time) => CommandRun.RunAsync(
        new ProcessStart
        {
            Program = program,
            Arguments = arguments,
            WorkingDirectory = "/",
            Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["PATH"] = "/usr/bin:/bin" },
        },
        s_limit,
        ReasonLength,
        time,
        CancellationToken.None);

    private static void GiveBackRights(string root)
    {
        var look = new EnumerationOptions
        { RecurseSubdirectories = false, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint };
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
