using System.Text;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Streams;

/// <summary>
/// A session's transcript as it happens: durable events, published after they were committed, and the blocks of text that are
/// being written right now. Followers pull: each keeps its own cursor, so a slow one costs nothing and loses nothing.
/// What several followers get at the same place is written as a message once; each connection seals it for its own device, and nobody
/// changes it. Thread-safe; the lock guards every field and is never held over I/O.
/// </summary>
public sealed class SessionStream(string name, string epoch, long head)
{
    /// <summary>How many recent events are kept in memory; older ones are read from the database.</summary>
    private const int Recent = 512;

    /// <summary>
    /// Pieces of live text kept of each open block for followers that are at the same place. A longer piece than <see cref="SharedText"/>
    /// is not kept.
    /// </summary>
    private const int SharedPieces = 16;

    private const int SharedText = 4_096;

    private readonly Lock _gate = new();
    private readonly RecentRing<StoredEvent> _recent = new(Recent);
    private readonly SortedDictionary<long, StoredEvent> _early = [];
    private readonly List<OpenBlock> _open = [];
    private readonly List<Follower> _followers = [];
    private long _head = head;
    private long _said;
    private long _written;

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

    /// <summary>The last event that says something (<see cref="Saying"/>), as far as it is known: 0, nothing does.</summary>
    public long Said
    {
        get
        {
            lock (_gate)
            {
                return _said;
            }
        }
    }

    /// <summary>How often something of this stream was written as a message since it was opened; what is shared counts once.</summary>
    internal long Written => Interlocked.Read(ref _written);

    /// <summary>
    /// Makes a committed event visible. Commits of different writers may report in any order; events become visible in the order of their
    /// seq.
    /// </summary>
    /// <param name="finishedBlock">The open block that this event is the final form of.</param>
    /// <param name="says">Whether it says something.</param>
    public void Publish(long seq, ReadOnlyMemory<byte> body, string? finishedBlock, bool says = false)
    {
        if (seq <= Head)
        {
            return;
        }

        var stored = new StoredEvent(seq, EventMessage(seq, body.Span), body.Length, finishedBlock, says);
        lock (_gate)
        {
            if (seq <= _head)
            {
                return;
            }

            _early[seq] = stored;
            Advance();
        }
    }

    /// <summary>An event of this stream as the message that goes to a device.</summary>
    public byte[] EventMessage(long seq, ReadOnlySpan<byte> body)
    {
        Interlocked.Increment(ref _written);
        return Message.Event(MessageTypes.AgentEvent, Name, Epoch, seq, body);
    }

    /// <summary>Events of this stream, the first with this number, as one message.</summary>
    public byte[] BatchMessage(long seq, IReadOnlyList<ReadOnlyMemory<byte>> bodies, int bytes)
    {
        Interlocked.Increment(ref _written);
        return Message.Events(Name, Epoch, seq, bodies, bytes);
    }

    /// <summary>Something was said up to here, as the database has it.</summary>
    public void KnowSaid(long seq)
    {
        lock (_gate)
        {
            _said = Math.Max(_said, seq);
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
                _recent.Clear(); // what is in memory has no gaps and ends with the head
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
            _recent.Add(next);
            _said = next.Says ? next.Seq : _said;
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
                block = new OpenBlock(this, turn, blockId, kind, parentToolUseId);
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

    private Lazy<byte[]> DeltaMessage(AgentDeltaPayload delta) => new(() =>
    {
        Interlocked.Increment(ref _written);
        return Message.Delta(Name, Epoch, delta);
    });

    /// <param name="Message">As it goes to devices, shared by all of them; its body is at its end.</param>
    public readonly record struct StoredEvent(long Seq, byte[] Message, int BodyBytes, string? FinishedBlock, bool Says = false)
    {
        public ReadOnlyMemory<byte> Body => Message.AsMemory(Message.Length - 1 - BodyBytes, BodyBytes);
    }

    private sealed class OpenBlock(SessionStream stream, Guid? turn, string id, DeltaKind kind, string? parent)
    {
        private readonly Queue<(int From, int To, Lazy<byte[]> Message)> _pieces = new();

        public string Id { get; } = id;

        public DeltaKind Kind { get; } = kind;

        public string? Parent { get; } = parent;

        public StringBuilder Text { get; } = new();

        /// <summary>
        /// The text from here to its present end as a message; the same one for every follower that asks for the same piece.
        /// </summary>
        public Lazy<byte[]> After(int from)
        {
            var to = Text.Length;
            foreach (var piece in _pieces)
            {
                if (piece.From == from && piece.To == to)
                {
                    return piece.Message;
                }
            }

            var message = stream.DeltaMessage(new AgentDeltaPayload(turn, Id, Kind, from, Text.ToString(from, to - from), Parent));
            if (to - from <= SharedText)
            {
                _pieces.Enqueue((from, to, message));
                if (_pieces.Count > SharedPieces)
                {
                    _pieces.Dequeue();
                }
            }

            return message;
        }
    }

    /// <summary>What a follower sends next: either events from memory, or an order to read from the database, or live text.</summary>
    /// <param name="Deltas">Messages, written when the first follower sends them, outside of the stream's lock.</param>
    public readonly record struct Step(IReadOnlyList<StoredEvent> Events, long? ReadFrom, IReadOnlyList<Lazy<byte[]>> Deltas);

    /// <summary>One reader's place in the stream. Used by one task at a time.</summary>
    public sealed class Follower : IDisposable
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
                    var before = _cursor - (_stream._head - _stream._recent.Count); // how many of those in memory it has
                    var events = before >= 0 ? _stream._recent.After((int)before) : [];
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

        /// <summary>
        /// The same for an event from the database, which is looked into only when live text was sent that it could be the end of.
        /// </summary>
        public void Advance(long seq, ReadOnlyMemory<byte> body)
        {
            _cursor = seq;
            if (_sent.Count > 0 && FinishedBlock.Of(body) is { } block)
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
        }

        internal void Signal()
        {
            if (_signal.CurrentCount == 0)
            {
                _signal.Release();
            }
        }

        private List<Lazy<byte[]>> Deltas()
        {
            var deltas = new List<Lazy<byte[]>>();
            foreach (var block in _stream._open)
            {
                var from = _sent.GetValueOrDefault(block.Id);
                if (block.Text.Length > from)
                {
                    deltas.Add(block.After(from));
                    _sent[block.Id] = block.Text.Length;
                }
            }

            // What was sent, is not open any more, and did not come as an event, was taken back.
            foreach (var gone in _sent.Keys.Where(id => !_stream._open.Exists(b => b.Id == id)).ToList())
            {
                deltas.Add(_stream.DeltaMessage(new AgentDeltaPayload(null, gone, DeltaKind.Text, 0, "", Dropped: true)));
                _sent.Remove(gone);
            }

            return deltas;
        }
    }
}
