using System.Threading.Channels;

namespace PocketCoder.Ledger;

/// <summary>
/// The single writer. It takes what has gathered in the queue, runs it in one transaction, and answers after the commit
/// is on disk: while one group is being flushed the next one gathers, so durability costs one flush for many writes.
/// </summary>
internal sealed class GroupWriter : IAsyncDisposable
{
    private readonly WriterSession _session;
    private readonly Action<long, string> _committed;
    private readonly int _groupLimit;
    private readonly Channel<WriteRequest> _queue;
    private readonly Task _loop;

    /// <param name="session">Owned by the writer from here on.</param>
    /// <param name="committed">Told the head's number and hash after each commit, before any caller is answered.</param>
    /// <param name="groupLimit">Most writes of one transaction.</param>
    /// <param name="queueLimit">Most writes that wait.</param>
    public GroupWriter(WriterSession session, Action<long, string> committed, int groupLimit, int queueLimit)
    {
        _session = session;
        _committed = committed;
        _groupLimit = groupLimit;
        _queue = Channel.CreateBounded<WriteRequest>(new BoundedChannelOptions(queueLimit) { SingleReader = true });
        _loop = Task.Run(RunAsync);
    }

    public async Task<T> WriteAsync<T>(Func<LedgerTransaction, T> work, CancellationToken cancellationToken)
    {
        // Registered before the writer can see it: a registration made after it was taken would stay as long as the token lives.
        var request = new WriteRequest<T>(work);
        request.CancelWith(cancellationToken);
        try
        {
            await _queue.Writer.WriteAsync(request, cancellationToken);
        }
        catch (ChannelClosedException e)
        {
            request.TryStart();
            throw new LedgerException(LedgerError.Closed, "the ledger is closed", e);
        }

        return await request.Task;
    }

    /// <summary>Refuses new writes, finishes those that wait, and closes the connection.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _loop;
    }

    private async Task RunAsync()
    {
        using (_session)
        {
            var group = new List<WriteRequest>(_groupLimit);
            while (await _queue.Reader.WaitToReadAsync())
            {
                while (group.Count < _groupLimit && _queue.Reader.TryRead(out var request))
                {
                    if (request.TryStart())
                    {
                        group.Add(request);
                    }
                }

                CommitAll(group);
                group.Clear();
            }

            Checkpoint();
        }
    }

    /// <summary>
    /// One transaction, or more when one is lost on the way: the works after the loss have not run yet and get a fresh one.
    /// </summary>
    private void CommitAll(List<WriteRequest> group)
    {
        for (var done = 0; done < group.Count;)
        {
            done = CommitFrom(group, done);
        }
    }

    /// <summary>Runs works from an index on and answers them; returns the index of the first that has not run.</summary>
    private int CommitFrom(List<WriteRequest> group, int first)
    {
        var next = first;
        LedgerException? failure = null;
        try
        {
            _session.Begin();
            while (next < group.Count && failure is null)
            {
                failure = _session.Run(group[next++]);
            }

            if (failure is null)
            {
                _session.Commit();
            }
        }
        catch (Exception e)
        {
            // Whatever it is, every caller gets an answer and the writer lives on.
            failure = e as LedgerException ?? new LedgerException(LedgerError.Sql, $"the writer failed: {e.Message}", e);
            next = Math.Max(next, first + 1);
        }

        if (failure is null)
        {
            _committed(_session.Seq, _session.HashHex);
            Answer(group, first, next, static (r, _) => r.Complete(), null);
        }
        else
        {
            failure = Abandoned(failure);
            Answer(group, first, next, static (r, e) => r.Fail(e!), failure);
        }

        return next;
    }

    private static void Answer(List<WriteRequest> group, int first, int next, Action<WriteRequest, Exception?> answer, Exception? failure)
    {
        for (var i = first; i < next; i++)
        {
            answer(group[i], failure);
        }
    }

    private LedgerException Abandoned(LedgerException failure)
    {
        try
        {
            _session.Abandon();
            return failure;
        }
        catch (Exception e)
        {
            // The next group begins with another attempt; until one works, every write fails with its reason.
            return new LedgerException(failure.Error, $"{failure.Message}; then leaving the transaction failed: {e.Message}", failure);
        }
    }

    private void Checkpoint()
    {
        try
        {
            _session.Checkpoint();
        }
        catch (LedgerException)
        {
            // Nothing is lost: the log stays beside the file and is read at the next start.
        }
    }
}
