namespace PocketCoder.Testing.Feishu;

/// <summary>Requests that wait at the fake platform, so that a test knows what did not happen yet. Thread-safe.</summary>
public sealed class FakeHold(string method, string path, Action<FakeHold> release) : IDisposable
{
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _held;
    private int _gone;

    /// <summary>How many came so far.</summary>
    public int Held => Volatile.Read(ref _held);

    /// <summary>How many of them nobody waits for any more.</summary>
    public int Gone => Volatile.Read(ref _gone);

    /// <summary>Lets them go on.</summary>
    public void Dispose()
    {
        release(this);
        _released.TrySetResult();
    }

    internal bool Fits(string itsMethod, string itsPath) => itsMethod == method && itsPath == path;

    /// <returns>False: who asked gave up.</returns>
    internal async Task<bool> WaitAsync(CancellationToken aborted)
    {
        Interlocked.Increment(ref _held);
        await _released.Task.WaitAsync(aborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (aborted.IsCancellationRequested)
        {
            Interlocked.Increment(ref _gone);
            return false;
        }

        return true;
    }
}
