using Microsoft.Extensions.Logging;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Paths;
using PocketCoder.Processes;

namespace PocketCoder.Machine.Guard;

/// <summary>
/// Guards one project while anything runs in it: a scan from before the first begins, one after each ended, and in between a look at the
/// project's own repository whenever a name in it changes that decides what git runs. Thread-safe; the semaphore guards all fields but the
/// watchers.
/// </summary>
/// <param name="keep">Where what is taken away is kept.</param>
/// <param name="state">Where the scan from before is kept while something runs.</param>
public sealed partial class ProjectGuard(string folder, string keep, string state, ILogger log) : IDisposable
{
    private const int MaxRounds = 3;

    private static readonly HashSet<string> s_names = new(StringComparer.Ordinal)
    {
        ".git", "commondir", "gitdir", "config", "config.worktree", "HEAD", "objects", "refs", "hooks", "info", "modules", "worktrees",
    };

    private readonly AsyncSemaphore _gate = new();
    private readonly List<GuardedRun> _runs = [];
    private readonly List<Finding> _planted = [];
    private FileSystemWatcher[] _watchers = []; // replaced as a whole: who disposes doesn't wait for the semaphore
    private volatile bool _isDisposed;
    private ProjectScan? _before;
    private int _lookAsked;

    /// <exception cref="IOException">The project can't be looked at: then nothing may run in it.</exception>
    public async Task<GuardedRun> EnterAsync(bool open, Action? planted, GuardedRun? beside = null)
    {
        var run = new GuardedRun(this, open, planted) { Beside = beside };
        await _gate.WaitAsync();
        try
        {
            if (_runs.Count == 0)
            {
                _before = await Task.Run(() => ProjectScanner.Run(folder));
            }
            else if (open)
            {
                _planted.AddRange(await CompareAsync()); // what was planted before must not pass for allowed
            }

            KeptScan.Write(state, folder, _before!, open || _runs.Exists(r => r.IsOpen)); // where that can't be written, nothing runs
            if (_runs.Count == 0)
            {
                Watch();
            }

            _runs.Add(run);
            return run;
        }
        finally
        {
            _gate.Release();
        }
    }

