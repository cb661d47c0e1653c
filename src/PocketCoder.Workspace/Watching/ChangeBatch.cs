using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Workspace.Watching;

/// <summary>
/// Changes that wait to be told together: 250 ms after the last one, at the latest a second after the first. The last state of each path
/// wins; what was created and then written to is created. Holds at most as many as an event tells. Pure; not thread-safe.
/// </summary>
internal sealed class ChangeBatch
{
    public static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(250);
    public static readonly TimeSpan AtMost = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, FsChangeKind> _changes = new(StringComparer.Ordinal);
    private bool _truncated;
    private bool _git;
    private TimeSpan? _first;
    private TimeSpan _last;

    /// <param name="now">On any clock that goes on.</param>
    public void Add(FsChangeKind kind, ProjectPath path, TimeSpan now)
    {
        Touch(now);
        if (_changes.TryGetValue(path.Raw, out var before))
        {
            _changes[path.Raw] = before == FsChangeKind.Create && kind == FsChangeKind.Modify ? FsChangeKind.Create : kind;
        }
        else if (_changes.Count < FileLimits.Changes)
        {
            _changes[path.Raw] = kind;
        }
        else
        {
            _truncated = true;
        }
    }

    /// <summary>More changed than can be told.</summary>
    public void Truncate(TimeSpan now)
    {
        Touch(now);
        _truncated = true;
    }

    /// <summary>Something of git's own changed that decides what it says of the project.</summary>
    public void Git(TimeSpan now)
    {
        Touch(now);
        _git = true;
    }

    /// <summary>How long until it is to be told; null: nothing waits.</summary>
    public TimeSpan? DueIn(TimeSpan now)
    {
        if (_first is not { } first)
        {
            return null;
        }

        var due = first + AtMost < _last + Quiet ? first + AtMost : _last + Quiet;
        return due > now ? due - now : TimeSpan.Zero;
    }

    /// <summary>What waited, by path.</summary>
    public (IReadOnlyList<FsChange> Changes, bool Truncated, bool Git) Take()
    {
        List<FsChange> changes =
            [.. _changes.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => new FsChange(c.Value, new ProjectPath(c.Key).Wire))];
        var (truncated, git) = (_truncated, _git);
        _changes.Clear();
        (_truncated, _git, _first) = (false, false, null);
        return (changes, truncated, git);
    }

    private void Touch(TimeSpan now)
    {
        _first ??= now;
        _last = now;
    }
}
