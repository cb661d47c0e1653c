using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PocketCoder.Agents;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Platform;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Attachments;

/// <summary>
/// Files that people send with prompts: taken in piece by piece, checked, kept outside of every project, and given to the agent when the
/// prompt's turn comes. Whatever a crash leaves, the next <c>attachment_begin</c> tells how far it came. Thread-safe.
/// </summary>
/// <param name="root">Where the bytes are: private, no agent sees it.</param>
public sealed class AttachmentStore(string root, AttachedFolders folders, Store store, TimeProvider time)
{
    private const string Unfinished = ".part";
    private const int LongestGivenName = 80;

    private static readonly TimeSpan s_age = TimeSpan.FromHours(24);
    private static readonly TimeSpan s_sweepPeriod = TimeSpan.FromHours(1);

    private readonly AsyncSemaphore _files = new(); // guards the unfinished files: two connections may send the same one
    private DateTimeOffset _swept = DateTimeOffset.MinValue;

    public AttachedFolders Folders { get; } = folders;

    /// <exception cref="RequestFailure">INVALID_REQUEST, FILE_TOO_LARGE, CONFLICT, DAEMON_BUSY when too much waits</exception>
    public async Task<AttachmentBeginResponse> BeginAsync(AttachmentBeginRequest request, string deviceId)
    {
        Check(request);
        await SweepAsync();
        var wanted = new AttachmentRecord(request.AttachmentId, deviceId, request.Name, request.Bytes, request.Sha256, null, null);
        var record = await store.WriteAsync(change =>
        {
            if (AttachmentRows.Find(change, wanted.Id) is { } known)
            {
                AttachmentRows.Touch(change, known.Id);
                return known with { MediaType = null, SessionId = null } == wanted
                    ? known
                    : throw new RequestFailure(ErrorCode.Conflict, "This id is already used for another file.");
            }

            var (files, bytes) = AttachmentRows.Staged(change, deviceId);
            if (files >= AttachmentLimits.StagedFiles || bytes + wanted.Bytes > AttachmentLimits.StagedBytes)
            {
                throw new RequestFailure(ErrorCode.DaemonBusy,
                    $"This device has {files} files on the machine that no prompt has used yet. Send or remove some; unused files are removed after a day.");
            }

            AttachmentRows.Insert(change, wanted);
            return wanted;
        });
        return new AttachmentBeginResponse(record.Id,
            record.MediaType is null ? await ExclusiveAsync(() => Task.FromResult(Received(record))) : record.Bytes, record.Info);
    }

