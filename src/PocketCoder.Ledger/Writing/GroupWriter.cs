using System.Threading.Channels;

namespace PocketCoder.Ledger;

/// <summary>
/// The single writer. It takes what has gathered in the queue, runs it in one transaction, and answers after the commit
/// is on disk: while one group is being flushed the next one gathers, so durability costs one flush for many writes.
/// </summary>
internal sealed class GroupWriter : IAsyncDisposable
{
    /// <summary>After so many commits the log beside the file is folded into it, as soon as nothing is written for a moment.</summary>
    private const int FoldAfter = 64;
    private const int MomentMilliseconds = 200;

    private readonly WriterSession _session;
    private readonly Action<long, string> _committed;
    private readonly int _groupLimit;
    private readonly Channel<WriteRequest> _queue;
    private readonly Task _loop;
    private int _commits;

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
            while (await MoreAsync())
            {
                while (group.Count < _groupLimit && _queue.Reader.TryRead(out var request))
                {
                    if (request.TryStart())
                    {
                        group.Add(request);
                    }
                }

                // One transaction, or more when one is lost on the way: the works after the loss have not run yet and get a fresh one.
                for (var done = 0; done < group.Count;)
                {
                    done = CommitFrom(group, done);
                }

                group.Clear();
            }

            Fold("TRUNCATE"); // one file is left behind
        }
    }

    /// <summary>Waits for the next write, and folds the log meanwhile when it is time: a commit would wait for it.</summary>
    private async Task<bool> MoreAsync()
    {
        var more = _queue.Reader.WaitToReadAsync().AsTask();
        if (_commits >= FoldAfter && !more.IsCompleted && await Task.WhenAny(more, Task.Delay(MomentMilliseconds)) != more)
        {
            _commits = 0;
            Fold("PASSIVE"); // from its beginning it is written over, which costs a flush less than growing
        }

        return await more;
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
                _commits++;
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
            group.GetRange(first, next - first).ForEach(r => r.Complete());
        }
        else
        {
            failure = Abandoned(failure);
            group.GetRange(first, next - first).ForEach(r => r.Fail(failure));
        }

        return next;
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

    private void Fold(string mode)
    {
        try
        {
            _session.Checkpoint(mode);
        }
        catch (LedgerException)
        {
            // Nothing is lost: the log stays beside the file and is read at the next start.
        }
    }
}
