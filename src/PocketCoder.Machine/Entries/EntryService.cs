using Microsoft.Extensions.Logging;
using PocketCoder.Entry;

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
    public EntryService(IReadOnlyList<IEntryPoint> points, Func<IEntryPoint, EntryMachine> machine, TimeProvider time, ILogger logger)
    {
        (_time, _logger) = (time, logger);
        _running = Task.WhenAll(points.Select(p => RunAsync(p, machine(p))));
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

    private async Task RunAsync(IEntryPoint point, EntryMachine machine)
    {
        await Task.Yield(); // not within the start
        await using var _ = machine;
        try
        {
            await point.RunAsync(machine, _stop.Token);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The daemon stops.
        }
        catch (Exception e)
        {
            LogEnded(_logger, point.Platform, e);
        }
    }

    [LoggerMessage(EventId = 222, Level = LogLevel.Error, Message = "{Platform} is away until the next start: it failed")]
    private static partial void LogEnded(ILogger logger, string platform, Exception error);

    [LoggerMessage(EventId = 223, Level = LogLevel.Warning, Message = "an entry point did not end within {Seconds} s")]
    private static partial void LogStuck(ILogger logger, double seconds);
}
