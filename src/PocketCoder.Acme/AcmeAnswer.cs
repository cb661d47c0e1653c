using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace PocketCoder.Acme;

/// <summary>What the authority answered; <see cref="Body"/> is bounded by <see cref="AcmeTransport.MaxBytes"/>.</summary>
internal sealed record AcmeAnswer(int Status, byte[] Body, Uri? Location, TimeSpan? RetryAfter)
{
    /// <exception cref="AcmeException"><see cref="AcmeError.Malformed"/></exception>
    public T Read<T>(JsonTypeInfo<T> type, string what)
    {
        try
        {
            return JsonSerializer.Deserialize(Body, type) ?? throw new JsonException("null");
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            throw new AcmeException(AcmeError.Malformed, $"The certificate authority's {what} can't be read.", e);
        }
    }

    /// <summary>The resource's own address.</summary>
    public Uri RequireLocation(string what) => Location
        ?? throw new AcmeException(AcmeError.Malformed, $"The certificate authority did not say where the {what} is.");
}
