using System.Runtime.Versioning;
using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.Bench.Daemons;

/// <summary>
/// Kestrel and nothing else (<c>bench/PocketCoder.Bare</c>), published as the program is: what a .NET program that listens costs at least
/// on this machine.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal static class BareProcess
{
    /// <inheritdoc cref="StartedProgram.StartAsync"/>
    public static Task<StartedProgram> StartAsync(string program)
    {
        var port = Ports.Free();
        return StartedProgram.StartAsync(
            new ProcessStart
            {
                Program = program,
                Arguments = [$"127.0.0.1:{port}"],
                WorkingDirectory = Path.GetTempPath(),
                Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["PATH"] = "/usr/local/bin:/usr/bin:/bin" },
            },
            port);
    }
}
