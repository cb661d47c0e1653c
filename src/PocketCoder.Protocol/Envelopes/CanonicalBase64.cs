using System.Buffers.Text;

namespace PocketCoder.Protocol;

/// <summary>
/// Base64 as it is taken from others: only the one text that writing the bytes gives (RFC 4648 §3.5). White space, stray bits at the
/// end, and padding where there is none, or none where there is some, are refused, so that one value has one spelling. Thread-safe.
/// </summary>
public static class CanonicalBase64
{
    /// <summary>The bytes of base64url without padding (RFC 4648 §5); null: it is not that.</summary>
    public static byte[]? FromUrl(string? text)
    {
        try
        {
            return text is not null && Base64Url.DecodeFromChars(text) is var bytes
                && Base64Url.EncodeToString(bytes) == text ? bytes : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>The bytes of base64 with padding (RFC 4648 §4); null: it is not that.</summary>
    public static byte[]? FromPadded(string? text)
    {
        try
        {
            return text is not null && Convert.FromBase64String(text) is var bytes && Convert.ToBase64String(bytes) == text ? bytes : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
