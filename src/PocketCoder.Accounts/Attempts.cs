namespace PocketCoder.Accounts;

/// <summary>
/// So many tries at once, then one in a while, for each of whoever is counted. What succeeded is given back. Those beyond
/// <paramref name="most"/> share one allowance, so that memory is bounded. Thread-safe.
/// </summary>
/// <param name="burst">Tries at once.</param>
/// <param name="each">How long one takes to come back.</param>
internal sealed class Attempts(TimeProvider time, int burst, TimeSpan each, int most = 10_000)
{
    private readonly Lock _gate = new(); // guards all that follows
    private readonly Dictionary<string, Allowance> _allowances = new(StringComparer.Ordinal);
    private readonly Allowance _crowd = new(burst, time.GetTimestamp());

    /// <summary>Takes a try.</summary>
    /// <exception cref="AccountRefusal">None is left; it says when there is one.</exception>
    public void Take(string who)
    {
        lock (_gate)
        {
            var (allowance, now) = (Find(who), time.GetTimestamp());
            Refill(allowance, now);
            if (allowance.Left < 1)
            {
                throw new AccountRefusal(AccountError.TooFast, "Too many tries in a short time.", each * (1 - allowance.Left));
            }

            allowance.Left--;
        }
    }

    /// <summary>It succeeded, so it does not count.</summary>
    public void GiveBack(string who)
    {
        lock (_gate)
        {
            var allowance = Find(who);
            allowance.Left = Math.Min(burst, allowance.Left + 1);
        }
    }

    private Allowance Find(string who)
    {
        if (_allowances.TryGetValue(who, out var allowance))
        {
            return allowance;
        }

        var now = time.GetTimestamp();
        if (_allowances.Count >= most)
        {
            foreach (var (other, one) in _allowances)
            {
                Refill(one, now);
                if (one.Left >= burst)
                {
                    _allowances.Remove(other);
                }
            }
        }

        return _allowances.Count >= most ? _crowd : _allowances[who] = new Allowance(burst, now);
    }

    private void Refill(Allowance allowance, long now)
    {
        allowance.Left = Math.Min(burst, allowance.Left + (time.GetElapsedTime(allowance.Seen, now) / each));
        allowance.Seen = now;
    }

    private sealed class Allowance(double left, long seen)
    {
        public double Left { get; set; } = left;

        public long Seen { get; set; } = seen;
    }
}
