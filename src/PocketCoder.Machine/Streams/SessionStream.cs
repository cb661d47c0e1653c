using System.Text;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Streams;

/// <summary>
/// A session's transcript as it happens: durable events, published after they were committed, and the blocks of text that are
/// being written right now. Followers pull: each keeps its own cursor, so a slow one costs nothing and loses nothing.
/// Thread-safe; the lock guards every field and is never held over I/O.
/// </summary>
internal sealed class SessionStream(string name, string epoch, long head)
{
    /// <summary>How many recent events are kept in memory; older ones are read from the database.</summary>
    private const int Recent = 512;

    private readonly Lock _gate = new();
    private readonly Queue<StoredEvent> _recent = new();
    private readonly SortedDictionary<long, Published> _early = [];
    private readonly List<OpenBlock> _open = [];
    private readonly List<Follower> _followers = [];
    private long _head = head;

    public string Name { get; } = name;

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

    /// <summary>
    /// Makes a committed event visible. Commits of different writers may report in any order; events become visible in the order of their seq.
    /// </summary>
    /// <param name="finishedBlock">The open block that this event is the final form of.</param>
    public void Publish(long seq, ReadOnlyMemory<byte> body, string? finishedBlock)
    {
        lock (_gate)
        {
            if (seq <= _head)
            {
                return;
            }

            _early[seq] = new Published(body, finishedBlock);
            Advance();
        }
    }

    /// <summary>Events up to here are in the database, though nobody told this stream of them.</summary>
    public void CatchUp(long head)
    {
        lock (_gate)
        {
            if (head > _head)
            {
                _head = head;
                _recent.Clear();
                foreach (var known in _early.Keys.Where(seq => seq <= head).ToList())
                {
                    _early.Remove(known);
                }
            }

            Advance();
        }
    }

    private void Advance()
    {
        while (_early.Remove(_head + 1, out var next))
        {
            _head++;
            _recent.Enqueue(new StoredEvent(_head, next.Body, next.FinishedBlock));
            if (_recent.Count > Recent)
            {
                _recent.Dequeue();
            }

            if (next.FinishedBlock is { } block)
            {
                _open.RemoveAll(b => b.Id == block);
            }
        }

        Wake();
    }

    /// <summary>Adds live text to a block, opening it first when it is new.</summary>
    public void Append(Guid? turn, string blockId, DeltaKind kind, string text, string? parentToolUseId)
    {
        lock (_gate)
        {
            var block = _open.Find(b => b.Id == blockId);
            if (block is null)
            {
                block = new OpenBlock(turn, blockId, kind, parentToolUseId);
                _open.Add(block);
            }

            block.Text.Append(text);
            Wake();
        }
    }

    /// <summary>Takes an unfinished block away.</summary>
    public void Drop(string blockId)
    {
        lock (_gate)
        {
            if (_open.RemoveAll(b => b.Id == blockId) > 0)
            {
                Wake();
            }
        }
    }

    /// <summary>What the unfinished blocks hold, so that an interrupted answer can be kept.</summary>
    public IReadOnlyList<(string BlockId, DeltaKind Kind, string Text, string? Parent)> OpenBlocks()
    {
        lock (_gate)
        {
            return [.. _open.Select(b => (b.Id, b.Kind, b.Text.ToString(), b.Parent))];
        }
    }

    public Follower Follow(long after)
    {
        lock (_gate)
        {
            var follower = new Follower(this, Math.Min(after, _head));
            _followers.Add(follower);
            return follower;
        }
    }

    private void Wake()
    {
        foreach (var follower in _followers)
        {
            follower.Signal();
        }
    }

    internal readonly record struct StoredEvent(long Seq, ReadOnlyMemory<byte> Body, string? FinishedBlock);

    private readonly record struct Published(ReadOnlyMemory<byte> Body, string? FinishedBlock);

    private sealed class OpenBlock(Guid? turn, string id, DeltaKind kind, string? parent)
    {
        public Guid? Turn { get; } = turn;

        public string Id { get; } = id;

        public DeltaKind Kind { get; } = kind;

        public string? Parent { get; } = parent;

        public StringBuilder Text { get; } = new();
    }

    /// <summary>What a follower sends next: either events from memory, or an order to read from the database, or live text.</summary>
    internal readonly record struct Step(IReadOnlyList<StoredEvent> Events, long? ReadFrom, IReadOnlyList<AgentDeltaPayload> Deltas);

    /// <summary>One reader's place in the stream. Used by one task at a time.</summary>
    internal sealed class Follower : IDisposable
    {
        private readonly SessionStream _stream;
        private readonly SemaphoreSlim _signal = new(1, 1);
        private readonly Dictionary<string, int> _sent = new(StringComparer.Ordinal);
        private long _cursor;

        internal Follower(SessionStream stream, long cursor) => (_stream, _cursor) = (stream, cursor);

        /// <summary>Waits until there may be something new.</summary>
        public Task WaitAsync(CancellationToken cancellationToken) => _signal.WaitAsync(cancellationToken);

        /// <summary>What to send now. Empty: wait.</summary>
        public Step Next()
        {
            lock (_stream._gate)
            {
                if (_cursor < _stream._head)
                {
                    var events = _stream._recent.Count > 0 && _stream._recent.Peek().Seq <= _cursor + 1
                        ? _stream._recent.Where(e => e.Seq > _cursor).ToList()
                        : [];
                    return new Step(events, events.Count == 0 ? _cursor : null, []);
                }

                return new Step([], null, Deltas());
            }
        }

        /// <summary>Events up to here have been sent.</summary>
        public void Advance(StoredEvent sent)
        {
            _cursor = sent.Seq;
            if (sent.FinishedBlock is { } block)
            {
                _sent.Remove(block);
            }
        }

        public void Dispose()
        {
            lock (_stream._gate)
            {
                _stream._followers.Remove(this);
            }

            _signal.Dispose();
        }

        internal void Signal()
        {
            if (_signal.CurrentCount == 0)
            {
                _signal.Release();
            }
        }

        private List<AgentDeltaPayload> Deltas()
        {
            var deltas = new List<AgentDeltaPayload>();
            foreach (var block in _stream._open)
            {
                var from = _sent.GetValueOrDefault(block.Id);
                if (block.Text.Length > from)
                {
                    deltas.Add(new AgentDeltaPayload(block.Turn, block.Id, block.Kind, from, block.Text.ToString(from, block.Text.Length - from), block.Parent));
                    _sent[block.Id] = block.Text.Length;
                }
            }

            // What was sent, is not open any more, and did not come as an event, was taken back.
            foreach (var gone in _sent.Keys.Where(id => !_stream._open.Exists(b => b.Id == id)).ToList())
            {
                deltas.Add(new AgentDeltaPayload(null, gone, DeltaKind.Text, 0, "", Dropped: true));
                _sent.Remove(gone);
            }

            return deltas;
        }
    }
}
