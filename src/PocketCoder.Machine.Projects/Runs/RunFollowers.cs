using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Runs;

/// <summary>Who follows which run. Thread-safe; the lock guards the table.</summary>
internal sealed class RunFollowers
{
    private static readonly TimeSpan s_drainLimit = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly Dictionary<(Guid Run, string Key), (CancellationTokenSource Stop, Task Served)> _all = [];

    /// <exception cref="RequestFailure">DAEMON_BUSY</exception>
    public void Begin(LiveRun run, string key, RunFollower follower, long offset, CancellationToken gone)
    {
        var id = (run.Info.RunId, key);
        lock (_gate)
        {
            if (_all.Remove(id, out var before))
            {
                before.Stop.Cancel();
            }
            else if (_all.Keys.Count(k => k.Run == id.RunId) >= CommandLimits.Followers)
            {
                throw new RequestFailure(ErrorCode.DaemonBusy, $"{CommandLimits.Followers} devices are already following this command.");
            }

            var stop = CancellationTokenSource.CreateLinkedTokenSource(gone);
            _all[id] = (stop, Task.Run(() => ServeAsync(id, follower, offset, stop), CancellationToken.None));
        }
    }

    /// <summary>Lets those who follow hear the end of what is over.</summary>
    public async Task DrainAsync()
    {
        List<Task> serving;
        lock (_gate)
        {
            serving = [.. _all.Values.Select(f => f.Served)];
        }

        // a device that reads no more must not hold up the stop
        await Task.WhenAny(Task.WhenAll(serving), Task.Delay(s_drainLimit, TimeProvider.System));
    }

    private async Task ServeAsync((Guid Run, string Key) id, RunFollower follower, long offset, CancellationTokenSource stop)
    {
        await follower.RunAsync(offset, stop.Token);
        lock (_gate)
        {
            if (_all.TryGetValue(id, out var mine) && mine.Stop == stop)
            {
                _all.Remove(id);
            }
        }

        stop.Dispose();
    }
}
