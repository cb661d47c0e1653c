using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using System.Text;
using PocketCoder.Bench.Results;
using PocketCoder.Sandboxes;
using PocketCoder.Sandboxes.Bubblewrap;
using PocketCoder.Processes;

namespace PocketCoder.Bench.Sandboxes;

/// <summary>What a sandbox costs: a new one, a command in it over the same command without, its memory, a terminal.</summary>
[UnsupportedOSPlatform("windows")]
internal static class SandboxBench
{
    private const string Marker = "__done__";
    private static readonly IReadOnlyDictionary<string, string> s_environment = new Dictionary<string, string>(StringComparer.Ordinal)
    { ["PATH"] = "/usr/bin:/bin" };

    public static async Task RunAsync(BenchOptions options, Measured measured)
    {
        // Others must be able to pass: a daemon of root runs sandboxes as another user. And short: a socket's path has 107 bytes.
        var root = Directory.CreateDirectory(Path.Combine("/var/tmp", $"bench-{Environment.ProcessId}"));
        root.UnixFileMode = (UnixFileMode)Convert.ToInt32("755", 8);
        try
        {
            var project = root.CreateSubdirectory("project");
            var backend = new BubblewrapBackend(new SandboxOptions { StateDirectory = Path.Combine(root.FullName, "state") });
            await using (var warm = await Session.CreateAsync(backend, "warm", project.FullName))
            {
                await InsideAsync(warm.Sandbox); // the first of all doesn't count
            }

            for (var run = 0; run < options.Runs; run++)
            {
                var clock = Stopwatch.StartNew();
                await using var session = await Session.CreateAsync(backend, $"run-{run}", project.FullName);
                measured.Add(Claims.SandboxNew, clock.Elapsed.TotalMilliseconds);
                measured.Add(Claims.SandboxMemory, Memory() / 1e6);
                await CommandsAsync(session.Sandbox, options, measured);
                await TerminalAsync(session.Sandbox, options, measured);
            }
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    /// <summary>The same command with and without a sandbox, by turns, so that a slow moment of the machine meets both.</summary>
    private static async Task CommandsAsync(ISandbox sandbox, BenchOptions options, Measured measured)
    {
        List<double> bare = [], inside = [];
        for (var i = 0; i < (options.Quick ? 5 : 20); i++)
        {
            bare.Add(await TimeAsync(BareAsync));
            inside.Add(await TimeAsync(() => InsideAsync(sandbox)));
        }

        measured.Add(Claims.CommandBare, Measured.Median(bare));
        measured.Add(Claims.CommandOver, Measured.Median(inside) - Measured.Median(bare));

        static async Task<double> TimeAsync(Func<Task> work)
        {
            var start = Stopwatch.GetTimestamp();
            await work();
            return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
    }

    private static async Task BareAsync()
    {
        await using var process = OwnedProcess.Start(
            new ProcessStart { Program = "/bin/bash", Arguments = ["-c", "echo hi"], WorkingDirectory = "/", Environment = s_environment },
            TimeProvider.System);
        await process.StandardOutput.CopyToAsync(Stream.Null);
        await process.Exited;
    }

    private static async Task InsideAsync(ISandbox sandbox)
    {
        await using var exec = await sandbox.ExecAsync(new ExecSpec { Command = ["/bin/bash", "-c", "echo hi"] }, CancellationToken.None);
        await Task.WhenAll(exec.StandardOutput.CopyToAsync(Stream.Null), exec.StandardError.CopyToAsync(Stream.Null), exec.Exited);
    }

    private static async Task TerminalAsync(ISandbox sandbox, BenchOptions options, Measured measured)
    {
        var terminal = await sandbox.OpenTerminalAsync(new TerminalSpec { Name = "bench", Command = ["/bin/cat"] }, CancellationToken.None);
        await using (var reader = terminal.Output.GetAsyncEnumerator())
        {
            List<double> echoes = [];
            for (var i = 0; i < (options.Quick ? 20 : 200); i++)
            {
                var key = ((char)('a' + (i % 26))).ToString();
                var start = Stopwatch.GetTimestamp();
                await terminal.WriteAsync(Encoding.ASCII.GetBytes(key), CancellationToken.None);
                await UntilAsync(reader, key);
                echoes.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }

            measured.AddPercentiles(echoes, Claims.Echo, Claims.EchoP99);
        }

        await terminal.CloseAsync(CancellationToken.None);
        var size = options.Quick ? 2_000_000 : 20_000_000;
        var command = string.Create(
            CultureInfo.InvariantCulture, $"yes 'some words of output in a line' | head -c {size}; echo {Marker}; sleep 100");
        var clock = Stopwatch.StartNew();
        var flood = await sandbox.OpenTerminalAsync(
            new TerminalSpec { Name = "flood", Command = ["/bin/bash", "-c", command] }, CancellationToken.None);
        await using (var reader = flood.Output.GetAsyncEnumerator())
        {
            await UntilAsync(reader, Marker);
        }

        measured.Add(Claims.TerminalFlood, size / 1e6 / clock.Elapsed.TotalSeconds);
        await flood.CloseAsync(CancellationToken.None);
    }

    private static async Task UntilAsync(IAsyncEnumerator<TerminalChunk> reader, string wanted)
    {
        var seen = "";
        while (await reader.MoveNextAsync())
        {
            seen += reader.Current.Text;
            if (seen.Contains(wanted, StringComparison.Ordinal))
            {
                return;
            }

            seen = seen.Length > wanted.Length ? seen[^wanted.Length..] : seen;
        }

        throw new InvalidOperationException($"the terminal ended before it wrote {wanted}");
    }

    /// <summary>Bytes that the session's own processes add, shared pages divided among their users (PSS).</summary>
    private static long Memory()
    {
        var parents = Directory.EnumerateDirectories("/proc").Where(d => int.TryParse(Path.GetFileName(d), out _))
            .ToDictionary(d => int.Parse(Path.GetFileName(d), CultureInfo.InvariantCulture), Parent);
        HashSet<int> ours = [Environment.ProcessId];
        while (parents.Any(p => ours.Contains(p.Value) && ours.Add(p.Key)))
        {
            // once more, for the children of what was just found
        }

        return ours.Where(p => p != Environment.ProcessId).Sum(Pss);

        static int Parent(string directory)
        {
            try
            {
                var stat = File.ReadAllText(Path.Combine(directory, "stat"));
                return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return 0;
            }
        }

        static long Pss(int pid)
        {
            try
            {
                var line = File.ReadLines($"/proc/{pid}/smaps_rollup").FirstOrDefault(l => l.StartsWith("Pss:", StringComparison.Ordinal));
                return line is null ? 0 : long.Parse(
                    line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return 0;
            }
        }
    }

    private sealed record Session(ISandbox Sandbox) : IAsyncDisposable
    {
        public static async Task<Session> CreateAsync(BubblewrapBackend backend, string id, string project)
            => new(await backend.CreateAsync(new SandboxSpec { Id = id, Workspace = project }, CancellationToken.None));

        public async ValueTask DisposeAsync() => await Sandbox.KillAsync(CancellationToken.None);
    }
}
