using System.Globalization;

namespace PocketCoder.Gateway.Hosting;

/// <summary>Finds out who listens on a TCP port, where the system tells (Linux <c>/proc</c>, own processes or root).</summary>
internal static class PortHolder
{
    /// <summary>
    /// The kernel's table is read in pages, and a line can be missed when sockets come and go between two of them (proc_net_tcp).
    /// </summary>
    private const int Attempts = 3;

    /// <summary><c>pid 4711 (node)</c>, or null.</summary>
    public static string? Describe(int port)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            try
            {
                var sockets = Listening("/proc/net/tcp", port).Concat(Listening("/proc/net/tcp6", port))
                    .Select(inode => $"socket:[{inode}]").ToHashSet(StringComparer.Ordinal);
                if (sockets.Count > 0 && HolderOf(sockets) is { } holder)
                {
                    return holder;
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The table changed while it was read, or /proc is hidden.
            }
        }

        return null;
    }

    private static string? HolderOf(HashSet<string> sockets)
    {
        foreach (var process in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(process), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                && Holds(process, sockets))
            {
                return $"pid {pid} ({NameOf(process)})";
            }
        }

        return null;
    }

    private static IEnumerable<string> Listening(string table, int port)
    {
        if (!File.Exists(table))
        {
            yield break;
        }

        // sl local_address rem_address st … inode: the address ends in the port in hex, state 0A is LISTEN (proc_net_tcp).
        var suffix = $":{port:X4}";
        foreach (var line in File.ReadLines(table).Skip(1))
        {
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length > 9 && fields[3] == "0A" && fields[1].EndsWith(suffix, StringComparison.Ordinal))
            {
                yield return fields[9];
            }
        }
    }

    private static bool Holds(string process, HashSet<string> sockets)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries($"{process}/fd").Any(fd => IsOneOf(fd, sockets));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // another user's process, or gone meanwhile
        }
    }

    private static bool IsOneOf(string descriptor, HashSet<string> sockets)
    {
        try
        {
            return File.ResolveLinkTarget(descriptor, returnFinalTarget: false) is { } link
                && sockets.Contains(Path.GetFileName(link.FullName));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // closed meanwhile: that says nothing of the process's other descriptors
        }
    }

    private static string NameOf(string process)
    {
        try
        {
            return File.ReadAllText($"{process}/comm").Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "?";
        }
    }
}
