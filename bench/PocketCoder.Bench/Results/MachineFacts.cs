using System.Globalization;
using System.Runtime.InteropServices;

namespace PocketCoder.Bench.Results;

/// <summary>What a reader must know of the computer; neither its name nor a path of it.</summary>
/// <param name="Load">Average number of runnable processes over the minute before; above a fraction of the cores the numbers are not to be trusted.</param>
internal sealed record MachineFacts(int Cores, string Processor, double MemoryGb, string System, string Kernel, string Runtime, double Load, DateTimeOffset Date)
{
    public bool Busy => Load > 0.25 * Cores;

    public static MachineFacts Read(TimeProvider time) => new(
        Environment.ProcessorCount,
        Line("/proc/cpuinfo", "model name") ?? RuntimeInformation.ProcessArchitecture.ToString(),
        Math.Round(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1e9, 1),
        RuntimeInformation.OSDescription,
        File.Exists("/proc/sys/kernel/osrelease") ? File.ReadAllText("/proc/sys/kernel/osrelease").Trim() : Environment.OSVersion.VersionString,
        RuntimeInformation.FrameworkDescription,
        File.Exists("/proc/loadavg") ? double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture) : 0,
        time.GetUtcNow());

    public override string ToString()
        => string.Create(CultureInfo.InvariantCulture, $"{Cores} cores ({Processor}), {MemoryGb} GB of memory, {System}, kernel {Kernel}; load before: {Load:0.0}");

    private static string? Line(string file, string name)
        => File.Exists(file) && File.ReadLines(file).FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal)) is { } line ? line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim() : null;
}
