namespace PocketCoder.Channels;

/// <summary>
/// Counts the bytes that one process holds for messages of its peers: fragments that wait for their rest, and whole messages until their
/// buffer is given back. It bounds the sum for each peer, over all of its connections, and the sum of all peers. Thread-safe.
/// </summary>
/// <param name="total">Bytes for all peers together.</param>
/// <param name="perPeer">Bytes for all connections of one peer.</param>
public sealed class MessageMemory(long total, long perPeer)
{
    /// <summary>
    /// A buffer of this size or less is counted and never refused: one frame fits in it, so connections bound these already, and a peer
    /// that takes all there is can't keep the short messages of the others out.
    /// </summary>
    internal const int AlwaysGranted = 128 << 10;

    private readonly Lock _gate = new(); // guards all that follows
    private readonly Dictionary<string, Peer> _peers = new(StringComparer.Ordinal);
    private long _held;

    /// <summary>Bytes that are held now.</summary>
    public long Held
    {
        get
        {
            lock (_gate)
            {
                return _held;
            }
        }
    }

    /// <summary>An account for one connection of a peer; disposing it gives back all that is still on it.</summary>
    /// <param name="peer">The id of the proved peer.</param>
    public MessageAccount Open(string peer)
    {
        lock (_gate)
        {
            if (!_peers.TryGetValue(peer, out var entry))
            {
                _peers[peer] = entry = new Peer(peer);
            }

            entry.Accounts++;
            return new MessageAccount(this, entry);
        }
    }

    internal bool TryTake(MessageAccount account, int bytes, bool always)
    {
        lock (_gate)
        {
            var peer = account.Peer;
            if (account.IsClosed || (!always && (_held + bytes > total || peer.Held + bytes > perPeer)))
            {
                return false;
            }

            account.Held += bytes;
            peer.Held += bytes;
            _held += bytes;
            return true;
        }
    }

    internal void Give(MessageAccount account, int bytes)
    {
        lock (_gate)
        {
            if (!account.IsClosed)
            {
                Remove(account, bytes);
            }
        }
    }

    internal void Close(MessageAccount account)
    {
        lock (_gate)
        {
            if (account.IsClosed)
            {
                return;
            }

            Remove(account, account.Held);
            account.IsClosed = true;
            if (--account.Peer.Accounts == 0)
            {
                _peers.Remove(account.Peer.Id);
            }
        }
    }

    private void Remove(MessageAccount account, long bytes)
    {
        account.Held -= bytes;
        account.Peer.Held -= bytes;
        _held -= bytes;
    }

    internal sealed class Peer(string id)
    {
        public string Id => id;

        public long Held { get; set; }

        public int Accounts { get; set; }
    }
}

/// <summary>What one connection holds of a <see cref="MessageMemory"/>. Thread-safe.</summary>
public sealed class MessageAccount : IDisposable
{
    private readonly MessageMemory _memory;

    internal MessageAccount(MessageMemory memory, MessageMemory.Peer peer) => (_memory, Peer) = (memory, peer);

    internal MessageMemory.Peer Peer { get; }

    /// <summary>Guarded by the memory's lock.</summary>
    internal long Held { get; set; }

    /// <summary>Guarded by the memory's lock.</summary>
    internal bool IsClosed { get; set; }

    /// <summary>Takes bytes for a buffer.</summary>
    /// <returns>False when the peer or all peers together hold too much; nothing is taken then.</returns>
    public bool TryTake(int bytes) => _memory.TryTake(this, bytes, bytes <= MessageMemory.AlwaysGranted);

    /// <summary>Gives back what was taken.</summary>
    public void Give(int bytes) => _memory.Give(this, bytes);

    /// <inheritdoc/>
    public void Dispose() => _memory.Close(this);
}
