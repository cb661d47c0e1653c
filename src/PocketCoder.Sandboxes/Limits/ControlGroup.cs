using System.Globalization;
using PocketCoder.Processes;

namespace PocketCoder.Sandboxes.Limits;

/// <summary>The control group (version 2) or groups (version 1: one a controller) of a session.</summary>
/// <param name="directories">Absolute.</param>
internal sealed class ControlGroup(IReadOnlyList<string> directories)
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(10);

    public IReadOnlyList<string> Directories => directories;

    /// <summary>A process joins by writing its pid into each.</summary>
    public IEnumerable<string> JoinFiles => directories.Select(d => Path.Combine(d, "cgroup.procs"));

    /// <summary>Kills whatever is in it and removes it. Safe to repeat.</summary>
    /// <returns>Whether it is gone.</returns>
    public async Task<bool> RemoveAsync(TimeProvider time, TimeSpan limit)
    {
        var start = time.GetTimestamp();
        while (true)
        {
            foreach (var directory in directories)
            {
                KillAll(directory);
                TryRemove(directory);
            }

            if (!directories.Any(Directory.Exists))
            {
                return true;
            }

            if (time.GetElapsedTime(start) > limit)
            {
                return false;
            }

            await Task.Delay(s_poll);
        }
    }

    /// <summary>rmdir(2): an empty group goes although it shows files.</summary>
    public static void TryRemove(string directory)
    {
        try
        {
            Directory.Delete(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // still in use: the caller tries again and reports
        }
    }

    private static void KillAll(string directory)
    {
        try
        {
            var all = Path.Combine(directory, "cgroup.kill");
            if (File.Exists(all))
            {
                File.WriteAllText(all, "1");
                return;
            }

            foreach (var line in File.ReadLines(Path.Combine(directory, "cgroup.procs")))
            {
                // Nobody but this session is in here, so a pid that is in it now is ours.
                if (int.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                    && ProcessGroup.Identify(pid) is { } identity)
                {
                    ProcessGroup.TrySignal(identity, Native.Kill);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // gone meanwhile
        }
    }
}
