using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace PocketCoder.Acme;

/// <summary>
/// The key of an ACME account (P-256, ES256) and the signed requests made with it: flattened JWS (RFC 7515, RFC 8555 §6.2). Not
/// thread-safe.
/// </summary>
internal sealed class AccountKey : IDisposable
{
    private readonly ECDsa _key;
    private readonly string _jwk;

    private AccountKey(ECDsa key)
    {
        _key = key;
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        // The members in the order of their names and without blanks: what RFC 7638 hashes.
        _jwk = $$"""{"crv":"P-256","kty":"EC","x":"{{Base64Url.EncodeToString(point.X)}}","y":"{{Base64Url.EncodeToString(point.Y)}}"}""";
        Thumbprint = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(_jwk)));
    }

    /// <summary>RFC 7638, base64url.</summary>
    public string Thumbprint { get; }

    public static AccountKey Create() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <exception cref="CryptographicException">It holds no P-256 key.</exception>
    /// <exception cref="ArgumentException">It holds no key.</exception>
    public static AccountKey FromPem(string pem)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(pem);
            return key.KeySize == 256 ? new AccountKey(key) : throw new CryptographicException("The account's key is not on P-256.");
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    public string ToPem() => _key.ExportPkcs8PrivateKeyPem();

    /// <summary>What proves control of a name (RFC 8555 §8.1).</summary>
    public string KeyAuthorization(string token) => $"{token}.{Thumbprint}";

    /// <param name="account">The account's address; null: the request carries the public key itself.</param>
    /// <param name="payload">JSON, or empty to read a resource (§6.3).</param>
    public string Sign(Uri url, string nonce, Uri? account, string payload)
    {
        var who = account is null ? $"\"jwk\":{_jwk}" : $"\"kid\":{Quote(account.AbsoluteUri)}";
        var header = Encode($$"""{"alg":"ES256",{{who}},"nonce":{{Quote(nonce)}},"url":{{Quote(url.AbsoluteUri)}}}""");
        var body = Encode(payload);
        var signature = _key.SignData(
            Encoding.ASCII.GetBytes($"{header}.{body}"), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        return $$"""{"protected":"{{header}}","payload":"{{body}}","signature":"{{Base64Url.EncodeToString(signature)}}"}""";
    }

    public void Dispose() => _key.Dispose();

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    private static string Quote(string text) => $"\"{JsonEncodedText.Encode(text)}\"";
}
