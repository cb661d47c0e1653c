namespace PocketCoder.Machine.Connections;

/// <summary>
/// The time that a device may take for a message that it began: so long between two of its frames, and so long in all. One task uses it;
/// the clock calls back on a thread of its own.
/// </summary>
internal sealed class UnfinishedMessage : IDisposable
{
    /// <summary>From one frame of a message to the next.</summary>
    public static readonly TimeSpan FrameLimit = TimeSpan.FromSeconds(10);

    /// <summary>From the first frame of a message to the last.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private long? _begun;

    /// <param name="late">Called once when a message is not finished in time.</param>
    public UnfinishedMessage(TimeProvider time, Action late)
    {
        _time = time;
        _timer = time.CreateTimer(static state => ((Action)state!)(), late, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>A frame came and more of the message follow.</summary>
    public void GoesOn()
    {
        _begun ??= _time.GetTimestamp();
        var rest = Limit - _time.GetElapsedTime(_begun.Value);
        _ = _timer.Change(rest < TimeSpan.Zero ? TimeSpan.Zero : rest < FrameLimit ? rest : FrameLimit, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The message is whole.</summary>
    public void IsWhole()
    {
        if (_begun is not null)
        {
            _begun = null;
            _ = _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose() => _timer.Dispose();
}
