using System.Globalization;
using System.Text;

namespace PocketCoder.Processes;

/// <summary>One line of the kernel's process table, from <c>/proc/&lt;pid&gt;/stat</c> (proc(5)).</summary>
internal readonly record struct ProcessEntry(
    int Pid, int ParentPid, int GroupId, int SessionId, long StartTicks, char State, long CpuTicks = 0, long ResidentPages = 0)
{
    /// <summary>A zombie has ended and holds nothing but its entry.</summary>
    public bool HasEnded => State is 'Z' or 'X';
}

/// <summary>
/// Reads /proc. Every answer may be outdated as soon as it is given; identities are compared again right before a signal.
/// </summary>
internal static class ProcessTable
{
    private static readonly Lazy<string> s_boot = new(static () => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim());

    public static string BootId => s_boot.Value;

    /// <summary>Seconds since 1970 at which the kernel says it booted (moves when the clock is set).</summary>
    public static long BootTime
        => File.ReadLines("/proc/stat").Where(l => l.StartsWith("btime ", StringComparison.Ordinal))
            .Select(l => long.Parse(l.AsSpan(6), CultureInfo.InvariantCulture)).First();

    /// <summary>
    /// Clock ticks since boot, as <see cref="ProcessEntry.StartTicks"/> counts them (USER_HZ is 100 on every Linux .NET runs on).
    /// </summary>
    public static long Ticks
    {
        get
        {
            var uptime = File.ReadAllText("/proc/uptime");
            return (long)(decimal.Parse(uptime.AsSpan(0, uptime.IndexOf(' ', StringComparison.Ordinal)), NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture) * 100);
        }
    }

    public static ProcessEntry? Find(int pid)
    {
        const int longest = 1024; // proc(5): a name of at most 64 bytes and about 50 numbers of at most 20 digits; we read the first 24
        Span<byte> line = stackalloc byte[longest];
        try
        {
            // The kernel makes the line when it is read, and gives it whole. A stream and its reader would double what this costs.
            using var file = File.OpenHandle($"/proc/{pid}/stat");
            line = line[..RandomAccess.Read(file, line, 0)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // ended meanwhile
        }

        return Parse(Encoding.Latin1.GetString(line));
    }

    /// <summary>
    /// Null when the line is not understood. The program's name (field 2) may hold blanks and brackets: count from the last bracket.
    /// </summary>
    public static ProcessEntry? Parse(string stat)
    {
        var open = stat.IndexOf('(', StringComparison.Ordinal);
        var close = stat.LastIndexOf(')');
        if (open < 1 || close < open
            || !int.TryParse(stat.AsSpan(0, open).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
        {
            return null;
        }

        var fields = stat[(close + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > 19
            && fields[0].Length == 1
            && int.TryParse(fields[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var parent)
            && int.TryParse(fields[2], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var group)
            && int.TryParse(fields[3], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var session)
            && long.TryParse(fields[19], NumberStyles.None, CultureInfo.InvariantCulture, out var start)
            ? new ProcessEntry(pid, parent, group, session, start, fields[0][0], Number(fields[11]) + Number(fields[12]),
                fields.Length > 21 ? Number(fields[21]) : 0)
            : null;

        static long Number(string field)
            => long.TryParse(field, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
    }

    public static List<ProcessEntry> All()
    {
        var all = new List<ProcessEntry>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                && Find(pid) is { } entry)
            {
                all.Add(entry);
            }
        }

        return all;
    }

    /// <summary>Whether the process was started with this mark, or for one that was; false when that can't be read.</summary>
    public static bool Bears(int pid, string mark)
    {
        const string lead = $"{OwnedProcess.MarkVariable}=";
        try
        {
            return Array.Exists(
                File.ReadAllText($"/proc/{pid}/environ").Split('\0'),
                v => v.StartsWith(lead, StringComparison.Ordinal)
                    && v[lead.Length..].Split(OwnedProcess.MarkSeparator).Contains(mark, StringComparer.Ordinal));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // ended, or another person's
        }
    }
}
