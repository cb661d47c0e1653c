using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using PocketCoder.Cli.Output;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Starting;
using PocketCoder.Machine.Status;
using PocketCoder.Machine;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Commands;

/// <summary>Starts the daemon in the background and waits as long as it gets on; tells one cause when it fails.</summary>
internal static partial class Launch
{
    /// <summary>Given up, and ended, when it neither began a new step nor used processor time for so long.</summary>
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(60);

    /// <summary>A wait that takes longer is told, and again after each such time.</summary>
    private static readonly TimeSpan s_telling = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// Hundredths of a second of processor time in <see cref="s_silence"/> that count as getting on: far less than work takes, more than an
    /// idle process uses.
    /// </summary>
    private const long LeastTicks = 20;

    private const int SaidCharacters = 64 * 1024;
    private const int LogLines = 5;

    /// <summary>Starts this program again without the terminal and waits until it answers.</summary>
    /// <param name="arguments">Of the daemon itself.</param>
    /// <param name="tell">Says that it runs, and whether it did before.</param>
    public static async Task<int> RunAsync(
        CommandContext context, IReadOnlyList<string> arguments, Func<ControlStatus, bool, Task> tell, CancellationToken ct)
    {
        if (DaemonLock.IsTaken(context.Home))
        {
            return await TellRunningAsync(context, already: true, tell, ct);
        }

        var since = TimeProvider.System.GetUtcNow();
        using var child = StartDetached(arguments, context.Home);
        var said = ReadAsync(child.StandardError);
        var identity = OperatingSystem.IsLinux() ? ProcessGroup.Identify(child.Id) : null;
        var wait = new Waiting(context, () => identity is null ? null : ProcessGroup.OwnUsage(identity));
        if (await wait.UntilAnswersAsync(() => !child.HasExited, ct) is { } stalled)
        {
            child.Kill();
            throw new CommandFailure(
                $"The daemon made no progress for {s_silence.TotalSeconds:0} s{While(stalled)} and was killed.{LogSince(context.Home, since)}",
                code: OwnCodes.StartFailed);
        }

        if (!child.HasExited)
        {
            return await TellRunningAsync(context, already: false, tell, ct);
        }

        // Another start was faster: that is what was wanted.
        if (child.ExitCode == ExitCode.Ok && DaemonLock.IsTaken(context.Home))
        {
            return await TellRunningAsync(context, already: true, tell, ct);
        }

        throw Failure(await said, child.ExitCode) ?? new CommandFailure(string.Create(CultureInfo.InvariantCulture,
            $"The daemon exited while starting (exit code {child.ExitCode}){While(wait.Step)}.{LogSince(context.Home, since)}"),
            code: OwnCodes.StartFailed);
    }

    /// <summary>
    /// Starts the daemon in this process. What was not expected is in the log with all that is known of it, and told in one sentence.
    /// </summary>
    public static async Task<DaemonHost?> BeginAsync(LogFile log, DaemonOptions options)
    {
        try
        {
            return await DaemonHost.StartAsync(options, CancellationToken.None);
        }
        catch (Exception e) when (Cli.Failure.Of(e) is null)
        {
            var logger = log.CreateLogger("PocketCoder.Cli");
            LogFailed(logger, e);
            throw new CommandFailure(
                $"PocketCoder failed while starting: {e.Message.Split('\n')[0].TrimEnd('.')}. This is a bug. For details: pocketcoder logs",
                code: OwnCodes.StartFailed);
        }
    }

    /// <summary>Waits until one that somebody else starts answers, and says so.</summary>
    public static Task<int> TellAsync(CommandContext context, Func<ControlStatus, bool, Task> tell, CancellationToken ct)
        => TellRunningAsync(context, already: false, tell, ct);

    private static async Task<int> TellRunningAsync(
        CommandContext context, bool already, Func<ControlStatus, bool, Task> tell, CancellationToken ct)
    {
        var wait = new Waiting(context, () => DaemonLock.Holder(context.Home)?.Usage);
        if (await wait.UntilAnswersAsync(() => DaemonLock.IsTaken(context.Home), ct) is { } stalled)
        {
            throw new CommandFailure(
                $"A daemon is using this home but made no progress for {s_silence.TotalSeconds:0} s{While(stalled)}. Stop it: pocketcoder stop. Its log may say why: pocketcoder logs",
                code: OwnCodes.StartFailed);
        }

        try
        {
            await tell(await context.Daemon.StatusAsync(ct), already);
            return ExitCode.Ok;
        }
        catch (DaemonNotRunning)
        {
            throw new CommandFailure(
                "The daemon has stopped in the meantime. Start it again: pocketcoder start", code: OwnCodes.StartFailed);
        }
    }

