using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

/// <summary>Asks how the machine is doing now.</summary>
public sealed record MachineStatusRequest;

/// <summary>How the machine is doing. Sizes are bytes; what the system does not tell is null.</summary>
/// <param name="Machine">With its warnings: what is wrong, and what to do about it.</param>
/// <param name="StartedAt">Of the daemon.</param>
/// <param name="Now">By the machine's clock.</param>
/// <param name="Listen">Addresses at which devices reach it.</param>
/// <param name="SessionsWorking">Sessions in which an agent works or waits for a person.</param>
/// <param name="DevicesConnected">Devices, not connections.</param>
/// <param name="DaemonBytes">Memory of the daemon itself, without agents and sandboxes.</param>
/// <param name="Load">The system's load average of one minute.</param>
/// <param name="DiskFree">Where the daemon keeps its files, for its user.</param>
public sealed record MachineStatusResponse(
    MachineInfo Machine,
    int Pid,
    DateTimeOffset StartedAt,
    DateTimeOffset Now,
    IReadOnlyList<string> Listen,
    int SessionsWorking,
    int DevicesConnected,
    int DevicesPaired,
    long DaemonBytes,
    long? MemoryTotal,
    long? MemoryAvailable,
    int Processors,
    decimal? Load,
    long? DiskTotal,
    long? DiskFree);

/// <summary>How much a log line matters; a daemon writes those from its <c>LOG_LEVEL</c> up.</summary>
[JsonConverter(typeof(LowerSnake<MachineLogLevel>))]
public enum MachineLogLevel
{
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

/// <summary>Sizes and counts of <see cref="MachineLogsRequest"/>.</summary>
public static class MachineLogLimits
{
    /// <summary>Lines in one answer.</summary>
    public const int Lines = 1_000;

    /// <summary>Characters of a message or an error; what is longer is cut and ends in <c>…</c>.</summary>
    public const int TextLength = 4_000;

    /// <summary>Characters of all messages and errors in one answer.</summary>
    public const int AnswerLength = 1024 * 1024;

    /// <summary>Bytes of log files that are looked through for one answer, from the end.</summary>
    public const int ScannedBytes = 8 * 1024 * 1024;
}

/// <summary>Asks for the last lines of the daemon's log.</summary>
/// <param name="Lines">1 to <see cref="MachineLogLimits.Lines"/>.</param>
/// <param name="Level">Only lines of this level and above.</param>
public sealed record MachineLogsRequest(int Lines = 200, MachineLogLevel Level = MachineLogLevel.Trace);

/// <summary>A line of the log, without the secrets that this machine knows. Untrusted text.</summary>
/// <param name="Category">The part of the daemon that wrote it.</param>
/// <param name="Event">Its kind of line, by number.</param>
/// <param name="Error">What went wrong, with where.</param>
public sealed record MachineLogLine(DateTimeOffset At, MachineLogLevel Level, string Category, int Event, string Message, string? Error);

/// <param name="Lines">The oldest first.</param>
/// <param name="More">There may be older ones.</param>
public sealed record MachineLogsResponse(IReadOnlyList<MachineLogLine> Lines, bool More);
