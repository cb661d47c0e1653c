namespace PocketCoder.Feishu.Api;

/// <summary>
/// Lets through so many in a span of time, in the order of asking: whoever comes too early gets a later place and waits. Thread-safe.
/// </summary>
/// <param name="most">How many in any <paramref name="span"/>.</param>
/// <param name="longestWait">Whoever would have to wait longer is refused at once, and takes no place.</param>
internal sealed class RateLimit(int most, TimeSpan span, TimeSpan longestWait, TimeProvider time)
{
    private readonly Lock _gate = new(); // guards both
    private readonly Queue<long> _places = new(); // timestamps, the last ones, in order
    private long _notBefore = long.MinValue;

    /// <summary>Whether nothing of the last span is remembered.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_gate)
            {
                return _places.Count == 0 || time.GetElapsedTime(_places.Last()) >= span;
            }
        }
    }

    /// <summary>Takes a place.</summary>
    /// <returns>How long to wait for it.</returns>
    /// <exception cref="FeishuException">The wait would be too long (<see cref="FeishuError.RateLimited"/>).</exception>
    public TimeSpan Take()
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            var place = Math.Max(now, _notBefore);
            if (_places.Count >= most)
            {
                place = Math.Max(place, _places.Peek() + (long)Math.Ceiling(span.TotalSeconds * time.TimestampFrequency));
            }

            var wait = time.GetElapsedTime(now, place);
            if (wait > longestWait)
            {
                throw new FeishuException(FeishuError.RateLimited, "Too many requests wait for the platform's limits.")
                {
                    Retryable = true,
                    RetryAfter = wait,
                };
            }

            _places.Enqueue(place);
            if (_places.Count > most)
            {
                _places.Dequeue();
            }

            return wait;
        }
    }

    /// <summary>Nobody gets a place before this is over: the platform asked for a pause.</summary>
    public void Pause(TimeSpan pause)
    {
        lock (_gate)
        {
            _notBefore = Math.Max(_notBefore, time.GetTimestamp() + (long)Math.Ceiling(pause.TotalSeconds * time.TimestampFrequency));
        }
    }
}

/// <summary>The platform's limits, kept on our side: for the whole app, and for one message or card. Thread-safe.</summary>
internal sealed class RateLimits(TimeProvider time)
{
    public const int PerMinute = 1000;

    public const int PerSecond = 50;

    /// <summary>The most changes of one message in a second.</summary>
    public const int PerMessage = 5;

    /// <summary>The most operations on one card in a second.</summary>
    public const int PerCard = 10;

    private const int MostThings = 2048;

    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longestWait = TimeSpan.FromSeconds(30);
    private readonly RateLimit _minute = new(PerMinute, TimeSpan.FromMinutes(1), s_longestWait, time);
    private readonly RateLimit _second = new(PerSecond, s_second, s_longestWait, time);
    private readonly Dictionary<string, RateLimit> _things = new(StringComparer.Ordinal);

    /// <summary>Waits until a request may be sent.</summary>
    /// <param name="thing">The message or card that it changes, or null.</param>
    /// <param name="perSecond">How many changes of it are allowed in a second.</param>
    /// <exception cref="FeishuException">It would have to wait too long.</exception>
    public async Task WaitAsync(string? thing, int perSecond, CancellationToken cancellationToken)
    {
        if (thing is not null)
        {
            await PauseAsync(Of(thing, perSecond).Take(), cancellationToken);
        }

        await PauseAsync(_minute.Take(), cancellationToken);
        await PauseAsync(_second.Take(), cancellationToken);
    }

    /// <summary>The platform asked for a pause: for the thing, or, without one, for all.</summary>
    public void Pause(string? thing, int perSecond, TimeSpan pause) => (thing is null ? _minute : Of(thing, perSecond)).Pause(pause);

    private Task PauseAsync(TimeSpan pause, CancellationToken cancellationToken)
        => pause > TimeSpan.Zero ? Task.Delay(pause, time, cancellationToken) : Task.CompletedTask;

    private RateLimit Of(string thing, int perSecond)
    {
        lock (_things)
        {
            if (_things.TryGetValue(thing, out var known))
            {
                return known;
            }

            if (_things.Count >= MostThings)
            {
                foreach (var idle in _things.Where(t => t.Value.IsIdle).Select(t => t.Key).ToList())
                {
                    _things.Remove(idle);
                }
            }

            return _things.Count < MostThings
                ? _things[thing] = new RateLimit(perSecond, s_second, s_longestWait, time)
                : throw new FeishuException(FeishuError.RateLimited, $"More than {MostThings} messages are being changed at once.") { Retryable = true };
        }
    }
}
