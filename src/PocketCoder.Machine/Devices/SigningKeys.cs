using System.Buffers.Text;
using PocketCoder.Channels;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Devices;

/// <summary>Signing keys as they travel: base64url of the uncompressed P-256 point.</summary>
internal static class SigningKeys
{
    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public static byte[] Parse(string? text)
    {
        try
        {
            if (text is not null && Base64Url.DecodeFromChars(text) is var key && P256.IsPublicKey(key))
            {
                return key;
            }
        }
        catch (FormatException)
        {
            // Falls through to the one refusal.
        }

        throw new RequestFailure(ErrorCode.InvalidRequest, "signingKey must be the device's P-256 signing key.");
    }

    public static bool Same(string text, byte[] key)
    {
        try
        {
            return Base64Url.DecodeFromChars(text).AsSpan().SequenceEqual(key);
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
