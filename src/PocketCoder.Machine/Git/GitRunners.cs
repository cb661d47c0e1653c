using PocketCoder.Git;
using PocketCoder.Hands;
using PocketCoder.Processes;

namespace PocketCoder.Machine.Git;

/// <summary>Runs git in a sandbox: the repository bound, no network, no home of anybody's, no credentials. Thread-safe.</summary>
internal sealed class SandboxedGit(Func<CancellationToken, Task<ISandbox>> sandbox, GitPlace place, TimeProvider time) : IGitRunner
{
    public async Task<GitResult> RunAsync(GitCommand command, CancellationToken cancellationToken)
    {
        ISandboxExec exec;
        try
        {
            var inside = await sandbox(cancellationToken);
            exec = await inside.ExecAsync(
                new ExecSpec
                {
                    Command = ["git", .. GitHardening.Options, .. command.Arguments],
                    WorkingDirectory = place.Top,
                    Environment = GitPump.Environment(place, command),
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
                command, exec.StandardInput, exec.StandardOutput, exec.StandardError, ExitAsync(exec), () => exec.KillAsync(GitPump.Grace), time, cancellationToken);
        }
    }

    private static async Task<int> ExitAsync(ISandboxExec exec) => (await exec.Exited) is { End: not ExecEnd.Lost } outcome
        ? outcome.ExitCode
        : throw new GitException(GitError.CanNotRun, "The sandbox ended while git ran in it.");
}

/// <summary>
/// Runs git on the machine itself, because its owner wants no sandbox: everything of the repository's configuration that runs programs is overridden, the drivers that
/// it defines by name too. Thread-safe.
/// </summary>
internal sealed class BareGit(GitPlace place, TimeProvider time) : IGitRunner
{
    private const string SearchPath = "/usr/local/bin:/usr/bin:/bin";
    private static readonly GitCommand s_keys = new("config", "--includes", "--list", "--name-only", "--null") { OutputLimit = 1024 * 1024 };

    public async Task<GitResult> RunAsync(GitCommand command, CancellationToken cancellationToken)
    {
        var keys = await StartAsync(s_keys, new Dictionary<string, string>(StringComparer.Ordinal), cancellationToken);
        if (keys.Truncated)
        {
            throw new GitException(GitError.Failed, "The repository's configuration is too large to be made harmless.");
        }

        return await StartAsync(command, GitHardening.WithoutDrivers(keys.Text.Split('\0')), cancellationToken);
    }

    private async Task<GitResult> StartAsync(GitCommand command, IReadOnlyDictionary<string, string> without, CancellationToken cancellationToken)
    {
        var environment = GitPump.Environment(place, command);
        foreach (var (name, value) in without)
        {
            environment[name] = value;
        }

        environment["PATH"] = SearchPath;
        environment["HOME"] = "/nonexistent";
        OwnedProcess process;
        try
        {
            process = OwnedProcess.Start(
                new ProcessStart { Program = "git", Arguments = [.. GitHardening.Options, "-c", "diff.ignoreSubmodules=dirty", .. command.Arguments], WorkingDirectory = place.Top, Environment = environment }, time);
        }
        catch (ProcessStartException e)
        {
            throw new GitException(GitError.CanNotRun, $"git can't be run: {e.Message}", e);
        }

        await using (process)
        {
            return await GitPump.RunAsync(
                command, process.StandardInput, process.StandardOutput, process.StandardError, process.Exited, () => process.KillAsync(GitPump.Grace), time, cancellationToken);
        }
    }
}

/// <summary>What both have in common: the streams, the bounds, the time.</summary>
internal static class GitPump
{
    private const int ErrorLimit = 16 * 1024;

    /// <summary>How long git may tidy up (it removes its locks) after it was asked to stop.</summary>
    public static TimeSpan Grace { get; } = TimeSpan.FromSeconds(2);

    public static Dictionary<string, string> Environment(GitPlace place, GitCommand command)
    {
        var environment = GitHardening.Environment(command.Writes);
        environment["GIT_DIR"] = place.GitDir;
        environment["GIT_WORK_TREE"] = place.Top; // whatever core.worktree says
        foreach (var (name, value) in command.Environment)
        {
            environment[name] = value;
        }

        return environment;
    }

    /// <exception cref="GitException">It failed or took too long.</exception>
    public static async Task<GitResult> RunAsync(
        GitCommand command, Stream input, Stream output, Stream errors, Task<int> exited, Func<Task> kill, TimeProvider time, CancellationToken cancellationToken)
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

            throw new GitException(GitError.TimedOut, $"git {command.Arguments[0]} took longer than {command.TimeLimit.TotalSeconds:0} s and was ended.", e);
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
