namespace PocketCoder.Accounts;

/// <summary>Why something was refused, for programs.</summary>
public enum AccountError
{
    /// <summary>The request is not one.</summary>
    Malformed,

    /// <summary>The name or the password is wrong: which of them is not told.</summary>
    WrongNameOrPassword,

    /// <summary>The token is unknown, was used, or has ended.</summary>
    NotSignedIn,

    /// <summary>No proof of the key that belongs to the token, or not for this request.</summary>
    BadProof,

    /// <summary>The proof was made for a time that is over. The answer brings what to make the next one with.</summary>
    StaleProof,

    /// <summary>The one-time link is unknown, was used, or has ended.</summary>
    BadLink,

    /// <summary>The person's role does not allow it.</summary>
    Forbidden,

    /// <summary>There is no such thing, or it is none of theirs.</summary>
    NotFound,

    /// <summary>Somebody has this name.</summary>
    NameTaken,

    /// <summary>The password can be guessed too easily.</summary>
    WeakPassword,

    /// <summary>The passkey's answer is no good, not for what was asked, or not of a passkey that is known here.</summary>
    BadPasskey,

    /// <summary>The passkey's counter went back, so there may be a second one. The inner exception says whose it is.</summary>
    CopiedPasskey,

    /// <summary>What came back from the service is no good, not for what was asked, or of nobody who is known here.</summary>
    BadService,

    /// <summary>Somebody signs in here with this account of the service already.</summary>
    ServiceTaken,

    /// <summary>The service did not answer. The inner exception says why.</summary>
    ServiceUnreachable,

    /// <summary>Without it the person could not sign in any more.</summary>
    LastWayIn,

    /// <summary>There are as many as there may be.</summary>
    TooMany,

    /// <summary>Too many tries in a short time.</summary>
    TooFast,

    /// <summary>The gateway can't use its file.</summary>
    Unavailable,
}

/// <summary>Refused, with nothing changed. The message is for the person who asked and names no file.</summary>
/// <param name="wait">When to try again; null: trying again does not help.</param>
public sealed class AccountRefusal(AccountError error, string message, TimeSpan? wait = null, Exception? inner = null)
    : Exception(message, inner)
{
    public AccountError Error { get; } = error;

    public TimeSpan? Wait { get; } = wait;
}
