using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using PocketCoder.Link;

namespace PocketCoder.Gateway.Relay.Machines;

/// <summary>
/// Checks a machine's signature (docs/channel.md, signatures). The gateway does not know the channel's code, on purpose; the machine signs
/// with it, and a test holds both to each other.
/// </summary>
internal static class MachineKey
{
    private const int KeyBytes = 65;
    private const int SignatureBytes = 64;

    /// <summary>Whether the machine has the key that it names, and dialled this address. Any other input is just not valid.</summary>
    public static bool HasSigned(LinkProof proof, string origin, string nonce)
    {
        var fields = LinkProofs.Fields(origin, nonce, proof.MachineId, proof.SigningKey);
        if (fields.Any(f => f.Contains('\n', StringComparison.Ordinal))
            || Decode(proof.SigningKey, KeyBytes) is not { } key || key[0] != 4
            || Decode(proof.Signature, SignatureBytes) is not { } signature)
        {
            return false;
        }

        try
        {
            using var verifier = ECDsa.Create(new ECParameters
            {
                Curve = ECCurve.NamedCurves.nistP256,
                Q = new ECPoint { X = key[1..33], Y = key[33..] },
            });
            return verifier.VerifyData(
                Encoding.UTF8.GetBytes($"{LinkProofs.Domain}\n{string.Join('\n', fields)}"), signature, HashAlgorithmName.SHA256,
                DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }
        catch (CryptographicException)
        {
            return false; // no point of the curve
        }
    }

    private static byte[]? Decode(string text, int length)
    {
        var bytes = new byte[length];
        return Base64Url.DecodeFromChars(text, bytes, out _, out var written) == OperationStatus.Done && written == length ? bytes : null;
    }
}
