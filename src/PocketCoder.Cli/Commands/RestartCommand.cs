using System.CommandLine;
using System.Globalization;
using PocketCoder.Cli.Autostarting;
using PocketCoder.Cli.Output;
using PocketCoder.Machine;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Commands;

/// <summary>
/// <c>pocketcoder restart</c>: stops the daemon as <c>stop</c> does and starts it with the options that it was started with, by this
/// program; one that a service manager keeps is restarted through it. What can't be started again is not stopped.
/// </summary>
internal static class RestartCommand
{
    /// <summary>For the service manager: its stop may take 20 s.</summary>
    private static readonly TimeSpan s_serviceLimit = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(50);

    public static Command Create(Terminal terminal)
        => new Command("restart", "Restart the daemon with the options it runs with").Does(terminal, async (context, parsed, ct) =>
    {
        context.Home.Inspect();
        if (!DaemonLock.IsTaken(context.Home))
        {
            throw new DaemonNotRunning();
        }

        var holder = DaemonLock.Holder(context.Home);
        var start = Running((RootCommand)parsed.RootCommandResult.Command, holder);
        var asService = StartCommand.IsInForeground(start);
        if (asService && !await IsServiceAsync(context, holder!.Pid, ct))
        {
            throw new CommandFailure(string.Create(CultureInfo.InvariantCulture,
                $"The daemon runs in the foreground (pid {holder.Pid}), in a terminal or under a service manager of yours. Restart it there."));
        }

        StartCommand.Check(start, context.Home, terminal);
        var working = await WorkingAsync(context, ct);
        if (working > 0 && !context.Json)
        {
            await terminal.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                $"{working} session{(working == 1 ? " is" : "s are")} working: what runs now ends as interrupted. Prompt {(working == 1 ? "it" : "them")} again to go on."));
        }

        if (asService)
        {
            await RestartServiceAsync(context, ct);
            return await Launch.TellAsync(context, (status, _) => Tell(context, status, working, killed: false), ct);
        }

        var killed = await StopCommand.StopAsync(context, ct);
        return await Launch.RunAsync(
            context, [.. start.Tokens.Select(t => t.Value)], (status, _) => Tell(context, status, working, killed), ct);
    });

    /// <summary>What the daemon was started with.</summary>
    private static ParseResult Running(RootCommand root, DaemonHolder? holder)
        => holder?.ReadCommandLine() is { } words
            && root.Parse([.. words.Skip(1).SkipWhile(w => w.EndsWith(".dll", StringComparison.Ordinal))], Configuration.Settings.Parser)
                is { Errors.Count: 0, CommandResult.Command.Name: "start" } start
            ? start
            : throw new CommandFailure(
                "How the daemon was started can't be told here, so nothing was stopped. Type: pocketcoder stop, then pocketcoder start with its options");

    /// <summary>
    /// How many sessions work; none when it does not say, or in another version's words: it is ended all the same, as by <c>stop</c>.
    /// </summary>
    private static async Task<int> WorkingAsync(CommandContext context, CancellationToken ct)
    {
        try
        {
            return (await context.Daemon.StatusAsync(ct)).SessionsWorking;
        }
        catch (Exception e) when (e is DaemonNotAnswering or DaemonNotRunning or ControlException { Code: ErrorCode.VersionUnsupported })
        {
            return 0;
        }
    }

    /// <summary>Whether the service manager's unit of ours is this very process.</summary>
    private static async Task<bool> IsServiceAsync(CommandContext context, int pid, CancellationToken ct)
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        var (said, problem) = await AutostartCommands.RunAsync(
            context, ["systemctl", "--user", "show", "--property=MainPID", "--value", AutostartService.Daemon.Unit], s_serviceLimit, ct);
        return problem is null && said.Trim() == pid.ToString(CultureInfo.InvariantCulture);
    }

    private static async Task RestartServiceAsync(CommandContext context, CancellationToken ct)
    {
        if ((await AutostartCommands.RunAsync(
            context, ["systemctl", "--user", "restart", AutostartService.Daemon.Unit], s_serviceLimit, ct)).Problem is { } problem)
        {
            throw new CommandFailure($"The service was not restarted: {Untrusted.Show(problem)}", code: OwnCodes.StartFailed);
        }

        // It has begun the program, which may not have the home yet.
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(s_serviceLimit);
        try
        {
            while (!DaemonLock.IsTaken(context.Home))
            {
                await Task.Delay(s_poll, limit.Token);
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new CommandFailure(
                $"The service was restarted, but no daemon runs. See: systemctl --user status {AutostartService.Daemon.Unit}",
                code: OwnCodes.StartFailed);
        }
    }

    private static Task Tell(CommandContext context, ControlStatus status, int working, bool killed)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, new Restarted(status.Pid, working, killed, status.Listen), CliJson.Default.Restarted);
        }
        else
        {
            context.Say($"PocketCoder was restarted (pid {status.Pid}).");
            context.Say($"  Open   {string.Join("  or  ", status.Listen)}");
        }

        return Task.CompletedTask;
    }
}
