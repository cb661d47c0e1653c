using PocketCoder.Sandboxes.Execution;
using PocketCoder.Sandboxes.Limits;
using PocketCoder.Processes;

namespace PocketCoder.Sandboxes.Bubblewrap;

/// <summary>Takes away all that a session took on the host. Safe to repeat.</summary>
internal static class SessionCleanup
{
    /// <summary>Ends the session and removes its folder, control groups, mount and user.</summary>
    /// <returns>What is left, for people; empty when nothing is.</returns>
    public static async Task<IReadOnlyList<string>> RemoveAsync(SessionState state, SessionFolder folder, SandboxOptions options)
    {
        var left = new List<string>();

        // The init of the process namespace first: with it the kernel ends everything inside, whatever it did to be forgotten.
        foreach (var identity in (ProcessIdentity[])[state.Holder, state.Launcher, .. Leaders(folder)])
        {
            if (identity.Pid > 0 && !await ProcessGroup.KillAsync(identity, TimeSpan.Zero, options.Time))
            {
                left.Add($"process {identity.Pid}");
            }
        }

        if (!await new ControlGroup(state.ControlGroups).RemoveAsync(options.Time, SandboxDefaults.KillLimit))
        {
            left.Add($"control group {string.Join(", ", state.ControlGroups.Where(Directory.Exists))}");
        }

        if (state.Mounted && !WorkspaceMount.Remove(folder.Mapped))
        {
            left.Add($"mount {folder.Mapped}");
            return left; // never delete through a mount
        }

        foreach (var mapped in (string[])[folder.MappedState, folder.MappedSide])
        {
            if (!WorkspaceMount.Remove(mapped))
            {
                left.Add($"mount {mapped}");
                return left;
            }
        }

        try
        {
            await Trees.RemoveAsync(folder.Root, options.Time);
            if (state is { ReservedUser: true, User: { } user } && left.Count == 0)
            {
                SessionUser.Release(options, user);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            left.Add($"{folder.Root} ({e.Message})");
        }

        return left;
    }

    /// <summary>
    /// A folder whose session is dead, or of a start that was cut off: the launcher's own record may still name what it started.
    /// </summary>
    public static async Task RemoveUnfinishedAsync(SessionFolder folder, SandboxOptions options)
    {
        if (StateFile.Read(folder.State, StateJson.Default.SessionState) is { } state)
        {
            await RemoveAsync(state, folder, options);
            return;
        }

        // No state was written, so the daemon died within the start. Its processes are found by the folder in their arguments.
        foreach (var identity in Naming(folder.Root))
        {
            await ProcessGroup.KillAsync(identity, TimeSpan.Zero, options.Time);
        }

        var groups = ControlGroups.Detect("/sys/fs/cgroup", File.ReadAllLines("/proc/self/cgroup"))
            .Existing(BubblewrapBackend.GroupName(options, folder.Id));
        var user = Native.OwnerOf(folder.Home)?.User;
        var reserved = user >= options.FirstUser && user < options.FirstUser + options.Users;
        await RemoveAsync(
            new SessionState(folder.Id, user, null, reserved, new(-1, -1, ""), new(-1, -1, ""), groups, "", 0, 0,
                WorkspaceMount.IsMounted(folder.Mapped)),
            folder,
            options);
    }

    /// <summary>
    /// Processes of ours that were started with exactly this argument (a folder, a command's id), or as bwrap with that folder's log as
    /// output. Somebody's editor that has the same path open is none of them.
    /// </summary>
    public static IEnumerable<ProcessIdentity> Naming(string argument)
    {
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory.AsSpan()), out var pid) && pid != Environment.ProcessId
                && IsNamed(directory, argument)
                && ProcessGroup.Identify(pid) is { } identity)
            {
                yield return identity;
            }
        }
    }

    private static bool IsNamed(string process, string argument)
    {
        try
        {
            var arguments = File.ReadAllText(Path.Combine(process, "cmdline")).Split('\0');
            return (arguments.Contains(argument, StringComparer.Ordinal)
                && Array.Exists(arguments, a => a.EndsWith(".sh", StringComparison.Ordinal)))
                || (arguments[0] is "bwrap" or "/bin/sh"
                    && new FileInfo(Path.Combine(process, "fd", "1")).LinkTarget == Path.Combine(argument, "holder.log"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // ended, or another person's
        }
    }

    private static List<ProcessIdentity> Leaders(SessionFolder folder)
    {
        try
        {
            return [.. Directory.EnumerateFiles(folder.Commands, "*.json")
                .Select(f => StateFile.Read(f, StateJson.Default.CommandState)?.Leader)
                .OfType<ProcessIdentity>()];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }
}
