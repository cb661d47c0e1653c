namespace PocketCoder.Acme;

/// <summary>Why there is no certificate.</summary>
public enum AcmeError
{
    /// <summary>The certificate authority did not answer, or not in time.</summary>
    Unreachable,

    /// <summary>It answered with something that RFC 8555 does not allow, or that is larger than the limits here.</summary>
    Malformed,

    /// <summary>It refused the request, for a reason that trying again does not change soon.</summary>
    Refused,

    /// <summary>It asks to wait; see <see cref="AcmeException.RetryAfter"/>.</summary>
    RateLimited,

    /// <summary>It could not see that the name leads here.</summary>
    NotValidated,

    /// <summary>The order was not done within its limit.</summary>
    TooSlow,

    /// <summary>What it issued is not a certificate for our key and our names.</summary>
    BadCertificate,

    /// <summary>The files of account and certificate can't be read or written.</summary>
    Files,
}

/// <summary>A certificate could not be obtained; the message says why, in words for the person who runs the gateway.</summary>
public sealed class AcmeException(AcmeError error, string message, Exception? inner = null) : Exception(message, inner)
{
    public AcmeError Error { get; } = error;

    /// <summary>The problem type of the authority without its prefix (<c>badNonce</c>, <c>dns</c>…); null when it named none.</summary>
    public string? Problem { get; init; }

    /// <summary>How long the authority asks to wait.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
