using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

/// <summary>Sizes and counts of one-shot commands that both sides hold to.</summary>
public static class CommandLimits
{
    public const int DefaultSeconds = 120;

    public const int MaxSeconds = 3600;

    /// <summary>Commands that run at once in one project.</summary>
    public const int Parallel = 4;

    /// <summary>Longest command in UTF-8 bytes: the kernel takes no argument beyond 128 KiB.</summary>
    public const int CommandBytes = 120 * 1024;

    /// <summary>Longest standard input in UTF-8 bytes.</summary>
    public const int StdinBytes = 256 * 1024;

    public const int Variables = 64;

    /// <summary>Names and values of all variables together, in UTF-8 bytes.</summary>
    public const int EnvironmentBytes = 16 * 1024;

    public const int PathBytes = 4096;

    /// <summary>
    /// Bytes of output that are pushed as they come; what follows is on disk (<c>command_read</c>) until the end of the command.
    /// </summary>
    public const int HeadBytes = 200 * 1024;

    /// <summary>Bytes of the end that are pushed once the command is over.</summary>
    public const int TailBytes = 100 * 1024;

    /// <summary>Most bytes of one pushed piece.</summary>
    public const int PieceBytes = 16 * 1024;

    /// <summary>Devices that follow one run.</summary>
    public const int Followers = 16;

    /// <summary>Runs in one answer of <c>command_runs_list</c>.</summary>
    public const int ListLimit = 200;

    public const int Favourites = 50;

    /// <summary>Rules of a project.</summary>
    public const int Rules = 100;

    public const int PatternCharacters = 500;

    /// <summary>Of a command in what every device is told.</summary>
    public const int ShownCharacters = 200;
}

/// <summary>What became of a one-shot command.</summary>
[JsonConverter(typeof(LowerSnake<CommandRunState>))]
public enum CommandRunState
{
    Running,

    /// <summary>By itself, with an exit code or by a signal of its own.</summary>
    Exited,

    /// <summary>Somebody cancelled it.</summary>
    Cancelled,

    /// <summary>It reached its time limit.</summary>
    TimedOut,

    /// <summary>It could not be started, or its sandbox was lost; <c>error</c> says why.</summary>
    Failed,

    /// <summary>The daemon stopped or died while it ran. How far it got is not known.</summary>
    Interrupted,
}

/// <summary>A one-shot command that a person ran in a project.</summary>
/// <param name="RunId">Made by whoever asked for it.</param>
/// <param name="Command">The exact text.</param>
/// <param name="Cwd">Relative to the project; null: the project.</param>
/// <param name="By">The device's name, or <c>the owner</c>.</param>
/// <param name="ExitCode">Null while it runs, and when a signal or nothing known ended it.</param>
/// <param name="Signal">Such as <c>SIGTERM</c>.</param>
/// <param name="Truncated">More was written than is pushed (<see cref="CommandLimits.HeadBytes"/> and
/// <see cref="CommandLimits.TailBytes"/>); all of it is read with <c>command_read</c>.</param>
/// <param name="Bytes">Of both outputs.</param>
/// <param name="Sha256">Of both outputs in the order they came (hex); null while it runs, and when it is not known.</param>
/// <param name="Preview">Up to 4 KB of it, head and tail, without the secrets this machine knows. Untrusted.</param>
public sealed record CommandRunInfo(
    Guid RunId,
    Guid ProjectId,
    string Command,
    string? Cwd,
    string By,
    SandboxKind Sandbox,
    CommandRunState State,
    DateTimeOffset StartedAt,
    DateTimeOffset? EndedAt,
    int? ExitCode,
    string? Signal,
    bool Truncated,
    long Bytes,
    string? Sha256,
    string Preview,
    int TimeoutSeconds,
    string? Error);

/// <summary>
/// Runs a command line once, in a sandbox of the project's usual kind, without a terminal. <c>command_output</c> and <c>command_exit</c>
/// follow on this connection (stream <c>run/&lt;runId&gt;</c>), possibly before the answer. The same request with the same
/// <paramref name="RunId"/> starts nothing twice; another one with it is <c>CONFLICT</c>. Errors: <c>APPROVAL_REQUIRED</c> (the project's
/// rules ask; the machine runs it when it is allowed), <c>UNAUTHORIZED</c> (they deny), <c>DAEMON_BUSY</c>
/// (<see cref="CommandLimits.Parallel"/> run), <c>PROJECT_NOT_FOUND</c>, <c>OUTSIDE_PROJECT_ROOT</c>, <c>FILE_NOT_FOUND</c> (cwd),
/// <c>SANDBOX_UNAVAILABLE</c>, <c>CONFLICT</c>, <c>INVALID_REQUEST</c>.
/// </summary>
/// <param name="Command">For <c>bash -c</c>, at most <see cref="CommandLimits.CommandBytes"/>.</param>
/// <param name="Cwd">A folder of the project, relative or absolute; null: the project.</param>
/// <param name="Environment">At most <see cref="CommandLimits.Variables"/> variables.</param>
/// <param name="Stdin">What it reads; null: nothing.</param>
/// <param name="TimeoutSeconds">1 to <see cref="CommandLimits.MaxSeconds"/>. Then: an <c>error</c> with <c>COMMAND_TIMEOUT</c>, SIGTERM, 3
/// s, SIGKILL, <c>command_exit</c>.</param>
/// <param name="StdinBase64">What it reads when that is no UTF-8, in canonical base64; instead of <paramref name="Stdin"/>.</param>
public sealed record CommandExecRequest(
    Guid RunId,
    Guid ProjectId,
    string Command,
    string? Cwd = null,
    IReadOnlyDictionary<string, string>? Environment = null,
    string? Stdin = null,
    int TimeoutSeconds = CommandLimits.DefaultSeconds,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? StdinBase64 = null);

