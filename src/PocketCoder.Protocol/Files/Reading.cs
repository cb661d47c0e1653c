using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

// Paths in these messages are relative to the project, with slashes; empty is the project itself. They are safe to show and lead back to
// the same bytes: a backslash is written \\, a byte that is no UTF-8 \x{ff}, a character that would not be seen as it is (controls,
// newlines, direction marks) \u{202e}. docs/files.md says more.

[JsonConverter(typeof(LowerSnake<FsKind>))]
public enum FsKind
{
    File,
    Dir,
    Symlink,

    /// <summary>A pipe, a socket, a device: never opened.</summary>
    Other,
}

[JsonConverter(typeof(LowerSnake<FsEncoding>))]
public enum FsEncoding
{
    Utf8,
    Base64,
}

/// <summary>Something in a folder.</summary>
/// <param name="Size">Bytes of a file; of anything else what the file system says.</param>
/// <param name="Ignored">By the project's <c>.gitignore</c> files (and <c>.git/info/exclude</c>), or git's own folder.</param>
/// <param name="GitStatus">Two letters as <c>git status</c> has them; null: unchanged, or not known.</param>
/// <param name="Secret">By its name it holds keys or passwords: reading and changing it asks for a decision first.</param>
/// <param name="Target">What a link leads to, inside the project; null: it is no link, or leads nowhere or out.</param>
public sealed record FsEntry(
    string Name, string Path, FsKind Kind, long Size, DateTimeOffset Mtime, bool Ignored, string? GitStatus, bool Secret, FsKind? Target);

/// <summary>One level of a folder: directories first, then by the bytes of the names. Hidden files are shown.</summary>
/// <param name="Cursor">From the answer before; null: from the beginning.</param>
/// <param name="Limit">1 to <see cref="FileLimits.Entries"/>.</param>
public sealed record FsListRequest(Guid ProjectId, string Path = "", string? Cursor = null, int Limit = FileLimits.Entries);

/// <param name="Truncated">There is more: ask again with <paramref name="Cursor"/>.</param>
public sealed record FsListResponse(string Path, IReadOnlyList<FsEntry> Children, bool Truncated, string? Cursor);

/// <param name="Etag">Also tell the SHA-256 of a file's content.</param>
public sealed record FsStatRequest(Guid ProjectId, string Path, bool Etag = false, Guid? ApprovalId = null);

/// <param name="Mode">Permissions in octal, as <c>0644</c>.</param>
/// <param name="LinkTarget">Where a link points, as it is written in it.</param>
/// <param name="Links">Names that the file has; with more than one it can't be written through here.</param>
public sealed record FsStatResponse(FsEntry Entry, string Mode, int Links, string? LinkTarget, string? Etag);

/// <summary>Reads a file of at most <see cref="FileLimits.ReadBytes"/>, a part at a time: a message holds at most 8 MiB.</summary>
/// <param name="Encoding">Null: text when it is UTF-8 without zero bytes, else base64. <c>utf8</c> of anything else:
/// <c>BINARY_FILE</c>.</param>
/// <param name="Limit">1 to <see cref="Limits.RangeBytes"/> bytes.</param>
/// <param name="ExpectedEtag">Of the part before: <c>CONFLICT</c> when the file changed since.</param>
/// <param name="ApprovalId">Of the decision that allowed it, for a file that looks like a secret.</param>
public sealed record FsReadRequest(
    Guid ProjectId, string Path, FsEncoding? Encoding = null, long Offset = 0, int Limit = Limits.RangeBytes, string? ExpectedEtag = null,
    Guid? ApprovalId = null);

/// <param name="Offset">Where the part begins: of text it may be up to 3 bytes after what was asked for, at a whole character.</param>
/// <param name="NextOffset">Where the next part begins; null: that was the end.</param>
/// <param name="Bytes">Of the whole file.</param>
/// <param name="Etag">SHA-256 of the whole file, 64 lower-case hex digits.</param>
public sealed record FsReadResponse(
    string Path, string Content, FsEncoding Encoding, long Offset, long? NextOffset, long Bytes, string Etag, DateTimeOffset Mtime);
