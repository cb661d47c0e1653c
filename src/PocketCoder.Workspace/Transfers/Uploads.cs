using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;
using PocketCoder.Workspace.Files;

namespace PocketCoder.Workspace.Transfers;

/// <summary>
/// Files of any size on their way into one project: piece by piece into the machine's own folder, where nothing else writes, and from there
/// into their place at once. Whatever a crash leaves, the next beginning tells how far it came. Thread-safe.
/// </summary>
internal sealed class Uploads(StateFolder state, TimeProvider time)
{
    private const string Folder = "uploads";
    private const string Part = ".part";
    private const string About = ".json";
    private const int CopyBuffer = 256 * 1024;

    private static readonly TimeSpan s_age = TimeSpan.FromHours(24);

    private readonly AsyncSemaphore _files = new(); // guards the unfinished files: two connections may send the same one

    public Task<FsUploadBeginResponse> BeginAsync(FsUploadBeginRequest request)
    {
        Check(request);
        return ExclusiveAsync(() =>
        {
            if (Read(request.UploadId) is { } known)
            {
                return known == request
                    ? Task.FromResult(new FsUploadBeginResponse(request.UploadId, Received(request)))
                    : throw new WorkspaceException(ErrorCode.Conflict, "This id is already used for another file.");
            }

            Sweep();
            if (Directory.EnumerateFiles(state.Make(Folder), "*" + About).Count() >= FileLimits.Uploads)
            {
                throw new WorkspaceException(ErrorCode.DaemonBusy,
                    $"{FileLimits.Uploads} uploads to this project are incomplete. Finish or discard some; incomplete uploads are removed after a day.");
            }

            RequireRoom(request.Bytes);
            File.WriteAllBytes(FileOf(request.UploadId, About),
                JsonSerializer.SerializeToUtf8Bytes(request, ProtocolJson.Default.FsUploadBeginRequest));
            return Task.FromResult(new FsUploadBeginResponse(request.UploadId, 0));
        });
    }

    public Task<FsUploadChunkResponse> ChunkAsync(FsUploadChunkRequest request)
    {
        var upload = Find(request.UploadId);
        var data = Decode(request.Data);
        if (request.Offset < 0 || request.Offset + data.Length > upload.Bytes)
        {
            throw new WorkspaceException(ErrorCode.InvalidRequest, $"The file was announced with {upload.Bytes} bytes.");
        }

        return ExclusiveAsync(async () =>
        {
            var received = Received(upload);
            if (request.Offset > received)
            {
                throw GoOnAt(received, "A piece before this one is missing.");
            }

            using (var file = File.OpenHandle(FileOf(upload.UploadId, Part), FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read))
            {
                await RandomAccess.WriteAsync(file, data, request.Offset);
            }

            return new FsUploadChunkResponse(upload.UploadId, Math.Max(received, request.Offset + data.Length));
        });
    }

    /// <summary>Whether all pieces are there and are what was announced; else nothing of them stays.</summary>
    public Task CheckWholeAsync(Guid id)
    {
        var upload = Find(id);
        return ExclusiveAsync(async () =>
        {
            if (Received(upload) < upload.Bytes)
            {
                throw GoOnAt(Received(upload), "The upload is not complete yet.");
            }

            await using var file = new FileStream(
                FileOf(id, Part), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, CopyBuffer);
            if (Convert.ToHexStringLower(await SHA256.HashDataAsync(file)) == upload.Sha256)
            {
                return true;
            }

            file.SetLength(0);
            throw GoOnAt(0, "The uploaded content does not match its announced hash.");
        });
    }

    /// <summary>Puts a checked upload into its place. The content is digested once more on its way.</summary>
    public async Task<FsUploadEndResponse> EndAsync(ProjectRoot root, Guid id, Func<ProjectPath, bool> isSecret, Recorder record)
    {
        var upload = Find(id);
        var path = ProjectPath.Parse(upload.Path);
        if (upload.Mkdirs)
        {
            Arranging.MakeParents(root, path);
        }

        using var place = root.PlaceOfTarget(path);
        var replacement = new Replacement(
            place, state, upload.Sha256, upload.Bytes, upload.ExpectedEtag, upload.IfNoneMatch, isSecret(path) || isSecret(place.Path));
        if (replacement.Check())
        {
            await replacement.WriteAsync(file => CopyAsync(upload, file), record);
        }

        await DiscardAsync(id);
        return new FsUploadEndResponse(true, path.Wire, upload.Sha256, upload.Bytes, replacement.IsNew);
    }

