using System.Runtime.InteropServices;

namespace PocketCoder.Protocol;

/// <summary>
/// A moment after which something holds no longer, on both clocks, the stricter of which wins. The wall clock sees a machine that slept
/// (the monotonic one, CLOCK_MONOTONIC on Linux, stands still then) and a clock that jumped ahead; the monotonic one sees a wall clock that
/// was set back. Everything that grants something for a time ends by one of these. Immutable.
/// </summary>
[StructLayout(LayoutKind.Auto)]
public readonly struct Deadline
{
    private readonly long _from;
    private readonly TimeSpan _span;

    private Deadline(DateTimeOffset at, long from, TimeSpan span) => (At, _from, _span) = (at, from, span);

    /// <summary>The moment by the wall clock, for people and the database.</summary>
    public DateTimeOffset At { get; }

    /// <summary>A time from now on. Not longer than what the clock can hold.</summary>
    public static Deadline After(TimeProvider time, TimeSpan span) => Until(time, time.GetUtcNow() + span);

    /// <summary>
    /// A moment that is known already, such as one from the database: the monotonic clock counts what is left of it from now on.
    /// </summary>
    public static Deadline Until(TimeProvider time, DateTimeOffset at) => new(at, time.GetTimestamp(), at - time.GetUtcNow());

    /// <summary>Whether it has come, by either clock.</summary>
    public bool HasPassed(TimeProvider time) => Left(time) <= TimeSpan.Zero;

    /// <summary>What is left, by the clock that leaves less; zero or less when it has come.</summary>
    public TimeSpan Left(TimeProvider time)
    {
        var (wall, monotonic) = (At - time.GetUtcNow(), _span - time.GetElapsedTime(_from));
        return wall < monotonic ? wall : monotonic;
    }
}
