using PocketCoder.Machine.Paths;


namespace PocketCoder.Machine.Snapshots;

/// <summary>One file or link of a snapshot.</summary>
/// <param name="Oid">Its content's object in the store (a link's content is where it points); null: it is there and its content is not
/// kept.</param>
/// <param name="IsLink">A symbolic link.</param>
/// <param name="Permissions">Nine bits; 0 for links.</param>
/// <param name="Size">Bytes.</param>
internal readonly record struct TreeEntry(string? Oid, bool IsLink, int Permissions, long Size)
{
    /// <summary>Whether both are known to be the same content, kind and mode. What is not kept is the same as nothing.</summary>
    public bool Same(TreeEntry other) => Oid is not null && Oid == other.Oid && IsLink == other.IsLink && Permissions == other.Permissions;
}

/// <summary>All files and links of a project at one moment. Directories are there by what is in them.</summary>
internal sealed class SnapshotTree(IReadOnlyDictionary<TreePath, TreeEntry> entries)
{
    public static SnapshotTree Empty { get; } = new(new Dictionary<TreePath, TreeEntry>());

    public IReadOnlyDictionary<TreePath, TreeEntry> Entries { get; } = entries;

    public TreeEntry? Find(TreePath path) => Entries.TryGetValue(path, out var entry) ? entry : null;

    public IEnumerable<TreePath> LeftOut => Entries.Where(e => e.Value.Oid is null).Select(e => e.Key);

    /// <summary>Paths where the two are not known to be the same, sorted.</summary>
    public static List<TreePath> Differences(SnapshotTree a, SnapshotTree b)
    {
        var paths = new List<TreePath>();
        foreach (var (path, entry) in a.Entries)
        {
            if (b.Find(path) is not { } other || !Alike(entry, other))
            {
                paths.Add(path);
            }
        }

        foreach (var path in b.Entries.Keys)
        {
            if (!a.Entries.ContainsKey(path))
            {
                paths.Add(path);
            }
        }

        paths.Sort((x, y) => string.CompareOrdinal(x.Raw, y.Raw));
        return paths;

        // Two files that are not kept and have the same size are taken for unchanged here: there is nothing to restore in either case.
        static bool Alike(TreeEntry x, TreeEntry y) => x.Same(y) || (x.Oid is null && y.Oid is null && x.Size == y.Size);
    }
}
