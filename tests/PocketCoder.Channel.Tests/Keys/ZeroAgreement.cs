using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;

namespace PocketCoder.Channels.Tests;

/// <summary>
/// P-256 has points with x = 0: (0, ±√b). Who knows a private key d can make the valid public key d⁻¹·(0, √b), with which d agrees on
/// zero. Nobody else can, but a library must not take a known constant for a secret.
/// </summary>
internal static class ZeroAgreement
{
    /// <summary>y of (0, √b).</summary>
    public const string RootOfB = "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4";

    private static readonly BigInteger s_prime = Parse("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
    private static readonly BigInteger s_order = Parse("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    private static readonly BigInteger s_b = Parse("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b");

    public static byte[] PublicKeyFor(string label)
    {
        var scalar = new BigInteger(TestKeys.Scalar(label), isUnsigned: true, isBigEndian: true);
        var inverse = BigInteger.ModPow(scalar, s_order - 2, s_order);
        using var key = ECDiffieHellman.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = Bytes(inverse) });
        using var zero = ECDiffieHellman.Create(P256.Parameters([4, .. new byte[32], .. Convert.FromHexString(RootOfB)]));
        var x = new BigInteger(key.DeriveRawSecretAgreement(zero.PublicKey), isUnsigned: true, isBigEndian: true);
        var square = ((x * x * x) - (3 * x) + s_b) % s_prime;
        var y = BigInteger.ModPow(square, (s_prime + 1) / 4, s_prime); // p = 3 mod 4; either root will do: x of the agreement is the same
        return [4, .. Bytes(x), .. Bytes(y)];
    }

    private static byte[] Bytes(BigInteger value)
    {
        var bytes = new byte[32];
        value.TryWriteBytes(bytes.AsSpan(32 - value.GetByteCount(isUnsigned: true)), out _, isUnsigned: true, isBigEndian: true);
        return bytes;
    }

    private static BigInteger Parse(string hex)
        => BigInteger.Parse("0" + hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