    public Task<FsUploadDiscardResponse> DiscardAsync(Guid id) => ExclusiveAsync(() =>
    {
        var known = Read(id) is not null;
        File.Delete(FileOf(id, About));
        File.Delete(FileOf(id, Part));
        return Task.FromResult(new FsUploadDiscardResponse(known));
    });

    /// <summary>Forgets what got no piece for a day.</summary>
    public void Sweep()
    {
        var old = time.GetUtcNow().UtcDateTime - s_age;
        foreach (var file in new DirectoryInfo(state.Make(Folder)).EnumerateFiles("*" + About).ToList())
        {
            var part = new FileInfo(Path.ChangeExtension(file.FullName, Part));
            if ((part.Exists ? part.LastWriteTimeUtc : file.LastWriteTimeUtc) < old)
            {
                file.Delete();
                part.Delete();
            }
        }
    }

    private static void Check(FsUploadBeginRequest request)
    {
        if (request.UploadId == Guid.Empty || request.Bytes < 0 || !FileWriting.IsDigest(request.Sha256))
        {
            throw new WorkspaceException(ErrorCode.InvalidRequest,
                "uploadId is a UUID made for this upload, bytes is 0 or more, sha256 has 64 lower-case hex digits.");
        }

        FileWriting.CheckEtag(request.ExpectedEtag, request.IfNoneMatch);
        if (ProjectPath.Parse(request.Path).IsRoot)
        {
            throw Errno.Failure(Errno.IsADirectory, ProjectPath.Root);
        }
    }

    private static byte[] Decode(string data)
    {
        if (data.Length <= (FileLimits.ChunkBytes + 2) / 3 * 4
            && CanonicalBase64.FromPadded(data) is { Length: > 0 and <= FileLimits.ChunkBytes } bytes)
        {
            return bytes;
        }

        throw new WorkspaceException(ErrorCode.InvalidRequest, $"data is base64 of 1 to {FileLimits.ChunkBytes} bytes.");
    }

    private static WorkspaceException GoOnAt(long offset, string why)
        => new(ErrorCode.Conflict, $"{why} Continue at byte {offset}.", ("offset", offset.ToString(CultureInfo.InvariantCulture)));

    private void RequireRoom(long bytes)
    {
        var free = new DriveInfo(state.Make(Folder)).AvailableFreeSpace;
        if (bytes > free)
        {
            throw new WorkspaceException(ErrorCode.StorageFull, $"The file has {bytes} bytes, and the machine's disk has {free} left.");
        }
    }

    private async Task CopyAsync(FsUploadBeginRequest upload, Microsoft.Win32.SafeHandles.SafeFileHandle to)
    {
        using var from = File.OpenHandle(FileOf(upload.UploadId, Part), FileMode.OpenOrCreate, FileAccess.Read, FileShare.Read);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(CopyBuffer);
        try
        {
            long offset = 0;
            while (offset < upload.Bytes && await RandomAccess.ReadAsync(
                from, buffer.AsMemory(0, (int)Math.Min(CopyBuffer, upload.Bytes - offset)), offset) is > 0 and var read)
            {
                hash.AppendData(buffer, 0, read);
                await RandomAccess.WriteAsync(to, buffer.AsMemory(0, read), offset);
                offset += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        if (Convert.ToHexStringLower(hash.GetHashAndReset()) != upload.Sha256)
        {
            throw GoOnAt(0, "The pieces changed at this very moment.");
        }
    }

    /// <exception cref="WorkspaceException">FILE_NOT_FOUND</exception>
    public FsUploadBeginRequest Find(Guid id) => Read(id)
        ?? throw new WorkspaceException(ErrorCode.FileNotFound, "That upload no longer exists. Start it again.");

    private FsUploadBeginRequest? Read(Guid id)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(FileOf(id, About)), ProtocolJson.Default.FsUploadBeginRequest);
        }
        catch (Exception e) when (e is FileNotFoundException or JsonException)
        {
            return null; // a crash in its very first moment
        }
    }

    private long Received(FsUploadBeginRequest upload)
        => new FileInfo(FileOf(upload.UploadId, Part)) is { Exists: true } file ? Math.Min(file.Length, upload.Bytes) : 0;

    private string FileOf(Guid id, string extension) => Path.Combine(state.Make(Folder), id.ToString("N") + extension);

    private async Task<T> ExclusiveAsync<T>(Func<Task<T>> work)
    {
        await _files.WaitAsync();
        try
        {
            return await work();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Errno.Failure(e, ProjectPath.Root);
        }
        finally
        {
            _files.Release();
        }
    }
}
