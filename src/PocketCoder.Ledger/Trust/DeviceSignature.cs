using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace PocketCoder.Ledger;

/// <summary>
/// Checks signatures of devices as they stand in rows: base64url without padding, ECDSA P-256 with SHA-256, IEEE P1363, and of the two
/// that verify only the one with the lower s. Pure.
/// </summary>
internal static class DeviceSignature
{
    private const int PointBytes = 65;
    private const int SignatureBytes = 64;

    private static readonly byte[] s_halfOrder = Convert.FromHexString("7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8");

    /// <summary>False for anything malformed.</summary>
    public static bool Holds(string key, string text, string signature)
    {
        if (Exactly(key, PointBytes) is not { } point || Exactly(signature, SignatureBytes) is not { } bytes
            || bytes.AsSpan(SignatureBytes / 2).SequenceCompareTo(s_halfOrder) > 0)
        {
            return false;
        }

        try
        {
            using var device = new MachineKey(point);
            return device.Verify(Encoding.UTF8.GetBytes(text), bytes);
        }
        catch (LedgerException)
        {
            return false; // no point of the curve
        }
    }

    /// <summary>The bytes of a text that is their only spelling; null: it is none.</summary>
    private static byte[]? Exactly(string text, int length)
    {
        var bytes = new byte[length + 3];
        return Base64Url.DecodeFromChars(text, bytes, out _, out var written) == OperationStatus.Done && written == length
            && string.Equals(Base64Url.EncodeToString(bytes.AsSpan(0, length)), text, StringComparison.Ordinal) ? bytes[..length] : null;
    }
}
