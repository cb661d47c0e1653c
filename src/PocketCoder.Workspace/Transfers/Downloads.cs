using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;
using PocketCoder.Workspace.Files;

namespace PocketCoder.Workspace.Transfers;

/// <summary>
/// Files of any size on their way to a device. Nothing is kept between pieces: a version in each request says which file is meant.
/// Stateless.
/// </summary>
internal static class Downloads
{
    private const int LookedAt = 4096;
    private const int Buffer = 256 * 1024;

    public static FsDownloadBeginResponse Begin(PinnedFile hold)
    {
        using var file = hold.OpenFile();
        Span<byte> start = stackalloc byte[LookedAt];
        start = start[..Read(0, hold, file, start)];
        return new FsDownloadBeginResponse(hold.Path.Wire, PathText.Escape(hold.Path.Name), hold.Stat.Size, Version(hold.Stat),
            MediaType(start, hold.Stat.Size > LookedAt), hold.Stat.Mtime);
    }

    public static FsDownloadChunkResponse Chunk(PinnedFile hold, FsDownloadChunkRequest request)
    {
        if (request.Offset < 0 || request.Limit is < 1 or > FileLimits.ChunkBytes)
        {
            throw new WorkspaceException(ErrorCode.InvalidRequest, $"offset is 0 or more, limit is 1 to {FileLimits.ChunkBytes}.");
        }

        RequireVersion(hold.Stat, request.Version, hold.Path);
        using var file = hold.OpenFile();
        var bytes = new byte[Math.Clamp(hold.Stat.Size - request.Offset, 0, request.Limit)];
        var read = Read(request.Offset, hold, file, bytes);
        RequireVersion(Libc.Stat(file) ?? hold.Stat, request.Version, hold.Path);
        var next = request.Offset + read;
        return new FsDownloadChunkResponse(request.Offset, Convert.ToBase64String(bytes, 0, read), next < hold.Stat.Size ? next : null);
    }

    public static async Task<FsDownloadEndResponse> EndAsync(
        PinnedFile hold, FsDownloadEndRequest request, CancellationToken cancellationToken)
    {
        RequireVersion(hold.Stat, request.Version, hold.Path);
        await using var file = new FileStream(hold.OpenFile(), FileAccess.Read, Buffer);
        string sha256;
        try
        {
            sha256 = Convert.ToHexStringLower(
                hold.Bytes is { } bytes ? SHA256.HashData(bytes) : await SHA256.HashDataAsync(file, cancellationToken));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Errno.Failure(e, hold.Path);
        }

        RequireVersion(Libc.Stat(file.SafeFileHandle) ?? hold.Stat, request.Version, hold.Path);
        return new FsDownloadEndResponse(sha256, hold.Stat.Size);
    }

    private static int Read(long offset, PinnedFile hold, Microsoft.Win32.SafeHandles.SafeFileHandle file, Span<byte> bytes)
    {
        if (hold.Bytes is { } all)
        {
            var part = all.AsSpan((int)Math.Min(offset, all.Length));
            part = part[..Math.Min(part.Length, bytes.Length)];
            part.CopyTo(bytes);
            return part.Length;
        }

        try
        {
            var length = 0;
            while (length < bytes.Length && RandomAccess.Read(file, bytes[length..], offset + length) is > 0 and var read)
            {
                length += read;
            }

            hold.RequireUnchanged();
            return length;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Errno.Failure(e, hold.Path);
        }
    }

    private static void RequireVersion(NodeStat stat, string version, ProjectPath path)
    {
        if (Version(stat) != version)
        {
            throw new WorkspaceException(ErrorCode.Conflict, $"{path.Wire} has changed in the meantime. Download it from the beginning.",
                ("version", Version(stat)));
        }
    }

    /// <summary>Of what the kernel says about the file; its time of change can't be set back by anybody.</summary>
    private static string Version(NodeStat stat) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(
        string.Create(CultureInfo.InvariantCulture, $"{stat.Device}/{stat.Inode}/{stat.Size}/{stat.Modified}/{stat.Changed}"))))[..32];

    /// <summary>What a browser may show. An SVG is text: it can hold code.</summary>
    private static string MediaType(ReadOnlySpan<byte> start, bool cut) => start switch
    {
        [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => "image/png",
        [0xFF, 0xD8, 0xFF, ..] => "image/jpeg",
        [(byte)'G', (byte)'I', (byte)'F', (byte)'8', (byte)'7' or (byte)'9', (byte)'a', ..] => "image/gif",
        [(byte)'R', (byte)'I', (byte)'F', (byte)'F', _, _, _, _, (byte)'W', (byte)'E', (byte)'B', (byte)'P', ..] => "image/webp",
        [(byte)'%', (byte)'P', (byte)'D', (byte)'F', (byte)'-', ..] => "application/pdf",
        _ => FileReading.IsText(cut ? WithoutCutCharacter(start) : start) ? "text/plain" : "application/octet-stream",
    };

    private static ReadOnlySpan<byte> WithoutCutCharacter(ReadOnlySpan<byte> start)
    {
        var end = start.Length;
        for (var i = 1; i <= 3 && i < start.Length; i++)
        {
            if ((start[^i] & 0xC0) == 0xC0)
            {
                end = start.Length - i;
                break;
            }
        }

        return start[..end];
    }
}
