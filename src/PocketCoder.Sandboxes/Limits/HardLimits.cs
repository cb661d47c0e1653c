using System.Globalization;

namespace PocketCoder.Sandboxes.Limits;

/// <summary>
/// The resource limits that we are under ourselves: nobody without privilege can set a higher one (prlimit(1) fails then).
/// </summary>
internal static class HardLimits
{
    /// <summary>
    /// The smaller of what is wished and what may be set. <paramref name="name"/> as in /proc/self/limits: "Max open files".
    /// </summary>
    public static long Clamp(string name, long wished)
        => Read(File.ReadLines("/proc/self/limits"), name) is { } hard ? Math.Min(hard, wished) : wished;

    /// <summary>Null: unlimited, or not in there.</summary>
    internal static long? Read(IEnumerable<string> lines, string name)
    {
        // "Max open files            1024                 524288               files": name, soft, hard, unit
        var line = lines.FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal));
        var fields = line?[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        return fields.Length > 1 && long.TryParse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture, out var hard) ? hard : null;
    }
}
