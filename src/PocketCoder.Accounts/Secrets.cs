using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace PocketCoder.Accounts;

/// <summary>Tokens that are worth as much as knowing them: 256 bits, kept as a hash.</summary>
internal static class Secrets
{
    private const int Bytes = 32;

    /// <summary>How long one is as text.</summary>
    public const int Characters = 43;

    public static string New() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes));

    public static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    /// <summary>SHA-256 in lower-case hex: who reads it can't use it. Not for what people choose.</summary>
    public static string HashOf(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>Whether both are the same, in a time that tells nothing about where they differ.</summary>
    public static bool AreSame(string hash, string? other)
        => other is not null && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(hash), Encoding.ASCII.GetBytes(other));

    /// <summary>Base64url of exactly so many bytes, in its one spelling; null: it is not.</summary>
    public static byte[]? Decode(ReadOnlySpan<char> text, int length)
    {
        var bytes = new byte[length];
        return text.Length == Base64Url.GetEncodedLength(length)
            && Base64Url.DecodeFromChars(text, bytes, out _, out var written) == OperationStatus.Done && written == length
            && text.SequenceEqual(Base64Url.EncodeToString(bytes).AsSpan()) ? bytes : null;
    }
}
