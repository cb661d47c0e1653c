using System.Net;
using System.Net.Sockets;

namespace PocketCoder.Gateway.Throttling;

/// <summary>
/// Limits what one address, and on loopback one user, can ask for: connects by a token bucket, open connections, and failed handshakes.
/// Thread-safe; memory is bounded. Local users whom nobody could find share a bucket that failures never shut: it may be the owner's too.
/// </summary>
internal sealed class Throttle(GatewayOptions options, TimeProvider time)
{
    private const int MaxAddresses = 10_000;

    /// <summary>Of one local user, who may name any address by posing as a proxy.</summary>
    private const int MaxAddressesOfUser = 1000;

    private const int FailuresAllowed = 5;
    private static readonly TimeSpan s_penalty = TimeSpan.FromSeconds(60);

    private readonly Lock _gate = new(); // guards all that follows
    private readonly Dictionary<Caller, Visitor> _visitors = [];
    private readonly Dictionary<uint, int> _addressesOfUser = [];
    private readonly Visitor _crowd = new(); // stands for every address beyond MaxAddresses
    private int _open;

    public int Open
    {
        get
        {
            lock (_gate)
            {
                return _open;
            }
        }
    }

    /// <summary>Lets a connection in or says after how many whole seconds to try again. The lease is given back by disposing it.</summary>
    public Admission Admit(IPAddress? remote) => Admit(new Caller(remote, null));

    /// <inheritdoc cref="Admit(IPAddress?)"/>
    public Admission Admit(Caller caller)
    {
        var loopback = caller.IsLocal;
        var (burst, perSecond) = loopback ? (options.ConnectBurst * 10, 10d) : (options.ConnectBurst, 1d);
        var now = time.GetTimestamp();
        lock (_gate)
        {
            var visitor = Find(caller, now);
            if (visitor.BlockedFor(now, time) is { } wait)
            {
                return Admission.Refused(
                    wait, loopback ? "Too many failed handshakes of this user." : "Too many failed handshakes from this address.");
            }

            visitor.Refill(now, time, burst, perSecond);
            if (visitor.Tokens < 1)
            {
                return Admission.Refused(
                    TimeSpan.FromSeconds((1 - visitor.Tokens) / perSecond), "Too many connections from this address in a short time.");
            }

            visitor.Tokens--;
            if (visitor.Open >= options.MaxConnectionsPerAddress * (loopback ? 4 : 1)
                || (_open >= options.MaxConnections && !caller.IsOwner))
            {
                return Admission.Refused(TimeSpan.FromSeconds(5), "Too many connections are open.");
            }

            visitor.Open++;
            _open++;
            return new Admission(new Lease(this, visitor), 0, null);
        }
    }

    public void ReportFailure(IPAddress? remote) => ReportFailure(new Caller(remote, null));

    /// <summary>A handshake of this caller failed.</summary>
    public void ReportFailure(Caller caller)
    {
        if (caller is { IsLocal: true, User: null })
        {
            return; // any local user, the owner too
        }

        var now = time.GetTimestamp();
        lock (_gate)
        {
            Find(caller, now).Fail(now, time);
        }
    }

    private Visitor Find(Caller caller, long now)
    {
        var key = caller.Counted;
        if (_visitors.TryGetValue(key, out var visitor))
        {
            return visitor;
        }

        if (!HasRoom(key))
        {
            foreach (var (address, old) in _visitors)
            {
                if (old.IsForgettable(now, time, options.ConnectBurst))
                {
                    Forget(address);
                }
            }

            if (!HasRoom(key))
            {
                return _crowd;
            }
        }

        if (key.User is { } user)
        {
            _addressesOfUser[user] = _addressesOfUser.GetValueOrDefault(user) + 1;
        }

        return _visitors[key] = new Visitor();
    }

    private bool HasRoom(Caller key)
        => key.IsOwner || (_visitors.Count < MaxAddresses
            && (key.User is not { } user || _addressesOfUser.GetValueOrDefault(user) < MaxAddressesOfUser));

    private void Forget(Caller key)
    {
        _visitors.Remove(key);
        if (key.User is { } user && --_addressesOfUser[user] == 0)
        {
            _addressesOfUser.Remove(user);
        }
    }

    private void Release(Visitor visitor)
    {
        lock (_gate)
        {
            visitor.Open--;
            _open--;
        }
    }

    private sealed class Visitor
    {
        private long? _seen;
        private int _failures;
        private long _failedAt;
        private bool _blocked;

        public double Tokens { get; set; }

        public int Open { get; set; }

        public void Refill(long now, TimeProvider time, int burst, double perSecond)
        {
            Tokens = _seen is { } seen ? Math.Min(burst, Tokens + (time.GetElapsedTime(seen, now).TotalSeconds * perSecond)) : burst;
            _seen = now;
        }

        public void Fail(long now, TimeProvider time)
        {
            if (time.GetElapsedTime(_failedAt, now) >= s_penalty)
            {
                _failures = 0;
            }

            _failedAt = now;
            _blocked = ++_failures >= FailuresAllowed;
        }

        public TimeSpan? BlockedFor(long now, TimeProvider time)
        {
            if (!_blocked)
            {
                return null;
            }

            var rest = s_penalty - time.GetElapsedTime(_failedAt, now);
            if (rest > TimeSpan.Zero)
            {
                return rest;
            }

            (_blocked, _failures) = (false, 0);
            return null;
        }

        public bool IsForgettable(long now, TimeProvider time, int burst)
            => Open == 0 && BlockedFor(now, time) is null
                && (_seen is not { } seen || time.GetElapsedTime(seen, now).TotalSeconds >= burst);
    }

    private sealed class Lease(Throttle owner, Visitor visitor) : IDisposable
    {
        private Visitor? _visitor = visitor;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _visitor, null) is { } mine)
            {
                owner.Release(mine);
            }
        }
    }
}

/// <summary>The answer to a connect.</summary>
/// <param name="Lease">Held while the connection lives; null when refused.</param>
/// <param name="RetryAfter">Whole seconds.</param>
internal readonly record struct Admission(IDisposable? Lease, int RetryAfter, string? Reason)
{
    public static Admission Refused(TimeSpan wait, string reason) => new(null, Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)), reason);
}
