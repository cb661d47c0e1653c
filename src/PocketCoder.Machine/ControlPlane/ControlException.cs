using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>What the daemon refused, or can't be asked, as the CLI gets it: code and message.</summary>
public class ControlException(ErrorCode code, string message, Exception? inner = null) : Exception(message, inner)
{
    public ErrorCode Code { get; } = code;
}
