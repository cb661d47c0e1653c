using System.CommandLine;
using System.Globalization;
using PocketCoder.Cli.Output;
using PocketCoder.Machine;
using PocketCoder.Machine.ControlPlane;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder stop</c>: in good order; what does not stop in time is ended, after making sure that it is the daemon.</summary>
internal static class StopCommand
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    /// <summary>How long a killed process may take to leave: it can sit in the kernel on a dead disk.</summary>
    private static readonly TimeSpan s_killLimit = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(50);

    public static Command Create(Terminal terminal) => new Command("stop", "Stop the daemon") { Aliases = { "shutdown" } }.Does(terminal, async (context, _, ct) =>
    {
        if (!Environment.IsPrivilegedProcess)
        {
            context.Home.Inspect(); // of another user's home nothing can be said; an administrator may stop anybody's
        }

        var was = DaemonLock.IsTaken(context.Home);
        var killed = was && await StopAsync(context, ct);
        if (context.Json)
        {
            CliJson.Write(context.Terminal, new Stopped(was, killed), CliJson.Default.Stopped);
        }
        else
        {
            context.Say(!was ? "PocketCoder is not running." : killed
                ? "PocketCoder was killed. Processes it left behind are ended at the next start: pocketcoder start"
                : "PocketCoder stopped.");
        }

        return ExitCode.Ok;
    });

    /// <returns>Whether it had to be killed.</returns>
    internal static async Task<bool> StopAsync(CommandContext context, CancellationToken ct)
    {
        var holder = DaemonLock.Holder(context.Home);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(s_limit);
        var asking = AskAsync(context, limit.Token);
        try
        {
            // The answer is not waited for: one that hangs gives none, and its time runs all the same.
            while (DaemonLock.IsTaken(context.Home))
            {
                if (asking.IsFaulted)
                {
                    await asking; // it refuses, such as another user's
                }

                if (holder is not { IsAlive: true })
                {
                    holder = DaemonLock.Holder(context.Home); // one that just starts writes its pid file after it took the lock
                }

                await Task.Delay(s_poll, limit.Token);
            }

            return false;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return await KillAsync(context, holder, ct);
        }
        finally
        {
            await limit.CancelAsync();
            await asking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task AskAsync(CommandContext context, CancellationToken ct)
    {
        try
        {
            await context.Daemon.StopAsync("Stopped from the command line.", ct);
        }
        catch (Exception e) when (e is DaemonNotRunning or DaemonNotAnswering or OperationCanceledException)
        {
            // It holds its lock but does not answer: starting, stopping, or stuck. Time will tell.
        }
    }

    private static async Task<bool> KillAsync(CommandContext context, DaemonHolder? holder, CancellationToken ct)
    {
        // Another daemon may have the home by now: only the one that was asked is killed.
        if (holder is null || DaemonLock.Holder(context.Home)?.Nonce != holder.Nonce || !holder.Kill(context.Home))
        {
            if (!DaemonLock.IsTaken(context.Home))
            {
                return false; // it stopped in the last moment
            }

            throw new CommandFailure(string.Create(CultureInfo.InvariantCulture,
                $"The daemon did not stop within {s_limit.TotalSeconds:0} s, and its process could not be identified, so nothing was killed. Find the process that has {context.Home.LockFile} open: fuser -v '{context.Home.LockFile}'"));
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(s_killLimit);
        try
        {
            // The lock outlives the process's first thread: it goes when the last one has left the kernel. A start must find it free.
            while (holder.IsAlive || (DaemonLock.IsTaken(context.Home) && DaemonLock.Holder(context.Home)?.Nonce == holder.Nonce))
            {
                await Task.Delay(s_poll, limit.Token);
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new CommandFailure(string.Create(CultureInfo.InvariantCulture,
                $"The daemon was killed (pid {holder.Pid}), but its process is still there after {s_killLimit.TotalSeconds:0} s. A process blocked on disk I/O can't exit until the disk responds."));
        }

        if (!context.Json)
        {
            await context.Terminal.Error.WriteLineAsync(
                $"It did not stop within {s_limit.TotalSeconds:0} s and was killed (pid {holder.Pid}).");
        }

        return true;
    }
}
