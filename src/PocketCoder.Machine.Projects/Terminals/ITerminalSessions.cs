using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Terminals;

/// <summary>The sessions that terminals belong to. Thread-safe.</summary>
public interface ITerminalSessions
{
    /// <summary>Null: it is not on this machine, or not any more.</summary>
    SessionInfo? Find(Guid session);

    /// <exception cref="RequestFailure">SESSION_NOT_FOUND</exception>
    SessionInfo Get(Guid session);
}
