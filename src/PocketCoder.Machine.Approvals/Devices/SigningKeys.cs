using PocketCoder.Channels;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Devices;

/// <summary>Signing keys as they travel: base64url of the uncompressed P-256 point.</summary>
public static class SigningKeys
{
    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public static byte[] Parse(string? text)
    {
        return CanonicalBase64.FromUrl(text) is { } key && P256.IsPublicKey(key)
            ? key
            : throw new RequestFailure(
                ErrorCode.InvalidRequest, "signingKey must be the device's P-256 signing key, base64url without padding.");
    }

    public static bool Same(string text, byte[] key) => CanonicalBase64.FromUrl(text) is { } given && given.AsSpan().SequenceEqual(key);
}
