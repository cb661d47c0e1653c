namespace PocketCoder.Gateway;

/// <summary>Why the gateway would not start, or would not change what it keeps.</summary>
public enum RefusalReason
{
    /// <summary>A listen address other machines reach, without TLS and without a declared proxy.</summary>
    PublicWithoutTls,

    /// <summary>A configured name without TLS and without a declared proxy.</summary>
    NameWithoutTls,

    /// <summary>A name, origin or listen address is malformed.</summary>
    BadOption,

    /// <summary>Another program has the port.</summary>
    PortBusy,

    /// <summary>The address is not this machine's, or the port needs more rights.</summary>
    CannotListen,

    /// <summary>The certificate or its key can't be read, doesn't fit, or has expired.</summary>
    BadCertificate,

    /// <summary>No certificate could be obtained from the certificate authority.</summary>
    NoCertificate,

    /// <summary>A file of the gateway's own can't be read or written, or is damaged.</summary>
    Files,

    /// <summary>There are as many as there may be.</summary>
    TooMany,
}

/// <summary>The gateway refuses; the message says why and what to do, for the person who typed the command.</summary>
public sealed class GatewayRefusal(RefusalReason reason, string message, Exception? inner = null) : Exception(message, inner)
{
    public RefusalReason Reason { get; } = reason;
}
