using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

/// <summary>The closed set of error codes on the wire. Written in UPPER_SNAKE_CASE.</summary>
[JsonConverter(typeof(UpperSnake<ErrorCode>))]
public enum ErrorCode
{
    /// <summary>A bug or an unforeseen failure on the machine; the log has the request id.</summary>
    UnknownError,

    /// <summary>The message is malformed, of an unknown type, or a field is missing or out of bounds.</summary>
    InvalidRequest,

    /// <summary>This device may not do that (its scopes don't include it), or it is revoked.</summary>
    Unauthorized,
    ProjectNotFound,
    FileNotFound,
    FileTooLarge,
    OutsideProjectRoot,
    GitNotInitialized,
    CommandTimeout,

    /// <summary>A bounded queue is full (50 prompts a session); nothing was accepted.</summary>
    DaemonBusy,
    SessionNotFound,

    /// <summary>The turn is not in the queue any more, or never was.</summary>
    TurnNotFound,
    ApprovalNotFound,

    /// <summary>Somebody else decided first, or it expired; <c>details</c> carries the state.</summary>
    AlreadyDecided,

    /// <summary>The decision names another digest than the one that is waiting.</summary>
    DigestMismatch,

    /// <summary>The signature does not verify with the key this device gave when it paired.</summary>
    BadSignature,
    DeviceNotFound,
    AgentNotInstalled,
    AgentError,

    /// <summary>No terminal of that name is open in the session.</summary>
    TerminalNotFound,

    /// <summary>The session has no sandbox, or it can't be made or was lost; the message says what to do.</summary>
    SandboxUnavailable,

    /// <summary>The same conversation is open in another process.</summary>
    SessionOpenElsewhere,

    /// <summary>State changed meanwhile; read again.</summary>
    Conflict,
    RateLimited,

    /// <summary>There is no snapshot of that (any more), or none can be taken; the message says why.</summary>
    SnapshotNotFound,

    /// <summary>
    /// Files changed since by somebody else, or it can't be told; <c>details.paths</c> names some. Undoing needs <c>force</c>.
    /// </summary>
    FilesChanged,

    /// <summary>
    /// A person must allow exactly this first: <c>details.approvalId</c>. Reading: send it again with that id once it is allowed. What
    /// changes something is done by the machine when it is allowed.
    /// </summary>
    ApprovalRequired,

    /// <summary>The operating system does not let the daemon's user do that.</summary>
    PermissionDenied,

    /// <summary>A part of the path is a file where a folder must be.</summary>
    NotADirectory,
    IsADirectory,

    /// <summary>Something of that name is there already.</summary>
    FileExists,

    /// <summary>The file is no text.</summary>
    BinaryFile,

    /// <summary>No room on the disk, or it can only be read.</summary>
    StorageFull,

    /// <summary>git refused; the message has its words.</summary>
    GitError,

    /// <summary>The same lines were changed on both sides.</summary>
    GitConflict,

    /// <summary>The other repository wants a credential that this machine does not have.</summary>
    GitAuthRequired,

    /// <summary>No command run of that id (any more).</summary>
    RunNotFound,

    /// <summary>The peer speaks a protocol version this side does not.</summary>
    VersionUnsupported,

    /// <summary>
    /// The ledger is not the one this machine signed: nothing is decided or started until the owner accepted that at the machine.
    /// </summary>
    LedgerDistrusted,

    /// <summary>The machine is shutting down or cannot write its ledger; nothing was accepted.</summary>
    Unavailable,
}

/// <summary>An error on the wire.</summary>
/// <param name="Message">For people: what went wrong and what to do next. Carries no secret.</param>
/// <param name="Details">Machine-readable extras by code, strings only.</param>
public sealed record WireError(ErrorCode Code, string Message, IReadOnlyDictionary<string, string>? Details = null);
