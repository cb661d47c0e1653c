using System.Globalization;
using System.Runtime.InteropServices;

namespace PocketCoder.Bench.Results;

/// <summary>What a reader must know of the computer; neither its name nor a path of it.</summary>
/// <param name="Others">Share of the processors' time, 0 to 1, that somebody else had in the two seconds before; with much of it the
/// numbers are not to be trusted.</param>
internal sealed record MachineFacts(
    int Cores, string Processor, double MemoryGb, string System, string Kernel, string Runtime, double Others, DateTimeOffset Date)
{
    private static readonly TimeSpan s_watched = TimeSpan.FromSeconds(2);

    public bool Busy => Others > 0.1;

    /// <summary>Looks at the machine while this program does nothing, which takes two seconds.</summary>
    public static async Task<MachineFacts> ReadAsync(TimeProvider time) => new(
        Environment.ProcessorCount,
        Line("/proc/cpuinfo", "model name") ?? RuntimeInformation.ProcessArchitecture.ToString(),
        Math.Round(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1e9, 1),
        RuntimeInformation.OSDescription,
        File.Exists("/proc/sys/kernel/osrelease") ? (await File.ReadAllTextAsync("/proc/sys/kernel/osrelease")).Trim()
            : Environment.OSVersion.VersionString,
        RuntimeInformation.FrameworkDescription,
        await OthersAsync(time),
        time.GetUtcNow());

    public override string ToString()
        => string.Create(CultureInfo.InvariantCulture,
            $"{Cores} cores ({Processor}), {MemoryGb} GB of memory, {System}, kernel {Kernel}; others used {Others:0 %} of the processors before");

    private static string? Line(string file, string name)
        => File.Exists(file) && File.ReadLines(file).FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal)) is { } line
            ? line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim() : null;

    /// <summary>Not the load average: that still remembers the build that went before.</summary>
    private static async Task<double> OthersAsync(TimeProvider time)
    {
        if (!File.Exists("/proc/stat"))
        {
            return 0;
        }

        var (idle, all) = ProcessorTime();
        await Task.Delay(s_watched, time);
        var (idleThen, allThen) = ProcessorTime();
        return allThen == all ? 0 : Math.Round(1 - ((double)(idleThen - idle) / (allThen - all)), 2);
    }

    /// <summary>
    /// Clock ticks since the start of the machine, of all processors together (proc(5), /proc/stat: user nice system idle iowait irq
    /// softirq steal).
    /// </summary>
    private static (long Idle, long All) ProcessorTime()
    {
        var ticks = File.ReadLines("/proc/stat").First()
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..9].Select(t => long.Parse(t, CultureInfo.InvariantCulture)).ToArray();
        return (ticks[3] + ticks[4], ticks.Sum());
    }
}
