using Microsoft.Extensions.Logging;

namespace PocketCoder.Machine.Entries;

/// <summary>
/// Runs the entry points that there are, each apart from the others and from the daemon. Owns their work: disposal ends them, within five
/// seconds.
/// </summary>
internal sealed partial class EntryService : IAsyncDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;

    /// <summary>Starts them all, without waiting for any.</summary>
    public EntryService(IEnumerable<EntryRun> runs, TimeProvider time, ILogger logger)
    {
        (_time, _logger) = (time, logger);
        _running = Task.WhenAll(runs.Select(r => r.RunAsync(_stop.Token)));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        try
        {
            await _running.WaitAsync(s_limit, _time);
        }
        catch (TimeoutException)
        {
            LogStuck(_logger, s_limit.TotalSeconds);
        }
    }

    [LoggerMessage(EventId = 223, Level = LogLevel.Warning, Message = "an entry point did not end within {Seconds} s")]
    private static partial void LogStuck(ILogger logger, double seconds);
}
