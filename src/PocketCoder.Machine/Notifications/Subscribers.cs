using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using PocketCoder.Protocol;
using PocketCoder.Push;

namespace PocketCoder.Machine.Notifications;

/// <summary>
/// Who gets notifications, by a device's id or a receiver's, and what waits for them. Who left, or was replaced, gets nothing more, also
/// not what somebody who looked before has in hand. Thread-safe.
/// </summary>
internal sealed class Subscribers(PushQueue queue)
{
    private readonly Lock _gate = new(); // a change and what it drops, and an offer, are one step each
    private readonly ConcurrentDictionary<string, Subscriber> _all = new(StringComparer.Ordinal);

    public bool None => _all.IsEmpty;

    /// <summary>Of this moment; changes meanwhile do no harm.</summary>
    public IEnumerable<KeyValuePair<string, Subscriber>> All => _all;

    public bool TryFind(string id, [NotNullWhen(true)] out Subscriber? one) => _all.TryGetValue(id, out one);

    public Subscriber? Find(string id) => _all.GetValueOrDefault(id);

    /// <summary>From now on it is told. What waits for the one before it is dropped.</summary>
    public void Put(string id, Subscriber one)
    {
        lock (_gate)
        {
            _all[id] = one;
            queue.Forget(id);
        }
    }

    /// <summary>It is told nothing more, and what waits for it is dropped.</summary>
    public void Remove(string id)
    {
        lock (_gate)
        {
            _all.TryRemove(id, out _);
            queue.Forget(id);
        }
    }

    /// <summary>Takes a message for one that was found before; not if it left since, or another took its place.</summary>
    /// <returns>A message that had to go to make room; null: none.</returns>
    public PushJob? Offer(string id, Subscriber one, PushMessage message, DateTimeOffset until, bool spare)
    {
        lock (_gate)
        {
            return ReferenceEquals(Find(id), one) ? queue.Offer(new PushJob(id, one.To, message, until, spare)) : null;
        }
    }
}

/// <summary>
/// Who gets notifications. What it was told is guarded by the service's gate; the rest is the looking task's.
/// </summary>
internal sealed class Subscriber(PushTarget to, PushSettings settings)
{
    private static readonly TimeSpan s_testPause = TimeSpan.FromSeconds(10);
    private volatile PushSettings _settings = settings;
    private volatile PushReport? _last;
    private long _tested;
    private long? _digest;

    public PushTarget To { get; } = to;

    public PushSettings Settings
    {
        get => _settings;
        set => _settings = value;
    }

    /// <summary>What became of the last one; null: none was sent since the start.</summary>
    public PushReport? Last
    {
        get => _last;
        set => _last = value;
    }

    /// <summary>Approvals that it was told of, with how they ended; null: they wait.</summary>
    public Dictionary<Guid, ApprovalInfo?> Told { get; } = [];

    /// <summary>Those of them that a digest counted: they have no notice of their own to take back.</summary>
    public HashSet<Guid> InDigest { get; } = [];

    public bool MayTest(TimeProvider time)
    {
        var (now, before) = (time.GetTimestamp(), Volatile.Read(ref _tested));
        return (before == 0 || time.GetElapsedTime(before, now) >= s_testPause)
            && Interlocked.CompareExchange(ref _tested, now, before) == before;
    }

    /// <summary>Asked when there is something to tell: true once, then again after the pause.</summary>
    public bool DigestIsDue(TimeProvider time, TimeSpan every)
    {
        if (_digest is { } before && time.GetElapsedTime(before) < every)
        {
            return false;
        }

        _digest = time.GetTimestamp();
        return true;
    }
}
