using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace PocketCoder.Ledger;

/// <summary>
/// The machine's signature in a row's body: its last field, over the row's number, the hash of the row before and the body without
/// this field. So it covers everything the row says, and all rows below. Format: docs/ledger.md, "The machine's signature".
/// </summary>
internal static class RowSignature
{
    private const int TextLength = 86; // base64url of 64 bytes, without padding
    private static readonly byte[] s_opens = [.. ",\"signature\":\""u8];
    private static readonly byte[] s_closes = [.. "\"}"u8];

    /// <summary>The text that is signed; the first line is the domain, then a field a line.</summary>
    public static byte[] Text(string machineId, long seq, ReadOnlySpan<byte> hashBefore, ReadOnlySpan<byte> unsignedBody)
        => Encoding.UTF8.GetBytes(
        string.Create(
            CultureInfo.InvariantCulture,
            $"pocketcoder-ledger-row-v1\n{machineId}\n{seq}\n{Convert.ToHexStringLower(hashBefore)}\n{Convert.ToHexStringLower(SHA256.HashData(unsignedBody))}"));

    /// <summary>The body with the signature as its last field.</summary>
    public static byte[] Attach(ReadOnlySpan<byte> unsignedBody, ReadOnlySpan<byte> signature)
        => [.. unsignedBody[..^1], .. s_opens, .. Encoding.ASCII.GetBytes(Base64Url.EncodeToString(signature)), .. s_closes];

    /// <summary>Takes a signed body apart; false when its last field is no signature.</summary>
    public static bool TrySplit(ReadOnlySpan<byte> body, out byte[] unsignedBody, out byte[] signature)
    {
        (unsignedBody, signature) = ([], []);
        if (!IsSigned(body))
        {
            return false;
        }

        var start = body.Length - s_closes.Length - TextLength;
        try
        {
            signature = Base64Url.DecodeFromUtf8(body.Slice(start, TextLength));
        }
        catch (FormatException)
        {
            return false;
        }

        unsignedBody = [.. body[..(start - s_opens.Length)], (byte)'}'];
        return true;
    }

    /// <summary>
    /// Whether the last field of a body has the form of a signature. It can't be mistaken for a field of <c>data</c>, whose end is
    /// <c>}}</c>.
    /// </summary>
    public static bool IsSigned(ReadOnlySpan<byte> body)
    {
        var start = body.Length - s_closes.Length - TextLength - s_opens.Length;
        return start > 0 && body.EndsWith(s_closes) && body.Slice(start, s_opens.Length).SequenceEqual(s_opens);
    }
}
