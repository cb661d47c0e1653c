using System.Buffers.Binary;
using System.Security.Cryptography;

namespace PocketCoder.Push;

/// <summary>
/// Seals a message for one device (RFC 8291, in the content coding <c>aes128gcm</c> of RFC 8188), so that no push service reads it. What is
/// sealed is padded to one of a few lengths. Pure.
/// </summary>
public static class PushSealing
{
    /// <summary>Longest message, in bytes.</summary>
    public const int MostBytes = 3_000;

    /// <summary>Bytes of a device's secret.</summary>
    public const int AuthBytes = 16;

    internal const int SaltBytes = 16;
    private const int PublicKeyBytes = 65;
    private const int RecordBytes = 4_096;
    private const int TagBytes = 16;

    /// <summary>A message is padded to a multiple of this, the byte that ends it included.</summary>
    private const int Step = 1_024;

    /// <summary>The body of the request to the push service.</summary>
    /// <exception cref="ArgumentException">The message is longer than <see cref="MostBytes"/>.</exception>
    public static byte[] Seal(PushSubscription to, ReadOnlySpan<byte> message)
    {
        using var once = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        return Seal(to, message, once, RandomNumberGenerator.GetBytes(SaltBytes), Padded(message.Length));
    }

    /// <param name="once">The sender's key pair of this message alone.</param>
    /// <param name="length">Of the message, the byte that ends it and the padding together.</param>
    internal static byte[] Seal(PushSubscription to, ReadOnlySpan<byte> message, ECDiffieHellman once, ReadOnlySpan<byte> salt, int length)
    {
        if (message.Length > MostBytes)
        {
            throw new ArgumentException($"a notification has at most {MostBytes} bytes", nameof(message));
        }

        var sender = PushKey.Point(once.ExportParameters(includePrivateParameters: false));
        var (key, nonce) = Keys(to, once, sender, salt);
        Span<byte> plain = new byte[length];
        message.CopyTo(plain);
        plain[message.Length] = 2; // the last record (RFC 8188 §2); zeros follow

        var body = new byte[SaltBytes + 4 + 1 + PublicKeyBytes + length + TagBytes];
        var rest = body.AsSpan();
        salt.CopyTo(rest);
        BinaryPrimitives.WriteUInt32BigEndian(rest[SaltBytes..], RecordBytes);
        rest[SaltBytes + 4] = PublicKeyBytes;
        sender.CopyTo(rest[(SaltBytes + 5)..]);
        var sealedPart = rest[(SaltBytes + 5 + PublicKeyBytes)..];
        using var cipher = new AesGcm(key, TagBytes);
        cipher.Encrypt(nonce, plain, sealedPart[..length], sealedPart[length..]);
        return body;
    }

    internal static int Padded(int length) => ((length / Step) + 1) * Step;

    private static (byte[] Key, byte[] Nonce) Keys(PushSubscription to, ECDiffieHellman once, byte[] sender, ReadOnlySpan<byte> salt)
    {
        using var device = ECDiffieHellman.Create(PushKey.Parameters(to.PublicKey));
        using var devicePublic = device.PublicKey;
        var shared = once.DeriveRawSecretAgreement(devicePublic);
        byte[] info = [.. "WebPush: info\0"u8, .. to.PublicKey, .. sender];
        var material = HKDF.DeriveKey(HashAlgorithmName.SHA256, shared, 32, to.Auth, info);
        CryptographicOperations.ZeroMemory(shared);
        var extracted = HKDF.Extract(HashAlgorithmName.SHA256, material, salt.ToArray());
        CryptographicOperations.ZeroMemory(material);
        return (
            HKDF.Expand(HashAlgorithmName.SHA256, extracted, 16, [.. "Content-Encoding: aes128gcm\0"u8]),
            HKDF.Expand(HashAlgorithmName.SHA256, extracted, 12, [.. "Content-Encoding: nonce\0"u8]));
    }
}
