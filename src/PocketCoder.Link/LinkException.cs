namespace PocketCoder.Link;

/// <summary>Why a link ended or did not begin.</summary>
public enum LinkError
{
    /// <summary>A message is not what it must be.</summary>
    Malformed,

    /// <summary>More was sent for a device than was allowed.</summary>
    WindowExceeded,

    /// <summary>The other side did not do its next step in time.</summary>
    TooSlow,

    /// <summary>The connection broke or was closed.</summary>
    Lost,

    /// <summary>The gateway refuses this machine; the message says why.</summary>
    Refused,
}

/// <summary>A link ended or did not begin. The message is for people and holds no secret.</summary>
public sealed class LinkException : IOException
{
    public LinkException()
    {
    }

    public LinkException(string message)
        : base(message)
    {
    }

    public LinkException(string message, Exception? inner)
        : base(message, inner)
    {
    }

    public LinkException(LinkError error, string message, Exception? inner = null)
        : base(message, inner) => Error = error;

    public LinkError Error { get; } = LinkError.Lost;

    /// <summary>What the gateway said, when it refused.</summary>
    public LinkRefusal? Refusal { get; init; }
}
