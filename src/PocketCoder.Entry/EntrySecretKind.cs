namespace PocketCoder.Entry;

/// <summary>What a platform's app has that nobody else may know.</summary>
public enum EntrySecretKind
{
    /// <summary>The app's own, with which it asks the platform.</summary>
    App,

    /// <summary>With which the platform signs and encrypts what it sends to a webhook.</summary>
    Webhook,

    /// <summary>With which somebody on this computer asks.</summary>
    Token,
}
