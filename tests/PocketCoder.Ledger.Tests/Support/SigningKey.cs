using System.Buffers.Text;
using System.Security.Cryptography;

namespace PocketCoder.Ledger.Tests;

/// <summary>A machine's signing key.</summary>
internal sealed class SigningKey : IDisposable
{
    private readonly ECDsa _key;

    public SigningKey(string? pkcs8 = null)
    {
        _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        if (pkcs8 is not null)
        {
            _key.ImportPkcs8PrivateKey(Convert.FromBase64String(pkcs8), out _);
        }

        var q = _key.ExportParameters(false).Q;
        Public = [4, .. q.X!, .. q.Y!];
    }

    public byte[] Public { get; }

    public string PublicText => Base64Url.EncodeToString(Public);

    public string Private => Convert.ToBase64String(_key.ExportPkcs8PrivateKey());

    public LedgerSigner Signer => new(Public, Sign);

    public byte[] Sign(byte[] text) => _key.SignData(text, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);

    public void Dispose() => _key.Dispose();
}
