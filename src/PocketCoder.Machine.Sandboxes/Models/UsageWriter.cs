using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using PocketCoder.Broker.Models;
using PocketCoder.Ledger;
using PocketCoder.Machine.Storage;

namespace PocketCoder.Machine.Models;

/// <summary>
/// Writes what was used, many requests at once, off the path of the requests. What a killed daemon had not written yet (at most the last
/// moment's) is lost from the table. Thread-safe.
/// </summary>
internal sealed partial class UsageWriter : IAsyncDisposable
{
    private const int QueueLength = 4096;
    private static readonly TimeSpan s_retryAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_stopLimit = TimeSpan.FromSeconds(3);

    private readonly Channel<ModelUsage> _queue = Channel.CreateBounded<ModelUsage>(
        new BoundedChannelOptions(QueueLength) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _stop = new();
    private readonly Store _store;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Task _writing;

    public UsageWriter(Store store, TimeProvider time, ILogger log)
    {
        (_store, _time, _log) = (store, time, log);
        _writing = WriteAsync();
    }

    /// <summary>Never waits. When the database has been away for thousands of requests, further ones are counted in memory only.</summary>
    public void Add(ModelUsage usage) => _queue.Writer.TryWrite(usage);

    /// <summary>Writes what is queued; at most 3 s.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        _stop.CancelAfter(s_stopLimit);
        await _writing;
        _stop.Dispose();
    }

    private async Task WriteAsync()
    {
        await Task.Yield();
        var batch = new List<ModelUsage>();
        while (await _queue.Reader.WaitToReadAsync())
        {
            while (batch.Count < 512 && _queue.Reader.TryRead(out var usage))
            {
                batch.Add(usage);
            }

            if (!await TryWriteAsync(batch))
            {
                return;
            }

            batch.Clear();
        }
    }

    private async Task<bool> TryWriteAsync(List<ModelUsage> batch)
    {
        while (true)
        {
            try
            {
                await _store.WriteAsync(change =>
                {
                    foreach (var usage in batch)
                    {
                        UsageRows.Add(change, usage);
                    }
                });
                return true;
            }
            catch (LedgerException e)
            {
                LogNotWritten(_log, batch.Count, e.Message);
            }

            try
            {
                await Task.Delay(s_retryAfter, _time, _stop.Token);
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }
    }

    [LoggerMessage(EventId = 501, Level = LogLevel.Warning, Message = "the use of {Count} model requests can't be recorded yet: {Why}")]
    private static partial void LogNotWritten(ILogger log, int count, string why);
}
