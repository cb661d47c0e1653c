namespace PocketCoder.Channels;

/// <summary>
/// The one exception of this library for expected failures. Its message never contains key material, secrets or plaintext,
/// so it may be logged.
/// </summary>
public sealed class ChannelException : Exception
{
    /// <summary>Makes an exception for <paramref name="error"/>.</summary>
    public ChannelException(ChannelError error, string message, Exception? inner = null)
        : base($"{error.Code()}: {message}", inner)
        => Error = error;

    internal ChannelException(CloseReason reason)
        : this(ChannelError.ClosedByPeer, $"the other end closed the channel and gave the reason '{reason.Code}'")
        => PeerReason = reason;

    /// <summary>What went wrong.</summary>
    public ChannelError Error { get; }

    /// <summary>
    /// With <see cref="ChannelError.ClosedByPeer"/>: what the close frame said. Not authenticated, so show it and act on nothing else.
    /// </summary>
    public CloseReason? PeerReason { get; }
}
