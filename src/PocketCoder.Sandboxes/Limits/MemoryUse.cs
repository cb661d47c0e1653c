using System.Globalization;

namespace PocketCoder.Sandboxes.Limits;

/// <summary>
/// How much memory processes hold, from /proc (proc(5)): their own pages and what they share, swapped out or not, their page tables, files
/// without a name that they keep open (memfd), and the file systems in memory that only they see. Everything may be gone as soon as it is
/// looked at.
/// </summary>
internal static class MemoryUse
{
    private const int MostDescriptors = 4096;

    /// <summary>What one file costs a file system in memory beside its bytes: the kernel's own record and name of it.</summary>
    private const long InodeBytes = 1024;

    private static readonly string[] s_memoryFileSystems = ["dev/shm", "run"];

    /// <summary>
    /// Bytes of these processes. The quick sum counts a page once for each process that has it; only when that is above
    /// <paramref name="limit"/> the shares are taken, which costs more.
    /// </summary>
    public static long Of(IReadOnlyList<int> pids, long limit)
    {
        var files = Files(pids);
        var quick = pids.Sum(p => Sum($"/proc/{p}/status", "RssAnon:", "VmSwap:", "VmPTE:")) + Math.Max(
            files, pids.Sum(p => Sum($"/proc/{p}/status", "RssShmem:")));
        if (quick <= limit)
        {
            return quick;
        }

        // A shared page is mapped from one of the files, or from none: the larger of the two is what there is at least.
        var own = pids.Sum(p => Share(p, "Pss_Anon:", "RssAnon:") + Share(p, "SwapPss:", "VmSwap:") + Sum($"/proc/{p}/status", "VmPTE:"));
        return own + Math.Max(files, pids.Sum(p => Share(p, "Pss_Shmem:", "RssShmem:")));
    }

    /// <summary>Bytes that the whole machine could still give, and that it has; null where the kernel does not say.</summary>
    public static (long Available, long Total)? Machine()
    {
        var (available, total) = (Sum("/proc/meminfo", "MemAvailable:"), Sum("/proc/meminfo", "MemTotal:"));
        return total == 0 ? null : (available, total);
    }

    private static long Share(int pid, string share, string whole)
    {
        var found = Sum($"/proc/{pid}/smaps_rollup", share);
        return found > 0 ? found : Sum($"/proc/{pid}/status", whole); // not ours to look into: each page counts whole
    }

    /// <summary>Bytes of nameless files that are open, and of file systems in memory; each once.</summary>
    private static long Files(IReadOnlyList<int> pids)
    {
        var seen = new HashSet<(ulong Device, ulong Inode)>();
        var systems = new HashSet<ulong>();
        long bytes = 0;
        foreach (var pid in pids)
        {
            foreach (var name in HasOwnRoot(pid) ? s_memoryFileSystems : [])
            {
                var path = $"/proc/{pid}/root/{name}";
                if (FileSystemUse.IsMemory(path) && Native.FileAt(path) is { } root && systems.Add(root.Device)
                    && FileSystemUse.Of(path) is { } use)
                {
                    bytes += use.UsedBytes + (use.UsedFiles * InodeBytes);
                }
            }

            foreach (var descriptor in Descriptors(pid))
            {
                if (Native.FileAt(descriptor) is { } file && seen.Add((file.Device, file.Inode)))
                {
                    bytes += file.Bytes;
                }
            }
        }

        return bytes;
    }

    /// <summary>Whether it sees other files than we do: a launcher that has not entered its sandbox yet sees the host's.</summary>
    private static bool HasOwnRoot(int pid)
        => Native.FileAt($"/proc/{pid}/root") is { } its && Native.FileAt("/proc/self/root") is { } ours
            && (its.Device, its.Inode) != (ours.Device, ours.Inode);

    private static IEnumerable<string> Descriptors(int pid)
    {
        try
        {
            return [.. Directory.EnumerateFiles($"/proc/{pid}/fd").Take(MostDescriptors)
                .Where(f => new FileInfo(f).LinkTarget?.StartsWith("/memfd:", StringComparison.Ordinal) == true)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>The bytes that these lines of a file say in kB; 0 when it can't be read.</summary>
    private static long Sum(string path, params ReadOnlySpan<string> names)
    {
        long sum = 0;
        try
        {
            foreach (var line in File.ReadAllText(path).AsSpan().EnumerateLines())
            {
                foreach (var name in names)
                {
                    if (line.StartsWith(name, StringComparison.Ordinal)
                        && long.TryParse(line[name.Length..].Trim().TrimEnd("kB").Trim(), NumberStyles.None, CultureInfo.InvariantCulture,
                            out var kilobytes))
                    {
                        sum += kilobytes * 1024;
                    }
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // ended meanwhile
        }

        return sum;
    }
}
