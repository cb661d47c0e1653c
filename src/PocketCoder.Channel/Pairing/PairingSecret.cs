using System.Security.Cryptography;

namespace PocketCoder.Channels;

/// <summary>How the secret of an offer becomes Noise's psk.</summary>
internal static class PairingSecret
{
    public const int PskBytes = 32;

    public static byte[] Psk(ReadOnlySpan<byte> secret)
    {
        var psk = new byte[PskBytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, psk, default, "pocketcoder pairing psk"u8);
        return psk;
    }
}
