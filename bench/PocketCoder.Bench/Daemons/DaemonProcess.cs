using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using System.Text;
using PocketCoder.Agents.Claude;
using PocketCoder.Bench.Agents;
using PocketCoder.Machine;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Bench.Daemons;

/// <summary>The built program as a process of its own, with a home of its own on a free loopback port; both are gone afterwards.</summary>
[UnsupportedOSPlatform("windows")]
internal sealed class DaemonProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_stopGrace = TimeSpan.FromSeconds(10);

    private readonly OwnedProcess _process;
    private readonly DirectoryInfo _folder;
    private readonly Task _drained;
    private readonly StringBuilder _said = new();

    private DaemonProcess(OwnedProcess process, DirectoryInfo folder, int port)
    {
        (_process, _folder) = (process, folder);
        Url = $"http://127.0.0.1:{port}";
        Control = new ControlClient(HomeIn(folder));
        _drained = Task.WhenAll(DrainAsync(process.StandardOutput, null), DrainAsync(process.StandardError, _said));
    }

    public string Url { get; }

    public ControlClient Control { get; }

    /// <summary>From before the process was started until <c>/healthz</c> answered 200.</summary>
    public TimeSpan ReadyAfter { get; private set; }

    /// <summary>What it wrote to its log so far.</summary>
    public string Log
    {
        get
        {
            using var file = new StreamReader(new FileStream(HomeIn(_folder).LogFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
            return file.ReadToEnd();
        }
    }

    public string Project => Path.Combine(_folder.FullName, "project");

    /// <summary>Starts the program and returns when it answers.</summary>
    /// <param name="arguments">Further ones of <c>start</c>.</param>
    /// <param name="environment">What is to be otherwise in its environment.</param>
    /// <exception cref="InvalidOperationException">It ended or did not answer in time; with what it said.</exception>
    public static async Task<DaemonProcess> StartAsync(
        BenchOptions options, IReadOnlyList<string>? arguments = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        // Short, because a Unix socket's path is.
        var folder = Directory.CreateDirectory(Path.Combine(options.Folder, Guid.CreateVersion7().ToString("N")[^8..]));
        folder.CreateSubdirectory("project");
        var port = Ports.Free();
        var start = new ProcessStart
        {
            Program = options.Program,
            Arguments = ["start", "--foreground", "--sandbox", "none", "--listen", $"127.0.0.1:{port}", .. arguments ?? []],
            WorkingDirectory = folder.FullName,
            Environment = EnvironmentFor(folder, environment ?? new Dictionary<string, string>(StringComparer.Ordinal)),
        };
        var begun = Stopwatch.GetTimestamp();
        var daemon = new DaemonProcess(OwnedProcess.Start(start, TimeProvider.System), folder, port);
        try
        {
            await Listening.UntilAnswersAsync(port, daemon._process, () => daemon._said.ToString());
            daemon.ReadyAfter = Stopwatch.GetElapsedTime(begun);
            // it opens a moment after the gateway
            await Wait.UntilAsync(async () => await daemon.Control.IsHealthyAsync(CancellationToken.None), "the control socket answers");
            return daemon;
        }
        catch
        {
            await daemon.DisposeAsync();
            throw;
        }
    }

    /// <summary>Resident and proportional memory in bytes.</summary>
    public (double Rss, double Pss) Memory() => Listening.Memory(_process);

    /// <summary>What it used of the processors since it was started (proc(5), stat: utime and stime, in ticks of 10 ms).</summary>
    public TimeSpan Processor()
    {
        var stat = File.ReadAllText($"/proc/{_process.Identity.Pid}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return TimeSpan.FromMilliseconds(
            10 * (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)));
    }

    public async Task<TestDevice> PairAsync() => await TestDevice.PairAsync(await LinkAsync());

    public async Task<string> LinkAsync()
        => (await Control.PairAsync(new PairingRequest([Scope.View, Scope.Prompt, Scope.Decide], null), CancellationToken.None)).Links[0];

    public async Task<ProjectInfo> AddProjectAsync()
        => (await Control.AddProjectAsync(Project, "bench", force: true, CancellationToken.None)).Project;

    public async ValueTask DisposeAsync()
    {
        Control.Dispose();
        await _process.KillAsync(s_stopGrace);
        await _process.DisposeAsync();
        await _drained;
        _folder.Delete(recursive: true);
    }

    private static Home HomeIn(DirectoryInfo folder) => Home.At(Path.Combine(folder.FullName, "home"));

    private static Dictionary<string, string> EnvironmentFor(DirectoryInfo folder, IReadOnlyDictionary<string, string> otherwise)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["HOME"] = folder.FullName,
            ["PATH"] = "/usr/local/bin:/usr/bin:/bin",
            ["POCKETCODER_HOME"] = HomeIn(folder).Root,
            ["POCKETCODER_PORT"] = "0",
            ["POCKETCODER_CLAUDE"] = FakeProgram.WriteScript(
                folder, "claude", "fake-claude", $"{ClaudeDriver.TestedVersions[^1]} (Claude Code)"),
            ["POCKETCODER_CODEX"] = FakeProgram.WriteScript(folder, "codex", FakeRpcAgent.Codex, "codex-cli 0.169.0"),
            ["POCKETCODER_OPENCODE"] = FakeProgram.WriteScript(folder, "opencode", FakeOpenCode.Kind, FakeOpenCode.Version),
            ["POCKETCODER_GEMINI"] = FakeProgram.WriteScript(folder, "gemini", FakeRpcAgent.Acp, "0.61.0"),
        };

        foreach (var (name, value) in otherwise)
        {
            environment[name] = value;
        }

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
