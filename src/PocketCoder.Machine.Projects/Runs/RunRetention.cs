using Microsoft.Extensions.Logging;
using PocketCoder.Ledger;
using PocketCoder.Machine.Executions.Archive;
using PocketCoder.Machine.Storage;

namespace PocketCoder.Machine.Runs;

/// <summary>Removes old runs: those of more than seven days, and all but the newest 10,000, at the start and every six hours.</summary>
internal sealed partial class RunRetention(Store store, SessionArchive archive, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    public const int Most = 10_000;

    public static readonly TimeSpan Oldest = TimeSpan.FromDays(7);
    public static readonly TimeSpan Period = TimeSpan.FromHours(6);

    private ITimer? _timer;
    private Task _sweeping = Task.CompletedTask;

    public async Task BeginAsync()
    {
        await SweepAsync();
        _timer = time.CreateTimer(_ => Next(), null, Period, Timeout.InfiniteTimeSpan);
    }

    public async ValueTask DisposeAsync()
    {
        if (_timer is not null)
        {
            await _timer.DisposeAsync();
        }

        await _sweeping;
    }

    private void Next()
    {
        _timer?.Change(Period, Timeout.InfiniteTimeSpan);
        _sweeping = SweepAsync();
    }

    private async Task SweepAsync()
    {
        try
        {
            foreach (var (project, run) in await store.WriteAsync(change => RunRows.Sweep(change, change.Now - Oldest, Most)))
            {
                archive.Remove(project, run);
            }
        }
        catch (LedgerException e)
        {
            LogNotSwept(logger, e.Message); // the next turn
        }
    }

    [LoggerMessage(EventId = 523, Level = LogLevel.Warning, Message = "old command runs could not be removed: {Why}")]
    private static partial void LogNotSwept(ILogger logger, string why);
}
