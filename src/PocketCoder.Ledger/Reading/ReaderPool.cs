using System.Collections.Concurrent;

namespace PocketCoder.Ledger;

/// <summary>Read-only connections, opened as needed up to a limit. Thread-safe.</summary>
internal sealed class ReaderPool(string path, int limit) : IAsyncDisposable
{
    private readonly ConcurrentBag<LedgerReader> _idle = [];
    private readonly SemaphoreSlim _slots = new(limit);
    private volatile bool _closed;

    public async Task<T> RunAsync<T>(Func<LedgerReader, T> read, CancellationToken cancellationToken)
    {
        ObjectClosed.ThrowIf(_closed);
        await _slots.WaitAsync(cancellationToken);
        try
        {
            ObjectClosed.ThrowIf(_closed);
            // The engine blocks its thread on the disk; the caller's (an actor, a socket) must not be that one.
            return await Task.Run(() => Run(read, cancellationToken), cancellationToken);
        }
        finally
        {
            _slots.Release();
        }
    }

    /// <summary>Refuses new reads, waits for those that run, and closes the connections.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_closed)
        {
            return;
        }

        _closed = true;
        for (var i = 0; i < limit; i++)
        {
            await _slots.WaitAsync();
        }

        while (_idle.TryTake(out var reader))
        {
            reader.Close();
        }

        // Reads that were waiting for a slot find the pool closed.
        _slots.Release(limit);
    }

    private T Run<T>(Func<LedgerReader, T> read, CancellationToken cancellationToken)
    {
        var reader = _idle.TryTake(out var known) ? known : new LedgerReader(DatabaseFile.OpenReader(path));
        var whole = false;
        try
        {
            var result = reader.Run(read, cancellationToken);
            whole = true;
            return result;
        }
        finally
        {
            if (whole)
            {
                _idle.Add(reader);
            }
            else
            {
                // Whatever failed may have hurt the connection; a new one costs a millisecond.
                reader.Close();
            }
        }
    }
}

internal static class ObjectClosed
{
    public static void ThrowIf(bool closed)
    {
        if (closed)
        {
            throw new LedgerException(LedgerError.Closed, "the ledger is closed");
        }
    }
}
