using System.Text.Json;
using System.Text.Json.Serialization;
using PocketCoder.Broker.Secrets;
using PocketCoder.Channels;
using PocketCoder.Cli.Output;
using PocketCoder.Gateway;
using PocketCoder.Ledger;
using PocketCoder.Machine;
using PocketCoder.Machine.Backups;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;

namespace PocketCoder.Cli;

/// <summary>Codes of <c>--json</c> for failures that only this program has. All others are the wire's (<see cref="ErrorCode"/>).</summary>
internal static class OwnCodes
{
    /// <summary>What the command needs is not set up.</summary>
    public const string NotSetUp = "NOT_SET_UP";

    /// <summary>There is nothing of that name.</summary>
    public const string NotFound = "NOT_FOUND";

    /// <summary>What is there stands in the way: a daemon runs, a certificate exists, a link is used up.</summary>
    public const string Refused = "REFUSED";

    /// <summary>Ctrl-C, or a time limit of this program.</summary>
    public const string Interrupted = "INTERRUPTED";

    /// <summary>The home can't be used: another user's, open to others, or broken.</summary>
    public const string HomeRefused = "HOME_REFUSED";

    /// <summary>The backup is broken, older, or of another ledger; or there is nothing to back up.</summary>
    public const string BackupRefused = "BACKUP_REFUSED";

    /// <summary>The daemon would not or could not start.</summary>
    public const string StartFailed = "START_FAILED";

    /// <summary>A file or an address could not be read or written.</summary>
    public const string IoError = "IO_ERROR";

    /// <summary>All of them, as docs/cli.md lists them.</summary>
    public static IReadOnlyList<string> All { get; } =
        [NotSetUp, NotFound, Refused, Interrupted, HomeRefused, BackupRefused, StartFailed, IoError];
}

/// <summary>An expected failure, as it is told: the code for programs, the words for people, the exit code for scripts.</summary>
internal sealed record Failure(string Code, string Message, int ExitCode)
{
    private const int LinuxNoSpace = 28;

    /// <summary>
    /// The failures that a command is expected to have; null for bugs. A wrong use, found here or by the daemon, ends with 2.
    /// </summary>
    public static Failure? Of(Exception e) => e switch
    {
        DaemonNotRunning => new(Wire(ErrorCode.Unavailable), e.Message, Cli.ExitCode.NotRunning),
        ControlException control => Told(control.Code, control.Message),
        CommandFailure failure => new(failure.Code, Untrusted.ShowLines(failure.Message), failure.ExitCode),
        GatewayRefusal { Reason: RefusalReason.BadOption } => Told(ErrorCode.InvalidRequest, e.Message),
        GatewayRefusal => new(OwnCodes.StartFailed, Untrusted.ShowLines(e.Message), Cli.ExitCode.Failure),
        HomeRefusal => new(OwnCodes.HomeRefused, Untrusted.ShowLines(e.Message), Cli.ExitCode.Failure),
        BackupRefusal => new(OwnCodes.BackupRefused, Untrusted.ShowLines(e.Message), Cli.ExitCode.Failure),
        LedgerException { Error: LedgerError.Distrusted } => Told(ErrorCode.LedgerDistrusted, e.Message),
        LedgerException => Told(ErrorCode.Unavailable, e.Message),
        ChannelException or SecretException => new(OwnCodes.HomeRefused, Untrusted.ShowLines(e.Message), Cli.ExitCode.Failure),
        OperationCanceledException => new(OwnCodes.Interrupted, "Interrupted.", Cli.ExitCode.Failure),
        FileNotFoundException or DirectoryNotFoundException => Told(ErrorCode.FileNotFound, e.Message),
        UnauthorizedAccessException => Told(ErrorCode.PermissionDenied, e.Message),
        IOException { HResult: LinuxNoSpace } => Told(ErrorCode.StorageFull, e.Message),
        IOException or HttpRequestException => new(OwnCodes.IoError, Untrusted.ShowLines(e.Message), Cli.ExitCode.Failure),
        _ => null,
    };

    /// <summary>A code of the wire as programs see it: <c>INVALID_REQUEST</c>.</summary>
    public static string Wire(ErrorCode code) => JsonSerializer.Serialize(code, FailureJson.Default.ErrorCode).Trim('"');

    private static Failure Told(ErrorCode code, string message)
        => new(Wire(code), Untrusted.ShowLines(message), code == ErrorCode.InvalidRequest ? Cli.ExitCode.Usage : Cli.ExitCode.Failure);
}

[JsonSerializable(typeof(ErrorCode))]
internal sealed partial class FailureJson : JsonSerializerContext;
