namespace PocketCoder.Feishu;

/// <summary>Why something with Feishu did not work.</summary>
public enum FeishuError
{
    /// <summary>No connection, or it broke; or the platform is in trouble itself (HTTP 5xx).</summary>
    Unreachable,

    /// <summary>No answer within the limit.</summary>
    TooSlow,

    /// <summary>Too many requests: the platform's limits, or ours below them.</summary>
    RateLimited,

    /// <summary>The app's id, secret or token is not accepted.</summary>
    Unauthorised,

    /// <summary>The platform understood and said no.</summary>
    Refused,

    /// <summary>Bytes that are not what the platform documents.</summary>
    Malformed,

    /// <summary>More than the limit; nothing of it was kept.</summary>
    TooLarge,

    /// <summary>What the caller gave can't be sent: an id, an address, a size.</summary>
    Invalid,
}

/// <summary>A failure with Feishu. Its text names no secret, no token, no address with a ticket and no content of a message.</summary>
public sealed class FeishuException(FeishuError error, string message, Exception? inner = null) : Exception(message, inner)
{
    public FeishuError Error { get; } = error;

    /// <summary>The platform's own code, or null when it gave none.</summary>
    public long? Code { get; init; }

    /// <summary>The platform's name for the request, to be told to its support.</summary>
    public string? LogId { get; init; }

    public int? HttpStatus { get; init; }

    /// <summary>Whether the same request may succeed later.</summary>
    public bool Retryable { get; init; }

    /// <summary>How long the platform asks to wait; null: it did not say.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
