using System.Globalization;
using System.Runtime.Versioning;
using PocketCoder.Bench.Daemons;
using PocketCoder.Gateway.Relay.Machines;
using PocketCoder.Machine;
using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.Bench.Gateways;

/// <summary>
/// <c>pocketcoder gateway run</c> as a process of its own, on a port that stays the same over restarts. It may take this process for its
/// proxy, so that many devices can come from many addresses.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal sealed class GatewayProcess : IAsyncDisposable
{
    private readonly ProcessStart _start;
    private readonly DirectoryInfo _folder;
    private readonly int _port;
    private StartedProgram _program;

    private GatewayProcess(ProcessStart start, StartedProgram program, DirectoryInfo folder, int port)
    {
        (_start, _program, _folder, _port) = (start, program, folder, port);
        Address = new Uri($"http://127.0.0.1:{port}");
        Enrolments = new Enrolments(Path.Combine(HomeIn(folder).Gateway, "machines.json"), TimeProvider.System);
    }

    public Uri Address { get; }

    public Enrolments Enrolments { get; }

    /// <inheritdoc cref="StartedProgram.ReadyAfter"/>
    public TimeSpan ReadyAfter => _program.ReadyAfter;

    /// <param name="devices">How many it lets in at once from its proxy, which is this process; null: it has none.</param>
    /// <inheritdoc cref="StartedProgram.StartAsync"/>
    public static async Task<GatewayProcess> StartAsync(BenchOptions options, int? devices)
    {
        var folder = Directory.CreateDirectory(Path.Combine(options.Folder, Guid.CreateVersion7().ToString("N")[^8..]));
        var port = Ports.Free();
        var start = new ProcessStart
        {
            Program = options.Program,
            Arguments =
            [
                "gateway", "run", "--listen", $"127.0.0.1:{port}",
                // A proxy may bring half of all.
                .. devices is { } most ? ["--behind-proxy", "--max-devices", (most * 2).ToString(CultureInfo.InvariantCulture)] : (string[])[],
            ],
            WorkingDirectory = folder.FullName,
            Environment = StartedProgram.EnvironmentIn(folder, HomeIn(folder).Root),
        };
        return new GatewayProcess(start, await StartedProgram.StartAsync(start, port), folder, port);
    }

    /// <summary>Ends it, which cuts all its connections, and starts it again; returns when it answers.</summary>
    public async Task RestartAsync()
    {
        await _program.DisposeAsync();
        _program = await StartedProgram.StartAsync(_start, _port);
    }

    /// <inheritdoc cref="StartedProgram.Memory"/>
    public (double Rss, double Pss) Memory() => _program.Memory();

    /// <inheritdoc cref="StartedProgram.Processor"/>
    public TimeSpan Processor() => _program.Processor();

    public async ValueTask DisposeAsync()
    {
        await _program.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private static Home HomeIn(DirectoryInfo folder) => Home.At(Path.Combine(folder.FullName, "home"));
}
