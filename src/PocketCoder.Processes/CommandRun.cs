namespace PocketCoder.Processes;

/// <summary>How a command ended.</summary>
/// <param name="ExitCode">128 + n when it was ended by signal n.</param>
/// <param name="Output">Stdout and stderr as they came, head and tail.</param>
/// <param name="TimedOut">It ran into the time limit and was killed.</param>
public sealed record CommandResult(int ExitCode, string Output, bool TimedOut);

/// <summary>Runs a command to its end: bounded in time and output, killed as a whole.</summary>
public static class CommandRun
{
    /// <summary>After the command ended, how long something it left behind may hold its output open before it is killed too.</summary>
    private static readonly TimeSpan s_drainLimit = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan s_killGrace = TimeSpan.FromSeconds(2);

    /// <summary>Runs it with empty stdin.</summary>
    /// <param name="outputLimit">Bytes of output kept.</param>
    /// <exception cref="ProcessStartException">It could not be started.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the whole group is dead by then.</exception>
    public static async Task<CommandResult> RunAsync(
        ProcessStart start, TimeSpan timeLimit, int outputLimit, TimeProvider time, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested(); // never start what is already cancelled
        await using var process = OwnedProcess.Start(start, time);
        process.StandardInput.Close();
        var output = new OutputCapture(outputLimit);
        using var reading = new CancellationTokenSource();
        var drained = Task.WhenAll(
            output.ReadToEndAsync(process.StandardOutput, reading.Token),
            output.ReadToEndAsync(process.StandardError, reading.Token));

        var timedOut = false;
        try
        {
            await process.Exited.WaitAsync(timeLimit, time, cancellationToken);
            await drained.WaitAsync(s_drainLimit, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            timedOut = !process.Exited.IsCompleted;
        }
        finally
        {
            await process.KillAsync(s_killGrace);
            await StopReadingAsync(drained, reading, time);
        }

        return new CommandResult(await process.Exited, output.ToString(), timedOut);
    }

    private static async Task StopReadingAsync(Task drained, CancellationTokenSource reading, TimeProvider time)
    {
        // All writers are dead, so the pipes end by themselves; a writer that escaped even the mark must not hold us.
        reading.CancelAfter(s_drainLimit);
        try
        {
            await drained.WaitAsync(s_drainLimit * 2, time, CancellationToken.None);
        }
        catch (Exception e) when (e is OperationCanceledException or TimeoutException or IOException)
        {
            // what was read is what there is
        }
    }
}
