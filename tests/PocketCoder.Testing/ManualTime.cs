namespace PocketCoder.Testing;

/// <summary>
/// Both clocks of a machine, which stand still until they are moved: together, or the wall clock alone, as when a machine sleeps or
/// somebody sets its clock. Timers follow the monotonic clock and fire on the mover's thread.
/// </summary>
public sealed class ManualTime : TimeProvider
{
    private readonly Lock _gate = new(); // guards the clock and the timers
    private readonly List<ManualTimer> _timers = [];
    private DateTimeOffset _now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private TimeSpan _elapsed = TimeSpan.FromHours(1);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public int ArmedTimers
    {
        get
        {
            lock (_gate)
            {
                return _timers.Count(t => t.Due is not null);
            }
        }
    }

    /// <summary>How long until the next timer fires; null: none is armed. By it one that is waited for is told from others.</summary>
    public TimeSpan? NextDue
    {
        get
        {
            lock (_gate)
            {
                return _timers.Min(t => t.Due) - _elapsed;
            }
        }
    }

    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
        {
            return _now;
        }
    }

    public override long GetTimestamp()
    {
        lock (_gate)
        {
            return _elapsed.Ticks;
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        lock (_gate)
        {
            _timers.Add(timer);
        }

        timer.Change(dueTime, period);
        return timer;
    }

    public void Advance(TimeSpan by)
    {
        List<ManualTimer> due;
        lock (_gate)
        {
            _now += by;
            _elapsed += by;
            due = [.. _timers.Where(t => t.Due <= _elapsed)];
            due.ForEach(t => t.Due = null);
        }

        due.ForEach(t => t.Fire());
    }

    /// <summary>Moves the wall clock alone, ahead (the machine slept, or its clock was set) or back.</summary>
    public void JumpWall(TimeSpan by)
    {
        lock (_gate)
        {
            _now += by;
        }
    }

    private sealed class ManualTimer(ManualTime owner, TimerCallback callback, object? state) : ITimer
    {
        private readonly Lock _firing = new();

        public TimeSpan? Due { get; set; }

        public void Fire()
        {
            lock (_firing)
            {
                callback(state);
            }
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (owner._gate)
            {
                Due = dueTime == Timeout.InfiniteTimeSpan ? null : owner._elapsed + dueTime;
            }

            return true;
        }

        public void Dispose()
        {
            lock (owner._gate)
            {
                owner._timers.Remove(this);
            }
        }

        /// <summary>When it returns no callback runs any more, as of the system's timers.</summary>
        public ValueTask DisposeAsync()
        {
            Dispose();
            lock (_firing)
            {
                return ValueTask.CompletedTask;
            }
        }
    }
}
