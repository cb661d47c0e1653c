using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using System.Text;
using PocketCoder.Processes;

namespace PocketCoder.Bench.Daemons;

/// <summary>A program that listens, as a process of its own; it is killed when this is disposed of.</summary>
[UnsupportedOSPlatform("windows")]
internal sealed class StartedProgram : IAsyncDisposable
{
    private static readonly TimeSpan s_stopGrace = TimeSpan.FromSeconds(10);

    private readonly OwnedProcess _process;
    private readonly Task _drained;
    private readonly StringBuilder _said = new();

    private StartedProgram(OwnedProcess process)
    {
        _process = process;
        _drained = Task.WhenAll(DrainAsync(process.StandardOutput, null), DrainAsync(process.StandardError, _said));
    }

    public int Pid => _process.Identity.Pid;

    /// <summary>From before the process was started until <c>/healthz</c> answered 200.</summary>
    public TimeSpan ReadyAfter { get; private set; }

    /// <summary>Starts it and returns when it answers.</summary>
    /// <param name="port">On 127.0.0.1, where it listens.</param>
    /// <exception cref="InvalidOperationException">It ended or did not answer in time; with what it said.</exception>
    public static async Task<StartedProgram> StartAsync(ProcessStart start, int port)
    {
        var begun = Stopwatch.GetTimestamp();
        var program = new StartedProgram(OwnedProcess.Start(start, TimeProvider.System));
        try
        {
            await Listening.UntilAnswersAsync(port, program._process, () => program._said.ToString());
            program.ReadyAfter = Stopwatch.GetElapsedTime(begun);
            return program;
        }
        catch
        {
            await program.DisposeAsync();
            throw;
        }
    }

    /// <summary>What the program gets of this process's environment, and a home in the folder.</summary>
    public static Dictionary<string, string> EnvironmentIn(DirectoryInfo folder, string home)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["HOME"] = folder.FullName,
            ["PATH"] = "/usr/local/bin:/usr/bin:/bin",
            ["POCKETCODER_HOME"] = home,
        };

        // A build that is not self-contained finds its runtime by this; DOTNET_ settings let two ways of running be compared.
        foreach (var (name, value) in EnvironmentAllowList.Own())
        {
            if (name.StartsWith("DOTNET_", StringComparison.Ordinal))
            {
                environment[name] = value;
            }
        }

        return environment;
    }

    /// <summary>Resident and proportional memory in bytes.</summary>
    public (double Rss, double Pss) Memory() => Listening.Memory(_process);

    /// <summary>What it used of the processors since it was started (proc(5), stat: utime and stime, in ticks of 10 ms).</summary>
    public TimeSpan Processor()
    {
        var stat = File.ReadAllText($"/proc/{Pid}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return TimeSpan.FromMilliseconds(
            10 * (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)));
    }

    public async ValueTask DisposeAsync()
    {
        await _process.KillAsync(s_stopGrace);
        await _process.DisposeAsync();
        await _drained;
    }

    private static async Task DrainAsync(Stream stream, StringBuilder? keep)
    {
        const int Kept = 4_000;
        using var reader = new StreamReader(stream);
        while (await reader.ReadLineAsync() is { } line)
        {
            if (keep?.Length < Kept)
            {
                keep.AppendLine(line);
            }
        }
    }
}
