using PocketCoder.Protocol;

namespace PocketCoder.Accounts;

/// <summary>
/// Secrets that stand for something for a time, in memory only: a restart ends them. Of one sign-in only the newest few hold, and of all
/// only the newest. Thread-safe.
/// </summary>
internal sealed class TokenTable<T>(TimeProvider time, TimeSpan life, int mostOfOne, int most)
{
    private readonly Lock _gate = new(); // guards all that follows
    private readonly Dictionary<string, Token> _byHash = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<string>> _byOwner = new(StringComparer.Ordinal); // oldest first
    private readonly LinkedList<string> _oldest = new();

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _byHash.Count;
            }
        }
    }

    /// <summary>A new secret that stands for <paramref name="value"/>.</summary>
    public string Give(string owner, T value)
    {
        var secret = Secrets.New();
        var hash = Secrets.HashOf(secret);
        lock (_gate)
        {
            // All live equally long, so what has ended is at the front.
            while (_oldest.First is { } first && (_byHash.Count >= most || _byHash[first.Value].Until.HasPassed(time)))
            {
                Forget(first.Value);
            }

            if (_byOwner.TryGetValue(owner, out var own) && own.Count >= mostOfOne)
            {
                Forget(own[0]);
            }

            if (!_byOwner.TryGetValue(owner, out own))
            {
                _byOwner[owner] = own = [];
            }

            own.Add(hash);
            _byHash[hash] = new Token(owner, value, Deadline.After(time, life), _oldest.AddLast(hash));
        }

        return secret;
    }

    /// <summary>What it stands for; null: nothing, or not any more.</summary>
    /// <param name="once">It is used up by this.</param>
    public T? Find(string? secret, bool once = false)
    {
        if (secret is not { Length: Secrets.Characters })
        {
            return default;
        }

        var hash = Secrets.HashOf(secret);
        lock (_gate)
        {
            if (!_byHash.TryGetValue(hash, out var grant))
            {
                return default;
            }

            var passed = grant.Until.HasPassed(time);
            if (once || passed)
            {
                Forget(hash);
            }

            return passed ? default : grant.Value;
        }
    }

    private void Forget(string hash)
    {
        if (_byHash.Remove(hash, out var grant))
        {
            _oldest.Remove(grant.Place);
            var own = _byOwner[grant.Owner];
            own.Remove(hash);
            if (own.Count == 0)
            {
                _byOwner.Remove(grant.Owner);
            }
        }
    }

    private sealed record Token(string Owner, T Value, Deadline Until, LinkedListNode<string> Place);
}
