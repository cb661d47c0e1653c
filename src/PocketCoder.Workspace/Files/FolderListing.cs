using System.Text;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;
using PocketCoder.Workspace.Ignoring;

namespace PocketCoder.Workspace.Files;

/// <summary>
/// One level of a folder, a page at a time: memory is that of the page, however large the folder is. Stateless: a cursor is the last name
/// that was told.
/// </summary>
internal static class FolderListing
{
    /// <summary>
    /// Of the names and paths of a page, as text: a message has at most 8 MiB, and text may be written six times as long.
    /// </summary>
    private const int PageCharacters = 1_000_000;

    /// <summary>Directories first, then by bytes.</summary>
    private sealed class Order : IComparer<(bool Folder, string Name)>
    {
        public static Order Forward { get; } = new();

        public int Compare((bool Folder, string Name) x, (bool Folder, string Name) y)
            => x.Folder == y.Folder ? string.CompareOrdinal(x.Name, y.Name) : x.Folder ? -1 : 1;
    }

    private sealed class Backward : IComparer<(bool Folder, string Name)>
    {
        public static Backward Instance { get; } = new();

        public int Compare((bool Folder, string Name) x, (bool Folder, string Name) y) => Order.Forward.Compare(y, x);
    }

    public static FsListResponse List(ProjectRoot root, FsListRequest request, Func<ProjectPath, bool> isSecret)
    {
        if (request.Limit is < 1 or > FileLimits.Entries)
        {
            throw new WorkspaceException(ErrorCode.InvalidRequest, $"limit is 1 to {FileLimits.Entries}.");
        }

        var path = ProjectPath.Parse(request.Path);
        var after = request.Cursor is { } cursor ? ParseCursor(cursor) : ((bool, string)?)null;
        using var node = root.Find(path);
        using var folder = node.OpenFolder();
        var real = root.RealPath(node.Handle);
        var names = Names(root, folder, path, real, after, request.Limit, out var more);
        var ignores = IgnoreScope.Of(root, real);
        var children = new List<FsEntry>(names.Count);
        var characters = 0;
        foreach (var (isFolder, name) in names)
        {
            if (characters > PageCharacters)
            {
                more = true;
                break;
            }

            if (Libc.Stat(folder, name) is not { } stat)
            {
                after = (isFolder, name);
                continue; // gone meanwhile
            }

            var entry = Entry(root, path / name, stat, ignores.IsIgnored(real / name, stat.IsDirectory), isSecret);
            children.Add(entry);
            characters += entry.Name.Length + entry.Path.Length;
            after = (isFolder, name);
        }

        return new FsListResponse(path.Wire, children, more, more && after is { } last ? Cursor(last) : null);
    }

    /// <summary>One thing, as messages have it.</summary>
    public static FsEntry Entry(ProjectRoot root, ProjectPath path, NodeStat stat, bool ignored, Func<ProjectPath, bool> isSecret)
    {
        var name = PathText.Escape(path.Name);
        return new FsEntry(
            name,
            path.Wire,
            stat.Kind,
            stat.Size,
            stat.Mtime,
            ignored,
            null,
            !stat.IsDirectory && isSecret(path),
            stat.IsLink ? TargetOf(root, path) : null);
    }

    /// <summary>The first names after a place in the order.</summary>
    private static List<(bool Folder, string Name)> Names(
        ProjectRoot root, Microsoft.Win32.SafeHandles.SafeFileHandle folder, ProjectPath path, ProjectPath real, (bool, string)? after,
        int limit, out bool more)
    {
        var first = new PriorityQueue<(bool Folder, string Name), (bool Folder, string Name)>(Backward.Instance);
        var left = false;
        FolderEntries.Read(folder, path, (name, kind) =>
        {
            var key = ((kind ?? Libc.Stat(folder, name)?.Kind) == FsKind.Dir, name);
            if ((after is null || Order.Forward.Compare(key, after.Value) > 0) && !root.IsHidden(real, name))
            {
                if (first.Count < limit)
                {
                    first.Enqueue(key, key);
                }
                else
                {
                    left = true;
                    first.EnqueueDequeue(key, key);
                }
            }

            return true;
        });
        more = left;
        var names = new List<(bool, string)>(first.Count);
        while (first.TryDequeue(out var key, out _))
        {
            names.Add(key);
        }

        names.Reverse();
        return names;
    }

    private static FsKind? TargetOf(ProjectRoot root, ProjectPath path)
    {
        using var target = root.TryFind(path, follow: true, out _);
        return target?.Stat.Kind;
    }

    private static string Cursor((bool Folder, string Name) last)
        => (last.Folder ? "d" : "f") + Convert.ToHexStringLower(Encoding.Latin1.GetBytes(last.Name));

    private static (bool Folder, string Name) ParseCursor(string cursor)
    {
        try
        {
            if (cursor is ['d' or 'f', ..] and { Length: <= 1024 })
            {
                return (cursor[0] == 'd', Encoding.Latin1.GetString(Convert.FromHexString(cursor.AsSpan(1))));
            }
        }
        catch (FormatException)
        {
            // said below
        }

        throw new WorkspaceException(ErrorCode.InvalidRequest, "That cursor is not from this machine.");
    }
}
