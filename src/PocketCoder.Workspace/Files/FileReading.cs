using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;
using PocketCoder.Workspace.Ignoring;

namespace PocketCoder.Workspace.Files;

/// <summary>Looks at one file. Stateless.</summary>
internal static class FileReading
{
    private const int HashBuffer = 128 * 1024;

    public static FsReadResponse Read(PinnedFile hold, FsReadRequest request)
    {
        if (request.Offset < 0 || request.Limit is < 1 or > Limits.RangeBytes)
        {
            throw new WorkspaceException(ErrorCode.InvalidRequest, $"offset is 0 or more, limit is 1 to {Limits.RangeBytes}.");
        }

        var path = hold.Path;
        using var file = hold.OpenFile();
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(hold.Stat.Size, FileLimits.ReadBytes) + 1);
        try
        {
            var content = hold.Bytes is { } held ? held : ReadAll(file, hold.Stat, path, ref buffer);
            var etag = Convert.ToHexStringLower(SHA256.HashData(content));
            if (request.ExpectedEtag is { } expected && expected != etag)
            {
                throw new WorkspaceException(
                    ErrorCode.Conflict, $"{path.Wire} has changed in the meantime. Read it from the beginning.", ("etag", etag));
            }

            var text = request.Encoding != FsEncoding.Base64 && IsText(content);
            if (request.Encoding == FsEncoding.Utf8 && !text)
            {
                throw new WorkspaceException(ErrorCode.BinaryFile, $"{path.Wire} is not UTF-8 text.");
            }

            var start = (int)Math.Min(request.Offset, content.Length);
            var end = (int)Math.Min((long)start + request.Limit, content.Length);
            if (text)
            {
                (start, end) = WholeCharacters(content, start, end);
            }

            var part = content[start..end];
            return new FsReadResponse(
                path.Wire,
                text ? Encoding.UTF8.GetString(part) : Convert.ToBase64String(part),
                text ? FsEncoding.Utf8 : FsEncoding.Base64,
                start,
                end < content.Length ? end : null,
                content.Length,
                etag,
                hold.Stat.Mtime);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <param name="hold">What its content is digested of, when that is asked for.</param>
    public static FsStatResponse Stat(ProjectRoot root, FsStatRequest request, Func<ProjectPath, bool> isSecret, PinnedFile? hold)
    {
        var path = ProjectPath.Parse(request.Path);
        using var node = root.Find(path, follow: false);
        ProjectPath real;
        using (var parent = root.Find(path.Parent))
        {
            real = path.IsRoot ? path : root.RealPath(parent.Handle) / path.Name;
        }

        var ignored = !real.IsRoot && IgnoreScope.Of(root, real.Parent).IsIgnored(real, node.Stat.IsDirectory);
        var link = node.Stat.IsLink ? Libc.ReadLink(node.Handle, "") : null;
        string? etag = null;
        if (hold is { Stat.IsRegular: true })
        {
            etag = Etag(hold);
        }

        return new FsStatResponse(
            FolderListing.Entry(root, path, node.Stat, ignored, isSecret),
            "0" + Convert.ToString(node.Stat.Mode & 0xFFF, 8).PadLeft(3, '0'),
            (int)Math.Min(node.Stat.Links, int.MaxValue),
            link is null ? null : PathText.Escape(link),
            etag);
    }

    /// <summary>SHA-256 of all that is in a file that is held.</summary>
    public static string Etag(PinnedFile hold)
    {
        if (hold.Bytes is { } bytes)
        {
            return Convert.ToHexStringLower(SHA256.HashData(bytes));
        }

        using var file = hold.OpenFile();
        var etag = Etag(file);
        hold.RequireUnchanged();
        return etag;
    }

    /// <summary>SHA-256 of all that is in an open file.</summary>
    public static string Etag(SafeFileHandle file)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(HashBuffer);
        try
        {
            for (long offset = 0; ;)
            {
                var read = RandomAccess.Read(file, buffer.AsSpan(0, HashBuffer), offset);
                if (read == 0)
                {
                    return Convert.ToHexStringLower(hash.GetHashAndReset());
                }

                hash.AppendData(buffer, 0, read);
                offset += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>UTF-8 without zero bytes.</summary>
    public static bool IsText(ReadOnlySpan<byte> content) => !content.Contains((byte)0) && Utf8.IsValid(content);

    /// <summary>No character is cut, and there is at least one when there is any left.</summary>
    private static (int Start, int End) WholeCharacters(ReadOnlySpan<byte> content, int start, int end)
    {
        while (start < content.Length && IsContinuation(content[start]))
        {
            start++;
        }

        end = Math.Max(start, end);
        while (end > start && end < content.Length && IsContinuation(content[end]))
        {
            end--;
        }

        if (end == start && start < content.Length)
        {
            do
            {
                end++;
            }
            while (end < content.Length && IsContinuation(content[end]));
        }

        return (start, end);
    }

    private static bool IsContinuation(byte b) => (b & 0xC0) == 0x80;

    /// <summary>The whole file, if it is as small as it must be, even when it grows meanwhile.</summary>
    private static ReadOnlySpan<byte> ReadAll(SafeFileHandle file, NodeStat stat, ProjectPath path, ref byte[] buffer)
    {
        if (stat.Size > FileLimits.ReadBytes)
        {
            throw TooLarge(path, stat.Size);
        }

        var length = 0;
        while (true)
        {
            int read;
            try
            {
                read = RandomAccess.Read(file, buffer.AsSpan(length), length);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw Errno.Failure(e, path);
            }

            length += read;
            if (length > FileLimits.ReadBytes)
            {
                throw TooLarge(path, length);
            }

            if (read == 0)
            {
                return buffer.AsSpan(0, length);
            }

            if (length == buffer.Length)
            {
                var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
                buffer.CopyTo(larger, 0);
                ArrayPool<byte>.Shared.Return(buffer);
                buffer = larger;
            }
        }
    }

    private static WorkspaceException TooLarge(ProjectPath path, long bytes) => new(
        ErrorCode.FileTooLarge,
        $"{path.Wire} has {bytes} bytes; at most {FileLimits.ReadBytes} are read. Download it.",
        ("limit", FileLimits.ReadBytes.ToString(CultureInfo.InvariantCulture)),
        ("bytes", bytes.ToString(CultureInfo.InvariantCulture)));
}
