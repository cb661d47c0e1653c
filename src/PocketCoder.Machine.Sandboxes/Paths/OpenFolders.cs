using Microsoft.Win32.SafeHandles;

namespace PocketCoder.Machine.Paths;

/// <summary>
/// Directories of one project opened step by step from its root, no link ever followed: whatever is swapped beneath us, nothing outside of
/// the project is reached. Holds the way to the last directory open, so that sorted paths cost one step each. Not thread-safe.
/// </summary>
public sealed class OpenFolders : IDisposable
{
    private readonly SafeFileHandle _root;
    private readonly List<(string Name, SafeFileHandle Handle)> _way = [];

    private OpenFolders(SafeFileHandle root) => _root = root;

    /// <exception cref="IOException">The root can't be opened.</exception>
    public static OpenFolders Of(string root) => new(Unix.OpenRoot(root));

    /// <summary>The directory, or null when it is not there or some part of it is a link.</summary>
    public SafeFileHandle? Find(TreePath folder)
    {
        var names = folder.Raw.Length == 0 ? [] : folder.Raw.Split('/');
        var same = 0;
        while (same < names.Length && same < _way.Count && _way[same].Name == names[same])
        {
            same++;
        }

        Leave(same);
        for (var i = same; i < names.Length; i++)
        {
            if (names[i] is "" or "." or ".." || Unix.OpenDirectory(Last, names[i]) is not { } next)
            {
                return null;
            }

            _way.Add((names[i], next));
        }

        return Last;
    }

    /// <summary>The directory, made with its parents where missing.</summary>
    /// <param name="made">Told of each directory that was made: its parent and name.</param>
    /// <exception cref="IOException">Something else stands in the way.</exception>
    public SafeFileHandle Make(TreePath folder, Action<SafeFileHandle, string> made)
    {
        if (Find(folder) is { } there)
        {
            return there;
        }

        var names = folder.Raw.Split('/');
        for (var i = _way.Count; i < names.Length; i++)
        {
            if (Unix.Stat(Last, names[i]) is null)
            {
                Unix.MakeDirectory(Last, names[i]);
                made(Last, names[i]);
            }

            var next = Unix.OpenDirectory(Last, names[i])
                ?? throw new IOException($"{folder.Shown}: something that is no directory stands in the way.");
            _way.Add((names[i], next));
        }

        return Last;
    }

    /// <summary>Forgets what is open, after directories were removed or replaced.</summary>
    public void Forget() => Leave(0);

    public void Dispose()
    {
        Leave(0);
        _root.Dispose();
    }

    private SafeFileHandle Last => _way.Count == 0 ? _root : _way[^1].Handle;

    private void Leave(int keep)
    {
        for (var i = _way.Count - 1; i >= keep; i--)
        {
            _way[i].Handle.Dispose();
            _way.RemoveAt(i);
        }
    }
}