/// <param name="Started">False: it was started before by the same request.</param>
public sealed record CommandExecResponse(CommandRunInfo Run, bool Started);

/// <summary>
/// Asks a command to end: SIGTERM, 3 s, SIGKILL, with all it started. <c>command_exit</c> follows. Does nothing to one that is over. Error:
/// <c>RUN_NOT_FOUND</c>.
/// </summary>
/// <param name="TargetRequestId">The run.</param>
/// <param name="RequestId">The same, as older clients write it.</param>
public sealed record CommandCancelRequest(Guid? TargetRequestId = null, Guid? RequestId = null);

public sealed record CommandCancelResponse(CommandRunInfo Run);

/// <summary>
/// Reads what a command wrote, also after a reconnect and after its end (for seven days), and follows it from there. Errors:
/// <c>RUN_NOT_FOUND</c>, <c>DAEMON_BUSY</c> (followers).
/// </summary>
/// <param name="Offset">In bytes of both outputs in the order they came: <c>next</c> of what was read before.</param>
/// <param name="Limit">1 to <see cref="Limits.RangeBytes"/>.</param>
/// <param name="Follow">Push what comes after this answer, and the end.</param>
public sealed record CommandReadRequest(Guid RunId, long Offset = 0, int Limit = 256 * 1024, bool Follow = false);

/// <param name="Next">Where to go on. The same as the offset: nothing more now.</param>
/// <param name="Kept">Bytes that can be read; fewer than <c>run.bytes</c> when there was no room, or not any more.</param>
public sealed record CommandReadResponse(CommandRunInfo Run, IReadOnlyList<CommandChunk> Chunks, long Next, long Kept);

/// <summary>A piece of one of the two outputs. Untrusted text; invalid UTF-8 is U+FFFD.</summary>
/// <param name="Error">Standard error.</param>
/// <param name="Base64">Its bytes when they are no UTF-8, so that <paramref name="Text"/> is not all of it; null: the text is
/// exact.</param>
public sealed record CommandChunk(
    long Offset, bool Error, string Text, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Base64 = null);

/// <summary>Runs of a project or of all, the newest first.</summary>
/// <param name="Before">Only older ones than this run.</param>
/// <param name="Limit">1 to <see cref="CommandLimits.ListLimit"/>.</param>
public sealed record CommandRunsListRequest(Guid? ProjectId = null, Guid? Before = null, int Limit = 50);

public sealed record CommandRunsListResponse(IReadOnlyList<CommandRunInfo> Runs, bool More);

/// <summary>A command that a project's people run often.</summary>
/// <param name="Name">1 to <see cref="Limits.NameLength"/> characters.</param>
public sealed record CommandFavourite(string Name, string Command, string? Cwd = null, int TimeoutSeconds = CommandLimits.DefaultSeconds);

public sealed record CommandFavouritesGetRequest(Guid ProjectId);

public sealed record CommandFavouritesGetResponse(IReadOnlyList<CommandFavourite> Favourites);

/// <summary>
/// Sets all of them, in this order: at most <see cref="CommandLimits.Favourites"/>. Needs what running them needs, since another person may
/// tap them.
/// </summary>
public sealed record CommandFavouritesSetRequest(Guid ProjectId, IReadOnlyList<CommandFavourite> Favourites);

public sealed record CommandFavouritesSetResponse(IReadOnlyList<CommandFavourite> Favourites);

/// <summary>
/// What a command writes (<c>command_output</c>, stream <c>run/&lt;runId&gt;</c>). One of the two chunks is set. Untrusted text.
/// </summary>
/// <param name="Offset">Where it begins, in bytes of both outputs.</param>
/// <param name="Next">For <c>command_read</c> after a reconnect.</param>
/// <param name="Skipped">Bytes left out before it: between the head and the tail.</param>
public sealed record CommandOutputPayload(Guid RunId, long Offset, long Next, string? StdoutChunk, string? StderrChunk, long Skipped = 0);

/// <summary>A command is over (<c>command_exit</c>, stream <c>run/&lt;runId&gt;</c>); nothing follows.</summary>
/// <param name="ExitCode">Null with a signal, and when it is not known.</param>
/// <param name="Signal">Such as <c>SIGTERM</c>.</param>
public sealed record CommandExitPayload(
    Guid RunId, int? ExitCode, string? Signal, bool TimedOut, bool Cancelled, bool Truncated, CommandRunInfo Run);
