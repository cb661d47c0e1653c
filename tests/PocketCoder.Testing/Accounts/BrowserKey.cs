using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace PocketCoder.Testing.Accounts;

/// <summary>
/// A browser's key for a gateway with accounts, and its proofs, written from docs/accounts.md alone: it shares no code with what checks
/// them.
/// </summary>
public sealed class BrowserKey : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public BrowserKey()
    {
        var point = _key.ExportParameters(includePrivateParameters: false).Q;
        Public = Base64Url.EncodeToString([4, .. point.X!, .. point.Y!]);
    }

    public string Public { get; }

    /// <summary>The value of the header <c>Account-Proof</c>.</summary>
    public string Prove(string origin, string path, string nonce, ReadOnlySpan<byte> body, string? token = null, string method = "POST")
    {
        var once = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16));
        var signed = string.Join('\n', "pocketcoder-account-proof-v1", origin, method, path, nonce, once,
            token is null ? "" : Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(token))),
            Base64Url.EncodeToString(SHA256.HashData(body)));
        var signature = _key.SignData(
            Encoding.UTF8.GetBytes(signed), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        return $"{nonce}.{once}.{Base64Url.EncodeToString(signature)}";
    }

    public void Dispose() => _key.Dispose();
}
