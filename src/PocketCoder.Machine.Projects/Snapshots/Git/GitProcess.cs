using System.Text;
using PocketCoder.Processes;

namespace PocketCoder.Machine.Snapshots.Git;

/// <summary>
/// Runs the git program on a store of ours: no system, user or project configuration, no hooks, no prompts, a limit on time. Only listing
/// ever looks at a work tree, and when the daemon is root that runs as nobody who may read everything and write nothing.
/// </summary>
internal sealed class GitProcess(string store, TimeProvider time)
{
    private const int ErrorLimit = 4096;
    private const string SearchPath = "/usr/local/bin:/usr/bin:/bin";
    private static readonly TimeSpan s_killGrace = TimeSpan.FromSeconds(1);

    /// <summary>May open and list anything, may change nothing; also for access(2), which git asks (no_setuid_fixup).</summary>
    private static readonly string[] s_readOnlyUser =
    [
        "--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs", "--securebits", "+no_setuid_fixup",
        "--inh-caps", "-all,+dac_read_search", "--ambient-caps", "-all,+dac_read_search", "--bounding-set", "-all,+dac_read_search",
    ];

    /// <summary>A root without that right (in some containers) lists as itself.</summary>
    private static readonly bool s_canBeNobody = Environment.IsPrivilegedProcess && MayReadAll()
        && Executables.Find("setpriv", SearchPath) is not null;

    public string Store { get; } = store;

    /// <summary>Runs git on the store alone.</summary>
    /// <inheritdoc cref="RunAsync"/>
    public Task OnStoreAsync(
        IReadOnlyList<string> arguments, Func<Stream, CancellationToken, Task>? input, Func<Stream, CancellationToken, Task>? output,
        TimeSpan limit, CancellationToken cancellationToken)
        => RunAsync("git", arguments, Store, null, input, output, limit, cancellationToken);

    /// <summary>Runs a git command that only looks at a work tree.</summary>
    /// <inheritdoc cref="RunAsync"/>
    public Task LookAsync(
        string workTree, IReadOnlyList<string> arguments, Func<Stream, CancellationToken, Task>? input,
        Func<Stream, CancellationToken, Task>? output, TimeSpan limit, CancellationToken cancellationToken)
        => s_canBeNobody
            ? RunAsync("setpriv", [.. s_readOnlyUser, "git", .. arguments], workTree, workTree, input, output, limit, cancellationToken)
            : RunAsync("git", arguments, workTree, workTree, input, output, limit, cancellationToken);

    /// <param name="input">Writes its standard input; null: empty.</param>
    /// <param name="output">Reads its standard output to the end; null: thrown away.</param>
    /// <exception cref="SnapshotException">It can't be started, failed, or ran into the limit.</exception>
    private async Task RunAsync(
        string program,
        IReadOnlyList<string> arguments,
        string directory,
        string? workTree,
        Func<Stream, CancellationToken, Task>? input,
        Func<Stream, CancellationToken, Task>? output,
        TimeSpan limit,
        CancellationToken cancellationToken)
    {
        OwnedProcess process;
        try
        {
            process = OwnedProcess.Start(
                new ProcessStart
                {
                    Program = program,
                    Arguments = arguments,
                    WorkingDirectory = directory,
                    Environment = EnvironmentFor(workTree)
                }, time);
        }
        catch (ProcessStartException e)
        {
            throw new SnapshotException($"git can't be run: {e.Message}", e);
        }

        await using (process)
        {
            using var limited = new CancellationTokenSource(limit, time);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(limited.Token, cancellationToken);
            var errors = new OutputCapture(ErrorLimit);
            var hearing = errors.ReadToEndAsync(process.StandardError, stop.Token);
            try
            {
                var reading = (output ?? DrainAsync)(process.StandardOutput, stop.Token);
                Exception? broken = null;
                try
                {
                    if (input is not null)
                    {
                        await input(process.StandardInput, stop.Token);
                    }

                    process.StandardInput.Close();
                }
                catch (IOException e)
                {
                    broken = e; // it ended before it read all; what it said says why
                }

                await reading;
                var code = await process.Exited.WaitAsync(stop.Token);
                await hearing;
                if (code != 0 || broken is not null)
                {
                    throw new SnapshotException($"git {Word(arguments)} failed ({code}): {errors.ToString().Trim()}", broken);
                }
            }
            catch (Exception e)
            {
                await process.KillAsync(s_killGrace);
                if (e is OperationCanceledException && limited.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
                {
                    throw new SnapshotException($"git {Word(arguments)} took longer than {limit.TotalSeconds:0} s", e);
                }

                throw;
            }
        }
    }

    private static bool MayReadAll()
    {
        const ulong readSearch = 1 << 2; // CAP_DAC_READ_SEARCH
        const string effective = "CapEff:";
        var line = File.ReadLines("/proc/self/status").FirstOrDefault(l => l.StartsWith(effective, StringComparison.Ordinal));
        return line is not null && ulong.TryParse(line.AsSpan(effective.Length).Trim(), System.Globalization.NumberStyles.HexNumber, null,
            out var held) && (held & readSearch) != 0;
    }

    private static string Word(IReadOnlyList<string> arguments)
        => arguments.SkipWhile(a => a != "git").Skip(1).Concat(arguments).FirstOrDefault(a => char.IsAsciiLetterLower(a[0])) ?? "";

    private static async Task DrainAsync(Stream output, CancellationToken cancellationToken)
    {
        var buffer = new byte[8192];
        while (await output.ReadAsync(buffer, cancellationToken) > 0)
        {
            // nobody wants it
        }
    }

    private Dictionary<string, string> EnvironmentFor(string? workTree)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["PATH"] = SearchPath,
            ["LC_ALL"] = "C",
            ["HOME"] = "/nonexistent",
            ["GIT_DIR"] = Store,
            ["GIT_INDEX_FILE"] = Path.Combine(Store, "no-index"), // nothing is tracked: all that is not ignored is "other"
            ["GIT_CONFIG_NOSYSTEM"] = "1",
            ["GIT_CONFIG_GLOBAL"] = "/dev/null",
            ["GIT_ATTR_NOSYSTEM"] = "1",
            ["GIT_OPTIONAL_LOCKS"] = "0",
            ["GIT_TERMINAL_PROMPT"] = "0",
            ["GIT_NO_REPLACE_OBJECTS"] = "1",
        };
        if (workTree is not null)
        {
            environment["GIT_WORK_TREE"] = workTree;
        }

        return environment;
    }
}
