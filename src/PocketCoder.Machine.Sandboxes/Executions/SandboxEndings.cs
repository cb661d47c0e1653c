namespace PocketCoder.Machine.Executions;

/// <summary>
/// Sandboxes that are being ended. A new one of the same session needs the folder of the one before, so it is made after that: whoever
/// comes back in the middle of an end waits for it. Thread-safe; the lock is never held over I/O.
/// </summary>
internal sealed class SandboxEndings
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(Guid Session, bool Open), Ending> _running = [];

    /// <summary>Takes something out and ends it. Nobody sees it taken out and not yet ending.</summary>
    /// <param name="take">Takes it out; null: there is nothing to end. Called under the lock.</param>
    /// <param name="end">Ends it. What it throws, the caller gets; for those who wait it is over.</param>
    /// <returns>Done when it has ended, or the one that was ending already.</returns>
    public Task EndAsync<T>((Guid Session, bool Open) key, Func<T?> take, Func<T, Task> end)
        where T : class
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        T taken;
        Task before;
        lock (_gate)
        {
            before = _running.GetValueOrDefault(key)?.Done ?? Task.CompletedTask;
            if (take() is not { } found)
            {
                return before;
            }

            taken = found;
            _running[key] = new Ending(taken, before, done.Task);
        }

        return RunAsync();

        async Task RunAsync()
        {
            try
            {
                await before;
                await end(taken);
            }
            finally
            {
                lock (_gate)
                {
                    if (_running[key].Done == done.Task)
                    {
                        _running.Remove(key);
                    }
                }

                done.SetResult();
            }
        }
    }

    /// <summary>Looks something up so that it is not taken out meanwhile.</summary>
    /// <param name="find">Called under the lock.</param>
    public T Find<T>(Func<T> find)
    {
        lock (_gate)
        {
            return find();
        }
    }

    /// <summary>Waits for the end of what was there before. Never fails.</summary>
    /// <param name="own">Who asks: it may be ended itself already, and its end waits for it.</param>
    public Task BeforeAsync((Guid Session, bool Open) key, object own)
    {
        lock (_gate)
        {
            return _running.TryGetValue(key, out var ending) ? ReferenceEquals(ending.Of, own) ? ending.Before : ending.Done
                : Task.CompletedTask;
        }
    }

    /// <param name="Of">What is ended.</param>
    /// <param name="Before">Done when the one before it has ended.</param>
    /// <param name="Done">Done when this one has.</param>
    private sealed record Ending(object Of, Task Before, Task Done);
}
