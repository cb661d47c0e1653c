using System.Security.Cryptography;
using System.Text;
using PocketCoder.Machine.Paths;
using PocketCoder.Platform;

namespace PocketCoder.Machine.Snapshots.Git;

/// <summary>A file as the last snapshot saw it.</summary>
/// <param name="Trusted">It was still for a while then, so that the same stat means the same content.</param>
internal readonly record struct SeenFile(TreeEntry Entry, FileStat Stat, bool Trusted);

/// <summary>
/// The last snapshot of a project, kept so that the next one reads only what changed. It can be lost: then everything is read again.
/// </summary>
/// <param name="Commit">Its commit in the store.</param>
/// <param name="RootTree">The commit's tree, which the next one starts from.</param>
internal sealed record SeenProject(string Commit, string RootTree, IReadOnlyDictionary<TreePath, SeenFile> Files)
{
    public SnapshotTree Tree => new(Files.ToDictionary(f => f.Key, f => f.Value.Entry));
}

/// <summary>Reads and writes a <see cref="SeenProject"/>: length-prefixed, with a checksum at the end, since it is not flushed.</summary>
internal static class StateFile
{
    private const int Magic = 0x50435331; // "PCS1"

    public static SeenProject? Read(string path)
    {
        try
        {
            var bytes = File.ReadAllBytes(path);
            if (bytes.Length < SHA256.HashSizeInBytes || !SHA256.HashData(bytes.AsSpan(0, bytes.Length - SHA256.HashSizeInBytes)).AsSpan()
                .SequenceEqual(bytes.AsSpan(bytes.Length - SHA256.HashSizeInBytes)))
            {
                return null;
            }

            using var reader = new BinaryReader(new MemoryStream(bytes), Encoding.Latin1);
            if (reader.ReadInt32() != Magic)
            {
                return null;
            }

            var (commit, tree, count) = (reader.ReadString(), reader.ReadString(), reader.ReadInt32());
            var files = new Dictionary<TreePath, SeenFile>(count);
            for (var i = 0; i < count; i++)
            {
                var name = new TreePath(reader.ReadString());
                var oid = reader.ReadString();
                var entry = new TreeEntry(oid.Length == 0 ? null : oid, reader.ReadBoolean(), reader.ReadInt32(), reader.ReadInt64());
                var stat = new FileStat(reader.ReadInt32(), reader.ReadUInt32(), reader.ReadUInt32(), reader.ReadUInt64(),
                    reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64());
                files[name] = new SeenFile(entry, stat, reader.ReadBoolean());
            }

            return new SeenProject(commit, tree, files);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null; // it only saves time
        }
    }

    public static void Write(string path, SeenProject seen)
    {
        using var buffer = new MemoryStream();
        using (var writer = new BinaryWriter(buffer, Encoding.Latin1, leaveOpen: true))
        {
            writer.Write(Magic);
            writer.Write(seen.Commit);
            writer.Write(seen.RootTree);
            writer.Write(seen.Files.Count);
            foreach (var (name, file) in seen.Files)
            {
                writer.Write(name.Raw);
                writer.Write(file.Entry.Oid ?? "");
                writer.Write(file.Entry.IsLink);
                writer.Write(file.Entry.Permissions);
                writer.Write(file.Entry.Size);
                writer.Write(file.Stat.Mode);
                writer.Write(file.Stat.User);
                writer.Write(file.Stat.Group);
                writer.Write(file.Stat.Inode);
                writer.Write(file.Stat.Size);
                writer.Write(file.Stat.Changed);
                writer.Write(file.Stat.Modified);
                writer.Write(file.Trusted);
            }
        }

        buffer.Write(SHA256.HashData(buffer.GetBuffer().AsSpan(0, (int)buffer.Length)));
        using (var file = PrivateFile.Open(path + ".new", FileMode.Create, FileAccess.Write, FileShare.None))
        {
            file.Write(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
        }

        File.Move(path + ".new", path, overwrite: true);
    }
}
