using PocketCoder.Broker.Secrets;

namespace PocketCoder.Machine.Secrets;

/// <summary>
/// The secrets that this process knows, to be taken out of text. It is made before whatever keeps or shows text, and given to its
/// constructor: no secret can be read from <see cref="SecretService"/> before it is known here, so no text goes out without its secrets
/// being taken out. Thread-safe.
/// </summary>
public sealed class KnownSecrets
{
    private volatile Redactor _redactor = new([]);

    /// <summary>Knows every secret of now.</summary>
    public Redactor Redactor => _redactor;

    public string Redact(string text) => _redactor.Redact(text);

    /// <summary>The same for an event, of which only the values of texts change.</summary>
    public byte[] RedactEvent(byte[] json) => RedactedJson.Of(_redactor, json);

    internal void Become(Redactor redactor) => _redactor = redactor;
}
