using PocketCoder.Git;
using PocketCoder.Sandboxes;
using PocketCoder.Processes;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Machine.Git;

/// <summary>Runs git on one repository, for one request.</summary>
internal interface IRepositoryRunner : IGitRunner
{
    /// <summary>The filters that the repository's configuration defines, by name. They don't run for what only reads.</summary>
    /// <exception cref="GitException">The configuration can't be read, or is too large.</exception>
    Task<IReadOnlyList<string>> FiltersAsync(CancellationToken cancellationToken);
}

/// <summary>
/// Runs git in a sandbox: the repository bound, no network, no home of anybody's, no credentials. A command that only reads has the
/// repository read-only and none of the drivers that its configuration defines. Thread-safe.
/// </summary>
/// <param name="sandbox">For a command that writes (true) or only reads.</param>
/// <param name="driversRun">Whether filters and merge drivers run for commands that write. False where the kind of sandbox can't keep
/// protected configuration read-only.</param>
internal sealed class SandboxedGit(
    Func<bool, CancellationToken, Task<ISandbox>> sandbox, GitPlace place, bool driversRun, TimeProvider time) : IRepositoryRunner
{
    // read once for a request; of two readers at once either is right
    private (IReadOnlyList<string> Keys, IReadOnlyDictionary<string, string> Off)? _drivers;

    public async Task<GitResult> RunAsync(GitCommand command, CancellationToken cancellationToken)
        => command.Writes && driversRun
            ? await StartAsync(command, GitDrivers.None, cancellationToken)
            : await StartAsync(command, (await DriversAsync(cancellationToken)).Off, cancellationToken);

    public async Task<IReadOnlyList<string>> FiltersAsync(CancellationToken cancellationToken)
        => GitDrivers.Filters((await DriversAsync(cancellationToken)).Keys);

    private async Task<(IReadOnlyList<string> Keys, IReadOnlyDictionary<string, string> Off)> DriversAsync(
        CancellationToken cancellationToken)
    {
        if (_drivers is not { } known)
        {
            var keys = GitDrivers.Keys(await StartAsync(GitDrivers.List, GitDrivers.None, cancellationToken));
            _drivers = known = (keys, GitHardening.WithoutDrivers(keys));
        }

        return known;
    }

    private async Task<GitResult> StartAsync(
        GitCommand command, IReadOnlyDictionary<string, string> without, CancellationToken cancellationToken)
    {
        ISandboxExec exec;
        try
        {
            var inside = await sandbox(command.Writes, cancellationToken);
            exec = await inside.ExecAsync(
                new ExecSpec
                {
                    Command = ["git", .. GitHardening.Options, .. command.Arguments],
                    WorkingDirectory = place.Top,
                    Environment = GitPump.Environment(place, command, without),
                    KeepInputOpen = command.Input is not null,
                },
                cancellationToken);
        }
        catch (SandboxException e) when (e.Code == SandboxError.InvalidSpec)
        {
            throw new GitException(GitError.CanNotRun, e.Message, e);
        }

        await using (exec)
        {
            return await GitPump.RunAsync(
                command, exec.StandardInput, exec.StandardOutput, exec.StandardError, ExitAsync(exec), () => exec.KillAsync(GitPump.Grace),
                time, cancellationToken);
        }
    }

    private static async Task<int> ExitAsync(ISandboxExec exec) => (await exec.Exited) is { End: not ExecEnd.Lost } outcome
        ? outcome.ExitCode
        : throw new GitException(GitError.CanNotRun, "The sandbox ended while git ran in it.");
}

/// <summary>
/// Runs git on the machine itself, because its owner wants no sandbox: everything of the repository's configuration that runs programs is
/// overridden, the drivers that it defines by name too. Thread-safe.
/// </summary>
internal sealed class BareGit(GitPlace place, TimeProvider time) : IRepositoryRunner
{
    private const string SearchPath = "/usr/local/bin:/usr/bin:/bin";
    private const string IndexFile = "GIT_INDEX_FILE";

