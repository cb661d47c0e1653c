using Microsoft.Win32.SafeHandles;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Workspace.Watching;

/// <summary>Changes of a project that belong together.</summary>
/// <param name="Truncated">More changed: list anew what is shown.</param>
/// <param name="Warning">What a person should know about the watching itself.</param>
/// <param name="Git">What git says of the project may be different: another branch, another commit, another index. True with nothing else
/// when no file changed.</param>
public sealed record WatchEvent(IReadOnlyList<FsChange> Changes, bool Truncated, string? Warning, bool Git = false);

/// <summary>
/// Watches one project on a thread of its own, from its making until it is disposed of: with inotify, or by looking every few seconds where
/// that is not to be had. A folder that is gone is waited for.
/// </summary>
public sealed class ProjectWatch : IDisposable
{
    private static readonly TimeSpan s_missing = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_scanPeriod = TimeSpan.FromSeconds(2);

    private readonly WorkspaceOptions _options;
    private readonly int _mostFolders;
    private readonly Action<WatchEvent> _publish;
    private readonly SafeFileHandle _wake = Inotify.WakeUp();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ChangeBatch _batch = new();
    private readonly Thread _thread;
    private readonly long _began;
    private volatile bool _stop;
    private ProjectRoot? _root;
    private NotifiedTree? _notified;
    private ScannedTree? _scanned;
    private string? _warning;

    /// <param name="publish">Told of every event, on the watching thread; must not wait.</param>
    /// <param name="mostFolders">Folders watched at most; with more the project is looked through instead. The kernel takes about a
    /// kilobyte for each.</param>
    public ProjectWatch(WorkspaceOptions options, Action<WatchEvent> publish, int mostFolders = 50_000)
    {
        (_options, _publish, _mostFolders) = (options, publish, mostFolders);
        _began = options.Time.GetTimestamp();
        _thread = new Thread(Run) { IsBackground = true, Name = "files" };
        _thread.Start();
    }

    /// <summary>Completes when whatever changes from now on is told.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Why it only looks every few seconds; null: it is watched.</summary>
    public string? Warning => Volatile.Read(ref _warning);

    public void Dispose()
    {
        _stop = true;
        Inotify.Wake(_wake);
        _thread.Join();
        _wake.Dispose();
    }

    private TimeSpan Now => _options.Time.GetElapsedTime(_began);

    private void Run()
    {
        try
        {
            Begin(again: false);
            _ready.TrySetResult();
            while (!_stop)
            {
                Inotify.Wait(_notified?.Inotify, _wake, Patience());
                if (!_stop)
                {
                    Look();
                }
            }
        }
        catch (Exception e)
        {
            // The thread's outermost place: whoever waits is told, and everybody who follows lists anew.
            _ready.TrySetException(e);
            _publish(new WatchEvent([], Truncated: true, $"The project's files are no longer watched: {e.Message}"));
        }
        finally
        {
            _notified?.Dispose();
            _root?.Dispose();
        }
    }

    private TimeSpan? Patience()
    {
        TimeSpan? most = _root is null ? s_missing : _scanned is null ? null : s_scanPeriod;
        return _batch.DueIn(Now) is not { } due ? most : most is null || due < most ? due : most;
    }

    private void Look()
    {
        try
        {
            if (_root is null)
            {
                Begin(again: true);
            }
            else if (_notified is { } notified)
            {
                var problem = notified.Read();
                if (notified.RootGone)
                {
                    Lose();
                }
                else if (problem is not null || notified.Overflowed || notified.RulesChanged)
                {
                    End();
                    Begin(again: true);
                }
            }
            else if (_batch.DueIn(Now) is null or { Ticks: 0 })
            {
                if (_root.IsAt(_options.Path))
                {
                    _scanned!.Scan();
                }
                else
                {
                    Lose();
                }
            }
        }
        catch (WorkspaceException)
        {
            Lose(); // gone, or not to be read: wait until it is back
        }

        if (_batch.DueIn(Now) == TimeSpan.Zero)
        {
            var (changes, truncated, git) = _batch.Take();
            _publish(new WatchEvent(changes, truncated, Warning, git));
        }
    }

    /// <param name="again">What happened in between is not known.</param>
    private void Begin(bool again)
    {
        try
        {
            _root = ProjectRoot.Open(_options.Path, _options.Closed, _options.WalkOnly);
            _notified = NotifiedTree.TryOpen(_root, _mostFolders, Changed, GitChanged, out var why);
            Volatile.Write(ref _warning,
                why is null ? null : $"File changes show up a little later than usual because the project can't be watched: {why}.");
            if (_notified is null)
            {
                _scanned = new ScannedTree(_root, Changed, GitChanged);
                _scanned.Scan();
            }
        }
        catch (WorkspaceException)
        {
            End();
            return;
        }

        if (again || Warning is not null)
        {
            _batch.Truncate(Now);
        }
    }

    private void Lose()
    {
        if (_root is not null)
        {
            End();
            _batch.Add(FsChangeKind.Delete, ProjectPath.Root, Now);
        }
    }

    private void End()
    {
        _notified?.Dispose();
        _root?.Dispose();
        (_root, _notified, _scanned) = (null, null, null);
    }

    private void GitChanged() => _batch.Git(Now);

    private void Changed(FsChangeKind kind, ProjectPath path) => _batch.Add(kind, path, Now);
}
