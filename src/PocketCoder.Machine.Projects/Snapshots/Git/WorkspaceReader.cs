using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PocketCoder.Machine.Paths;

namespace PocketCoder.Machine.Snapshots.Git;

/// <summary>A file's content as it was read, with its object's name.</summary>
internal readonly record struct ReadContent(SeenFile File, byte[] Bytes, int Length);

/// <summary>Looks at the files of a project without ever following a link, and reads the ones that changed. Not thread-safe.</summary>
internal sealed class WorkspaceReader(OpenFolders folders, SnapshotLimits limits, long trustBefore)
{
    private long _read;

    /// <summary>
    /// What is at that path: known content when nothing of it changed since <paramref name="last"/>, else <c>Oid</c> empty, to be read.
    /// Null: nothing that is covered.
    /// </summary>
    public SeenFile? Look(TreePath path, SeenFile? last)
    {
        if (folders.Find(path.Parent) is not { } folder || Unix.Stat(folder, path.Name) is not { } stat
            || (!stat.IsRegular && !stat.IsLink))
        {
            return null;
        }

        var entry = new TreeEntry("", stat.IsLink, stat.IsLink ? 0 : stat.Permissions, stat.Size);
        if (stat.IsRegular && stat.Size > limits.FileBytes)
        {
            return new SeenFile(entry with { Oid = null }, stat, Trusted: false);
        }

        if (last is { Trusted: true } known && Unchanged(known.Stat, stat) && known.Entry is { Oid: not null } content)
        {
            return new SeenFile(content with { Permissions = entry.Permissions }, stat, Trusted: true);
        }

        return new SeenFile(entry, stat, Trusted: false);
    }

    /// <summary>Reads it. The entry has no <c>Oid</c> when it can't be read or grew beyond the bounds; null when it is gone.</summary>
    /// <exception cref="SnapshotException">More was read than a snapshot may.</exception>
    public ReadContent? Read(TreePath path)
    {
        if (folders.Find(path.Parent) is not { } folder || Unix.Stat(folder, path.Name) is not { } stat)
        {
            return null;
        }

        if (stat.IsLink)
        {
            return Unix.ReadLink(folder, path.Name) is { } target ? Content(stat, target, target.Length) : null;
        }

        using var file = Unix.OpenRead(folder, path.Name);
        if (file is null || Unix.Stat(file) is not { IsRegular: true } opened || opened.Size > limits.FileBytes)
        {
            return new ReadContent(new SeenFile(new TreeEntry(null, false, stat.Permissions, stat.Size), stat, Trusted: false), [], 0);
        }

        // One byte more than it says it has, to notice that it grew.
        var bytes = new byte[opened.Size + 1];
        var length = 0;
        int read;
        while (length < bytes.Length && (read = RandomAccess.Read(file, bytes.AsSpan(length), length)) > 0)
        {
            length += read;
        }

        _read += length;
        if (_read > limits.NewBytes)
        {
            throw new SnapshotException(string.Create(CultureInfo.InvariantCulture, $"more than {limits.NewBytes >> 20} MiB of new files"));
        }

        return Content(opened, bytes, length);
    }

    private ReadContent Content(FileStat stat, byte[] bytes, int length)
    {
        // As git names an object in a repository of the format sha256.
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {length}\0")));
        hash.AppendData(bytes, 0, length);
        var entry = new TreeEntry(
            Convert.ToHexStringLower(hash.GetHashAndReset()), stat.IsLink, stat.IsLink ? 0 : stat.Permissions, length);

        // What was written a moment ago may be written again within the same tick of the file system's clock.
        return new ReadContent(new SeenFile(
            entry, stat, Trusted: length == stat.Size && stat.Changed < trustBefore && stat.Modified < trustBefore), bytes, length);
    }

    private static bool Unchanged(FileStat a, FileStat b)
        => a.Inode == b.Inode && a.Size == b.Size && a.Changed == b.Changed && a.Modified == b.Modified && a.IsLink == b.IsLink
            && a.IsRegular == b.IsRegular;
}
