using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using PocketCoder.Platform;

namespace PocketCoder.Push;

/// <summary>
/// The key by which push services know this machine (VAPID, RFC 8292). A device's subscription is bound to its public half, so a stolen
/// endpoint alone is worth nothing. Kept in a file of mode 0600. Thread-safe.
/// </summary>
public sealed class PushKey : IDisposable
{
    /// <summary>How long a token lasts; RFC 8292 allows a day.</summary>
    internal static readonly TimeSpan TokenLife = TimeSpan.FromHours(12);

    private const int PublicKeyBytes = 65;

    private readonly ECDsa _key;
    private readonly Lock _signing = new();

    private PushKey(ECDsa key)
    {
        _key = key;
        PublicKey = Point(key.ExportParameters(includePrivateParameters: false));
    }

    /// <summary>65 bytes: what a browser subscribes with.</summary>
    public byte[] PublicKey { get; }

    /// <summary>Reads the key, or makes it when there is none.</summary>
    /// <exception cref="PushException">Others can read the file, or it holds no key; the message says what to type.</exception>
    /// <exception cref="IOException">The file can't be read or written.</exception>
    public static PushKey LoadOrCreate(string path)
    {
        if (!File.Exists(path))
        {
            using var made = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            PrivateFile.TryCreate(path, Encoding.ASCII.GetBytes(made.ExportPkcs8PrivateKeyPem()));
        }

        using var file = PrivateFile.Open(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        if (PrivateFile.IsExposed(file.SafeFileHandle))
        {
            throw new PushException($"Other users can read {path}, the key for notifications. Delete it; devices subscribe anew.");
        }

        using var reader = new StreamReader(file, Encoding.ASCII);
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(reader.ReadToEnd());
            if (key.KeySize != 256)
            {
                throw new CryptographicException("not a key of P-256");
            }

            return new PushKey(key);
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            key.Dispose();
            throw new PushException($"{path} holds no key for notifications. Delete it; devices subscribe anew.", e);
        }
    }

    /// <summary>The header <c>Authorization</c> of a request to this push service.</summary>
    /// <param name="contact">Whom the push service writes to: a <c>mailto:</c> or <c>https:</c> address.</param>
    public string Authorization(Uri endpoint, DateTimeOffset now, string contact)
    {
        var text = TokenText(Origin(endpoint), now + TokenLife, contact);
        byte[] signature;
        lock (_signing)
        {
            signature = _key.SignData(
                Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }

        return $"vapid t={text}.{Base64Url.EncodeToString(signature)}, k={Base64Url.EncodeToString(PublicKey)}";
    }

    public void Dispose() => _key.Dispose();

    /// <summary>What is signed: header and claims.</summary>
    internal static string TokenText(string audience, DateTimeOffset expires, string contact)
    {
        // Both are checked before: neither holds a character that JSON escapes.
        var claims = FormattableString.Invariant($"{{\"aud\":\"{audience}\",\"exp\":{expires.ToUnixTimeSeconds()},\"sub\":\"{contact}\"}}");
        return $"{Base64Url.EncodeToString("{\"typ\":\"JWT\",\"alg\":\"ES256\"}"u8)}.{Base64Url.EncodeToString(Encoding.ASCII.GetBytes(claims))}";
    }

    /// <summary>Scheme, host and port of an endpoint: what of it may be shown and recorded. The rest is a secret.</summary>
    internal static string Origin(Uri endpoint)
        => $"https://{endpoint.IdnHost}{(endpoint.IsDefaultPort ? "" : FormattableString.Invariant($":{endpoint.Port}"))}";

    internal static byte[] Point(ECParameters key) => [4, .. key.Q.X!, .. key.Q.Y!];

    /// <exception cref="CryptographicException">It is no point of the curve.</exception>
    internal static ECParameters Parameters(byte[] point) => point is [4, ..] && point.Length == PublicKeyBytes
        ? new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = point[1..33], Y = point[33..] } }
        : throw new CryptographicException("not an uncompressed point of P-256");
}

/// <summary>Notifications can't be sent, or a subscription can't be taken; the message says why and what to do.</summary>
public sealed class PushException(string message, Exception? inner = null) : Exception(message, inner);
