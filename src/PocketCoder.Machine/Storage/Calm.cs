namespace PocketCoder.Machine.Storage;

/// <summary>Notices that the machine came to rest after it did something, once for each rest. Nothing polls: without work there is no timer. Thread-safe.</summary>
/// <param name="rests">Called on a timer's thread when nothing was done for a while.</param>
/// <param name="isBusy">Whether something works that only happens to be silent; its end is told by <see cref="Touch"/>.</param>
internal sealed class Calm(Action rests, Func<bool> isBusy, TimeProvider time) : IDisposable
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
        After,
        Timeout.InfiniteTimeSpan);

    /// <summary>Something was done.</summary>
    public void Touch() => _timer.Change(After, Timeout.InfiniteTimeSpan);

    public void Dispose() => _timer.Dispose();
}
