namespace PocketCoder.Machine.Streams;

/// <summary>
/// Changes of the machine's state. Kept in memory only, because its truth is <c>machine_state</c>: a follower that is too far behind,
/// or comes from before a restart, starts over with a snapshot. Thread-safe; the lock guards the ring.
/// </summary>
/// <param name="head">Where its numbering goes on.</param>
public sealed class MachineStream(string epoch, long head = 0)
{
    public const string Name = "machine";

    /// <summary>Changes kept for those who were away for a moment.</summary>
    public const int Kept = 4_096;

    private readonly Lock _gate = new();
    private readonly RecentRing<Entry> _ring = new(Kept);
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
            _ring.Add(new Entry(_head + 1, write(_head + 1)));
            _head++;

            _changed.TrySetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>
    /// Events after a cursor, or null when the cursor is too old or not of this life; with a task that completes at the next change.
    /// </summary>
    public (IReadOnlyList<Entry>? Events, Task Changed) ReadAfter(long after)
    {
        lock (_gate)
        {
            var first = _head - _ring.Count + 1;
            return (after > _head || after + 1 < first ? null : _ring.After((int)(after + 1 - first)), _changed.Task);
        }
    }

    /// <summary>
    /// A change. Its message is written when the first follower sends it, and is the same for all of them; nobody changes it. Thread-safe.
    /// </summary>
    public sealed class Entry(long seq, byte[] body)
    {
        private readonly Lock _writing = new();
        private byte[]? _body = body;
        private byte[]? _message;

        public long Seq { get; } = seq;

        /// <param name="write">Makes the message of seq and body; all followers of a stream give the same.</param>
        public byte[] MessageBy(Func<long, byte[], byte[]> write)
        {
            lock (_writing)
            {
                _message ??= write(Seq, _body!);
                _body = null; // it stands in the message
                return _message;
            }
        }
    }
}