    public async Task<GuardReport> LeaveAsync(GuardedRun run, bool look)
    {
        await _gate.WaitAsync();
        try
        {
            var findings = look ? await CompareAsync() : [];
            _runs.Remove(run);
            if (_runs.Count == 0)
            {
                _before = null;
                Unwatch();
            }

            Keep();

            return look ? Take(findings) : GuardReport.Nothing;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>
    /// What the next daemon would start from. One that can't be written leaves the earlier one, which finds more rather than less.
    /// </summary>
    private void Keep()
    {
        try
        {
            if (_before is { } before)
            {
                KeptScan.Write(state, folder, before, _runs.Exists(r => r.IsOpen));
            }
            else
            {
                KeptScan.Clear(state, folder);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogNotKept(log, folder, e.Message);
        }
    }

    /// <summary>An earlier daemon ended while something ran; by now that is dead, or will be looked at from here on.</summary>
    internal async Task<GuardReport> RecoverAsync(KeptScan kept)
    {
        await _gate.WaitAsync();
        try
        {
            _before = kept.Scan();
            return Take(await CompareAsync(kept.Open));
        }
        finally
        {
            _before = null;
            _gate.Release();
        }
    }

    public async Task<GuardReport> PlantedAsync()
    {
        await _gate.WaitAsync();
        try
        {
            return Take([]);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Watches no more. What is in hand goes on to its end.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        Unwatch();
    }

    private GuardReport Take(IEnumerable<Finding> findings)
    {
        var report = new GuardReport([.. _planted, .. findings]);
        _planted.Clear();
        return report;
    }

    /// <summary>
    /// Looks everything through, puts back what must be, until nothing is left to be put back; then that is what the next look starts from.
    /// </summary>
    /// <param name="wasOpen">Something was allowed with protected configuration in view that is not among what runs.</param>
    private Task<List<Finding>> CompareAsync(bool wasOpen = false)
    {
        var open = wasOpen || _runs.Exists(r => r.IsOpen);
        return Task.Run(() =>
        {
            var found = new List<Finding>();
            try
            {
                for (var round = 0; round < MaxRounds; round++)
                {
                    var now = ProjectScanner.Run(folder, _before!.Repositories.Keys);
                    var findings = new ScanJudge(folder, _before, now, open, whole: true).Judge();
                    var done = new PutBack(folder, keep).Apply(findings);
                    found = [.. found.Where(f => f.Kind == FindingKind.PutBack), .. done];
                    if (!done.Exists(f => f.Kind == FindingKind.PutBack))
                    {
                        _before = now; // only what was found to be fine: what comes back each time is found each time
                        break;
                    }
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                found.Add(new Finding(FindingKind.Alarm, TreePath.Root, null,
                    $"the project could not be looked at after something ran in it ({e.Message})"));
            }

            return found;
        });
    }

    private void Watch()
    {
        List<FileSystemWatcher> watchers = [];
        foreach (var path in (string[])[folder, Path.Combine(folder, ".git")])
        {
            try
            {
                if (!Directory.Exists(path) || new DirectoryInfo(path).LinkTarget is not null)
                {
                    continue;
                }

                var watcher = new FileSystemWatcher(path)
                { NotifyFilter = NotifyFilters.FileName | NotifyFilters.DirectoryName | NotifyFilters.LastWrite };
                watcher.Created += OnChanged;
                watcher.Changed += OnChanged;
                watcher.Deleted += OnChanged;
                watcher.Renamed += OnChanged;
                watcher.Error += (_, _) => LookSoon();
                watcher.EnableRaisingEvents = true;
                watchers.Add(watcher);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
            {
                LogNotWatched(log, path, e.Message); // what ends is looked at all the same
            }
        }

        Interlocked.Exchange(ref _watchers, [.. watchers]);
        if (_isDisposed)
        {
            Unwatch();
        }
    }

    private void Unwatch()
    {
        foreach (var watcher in Interlocked.Exchange(ref _watchers, []))
        {
            watcher.Dispose();
        }
    }

    private void OnChanged(object sender, FileSystemEventArgs change)
    {
        if (s_names.Contains(Path.GetFileName(change.Name ?? ""))
            || (change is RenamedEventArgs renamed && s_names.Contains(Path.GetFileName(renamed.OldName ?? ""))))
        {
            LookSoon();
        }
    }

    private void LookSoon()
    {
        if (Interlocked.Exchange(ref _lookAsked, 1) == 0)
        {
            LookAsync().Observed(log, "looking at protected configuration");
        }
    }

    /// <summary>A name changed that decides what git runs: what must be put back is, and what runs is told to stop.</summary>
    private async Task LookAsync()
    {
        await _gate.WaitAsync();
        try
        {
            Volatile.Write(ref _lookAsked, 0); // a change from here on is another look
            if (_runs.Count == 0 || _before is not { } before)
            {
                return;
            }

            var open = _runs.Exists(r => r.IsOpen);
            var findings = await Task.Run(() =>
            {
                var now = ProjectScanner.Run(folder, before.Repositories.Keys, whole: false);
                return new PutBack(folder, keep).Apply(
                    new ScanJudge(folder, before, now, open, whole: false).Judge().Where(f => f.Kind == FindingKind.PutBack));
            });
            if (findings.Count > 0)
            {
                _planted.AddRange(findings);
                _runs.ForEach(r => r.Stop());
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogNotWatched(log, folder, e.Message);
        }
        finally
        {
            _gate.Release();
        }
    }

    [LoggerMessage(EventId = 592, Level = LogLevel.Warning,
        Message = "What {Folder} is compared with could not be kept for a restart: {Why}")]
    private static partial void LogNotKept(ILogger log, string folder, string why);

    [LoggerMessage(EventId = 591, Level = LogLevel.Warning, Message = "{Folder} is not watched while something runs in it: {Why}")]
    private static partial void LogNotWatched(ILogger log, string folder, string why);
}
