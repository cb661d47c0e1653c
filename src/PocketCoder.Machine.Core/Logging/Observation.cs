using Microsoft.Extensions.Logging;

namespace PocketCoder.Machine.Logging;

/// <summary>
/// For work that nobody awaits: its failure is logged instead of lost. `_ = WorkAsync()` loses it, and an architecture test refuses that.
/// </summary>
public static partial class Observation
{
    /// <summary>Logs an exception of this task as an error; being cancelled is none. Does not wait.</summary>
    /// <param name="work">The noun that the log line names: no secret, no prompt, no untrusted text.</param>
    public static void Observed(this Task task, ILogger logger, string work)
    {
        if (!task.IsCompletedSuccessfully)
        {
            _ = task.ContinueWith(
                static (done, state) =>
                {
                    var (logger, work) = ((ILogger, string))state!;
                    LogFailed(logger, work, done.Exception!.InnerException!);
                },
                (logger, work),
                CancellationToken.None,
                TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
        }
    }

    [LoggerMessage(EventId = 190, Level = LogLevel.Error, Message = "{Work} failed, and nothing waits for it")]
    private static partial void LogFailed(ILogger logger, string work, Exception error);
}
