namespace PocketCoder.Protocol;

/// <summary>
/// Begins to upload a file of any size, or asks how far it came: the same request again changes nothing. Nothing is in the project before
/// the end. Forgotten after a day without a piece.
/// </summary>
/// <param name="UploadId">Client-made UUIDv7.</param>
/// <param name="Sha256">Of the whole file, 64 lower-case hex digits.</param>
/// <param name="ExpectedEtag">As in <see cref="FsWriteRequest"/>, looked at in the end.</param>
public sealed record FsUploadBeginRequest(
    Guid ProjectId, Guid UploadId, string Path, long Bytes, string Sha256, string? ExpectedEtag = null, bool IfNoneMatch = false,
    bool Mkdirs = false);

/// <param name="Offset">Bytes that the machine has: the next piece begins here.</param>
public sealed record FsUploadBeginResponse(Guid UploadId, long Offset);

/// <summary>
/// One piece. At or before what the machine has: a piece that came before may come again. Beyond it: <c>CONFLICT</c> with
/// <c>details.offset</c>.
/// </summary>
/// <param name="Data">Base64 of 1 to <see cref="FileLimits.ChunkBytes"/> bytes.</param>
public sealed record FsUploadChunkRequest(Guid ProjectId, Guid UploadId, long Offset, string Data);

public sealed record FsUploadChunkResponse(Guid UploadId, long Offset);

/// <summary>
/// All pieces are there: the file is checked and put in its place, at once. When it is not what was announced, the machine forgets the
/// pieces: <c>CONFLICT</c> with <c>details.offset</c> 0. When something else stands in its place (<c>details.etag</c>), the pieces stay.
/// </summary>
public sealed record FsUploadEndRequest(Guid ProjectId, Guid UploadId, Guid? ApprovalId = null);

public sealed record FsUploadEndResponse(bool Success, string Path, string Etag, long Bytes, bool Created);

/// <summary>Forgets an upload. What is not there (any more) is no error.</summary>
public sealed record FsUploadDiscardRequest(Guid ProjectId, Guid UploadId);

public sealed record FsUploadDiscardResponse(bool Discarded);

/// <summary>
/// Begins to download a file of any size. The machine keeps nothing of it, so a download goes on at any offset, after any restart.
/// </summary>
public sealed record FsDownloadBeginRequest(Guid ProjectId, string Path, Guid? ApprovalId = null);

/// <param name="Version">Changes whenever the file does.</param>
/// <param name="MediaType">By its bytes, as far as a browser may show it; else <c>application/octet-stream</c>.</param>
public sealed record FsDownloadBeginResponse(string Path, string Name, long Bytes, string Version, string MediaType, DateTimeOffset Mtime);

/// <param name="Version">From the beginning: <c>CONFLICT</c> when the file changed since.</param>
/// <param name="Limit">1 to <see cref="FileLimits.ChunkBytes"/>.</param>
public sealed record FsDownloadChunkRequest(
    Guid ProjectId, string Path, string Version, long Offset, int Limit = FileLimits.ChunkBytes, Guid? ApprovalId = null);

/// <param name="Data">Base64.</param>
/// <param name="NextOffset">Null: that was the end.</param>
public sealed record FsDownloadChunkResponse(long Offset, string Data, long? NextOffset);

/// <summary>What the whole file's digest is, to compare.</summary>
public sealed record FsDownloadEndRequest(Guid ProjectId, string Path, string Version, Guid? ApprovalId = null);

public sealed record FsDownloadEndResponse(string Sha256, long Bytes);
