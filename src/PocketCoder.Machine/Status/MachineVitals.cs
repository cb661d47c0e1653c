using System.Globalization;

namespace PocketCoder.Machine.Status;

/// <summary>What the system tells of its memory, its work and the disk with the daemon's files; null where it does not.</summary>
/// <param name="Load">Over one minute.</param>
internal sealed record MachineVitals(long? MemoryTotal, long? MemoryAvailable, decimal? Load, long? DiskTotal, long? DiskFree)
{
    /// <param name="folder">On the disk in question.</param>
    public static MachineVitals Of(string folder)
    {
        var (total, available) = Memory();
        var (size, free) = Disk(folder);
        return new MachineVitals(total, available, LoadAverage(), size, free);
    }

    /// <summary>Sizes from a text as Linux's <c>/proc/meminfo</c> is (proc(5)): <c>MemAvailable:  123 kB</c>.</summary>
    internal static long? KilobytesOf(string text, string name)
    {
        foreach (var line in text.Split('\n'))
        {
            if (line.StartsWith(name, StringComparison.Ordinal) && line.Length > name.Length && line[name.Length] == ':'
                && long.TryParse(line[(name.Length + 1)..].Replace("kB", "", StringComparison.Ordinal).Trim(), NumberStyles.None,
                    CultureInfo.InvariantCulture, out var kilobytes)
                && kilobytes <= long.MaxValue / 1024)
            {
                return kilobytes * 1024;
            }
        }

        return null;
    }

    private static (long? Total, long? Available) Memory()
    {
        var text = Proc("/proc/meminfo");
        return text is null ? (GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, null)
            : (KilobytesOf(text, "MemTotal"), KilobytesOf(text, "MemAvailable"));
    }

    private static decimal? LoadAverage()
        => Proc("/proc/loadavg") is { } text && decimal.TryParse(
            text.Split(' ')[0], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var load) ? load : null;

    private static (long? Total, long? Free) Disk(string folder)
    {
        try
        {
            var drive = new DriveInfo(folder);
            return (drive.TotalSize, drive.AvailableFreeSpace);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return (null, null);
        }
    }

    private static string? Proc(string path)
    {
        try
        {
            return OperatingSystem.IsLinux() ? File.ReadAllText(path) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // a system without it
        }
    }
}
