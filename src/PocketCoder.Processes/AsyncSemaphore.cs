namespace PocketCoder.Processes;

/// <summary>
/// A semaphore for tasks that nobody disposes of: when its owner goes, those who hold it or wait for it go on, each ended by its own token.
/// To release a <see cref="SemaphoreSlim"/> that was disposed of throws, and those who wait for it are never told. Thread-safe.
/// </summary>
/// <param name="most">How many may hold it at once, at least 1.</param>
#pragma warning disable CA1001 // all that the inner one has to give back is a wait handle, which nobody here asks for
public sealed class AsyncSemaphore(int most = 1)
#pragma warning restore CA1001
{
    private readonly SemaphoreSlim _free = new(most, most);

    /// <summary>Takes it, as soon as it is free; those who wait get it in their order.</summary>
    /// <exception cref="OperationCanceledException">The token ended the wait; it was not taken.</exception>
    public Task WaitAsync(CancellationToken cancellationToken = default) => _free.WaitAsync(cancellationToken);

    /// <summary>Takes it if it becomes free within <paramref name="limit"/>; zero: if it is free now.</summary>
    /// <returns>Whether it was taken.</returns>
    /// <exception cref="OperationCanceledException">The token ended the wait; it was not taken.</exception>
    public Task<bool> WaitAsync(TimeSpan limit, CancellationToken cancellationToken = default) => _free.WaitAsync(limit, cancellationToken);

    /// <summary>Gives it to the next one.</summary>
    /// <exception cref="SemaphoreFullException">Nobody holds it.</exception>
    public void Release() => _free.Release();
}
