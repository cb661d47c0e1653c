namespace PocketCoder.Hands.Bubblewrap;

/// <summary>
/// Looks now and then, while commands run, at how much a session keeps in its own /tmp and home. Above the bound its commands are ended.
/// No kernel holds this bound: quota needs a file system made for it.
/// </summary>
#pragma warning disable CA1001 // the cancellation source has no timer and no handle: nothing to give back
internal sealed class DiskWatch(SessionFolder folder, long limit, HandsOptions options)
#pragma warning restore CA1001
{
    private readonly Lock gate = new(); // guards running, loop
    private readonly HashSet<ISandboxExec> running = [];
    private readonly CancellationTokenSource stop = new();
    private bool looping;

    public void Watch(ISandboxExec exec)
    {
        lock (gate)
        {
            running.Add(exec);
            if (!looping)
            {
                looping = true;
                _ = LoopAsync();
            }
        }

        _ = exec.Exited.ContinueWith(
            _ =>
            {
                lock (gate)
                {
                    running.Remove(exec);
                }
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    public void Stop() => stop.Cancel();

    /// <summary>Bytes in these folders. Links are not followed; what vanishes meanwhile is not counted.</summary>
    internal static long Measure(params ReadOnlySpan<string> folders)
    {
        var look = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint };
        long sum = 0;
        foreach (var folder in folders)
        {
            try
            {
                foreach (var file in new DirectoryInfo(folder).EnumerateFiles("*", look))
                {
                    sum += file.Exists ? file.Length : 0;
                }
            }
            catch (IOException)
            {
                // gone: it holds nothing
            }
        }

        return sum;
    }

    private async Task LoopAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(options.DiskWatchPeriod, options.Time, stop.Token);
                List<ISandboxExec> now;
                lock (gate)
                {
                    if (running.Count == 0)
                    {
                        looping = false;
                        return;
                    }

                    now = [.. running];
                }

                if (Measure(folder.Temporary, folder.Home) > limit)
                {
                    await Task.WhenAll(now.Select(e => e.KillAsync(TimeSpan.Zero)));
                }
            }
        }
        catch (OperationCanceledException)
        {
            // the session ends
        }
    }
}