    /// <exception cref="RequestFailure">INVALID_REQUEST, FILE_NOT_FOUND, CONFLICT with the offset at which to go on</exception>
    public async Task<AttachmentChunkResponse> ChunkAsync(AttachmentChunkRequest request, string deviceId)
    {
        var record = await FindAsync(request.AttachmentId, deviceId);
        if (record.MediaType is not null)
        {
            return new AttachmentChunkResponse(record.Id, record.Bytes); // sent again after its end
        }

        var data = Decode(request.Data);
        if (request.Offset < 0 || request.Offset + data.Length > record.Bytes)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"The file was announced with {record.Bytes} bytes.");
        }

        return await ExclusiveAsync(async () =>
        {
            var received = Received(record);
            if (request.Offset > received)
            {
                throw GoOnAt(received, "A piece before this one is missing.");
            }

            MakeRoot();
            await using var file = PrivateFile.Open(
                PathOf(record.Id) + Unfinished, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read);
            await RandomAccess.WriteAsync(file.SafeFileHandle, data, request.Offset);
            return new AttachmentChunkResponse(record.Id, Math.Max(received, request.Offset + data.Length));
        });
    }

    /// <exception cref="RequestFailure">FILE_NOT_FOUND, CONFLICT with the offset at which to go on</exception>
    public async Task<AttachmentInfo> EndAsync(Guid id, string deviceId)
    {
        var record = await FindAsync(id, deviceId);
        if (record.Info is { } whole)
        {
            return whole;
        }

        return await ExclusiveAsync(async () =>
        {
            var type = await CheckWholeAsync(record);
            File.Move(PathOf(id) + Unfinished, PathOf(id), overwrite: true);
            await store.WriteAsync(change => AttachmentRows.Complete(change, id, type));
            return (record with { MediaType = type }).Info!;
        });
    }

    /// <summary>Takes back what went with no prompt.</summary>
    public async Task<bool> DiscardAsync(Guid id, string deviceId)
    {
        var discarded = await store.WriteAsync(change => AttachmentRows.DeleteStaged(change, id, deviceId));
        if (discarded)
        {
            await ExclusiveAsync(() => Task.FromResult(Delete(id)));
        }

        return discarded;
    }

    /// <summary>Deletes what only a deleted session has. Again does nothing.</summary>
    /// <param name="heir">A copy of it, which keeps what it shows; null: there is none.</param>
    /// <exception cref="IOException">A file can't be deleted.</exception>
    /// <exception cref="UnauthorizedAccessException">A file can't be deleted.</exception>
    public async Task DeleteAsync(Guid session, Guid? heir)
    {
        foreach (var id in await store.WriteAsync(change => AttachmentRows.Bequeath(change, session, heir)))
        {
            await ExclusiveAsync(() => Task.FromResult(Delete(id)));
        }

        await store.WriteAsync(change => AttachmentRows.DeleteOf(change, session)); // the files before the rows that name them
    }

    /// <exception cref="RequestFailure">INVALID_REQUEST, FILE_NOT_FOUND</exception>
    public async Task<AttachmentReadResponse> ReadAsync(AttachmentReadRequest request, string deviceId, CancellationToken cancellationToken)
    {
        if (request.Offset < 0 || request.Limit is < 1 or > Limits.RangeBytes)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"offset is 0 or more, limit is 1 to {Limits.RangeBytes}.");
        }

        var found = await store.QueryAsync(
            AttachmentRows.ById, AttachmentRows.Map, cancellationToken, ("$id", request.AttachmentId.ToString()));
        if (found is not [{ MediaType: not null } record] || (record.SessionId is null && record.DeviceId != deviceId))
        {
            throw NotThere();
        }

        var bytes = new byte[Math.Clamp(record.Bytes - request.Offset, 0, request.Limit)];
        try
        {
            using var file = File.OpenHandle(PathOf(record.Id));
            var read = bytes.Length == 0 ? 0 : await RandomAccess.ReadAsync(file, bytes, request.Offset, cancellationToken);
            return new AttachmentReadResponse(record.Id, request.Offset, Convert.ToBase64String(bytes, 0, read), record.Bytes);
        }
        catch (IOException)
        {
            throw NotThere();
        }
    }

    /// <summary>Copies what goes with a prompt to where the session's agent and commands can read it; again does nothing twice.</summary>
    /// <exception cref="IOException">It can't be copied.</exception>
    /// <exception cref="UnauthorizedAccessException">It can't be copied.</exception>
    public IReadOnlyList<AgentAttachment> Give(Guid session, IReadOnlyList<AttachmentInfo> files) =>
        [.. files.Select(file =>
        {
            // A folder each: two files may have the same name. The last digits of an id are random.
            var path = Path.Combine(Folders.Of(session, file.AttachmentId.ToString("N")[^12..]), GivenName(file.Name));
            if (!File.Exists(path))
            {
                var temporary = $"{path}.{Guid.CreateVersion7():N}";
                File.Copy(PathOf(file.AttachmentId), temporary);
                if (!OperatingSystem.IsWindows())
                {
                    File.SetUnixFileMode(temporary, AttachedFolders.FileMode);
                }

                File.Move(temporary, path);
            }

            return new AgentAttachment(path, file.Name, file.MediaType);
        })];

    /// <summary>Throws away what went with no prompt for a day; at most once an hour.</summary>
    public async Task SweepAsync()
    {
        var now = time.GetUtcNow();
        if (now - _swept < s_sweepPeriod)
        {
            return;
        }

        _swept = now;
        var gone = await store.WriteAsync(change => AttachmentRows.DeleteStagedBefore(change, now - s_age));
        try
        {
            await DeleteFilesAsync(gone, now);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // the next hour's turn; an upload that just begins must not be lost over it
        }
    }

    private async Task DeleteFilesAsync(IReadOnlyList<Guid> gone, DateTimeOffset now)
    {
        foreach (var id in gone)
        {
            await ExclusiveAsync(() => Task.FromResult(Delete(id)));
        }

        if (Directory.Exists(root))
        {
            // What a crash left between the row's end and the file's.
            var known = (await store.QueryAsync(
                "SELECT attachment_id FROM attachments", row => row.Id(0), CancellationToken.None)).ToHashSet();
            foreach (var file in new DirectoryInfo(root).EnumerateFiles().Where(f => now.UtcDateTime - f.LastWriteTimeUtc > s_age).ToList())
            {
                if (!Guid.TryParseExact(Path.GetFileNameWithoutExtension(file.Name), "N", out var id) || !known.Contains(id))
                {
                    file.Delete();
                }
            }
        }
    }

    private static void Check(AttachmentBeginRequest request)
    {
        if (request.AttachmentId == Guid.Empty)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "attachmentId must be a UUID made for this request.");
        }

        if (request.Name.Length is 0 or > AttachmentLimits.NameLength || request.Name is "." or ".."
            || request.Name.Any(c => char.IsControl(c) || c is '/' or '\\'))
        {
            throw new RequestFailure(ErrorCode.InvalidRequest,
                $"A file's name has 1 to {AttachmentLimits.NameLength} characters, no slashes and no control characters.");
        }

        if (request.Bytes is < 0 or > AttachmentLimits.FileBytes)
        {
            throw new RequestFailure(ErrorCode.FileTooLarge, $"A file has at most {AttachmentLimits.FileBytes >> 20} MiB.");
        }

        if (request.Sha256.Length != 64 || !request.Sha256.All(char.IsAsciiHexDigitLower))
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "sha256 has 64 lower-case hex digits.");
        }
    }

    private static byte[] Decode(string data)
    {
        if (data.Length <= (AttachmentLimits.ChunkBytes + 2) / 3 * 4
            && CanonicalBase64.FromPadded(data) is { Length: > 0 and <= AttachmentLimits.ChunkBytes } bytes)
        {
            return bytes;
        }

        throw new RequestFailure(ErrorCode.InvalidRequest, $"data is base64 of 1 to {AttachmentLimits.ChunkBytes} bytes.");
    }

    private static RequestFailure GoOnAt(long offset, string why) => new(
        ErrorCode.Conflict, $"{why} Continue at byte {offset}.",
        new Dictionary<string, string>(StringComparer.Ordinal) { ["offset"] = offset.ToString(CultureInfo.InvariantCulture) });

    private static RequestFailure NotThere() => new(ErrorCode.FileNotFound, "That file is not on the machine. Attach it again.");

    /// <summary>A name that means nothing to any shell or tool; the person's own stays in the transcript.</summary>
    private static string GivenName(string name)
    {
        var safe = new StringBuilder();
        foreach (var rune in name.EnumerateRunes())
        {
            safe.Append(Rune.IsLetterOrDigit(rune) || rune.Value is '.' or '-' or '_' ? rune.ToString() : "_");
        }

        var text = safe.ToString().TrimStart('.', '-');
        var end = Path.GetExtension(text) is { Length: <= 12 } extension ? extension : "";
        var start = text[..^end.Length];
        while (Encoding.UTF8.GetByteCount(start) > LongestGivenName)
        {
            start = start[..^(char.IsLowSurrogate(start[^1]) ? 2 : 1)];
        }

        return start.Length + end.Length == 0 ? "file" : start.Length == 0 ? "file" + end : start + end;
    }

    private async Task<AttachmentRecord> FindAsync(Guid id, string deviceId)
        => await store.QueryAsync(AttachmentRows.ById, AttachmentRows.Map, CancellationToken.None, ("$id", id.ToString())) is [var record]
            && record.DeviceId == deviceId ? record : throw NotThere();

    /// <summary>The type of a file that is what was announced; else nothing of it stays.</summary>
    private async Task<string> CheckWholeAsync(AttachmentRecord record)
    {
        MakeRoot();
        await using var file = PrivateFile.Open(
            PathOf(record.Id) + Unfinished, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        if (file.Length < record.Bytes)
        {
            throw GoOnAt(file.Length, "The upload is not complete yet.");
        }

        if (file.Length > record.Bytes || Convert.ToHexStringLower(await SHA256.HashDataAsync(file)) != record.Sha256)
        {
            file.SetLength(0);
            throw GoOnAt(0, "The uploaded content does not match its announced hash.");
        }

        file.Position = 0;
        var start = new byte[Math.Min(file.Length, MediaTypes.LookedAt)];
        await file.ReadExactlyAsync(start);
        file.Flush(flushToDisk: true);
        return MediaTypes.Of(start);
    }

    private long Received(AttachmentRecord record)
        => new FileInfo(PathOf(record.Id) + Unfinished) is { Exists: true } file ? Math.Min(file.Length, record.Bytes) : 0;

    private bool Delete(Guid id)
    {
        if (Directory.Exists(root))
        {
            File.Delete(PathOf(id));
            File.Delete(PathOf(id) + Unfinished);
        }

        return true;
    }

    private void MakeRoot()
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(root);
        }
        else
        {
            Directory.CreateDirectory(root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    private async Task<T> ExclusiveAsync<T>(Func<Task<T>> work)
    {
        await _files.WaitAsync();
        try
        {
            return await work();
        }
        finally
        {
            _files.Release();
        }
    }

    private string PathOf(Guid id) => Path.Combine(root, id.ToString("N"));
}
