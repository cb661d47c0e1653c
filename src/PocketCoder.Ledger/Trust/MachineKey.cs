using System.Security.Cryptography;

namespace PocketCoder.Ledger;

/// <summary>Checks signatures of the machine: ECDSA P-256 with SHA-256, IEEE P1363. Thread-safe.</summary>
internal sealed class MachineKey : IDisposable
{
    private const int PointBytes = 65;
    private const int SignatureBytes = 64;
    private readonly ECDsa _key;
    private readonly Lock _use = new(); // guards _key, which promises nothing about threads

    /// <param name="point">65 bytes: the uncompressed point.</param>
    /// <exception cref="LedgerException"><see cref="LedgerError.InvalidData"/>: no such point</exception>
    public MachineKey(ReadOnlySpan<byte> point)
    {
        try
        {
            _key = point.Length == PointBytes && point[0] == 4
                ? ECDsa.Create(new ECParameters
                { Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = point[1..33].ToArray(), Y = point[33..].ToArray() } })
                : throw new CryptographicException("not an uncompressed point");
        }
        catch (CryptographicException e)
        {
            throw new LedgerException(LedgerError.InvalidData, "the machine's signing key is no P-256 point", e);
        }
    }

    public bool Verify(ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature)
    {
        lock (_use)
        {
            return signature.Length == SignatureBytes
                && _key.VerifyData(text, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }
    }

    /// <summary>Whether a row bears this machine's signature.</summary>
    public bool SignedRow(string machineId, long seq, ReadOnlySpan<byte> hashBefore, ReadOnlySpan<byte> body)
        => RowSignature.TrySplit(body, out var unsigned, out var signature)
            && Verify(RowSignature.Text(machineId, seq, hashBefore, unsigned), signature);

    public void Dispose() => _key.Dispose();
}
