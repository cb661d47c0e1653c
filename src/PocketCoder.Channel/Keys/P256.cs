using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;

namespace PocketCoder.Channels;

/// <summary>Public keys of NIST P-256 (FIPS 186-5, SP 800-186): 65 bytes, 0x04, x, y, big-endian.</summary>
public static class P256
{
    /// <summary>Bytes of a public key.</summary>
    public const int PublicKeyBytes = 65;

    /// <summary>Bytes of a signature: r then s (IEEE P1363).</summary>
    public const int SignatureBytes = 64;

    internal const int FieldBytes = 32;

    private static readonly BigInteger s_prime = Hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
    /// <summary>The number of points, n.</summary>
    private static readonly BigInteger s_order = Hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");

    private static readonly BigInteger s_b = Hex("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b");

    /// <summary>
    /// The id of a device or machine: lower-case hex of the first 16 bytes of SHA-256 over its static public key. Ids route and
    /// name; they do not authenticate: compare whole keys where it matters (two keys with one id cost an attacker about 2^64 work).
    /// </summary>
    public static string Id(ReadOnlySpan<byte> publicKey)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(publicKey, hash);
        return Convert.ToHexStringLower(hash[..16]);
    }

    /// <summary>
    /// Whether these bytes are a point of the curve other than infinity. The curve's cofactor is 1, so such a point is in the
    /// one group of prime order and there are no points of low order to refuse. Platform libraries check this as well; a check of
    /// our own makes it independent of which library that is. Public input only: the arithmetic is not constant-time.
    /// </summary>
    public static bool IsPublicKey(ReadOnlySpan<byte> publicKey)
    {
        if (publicKey.Length != PublicKeyBytes || publicKey[0] != 4)
        {
            return false;
        }

        var x = new BigInteger(publicKey.Slice(1, FieldBytes), isUnsigned: true, isBigEndian: true);
        var y = new BigInteger(publicKey.Slice(1 + FieldBytes, FieldBytes), isUnsigned: true, isBigEndian: true);
        return x < s_prime && y < s_prime && (((y * y) - (x * x * x) + (3 * x) - s_b) % s_prime).IsZero;
    }

    /// <summary>
    /// Whether a signature is the one of its two equal forms that is taken: s is at most n / 2 (BIP 146, RFC 6979 says nothing of it). With
    /// (r, s) also (r, n − s) verifies, so anybody could make another signature of one that was given.
    /// </summary>
    internal static bool IsLowS(ReadOnlySpan<byte> signature) => S(signature) <= s_order / 2;

    /// <summary>Makes s the smaller one of the two, in place.</summary>
    internal static void MakeLowS(Span<byte> signature)
    {
        if (!IsLowS(signature))
        {
            var low = (s_order - S(signature)).ToByteArray(isUnsigned: true, isBigEndian: true);
            var s = signature[FieldBytes..];
            s.Clear();
            low.CopyTo(s[(FieldBytes - low.Length)..]);
        }
    }

    private static BigInteger S(ReadOnlySpan<byte> signature) => new(signature[FieldBytes..], isUnsigned: true, isBigEndian: true);

    internal static ECParameters Parameters(ReadOnlySpan<byte> publicKey)
    {
        if (!IsPublicKey(publicKey))
        {
            throw new ChannelException(ChannelError.BadKey, "not an uncompressed point of P-256");
        }

        return new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = new ECPoint
            {
                X = publicKey.Slice(1, FieldBytes).ToArray(),
                Y = publicKey.Slice(1 + FieldBytes, FieldBytes).ToArray(),
            },
        };
    }

    internal static byte[] Encode(ECPoint point) => [4, .. point.X!, .. point.Y!];

    internal static bool IsThisCurve(ECParameters key)
        => key.Curve.IsNamed && string.Equals(key.Curve.Oid.Value, ECCurve.NamedCurves.nistP256.Oid.Value, StringComparison.Ordinal);

    private static BigInteger Hex(string digits)
        => BigInteger.Parse("0" + digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
