using PocketCoder.Agents;
using PocketCoder.Hands;
using PocketCoder.Ledger;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Routing;

/// <summary>Expected failures of the layers below, as errors on the wire; anything else is a bug and says nothing of itself.</summary>
internal static class Failures
{
    /// <summary>Whether it is one that <see cref="ToWire"/> has a code for.</summary>
    public static bool IsExpected(Exception error) => error is SandboxException or AgentException
        or LedgerException { Error: LedgerError.DiskFull or LedgerError.Closed or LedgerError.ReadOnly or LedgerError.Io or LedgerError.Busy };

    public static WireError ToWire(Exception error) => error switch
    {
        LedgerException { Error: LedgerError.DiskFull } => new(ErrorCode.Unavailable, "The machine's disk is full, so nothing can be recorded and nothing was accepted. Free some space."),
        LedgerException { Error: LedgerError.Closed } => new(ErrorCode.Unavailable, "The machine is stopping. Try again when it is back."),
        LedgerException { Error: LedgerError.ReadOnly or LedgerError.Io or LedgerError.Busy } ledger => new(ErrorCode.Unavailable, $"The machine can't write its ledger, so nothing was accepted: {ledger.Message}"),
        SandboxException sandbox => new(ErrorCode.SandboxUnavailable, sandbox.Message),
        AgentException { Error: AgentError.NotInstalled } agent => new(ErrorCode.AgentNotInstalled, agent.Message),
        AgentException { Error: AgentError.OpenElsewhere } agent => new(ErrorCode.SessionOpenElsewhere, agent.Message),
        AgentException agent => new(ErrorCode.AgentError, agent.Message),
        _ => new(ErrorCode.UnknownError, "Something went wrong on the machine. Its log (pocketcoder logs) tells more."),
    };
}
