namespace PocketCoder.Feishu.Bot.Inbox;

/// <summary>
/// Does things of the same chat one after the other and those of different chats beside each other, eight at most. How much waits is for
/// the caller to bound. Thread-safe; disposal waits for what is being done.
/// </summary>
internal sealed class Lanes(CancellationToken stop) : IAsyncDisposable
{
    private const int MostAtOnce = 8;

    private readonly SemaphoreSlim _room = new(MostAtOnce, MostAtOnce);
    private readonly Lock _gate = new(); // guards the lanes
    private readonly Dictionary<string, Queue<Func<Task>>> _lanes = new(StringComparer.Ordinal);
    private readonly HashSet<Task> _running = [];

    /// <param name="work">Must not throw.</param>
    /// <param name="most">How much may wait in this lane.</param>
    /// <returns>False: so much waits already, and this is not done.</returns>
    public bool Add(string lane, Func<Task> work, int most = int.MaxValue)
    {
        lock (_gate)
        {
            if (_lanes.TryGetValue(lane, out var queue))
            {
                if (queue.Count >= most)
                {
                    return false;
                }

                queue.Enqueue(work);
                return true;
            }

            _lanes[lane] = new Queue<Func<Task>>([work]);
            var running = Task.Run(() => RunAsync(lane), CancellationToken.None);
            _running.Add(running);
            _ = running.ContinueWith(Forget, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            return true;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task[] running;
        lock (_gate)
        {
            running = [.. _running];
        }

        await Task.WhenAll(running);
    }

    private void Forget(Task done)
    {
        lock (_gate)
        {
            _running.Remove(done);
        }
    }

    private async Task RunAsync(string lane)
    {
        while (Next(lane) is { } work)
        {
            try
            {
                await _room.WaitAsync(stop);
            }
            catch (OperationCanceledException)
            {
                return; // what waits is kept, and done after the next start
            }

            try
            {
                await work();
            }
            finally
            {
                _room.Release();
            }
        }
    }

    private Func<Task>? Next(string lane)
    {
        lock (_gate)
        {
            if (_lanes[lane].TryDequeue(out var work))
            {
                return work;
            }

            _lanes.Remove(lane);
            return null;
        }
    }
}
