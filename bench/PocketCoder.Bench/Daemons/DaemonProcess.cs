using System.Runtime.Versioning;
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
    private readonly StartedProgram _program;
    private readonly DirectoryInfo _folder;

    private DaemonProcess(StartedProgram program, DirectoryInfo folder, int port)
    {
        (_program, _folder) = (program, folder);
        Url = $"http://127.0.0.1:{port}";
        Control = new ControlClient(HomeIn(folder));
    }

    public int Pid => _program.Pid;

    public string Url { get; }

    public ControlClient Control { get; }

    /// <summary>From before the process was started until <c>/healthz</c> answered 200.</summary>
    public TimeSpan ReadyAfter => _program.ReadyAfter;

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
        var daemon = new DaemonProcess(await StartedProgram.StartAsync(start, port), folder, port);
        try
        {
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

    /// <inheritdoc cref="StartedProgram.Memory"/>
    public (double Rss, double Pss) Memory() => _program.Memory();

    /// <inheritdoc cref="StartedProgram.Processor"/>
    public TimeSpan Processor() => _program.Processor();

    public async Task<TestDevice> PairAsync() => await TestDevice.PairAsync(await LinkAsync());

    public async Task<string> LinkAsync()
        => (await Control.PairAsync(new PairingRequest([Scope.View, Scope.Prompt, Scope.Decide], null), CancellationToken.None)).Links[0];

    public async Task<ProjectInfo> AddProjectAsync()
        => (await Control.AddProjectAsync(Project, "bench", force: true, CancellationToken.None)).Project;

    public async ValueTask DisposeAsync()
    {
        Control.Dispose();
        await _program.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private static Home HomeIn(DirectoryInfo folder) => Home.At(Path.Combine(folder.FullName, "home"));

    private static Dictionary<string, string> EnvironmentFor(DirectoryInfo folder, IReadOnlyDictionary<string, string> otherwise)
    {
        var environment = StartedProgram.EnvironmentIn(folder, HomeIn(folder).Root);
        environment["POCKETCODER_PORT"] = "0";
        environment["POCKETCODER_CLAUDE"] = FakeProgram.WriteScript(
            folder, "claude", "fake-claude", $"{ClaudeDriver.TestedVersions[^1]} (Claude Code)");
        environment["POCKETCODER_CODEX"] = FakeProgram.WriteScript(folder, "codex", FakeRpcAgent.Codex, "codex-cli 0.169.0");
        environment["POCKETCODER_OPENCODE"] = FakeProgram.WriteScript(folder, "opencode", FakeOpenCode.Kind, FakeOpenCode.Version);
        environment["POCKETCODER_GEMINI"] = FakeProgram.WriteScript(folder, "gemini", FakeRpcAgent.Acp, "0.61.0");

        foreach (var (name, value) in otherwise)
        {
            environment[name] = value;
        }

        return environment;
    }
}
