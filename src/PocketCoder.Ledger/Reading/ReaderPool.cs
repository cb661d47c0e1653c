using System.Collections.Concurrent;

namespace PocketCoder.Ledger;

/// <summary>Read-only connections, opened as needed up to a limit. Thread-safe.</summary>
internal sealed class ReaderPool(string path, int limit) : IAsyncDisposable
{
    private readonly ConcurrentBag<LedgerReader> idle = [];
    private readonly SemaphoreSlim slots = new(limit);
    private volatile bool closed;

    public async Task<T> RunAsync<T>(Func<LedgerReader, T> read, CancellationToken cancellationToken)
    {
        ObjectClosed.ThrowIf(closed);
        await slots.WaitAsync(cancellationToken);
        try
        {
            ObjectClosed.ThrowIf(closed);
            // The engine blocks its thread on the disk; the caller's (an actor, a socket) must not be that one.
            return await Task.Run(() => Run(read, cancellationToken), cancellationToken);
        }
        finally
        {
            slots.Release();
        }
    }

    /// <summary>Refuses new reads, waits for those that run, and closes the connections.</summary>
    public async ValueTask DisposeAsync()
    {
        if (closed)
        {
            return;
        }

        closed = true;
        for (var i = 0; i < limit; i++)
        {
            await slots.WaitAsync();
        }

        while (idle.TryTake(out var reader))
        {
            reader.Close();
        }

        // Reads that were waiting for a slot find the pool closed.
        slots.Release(limit);
    }

    private T Run<T>(Func<LedgerReader, T> read, CancellationToken cancellationToken)
    {
        var reader = idle.TryTake(out var known) ? known : new LedgerReader(DatabaseFile.OpenReader(path));
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
                idle.Add(reader);
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
