using System.CommandLine;
using System.Diagnostics;
using PocketCoder.Cli.Output;
using PocketCoder.Machine;
using PocketCoder.Machine.ControlPlane;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder stop</c>: in good order; what does not stop in time is ended, after making sure that it is the daemon.</summary>
internal static class StopCommand
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    public static Command Create(Terminal terminal) => new Command("stop", "Stop the daemon").Does(terminal, async (context, _, ct) =>
    {
        if (!Environment.IsPrivilegedProcess)
        {
            context.Home.Inspect(); // of another user's home nothing can be said; an administrator may stop anybody's
        }

        var was = DaemonLock.IsTaken(context.Home);
        if (was)
        {
            var holder = DaemonLock.Holder(context.Home);
            try
            {
                await context.Daemon.StopAsync("Stopped from the command line.", ct);
            }
            catch (DaemonNotRunning)
            {
                // It holds its lock but does not answer: starting, stopping, or stuck. Time will tell.
            }

            await WaitAsync(context, holder, ct);
        }
        if (context.Json)
        {
            CliJson.Write(context.Terminal, new Stopped(was), CliJson.Default.Stopped);
        }
        else
        {
            context.Say(was ? "PocketCoder stopped." : "PocketCoder is not running.");
        }

        return ExitCode.Ok;
    });

    private static async Task WaitAsync(CommandContext context, DaemonHolder? holder, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(s_limit);
        try
        {
            while (DaemonLock.IsTaken(context.Home))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), limit.Token);
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            if (holder is not { IsAlive: true })
            {
                throw new CommandFailure($"The daemon did not stop within {s_limit.TotalSeconds:0} s, and it is not certain which process it is. See: pocketcoder logs");
            }

            using var process = Process.GetProcessById(holder.Pid);
            process.Kill();
            await process.WaitForExitAsync(ct);
            await context.Terminal.Error.WriteLineAsync($"It did not stop within {s_limit.TotalSeconds:0} s and was killed (pid {holder.Pid}).");
        }
    }
}
