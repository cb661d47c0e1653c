namespace PocketCoder.Broker.Secrets;

/// <summary>What can go wrong with secrets.</summary>
public enum SecretError
{
    NameInvalid,
    ValueInvalid,

    /// <summary>There are secrets and no key for them.</summary>
    KeyMissing,

    /// <summary>The key file is not a key.</summary>
    KeyMalformed,

    /// <summary>A key of another store.</summary>
    KeyWrong,

    /// <summary>Others can read the key file.</summary>
    KeyExposed,

    /// <summary>The file, or a secret in it, was changed.</summary>
    Damaged,

    /// <summary>Another process has the store open.</summary>
    InUse,

    /// <summary>A file can't be read or written.</summary>
    Unavailable,
}

/// <summary>An expected failure with secrets. The message holds no value and no key, so it may be logged.</summary>
public sealed class SecretException(SecretError error, string message, Exception? inner = null) : Exception(message, inner)
{
    public SecretError Error { get; } = error;
}
