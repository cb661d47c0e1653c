namespace PocketCoder.Testing;

/// <summary>
/// The system's clocks, which can be moved on: for limits of minutes beside programs that live in real time. Timers stay the system's.
/// Thread-safe.
/// </summary>
public sealed class MovableTime : TimeProvider
{
    private long _ahead; // ticks of 100 ns

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;

    public override long GetTimestamp() => base.GetTimestamp() + (long)(Ahead.TotalSeconds * TimestampFrequency);

    public void Advance(TimeSpan by) => Interlocked.Add(ref _ahead, by.Ticks);

    private TimeSpan Ahead => new(Interlocked.Read(ref _ahead));
}
