using PocketCoder.Agents;
using PocketCoder.Broker.Secrets;
using PocketCoder.Git;
using PocketCoder.Sandboxes;
using PocketCoder.Ledger;
using PocketCoder.Machine.Git;
using PocketCoder.Machine.Paths;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;
using PocketCoder.Workspace;

namespace PocketCoder.Machine.Connections;

/// <summary>
/// Every typed failure as an error on the wire, for devices, the control socket and the control port; anything else is a bug and says
/// nothing of itself.
/// </summary>
internal static class Failures
{
    /// <summary>Whether it is one that <see cref="ToWire"/> has a code for.</summary>
    public static bool IsExpected(Exception error) => IsRefusal(error)
        || error is GitException or SecretException or LinkCircleException or SandboxException or AgentException
        or LedgerException
        {
            Error: LedgerError.DiskFull or LedgerError.Closed or LedgerError.ReadOnly or LedgerError.Io or LedgerError.Busy
            or LedgerError.Distrusted
        };

    /// <summary>Whether it refuses the request itself, which is nothing for the log.</summary>
    public static bool IsRefusal(Exception error) => error is RequestFailure or WorkspaceException;

    public static WireError ToWire(Exception error) => error switch
    {
        RequestFailure refused => refused.Error,
        WorkspaceException refused => refused.Error,
        GitException git => GitErrors.ToRequest(git).Error,
        SecretException { Error: SecretError.NameInvalid or SecretError.ValueInvalid } secret =>
            new(ErrorCode.InvalidRequest, Sentence(secret.Message)),
        SecretException secret => new(ErrorCode.Unavailable, Sentence(secret.Message)),
        LinkCircleException circle => new(ErrorCode.InvalidRequest, circle.Message),
        LedgerException { Error: LedgerError.DiskFull } =>
            new(ErrorCode.Unavailable, "The machine's disk is full, so nothing can be recorded and nothing was accepted. Free some space."),
        LedgerException { Error: LedgerError.Distrusted } distrusted => new(ErrorCode.LedgerDistrusted, distrusted.Message),
        LedgerException { Error: LedgerError.Closed } => new(ErrorCode.Unavailable, "The machine is stopping. Try again when it is back."),
        LedgerException { Error: LedgerError.ReadOnly or LedgerError.Io or LedgerError.Busy } ledger =>
            new(ErrorCode.Unavailable, $"The machine can't write its ledger, so nothing was accepted: {ledger.Message}"),
        SandboxException sandbox => new(ErrorCode.SandboxUnavailable, sandbox.Message),
        AgentException { Error: AgentError.NotInstalled } agent => new(ErrorCode.AgentNotInstalled, agent.Message),
        AgentException { Error: AgentError.OpenElsewhere } agent => new(ErrorCode.SessionOpenElsewhere, agent.Message),
        AgentException agent => new(ErrorCode.AgentError, agent.Message),
        _ => new(ErrorCode.UnknownError, "Something went wrong on the machine. Its log (pocketcoder logs) tells more."),
    };

    private static string Sentence(string message) => $"{char.ToUpperInvariant(message[0])}{message[1..]}.";
}
