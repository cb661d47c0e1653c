namespace PocketCoder.Protocol;

/// <summary>
/// Writes a whole file of at most <see cref="FileLimits.WriteBytes"/>, at once or not at all; mode and owner stay. The same content again
/// is no change and no conflict. A link is followed and stays; a file with more than one name (hard links) is refused.
/// </summary>
/// <param name="ExpectedEtag">The content that is replaced; anything else there: <c>CONFLICT</c> with <c>details.etag</c> (absent: there is
/// no file).</param>
/// <param name="IfNoneMatch">Only when nothing is there: else <c>FILE_EXISTS</c> with <c>details.etag</c>.</param>
/// <param name="Mkdirs">Make the directories on the way.</param>
public sealed record FsWriteRequest(
    Guid ProjectId,
    string Path,
    string Content,
    FsEncoding Encoding = FsEncoding.Utf8,
    string? ExpectedEtag = null,
    bool IfNoneMatch = false,
    bool Mkdirs = false,
    Guid? ApprovalId = null);

/// <param name="Success">Always true.</param>
public sealed record FsWriteResponse(bool Success, string Path, string Etag, long Bytes, bool Created);

/// <summary>Makes a directory. One that is there is no error.</summary>
/// <param name="Parents">Make those on the way too.</param>
public sealed record FsMkdirRequest(Guid ProjectId, string Path, bool Parents = false, Guid? ApprovalId = null);

public sealed record FsMkdirResponse(bool Success, string Path, bool Created);

/// <summary>Renames or moves a file, link or directory within its file system. Never over something else: <c>FILE_EXISTS</c>.</summary>
public sealed record FsMoveRequest(Guid ProjectId, string From, string To, Guid? ApprovalId = null);

public sealed record FsMoveResponse(bool Success, string Path);

/// <summary>Puts something into the project's trash, from where it can be restored.</summary>
/// <param name="ExpectedEtag">Of a file: <c>CONFLICT</c> when it is another one by now.</param>
public sealed record FsDeleteRequest(Guid ProjectId, string Path, string? ExpectedEtag = null, Guid? ApprovalId = null);

public sealed record FsDeleteResponse(bool Success, FsTrashItem Item);

/// <summary>Something that was deleted.</summary>
/// <param name="Path">Where it was.</param>
/// <param name="Bytes">Of all files in it.</param>
/// <param name="Entries">Files, links and directories in it, itself too.</param>
/// <param name="By">Name of the device.</param>
public sealed record FsTrashItem(Guid TrashId, string Path, FsKind Kind, long Bytes, int Entries, DateTimeOffset DeletedAt, string By);

/// <summary>What the trash holds, the newest first.</summary>
/// <param name="Before">From the answer before; null: from the newest.</param>
/// <param name="Limit">1 to 200.</param>
public sealed record FsTrashListRequest(Guid ProjectId, Guid? Before = null, int Limit = 100);

/// <param name="Truncated">There is more: ask again before the last one.</param>
public sealed record FsTrashListResponse(IReadOnlyList<FsTrashItem> Items, bool Truncated);

/// <summary>Brings something back from the trash; directories on the way are made. <c>FILE_EXISTS</c> when something is there.</summary>
/// <param name="To">Null: where it was.</param>
public sealed record FsRestoreRequest(Guid ProjectId, Guid TrashId, string? To = null, Guid? ApprovalId = null);

public sealed record FsRestoreResponse(bool Success, string Path);
