namespace PocketCoder.Protocol;

/// <summary>
/// Reads what a command of the machine's wrote: both outputs in the order in which they came, as bytes. Kept while it runs and at most
/// seven days after, and less when the machine needs the room; <c>FILE_NOT_FOUND</c> when nothing is kept (any more).
/// </summary>
/// <param name="Offset">Where to begin, in bytes.</param>
/// <param name="Limit">1 to <see cref="Limits.RangeBytes"/>.</param>
public sealed record ExecutionOutputRequest(Guid ApprovalId, long Offset = 0, int Limit = 256 * 1024);

/// <param name="Data">The bytes from <paramref name="Offset"/> on, base64. Untrusted; a character may be cut at either end.</param>
/// <param name="Kept">Bytes that can be read.</param>
/// <param name="Total">Bytes that were written; more than <paramref name="Kept"/> when there was no room for all.</param>
/// <param name="Running">More may come.</param>
public sealed record ExecutionOutputResponse(Guid ApprovalId, long Offset, string Data, long Kept, long Total, bool Running);

/// <summary>Reads a file that an agent sent (<see cref="SentFileEvent"/>), as it was then.</summary>
/// <param name="Limit">1 to <see cref="Limits.RangeBytes"/>.</param>
public sealed record SentFileRequest(Guid AgentSessionId, Guid FileId, long Offset = 0, int Limit = 256 * 1024);

/// <param name="Data">Base64.</param>
public sealed record SentFileResponse(Guid FileId, long Offset, string Data, long Bytes);