    private static Process StartDetached(IReadOnlyList<string> arguments, Home home)
    {
        try
        {
            return OwnProgram.StartAgain(
                arguments,
                home.Root,
                // a relative one would mean another place from there
                new Dictionary<string, string>(StringComparer.Ordinal) { ["POCKETCODER_HOME"] = home.Root });
        }
        catch (ProcessStartException e)
        {
            throw new CommandFailure($"{e.Message} Try: pocketcoder start --foreground", code: OwnCodes.StartFailed);
        }
    }

    /// <summary>What the daemon says before it leaves the terminal: one error object, or what the runtime says of a crash.</summary>
    private static async Task<string> ReadAsync(StreamReader stream)
    {
        var text = new System.Text.StringBuilder();
        var buffer = new char[4096];
        int count;
        while ((count = await stream.ReadAsync(buffer)) > 0)
        {
            // the rest is read and dropped, so that nobody waits for room
            text.Append(buffer, 0, Math.Min(count, SaidCharacters - text.Length));
        }

        return text.ToString();
    }

    /// <summary>What the daemon gave as its reason.</summary>
    private static CommandFailure? Failure(string said, int exitCode)
    {
        var last = said.TrimEnd().Split('\n')[^1];
        try
        {
            return last.StartsWith('{') && JsonSerializer.Deserialize(last, CliJson.Default.ErrorShown) is { Error: { } error }
                ? new CommandFailure(error.Message, exitCode, error.Code) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string While(StartStep? step) => step is null ? "" : $" while {step.Step}";

    private static string LogSince(Home home, DateTimeOffset since)
    {
        var lines = LogReader.Since(home.LogFile, since, LogLines).Select(l => $"\n  {l}").ToList();
        return lines.Count == 0 ? " See why: pocketcoder doctor" : $" Its log says:{string.Concat(lines)}";
    }

    [LoggerMessage(EventId = 3020, Level = LogLevel.Critical, Message = "The start failed")]
    private static partial void LogFailed(ILogger log, Exception e);

    /// <summary>Waits for a daemon, judged by what it does and not by the clock.</summary>
    private sealed class Waiting(CommandContext context, Func<ProcessUsage?> usage)
    {
        /// <summary>The step of the start that was seen last.</summary>
        public StartStep? Step { get; private set; }

        /// <summary>Waits as long as it lives and gets on.</summary>
        /// <returns>Null: it answers, or lives no more; else the step that it does not get on with.</returns>
        public async Task<StartStep?> UntilAnswersAsync(Func<bool> lives, CancellationToken ct)
        {
            var time = TimeProvider.System;
            var began = time.GetTimestamp();
            var (moved, told, used) = (began, began, 0L);
            while (lives())
            {
                if (await AnswersAsync(ct))
                {
                    return null;
                }

                var ticks = usage()?.CpuTicks ?? used;
                if (StartProgress.Read(context.Home) is { } step && step != Step)
                {
                    (Step, moved, used) = (step, time.GetTimestamp(), ticks);
                }
                else if (ticks - used >= LeastTicks)
                {
                    (moved, used) = (time.GetTimestamp(), ticks);
                }

                if (time.GetElapsedTime(moved) >= s_silence)
                {
                    return Step ?? new StartStep(0, 0, "beginning", time.GetUtcNow());
                }

                if (time.GetElapsedTime(told) >= s_telling)
                {
                    told = time.GetTimestamp();
                    await TellAsync(time.GetElapsedTime(began));
                }

                await Task.Delay(s_poll, ct);
            }

            return null;
        }

        private async Task<bool> AnswersAsync(CancellationToken ct)
        {
            try
            {
                return await context.Daemon.IsHealthyAsync(ct);
            }
            catch (DaemonNotAnswering) when (usage() is { IsStopped: false })
            {
                return false; // it listens already and is slow: judged by what it does, like every other step
            }
        }

        private async Task TellAsync(TimeSpan waited)
        {
            if (!context.Json)
            {
                await context.Terminal.Error.WriteLineAsync(string.Create(
                    CultureInfo.InvariantCulture, $"Waiting for the daemon ({Step?.Step ?? "beginning"}, {waited.TotalSeconds:0} s)"));
            }
        }
    }
}
