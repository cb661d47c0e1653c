namespace PocketCoder.Protocol;

/// <summary>Bounds of what goes with prompts.</summary>
public static class AttachmentLimits
{
    /// <summary>Bytes of one file.</summary>
    public const int FileBytes = 10 * 1024 * 1024;

    /// <summary>Files of one prompt.</summary>
    public const int PerPrompt = 10;

    /// <summary>Bytes of one piece of a file on its way, before base64.</summary>
    public const int ChunkBytes = 256 * 1024;

    /// <summary>Bytes that a device may have uploaded, or begun to, that went with no prompt yet.</summary>
    public const int StagedBytes = 100 * 1024 * 1024;

    /// <summary>Files that a device may have uploaded, or begun to, that went with no prompt yet.</summary>
    public const int StagedFiles = 200;

    /// <summary>Bytes of one picture for an agent that is shown pictures: providers take 5 MB of it as base64.</summary>
    public const int ImageBytes = 3_750_000;

    /// <summary>Bytes of all pictures of one prompt for such an agent: providers take some 30 MB a request.</summary>
    public const int PromptImageBytes = 15_000_000;

    /// <summary>Characters of a file's name.</summary>
    public const int NameLength = 200;
}

/// <summary>A file that goes with a prompt, whole on the machine.</summary>
/// <param name="Name">The person's name for it: one component, no control characters. Untrusted.</param>
/// <param name="MediaType">By its bytes: <c>image/png</c>, <c>image/jpeg</c>, <c>image/gif</c>, <c>image/webp</c>, <c>application/pdf</c>,
/// <c>text/plain</c> or <c>application/octet-stream</c>. An SVG is text.</param>
public sealed record AttachmentInfo(Guid AttachmentId, string Name, string MediaType, long Bytes);

/// <summary>
/// Begins to upload a file, or asks how far it came: the same request again changes nothing. Thrown away when it went with no prompt for 24
/// hours.
/// </summary>
/// <param name="AttachmentId">Client-made UUIDv7.</param>
/// <param name="Bytes">0 to <see cref="AttachmentLimits.FileBytes"/>.</param>
/// <param name="Sha256">Of the whole file, 64 lower-case hex digits.</param>
public sealed record AttachmentBeginRequest(Guid AttachmentId, string Name, long Bytes, string Sha256);

/// <param name="Offset">Bytes that the machine has: the next piece begins here.</param>
/// <param name="Attachment">When it is whole.</param>
public sealed record AttachmentBeginResponse(Guid AttachmentId, long Offset, AttachmentInfo? Attachment);

/// <summary>
/// One piece. At or before what the machine has: a piece that came before may come again. Beyond it: <c>CONFLICT</c> with
/// <c>details.offset</c>.
/// </summary>
/// <param name="Data">Base64 of 1 to <see cref="AttachmentLimits.ChunkBytes"/> bytes.</param>
public sealed record AttachmentChunkRequest(Guid AttachmentId, long Offset, string Data);

/// <param name="Offset">Bytes that the machine has.</param>
public sealed record AttachmentChunkResponse(Guid AttachmentId, long Offset);

/// <summary>
/// All pieces are there. When they are not what was announced, the machine forgets them: <c>CONFLICT</c> with <c>details.offset</c> 0.
/// </summary>
public sealed record AttachmentEndRequest(Guid AttachmentId);

public sealed record AttachmentEndResponse(AttachmentInfo Attachment);

/// <summary>Takes back what was uploaded and went with no prompt. What is not there (any more) is no error.</summary>
public sealed record AttachmentDiscardRequest(Guid AttachmentId);

public sealed record AttachmentDiscardResponse(bool Discarded);

/// <summary>Reads a file that went with a prompt, or one's own before it does.</summary>
/// <param name="Limit">1 to <see cref="Limits.RangeBytes"/>.</param>
public sealed record AttachmentReadRequest(Guid AttachmentId, long Offset = 0, int Limit = 256 * 1024);

/// <param name="Data">Base64.</param>
/// <param name="Bytes">Of the whole file.</param>
public sealed record AttachmentReadResponse(Guid AttachmentId, long Offset, string Data, long Bytes);
