using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;
using PocketCoder.Workspace.Files;

namespace PocketCoder.Workspace.Transfers;

/// <summary>Files of any size on their way to a device. Nothing is kept between pieces: a version in each request says which file is meant. Stateless.</summary>
internal static class Downloads
{
    private const int LookedAt = 4096;
    private const int Buffer = 256 * 1024;

    public static FsDownloadBeginResponse Begin(ProjectRoot root, FsDownloadBeginRequest request)
    {
        var path = ProjectPath.Parse(request.Path);
        using var node = root.Find(path);
        using var file = node.OpenFile();
        Span<byte> start = stackalloc byte[LookedAt];
        start = start[..Read(0, path, file, start)];
        return new FsDownloadBeginResponse(path.Wire, PathText.Escape(path.Name), node.Stat.Size, Version(node.Stat), MediaType(start, node.Stat.Size > LookedAt), node.Stat.Mtime);
    }

    public static FsDownloadChunkResponse Chunk(ProjectRoot root, FsDownloadChunkRequest request)
    {
        if (request.Offset < 0 || request.Limit is < 1 or > FileLimits.ChunkBytes)
        {
            throw new WorkspaceException(ErrorCode.InvalidRequest, $"offset is 0 or more, limit is 1 to {FileLimits.ChunkBytes}.");
        }

        var path = ProjectPath.Parse(request.Path);
        using var node = root.Find(path);
        RequireVersion(node.Stat, request.Version, path);
        using var file = node.OpenFile();
        var bytes = new byte[Math.Clamp(node.Stat.Size - request.Offset, 0, request.Limit)];
        var read = Read(request.Offset, path, file, bytes);
        RequireVersion(Libc.Stat(file) ?? node.Stat, request.Version, path);
        var next = request.Offset + read;
        return new FsDownloadChunkResponse(request.Offset, Convert.ToBase64String(bytes, 0, read), next < node.Stat.Size ? next : null);
    }

    public static async Task<FsDownloadEndResponse> EndAsync(ProjectRoot root, FsDownloadEndRequest request, CancellationToken cancellationToken)
    {
        var path = ProjectPath.Parse(request.Path);
        using var node = root.Find(path);
        RequireVersion(node.Stat, request.Version, path);
        await using var file = new FileStream(node.OpenFile(), FileAccess.Read, Buffer);
        string sha256;
        try
        {
            sha256 = Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancellationToken));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Errno.Failure(e, path);
        }

        RequireVersion(Libc.Stat(node.Handle) ?? node.Stat, request.Version, path);
        return new FsDownloadEndResponse(sha256, node.Stat.Size);
    }

    private static int Read(long offset, ProjectPath path, Microsoft.Win32.SafeHandles.SafeFileHandle file, Span<byte> bytes)
    {
        try
        {
            var length = 0;
            while (length < bytes.Length && RandomAccess.Read(file, bytes[length..], offset + length) is > 0 and var read)
            {
                length += read;
            }

            return length;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Errno.Failure(e, path);
        }
    }

    private static void RequireVersion(NodeStat stat, string version, ProjectPath path)
    {
        if (Version(stat) != version)
        {
            throw new WorkspaceException(ErrorCode.Conflict, $"{path.Wire} changed meanwhile. Download it from the beginning.", ("version", Version(stat)));
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
