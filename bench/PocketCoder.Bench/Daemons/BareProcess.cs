using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text;
using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.Bench.Daemons;

/// <summary>
/// Kestrel and nothing else (<c>bench/PocketCoder.Bare</c>), published as the program is: what a .NET program that listens costs at least
/// on this machine.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal sealed class BareProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_stopGrace = TimeSpan.FromSeconds(10);

    private readonly OwnedProcess _process;
    private readonly Task _drained;
    private readonly StringBuilder _said = new();

    private BareProcess(OwnedProcess process)
    {
        _process = process;
        _drained = Task.WhenAll(process.StandardOutput.CopyToAsync(Stream.Null), ReadAsync());
    }

    /// <summary>From before the process was started until <c>/healthz</c> answered 200.</summary>
    public TimeSpan ReadyAfter { get; private set; }

    /// <summary>Starts it and returns when it answers.</summary>
    /// <exception cref="InvalidOperationException">It ended or did not answer in time; with what it said.</exception>
    public static async Task<BareProcess> StartAsync(string program)
    {
        var port = Ports.Free();
        var start = new ProcessStart
        {
            Program = program,
            Arguments = [$"127.0.0.1:{port}"],
            WorkingDirectory = Path.GetTempPath(),
            Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["PATH"] = "/usr/local/bin:/usr/bin:/bin" },
        };
        var begun = Stopwatch.GetTimestamp();
        var bare = new BareProcess(OwnedProcess.Start(start, TimeProvider.System));
        try
        {
            await Listening.UntilAnswersAsync(port, bare._process, () => bare._said.ToString());
            bare.ReadyAfter = Stopwatch.GetElapsedTime(begun);
            return bare;
        }
        catch
        {
            await bare.DisposeAsync();
            throw;
        }
    }

    /// <summary>Resident and proportional memory in bytes.</summary>
    public (double Rss, double Pss) Memory() => Listening.Memory(_process);

    public async ValueTask DisposeAsync()
    {
        await _process.KillAsync(s_stopGrace);
        await _process.DisposeAsync();
        await _drained;
    }

    private async Task ReadAsync()
    {
        using var reader = new StreamReader(_process.StandardError);
        _said.Append(await reader.ReadToEndAsync());
    }
}
