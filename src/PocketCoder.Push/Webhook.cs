using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace PocketCoder.Push;

/// <summary>
/// An address of the owner's that gets notices as JSON, signed as the Standard Webhooks specification has it (webhook-id,
/// webhook-timestamp, webhook-signature). Immutable.
/// </summary>
public sealed class Webhook : PushTarget
{
    private const string Prefix = "whsec_";
    private const int KeyBytes = 32;

    private readonly Uri _address;
    private readonly byte[] _key;

    private Webhook(Uri address, byte[] key) => (_address, _key) = (address, key);

    public override string Origin => _address.GetLeftPart(UriPartial.Authority);

    /// <summary>A new signing key, as receivers expect it: <c>whsec_</c> and 32 bytes in base64.</summary>
    public static string NewKey() => Prefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyBytes));

    /// <param name="key">As <see cref="NewKey"/> makes it.</param>
    /// <exception cref="PushException">One of the two has not the form that it must have.</exception>
    public static Webhook Of(string? address, string? key)
    {
        var uri = HookAddress.Of(address);
        var bytes = new byte[KeyBytes];
        if (key is null || !key.StartsWith(Prefix, StringComparison.Ordinal)
            || !Convert.TryFromBase64String(key[Prefix.Length..], bytes, out var length) || length != KeyBytes)
        {
            throw new PushException($"The signing key must be {Prefix} and {KeyBytes} bytes in base64.");
        }

        return new Webhook(uri, bytes);
    }

    /// <summary>A message has the same id each time that it is sent, so that a receiver can tell.</summary>
    internal HttpRequestMessage Request(PushMessage message, DateTimeOffset now)
    {
        var id = $"msg_{Convert.ToHexStringLower(SHA256.HashData(message.Payload.Span))[..32]}";
        var time = now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        byte[] signed = [.. Encoding.ASCII.GetBytes($"{id}.{time}."), .. message.Payload.Span];
        var request = new HttpRequestMessage(HttpMethod.Post, _address) { Content = new ReadOnlyMemoryContent(message.Payload) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.TryAddWithoutValidation("webhook-id", id);
        request.Headers.TryAddWithoutValidation("webhook-timestamp", time);
        request.Headers.TryAddWithoutValidation(
            "webhook-signature", $"v1,{Convert.ToBase64String(HMACSHA256.HashData(_key, signed))}");
        return request;
    }
}
