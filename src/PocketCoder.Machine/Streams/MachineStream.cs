namespace PocketCoder.Machine.Streams;

/// <summary>
/// Changes of the machine's state. Kept in memory only, because its truth is <c>machine_state</c>: a follower that is too far behind,
/// or comes from before a restart, starts over with a snapshot. Thread-safe; the lock guards the ring.
/// </summary>
/// <param name="head">Where its numbering goes on.</param>
internal sealed class MachineStream(string epoch, long head = 0)
{
    public const string Name = "machine";

    /// <summary>Changes kept for those who were away for a moment.</summary>
    public const int Kept = 4_096;

    private readonly Lock _gate = new();
    private readonly Queue<(long Seq, byte[] Body)> _ring = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _head = head;

    /// <summary>The daemon's instance: a restart is a new epoch.</summary>
    public string Epoch { get; } = epoch;

    public long Head
    {
        get
        {
            lock (_gate)
            {
                return _head;
            }
        }
    }

    public void Publish(byte[] body) => Publish(_ => body);

    /// <param name="write">Makes the event that has this number.</param>
    public void Publish(Func<long, byte[]> write)
    {
        lock (_gate)
        {
            _ring.Enqueue((_head + 1, write(_head + 1)));
            _head++;
            if (_ring.Count > Kept)
            {
                _ring.Dequeue();
            }

            _changed.TrySetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Events after a cursor, or null when the cursor is too old or not of this life; with a task that completes at the next change.</summary>
    public (IReadOnlyList<(long Seq, byte[] Body)>? Events, Task Changed) ReadAfter(long after)
    {
        lock (_gate)
        {
            var first = _head - _ring.Count + 1;
            return (after > _head || after + 1 < first ? null : [.. _ring.Where(e => e.Seq > after)], _changed.Task);
        }
    }
}