    public async Task<GitResult> RunAsync(GitCommand command, CancellationToken cancellationToken)
    {
        var without = GitHardening.WithoutDrivers(await KeysAsync(cancellationToken));
        if (command.Writes || command.Arguments[0] != "diff" || command.Environment.ContainsKey(IndexFile))
        {
            return await StartAsync(command, without, cancellationToken);
        }

        // A diff of files writes the index that it refreshed, whatever GIT_OPTIONAL_LOCKS says; so it gets a copy.
        var copy = Path.Combine(Path.GetTempPath(), $"pocketcoder-{Guid.CreateVersion7():N}");
        try
        {
            return CopyIndex(copy)
                ? await StartAsync(command with
                {
                    Environment = new Dictionary<string, string>(command.Environment, StringComparer.Ordinal)
                    { [IndexFile] = copy }
                }, without, cancellationToken)
                : await StartAsync(command, without, cancellationToken);
        }
        finally
        {
            File.Delete(copy);
        }
    }

    public async Task<IReadOnlyList<string>> FiltersAsync(CancellationToken cancellationToken)
        => GitDrivers.Filters(await KeysAsync(cancellationToken));

    /// <returns>False: there is none, or it is no plain file.</returns>
    private bool CopyIndex(string to)
    {
        try
        {
            using var node = Libc.Open(Path.Combine(place.GitDir, "index"), Libc.PathOnly | Libc.NoFollow);
            using var index = node is not null && Libc.Stat(node) is { IsRegular: true } ? Libc.Reopen(node, 0) : null;
            if (index is null || OperatingSystem.IsWindows())
            {
                return false;
            }

            using var from = new FileStream(index, FileAccess.Read);
            using var copy = new FileStream(to, new FileStreamOptions
            { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite });
            from.CopyTo(copy);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private async Task<IReadOnlyList<string>> KeysAsync(CancellationToken cancellationToken)
        => GitDrivers.Keys(await StartAsync(GitDrivers.List, GitDrivers.None, cancellationToken));

    private async Task<GitResult> StartAsync(
        GitCommand command, IReadOnlyDictionary<string, string> without, CancellationToken cancellationToken)
    {
        var environment = GitPump.Environment(place, command, without);
        environment["PATH"] = SearchPath;
        environment["HOME"] = "/nonexistent";
        OwnedProcess process;
        try
        {
            process = OwnedProcess.Start(
                new ProcessStart
                {
                    Program = "git",
                    Arguments = [.. GitHardening.Options, .. command.Arguments],
                    WorkingDirectory = place.Top,
                    Environment = environment
                }, time);
        }
        catch (ProcessStartException e)
        {
            throw new GitException(GitError.CanNotRun, $"git can't be run: {e.Message}", e);
        }

        await using (process)
        {
            return await GitPump.RunAsync(
                command, process.StandardInput, process.StandardOutput, process.StandardError, process.Exited,
                () => process.KillAsync(GitPump.Grace), time, cancellationToken);
        }
    }
}

/// <summary>The drivers (filters, merges, diffs) that a repository's configuration defines: found by its keys.</summary>
internal static class GitDrivers
{
    private const int MostNames = 50;

    /// <summary>Lists all keys. Reads configuration only, so no driver can run for it.</summary>
    public static GitCommand List { get; } = new("config", "--includes", "--list", "--name-only", "--null") { OutputLimit = 1024 * 1024 };

    public static IReadOnlyDictionary<string, string> None { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <exception cref="GitException">More keys than can be overridden.</exception>
    public static IReadOnlyList<string> Keys(GitResult listed) => listed.Truncated
        ? throw new GitException(GitError.Failed, "The repository's configuration is too large to be made safe.")
        : listed.Text.Split('\0');

    /// <summary>Names of filters, as they stand in the configuration. Untrusted.</summary>
    public static IReadOnlyList<string> Filters(IReadOnlyList<string> keys) =>
    [
        .. keys.Where(k => k.StartsWith("filter.", StringComparison.OrdinalIgnoreCase) && k.LastIndexOf('.') > "filter.".Length)
            .Select(k => k["filter.".Length..k.LastIndexOf('.')]).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)
            .Take(MostNames),
    ];
}

/// <summary>What both have in common: the streams, the bounds, the time.</summary>
internal static class GitPump
{
    private const int ErrorLimit = 16 * 1024;

    /// <summary>How long git may tidy up (it removes its locks) after it was asked to stop.</summary>
    public static TimeSpan Grace { get; } = TimeSpan.FromSeconds(2);

    /// <param name="without">Overrides of drivers; nothing of the command's own wins over them.</param>
    public static Dictionary<string, string> Environment(GitPlace place, GitCommand command, IReadOnlyDictionary<string, string> without)
    {
        var environment = GitHardening.Environment(command.Writes);
        environment["GIT_DIR"] = place.GitDir;
        environment["GIT_WORK_TREE"] = place.Top; // whatever core.worktree says
        foreach (var (name, value) in command.Environment.Concat(without))
        {
            environment[name] = value;
        }

        return environment;
    }

    /// <exception cref="GitException">It failed or took too long.</exception>
    public static async Task<GitResult> RunAsync(
        GitCommand command, Stream input, Stream output, Stream errors, Task<int> exited, Func<Task> kill, TimeProvider time,
        CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(command.TimeLimit, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var said = new OutputCapture(ErrorLimit);
            var hearing = HearAsync(errors, said, command.Said, stop.Token);
            var feeding = FeedAsync(command, input, stop.Token);
            var (bytes, truncated) = await ReadAsync(output, command.OutputLimit, stop.Token);
            if (truncated)
            {
                await kill();
                return new GitResult(0, bytes, true, "");
            }

            await feeding;
            var code = await exited.WaitAsync(stop.Token);
            await hearing;
            var result = new GitResult(code, bytes, false, said.ToString());
            return code == 0 || command.AlsoFine.Contains(code) ? result : throw GitFailures.Of(command, result);
        }
        catch (OperationCanceledException e)
        {
            await kill();
            if (cancellationToken.IsCancellationRequested)
            {
                throw;
            }

            throw new GitException(GitError.TimedOut,
                $"git {command.Arguments[0]} took longer than {command.TimeLimit.TotalSeconds:0} s and was ended.", e);
        }
    }

    private static async Task HearAsync(Stream errors, OutputCapture kept, GitSaid? said, CancellationToken cancellationToken)
    {
        var buffer = new byte[8192];
        int read;
        while ((read = await errors.ReadAsync(buffer, cancellationToken)) > 0)
        {
            kept.Append(buffer.AsSpan(0, read));
            said?.Invoke(buffer.AsSpan(0, read));
        }
    }

    private static async Task FeedAsync(GitCommand command, Stream input, CancellationToken cancellationToken)
    {
        try
        {
            if (command.Input is { } bytes)
            {
                await input.WriteAsync(bytes, cancellationToken);
                await input.FlushAsync(cancellationToken);
            }

            input.Close();
        }
        catch (IOException)
        {
            // It ended before it read all; its exit code says why.
        }
    }

    private static async Task<(byte[] Bytes, bool Truncated)> ReadAsync(Stream output, int limit, CancellationToken cancellationToken)
    {
        using var kept = new MemoryStream();
        var buffer = new byte[64 * 1024];
        int read;
        while ((read = await output.ReadAsync(buffer, cancellationToken)) > 0)
        {
            var fits = (int)Math.Min(read, limit - kept.Length);
            kept.Write(buffer, 0, fits);
            if (fits < read)
            {
                return (kept.ToArray(), true);
            }
        }

        return (kept.ToArray(), false);
    }
}
