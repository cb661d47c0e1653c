using System.Numerics;
using PocketCoder.Channels.Noise;

namespace PocketCoder.Channels.Tests;

/// <summary>
/// X25519 by the book (RFC 7748, section 5) on big integers: slow and leaky, good for checking published vectors and nothing else.
/// </summary>
internal sealed class X25519KeyPair : NoiseKeyPair
{
    private static readonly BigInteger s_prime = BigInteger.Pow(2, 255) - 19;

    private readonly byte[] _scalar;
    private readonly byte[] _publicKey;

    public X25519KeyPair(string privateKeyHex)
    {
        _scalar = Convert.FromHexString(privateKeyHex);
        _scalar[0] &= 248;
        _scalar[31] = (byte)((_scalar[31] & 127) | 64);
        _publicKey = Multiply(_scalar, 9);
    }

    public override string FunctionName => "25519";

    public override ReadOnlySpan<byte> PublicKey => _publicKey;

    public override void Agree(ReadOnlySpan<byte> peerPublicKey, Span<byte> shared)
    {
        var peer = peerPublicKey.ToArray();
        peer[31] &= 127;
        Multiply(_scalar, new BigInteger(peer, isUnsigned: true)).CopyTo(shared);
    }

    public override void Dispose()
    {
    }

    private static byte[] Multiply(byte[] scalar, BigInteger u)
    {
        BigInteger x2 = 1, z2 = 0, x3 = u, z3 = 1;
        var swapped = false;
        for (var bit = 254; bit >= 0; bit--)
        {
            var one = ((scalar[bit >> 3] >> (bit & 7)) & 1) == 1;
            if (one != swapped)
            {
                (x2, x3) = (x3, x2);
                (z2, z3) = (z3, z2);
            }

            swapped = one;
            BigInteger a = x2 + z2, b = x2 - z2, aa = a * a % s_prime, bb = b * b % s_prime, e = aa - bb;
            BigInteger da = (x3 - z3) * a % s_prime, cb = (x3 + z3) * b % s_prime;
            x3 = (da + cb) * (da + cb) % s_prime;
            z3 = u * ((da - cb) * (da - cb) % s_prime) % s_prime;
            x2 = aa * bb % s_prime;
            z2 = e * (aa + (121665 * e)) % s_prime;
        }

        if (swapped)
        {
            (x2, z2) = (x3, z3);
        }

        var result = x2 * BigInteger.ModPow(z2, s_prime - 2, s_prime) % s_prime;
        var bytes = (result < 0 ? result + s_prime : result).ToByteArray(isUnsigned: true);
        Array.Resize(ref bytes, 32);
        return bytes;
    }
}
