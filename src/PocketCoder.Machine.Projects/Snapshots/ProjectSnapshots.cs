using PocketCoder.Processes;

namespace PocketCoder.Machine.Snapshots;

/// <summary>One project's store, and the turn at it: one snapshot or undo at a time, in the order they were asked for.</summary>
internal sealed class ProjectSnapshots(SnapshotStore store)
{
    private readonly AsyncSemaphore _turn = new(); // guards the store
    private int _sinceTidied;
    private int _asked;
    private volatile string? _problem;

    /// <summary>Why the last snapshot failed; null when it did not.</summary>
    public string? Problem
    {
        get => _problem;
        set => _problem = value;
    }

    public async Task<T> ExclusiveAsync<T>(Func<SnapshotStore, Task<T>> work)
    {
        await _turn.WaitAsync();
        try
        {
            return await Task.Run(() => work(store)); // reading many files must not hold up whoever asks
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>True once.</summary>
    public bool IsFirst() => Interlocked.Exchange(ref _asked, 1) == 0;

    /// <summary>Whether it is time to tidy: at the first use, and then every so many.</summary>
    public bool ShouldTidy() => (Interlocked.Increment(ref _sinceTidied) - 1) % 25 == 0;
}
