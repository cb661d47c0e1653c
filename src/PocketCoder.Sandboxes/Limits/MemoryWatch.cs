using System.Globalization;
using PocketCoder.Processes;

namespace PocketCoder.Sandboxes.Limits;

/// <summary>
/// Looks now and then, while something runs, at how much memory a sandbox takes, where no control group holds it. Above the bound, or when
/// the machine itself has almost none left, the command or terminal that takes most is ended. Thread-safe.
/// </summary>
/// <param name="limit">Bytes; 0 watches nothing.</param>
/// <param name="others">What runs besides the commands that were told: terminals.</param>
#pragma warning disable CA1001 // the cancellation source has no timer and no handle: nothing to give back
internal sealed class MemoryWatch(long limit, Func<IReadOnlyList<ILimited>> others, SandboxOptions options)
#pragma warning restore CA1001
{
    private const long HighestFloor = 512L << 20;
    private const int FloorPart = 25;

    /// <summary>Terminals stay open for days, mostly with nothing to do: they alone are looked at this much more seldom.</summary>
    private const int TerminalsOnly = 4;

    private const int EmptyLooks = 8;

    private readonly Lock _gate = new(); // guards all that follows but stop
    private readonly HashSet<ILimited> _running = [];
    private readonly CancellationTokenSource _stop = new();
    private bool _looping;
    private bool _asksOthers;
    private int _empty; // looks that found no terminal: one that was just opened shows its process a moment later

    /// <summary>Watches from now on, until it is over.</summary>
    public void Watch(ILimited command)
    {
        lock (_gate)
        {
            _running.Add(command);
        }

        Start();
        _ = command.Over.ContinueWith(
            _ =>
            {
                lock (_gate)
                {
                    _running.Remove(command);
                }
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    /// <summary>Looks whether something runs: call it when a terminal was opened or found.</summary>
    public void Wake()
    {
        lock (_gate)
        {
            (_asksOthers, _empty) = (true, 0);
        }

        Start();
    }

    public void Stop() => _stop.Cancel();

    private void Start()
    {
        lock (_gate)
        {
            if (limit > 0 && !_looping && !_stop.IsCancellationRequested)
            {
                _looping = true;
                _ = Task.Run(LoopAsync);
            }
        }
    }

    private async Task LoopAsync()
    {
        var period = options.MemoryWatchPeriod;
        try
        {
            while (true)
            {
                await Task.Delay(period, options.Time, _stop.Token);
                bool asks;
                lock (_gate)
                {
                    asks = _asksOthers;
                }

                var terminals = asks ? others() : [];
                List<ILimited> now;
                lock (_gate)
                {
                    if (_running.Count == 0 && terminals.Count == 0 && (!_asksOthers || ++_empty > EmptyLooks))
                    {
                        _looping = _asksOthers = false;
                        return;
                    }

                    _empty = terminals.Count > 0 ? 0 : _empty;
                    period = options.MemoryWatchPeriod * (_running.Count > 0 ? 1 : TerminalsOnly);
                    now = [.. _running, .. terminals];
                }

                if (now.Count > 0)
                {
                    await LookAsync(now);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // the sandbox ends
        }
    }

    private async Task LookAsync(List<ILimited> now)
    {
        var trees = ProcessGroup.Below([.. now.Select(c => c.Leader)]);
        var each = now.Select((c, i) => MemoryUse.Of(c.Leader.Mark is null ? trees[i] : Marked(c.Leader), limit)).ToList();
        var sum = each.Sum();
        string why;
        if (sum > limit)
        {
            why = string.Create(
                CultureInfo.InvariantCulture,
                $"the commands of this sandbox took {sum >> 20} MiB of memory; the limit is {limit >> 20}, and this one took most. Run fewer at once, or with less memory.");
        }
        else if (MemoryUse.Machine() is { } machine
            && machine.Available < (options.MemoryFloor ?? Math.Min(HighestFloor, machine.Total / FloorPart)))
        {
            why = string.Create(
                CultureInfo.InvariantCulture,
                $"the machine has only {machine.Available >> 20} MiB of memory left, and this command took most in its sandbox. Free some memory, then run it again.");
        }
        else
        {
            return;
        }

        await now[each.IndexOf(each.Max())].EndAsync(why);
    }

    /// <summary>Outside of a process namespace a process can leave its parents; its mark finds it.</summary>
    private static IReadOnlyList<int> Marked(ProcessIdentity leader) => [.. ProcessGroup.WithDescendants(leader).Select(p => p.Pid)];
}
