using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Protocol;

namespace PocketCoder.Workspace.Beneath;

/// <summary>Names in an open directory, in the file system's order, a few kilobytes at a time. Not thread-safe.</summary>
public static class FolderEntries
{
    private const int BufferBytes = 32 * 1024;
    private const int NameOffset = 19;

    /// <summary>Told of each name (Latin-1) and what it is; null: the file system doesn't say. Returns false to end it.</summary>
    public delegate bool Visit(string name, FsKind? kind);

    /// <returns>Whether all were seen; false when the visitor ended it.</returns>
    /// <exception cref="WorkspaceException">It can't be read (any more).</exception>
    public static bool Read(SafeFileHandle directory, ProjectPath path, Visit visit)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            while (true)
            {
                var read = Libc.ReadEntries(directory, buffer);
                if (read <= 0)
                {
                    // ENOENT: removed meanwhile
                    return read == 0 || (Libc.LastError == Errno.NotFound ? true : throw Errno.Failure(Libc.LastError, path));
                }

                for (var at = 0; at < read; at += BinaryPrimitives.ReadUInt16LittleEndian(buffer.AsSpan(at + 16)))
                {
                    var name = buffer.AsSpan(at + NameOffset);
                    name = name[..name.IndexOf((byte)0)];
                    if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8)
                        && !visit(Encoding.Latin1.GetString(name), Kind(buffer[at + 18])))
                    {
                        return false;
                    }
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static FsKind? Kind(byte type)
        => type switch { 8 => FsKind.File, 4 => FsKind.Dir, 10 => FsKind.Symlink, 0 => null, _ => FsKind.Other };
}
