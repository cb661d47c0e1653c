namespace PocketCoder.Machine.Storage;

/// <summary>
/// Notices that the machine came to rest after it did something, once for each rest. The first <see cref="Touch"/> begins it; nothing
/// polls. Thread-safe.
/// </summary>
/// <param name="rests">Called on a timer's thread when nothing was done for a while.</param>
/// <param name="isBusy">Whether something works that only happens to be silent; its end is told by <see cref="Touch"/>.</param>
public sealed class IdleNotifier(Action rests, Func<bool> isBusy, TimeProvider time) : IDisposable
{
    public static readonly TimeSpan After = TimeSpan.FromSeconds(5);

    private readonly ITimer _timer = time.CreateTimer(
        _ =>
        {
            if (!isBusy())
            {
                rests();
            }
        },
        null,
        Timeout.InfiniteTimeSpan,
        Timeout.InfiniteTimeSpan);

    /// <summary>Something was done.</summary>
    public void Touch() => _timer.Change(After, Timeout.InfiniteTimeSpan);

    public void Dispose() => _timer.Dispose();
}
