namespace PocketCoder.Feishu.Webhooks;

internal enum NonceTaken
{
    New,
    Before,
    NoRoom,
}

/// <summary>
/// The nonces of signed requests, for as long as one could be sent again. Full: new ones are refused, since a forgotten one could be
/// replayed; only who has the key gets this far. Thread-safe.
/// </summary>
internal sealed class NonceStore(TimeSpan life)
{
    public const int Most = 10_000;

    private readonly Lock _gate = new(); // guards both
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private readonly Queue<(string Nonce, DateTimeOffset At)> _order = new();

    public NonceTaken Take(string nonce, DateTimeOffset now)
    {
        lock (_gate)
        {
            while (_order.TryPeek(out var oldest) && now - oldest.At > life)
            {
                _known.Remove(_order.Dequeue().Nonce);
            }

            if (_known.Contains(nonce))
            {
                return NonceTaken.Before;
            }

            if (_known.Count >= Most)
            {
                return NonceTaken.NoRoom;
            }

            _known.Add(nonce);
            _order.Enqueue((nonce, now));
            return NonceTaken.New;
        }
    }

    /// <summary>It counts once more. Its old place in the order stays: once that is forgotten, the request's time is over too.</summary>
    public void GiveBack(string nonce)
    {
        lock (_gate)
        {
            _known.Remove(nonce);
        }
    }
}
