using System.Security.Cryptography;

namespace PocketCoder.Push;

/// <summary>
/// Where a device gets its notifications, and the keys that they are sealed with. Untrusted until <see cref="Of"/> took it.
/// </summary>
public sealed class PushSubscription : PushTarget
{
    /// <summary>Longest endpoint, in characters.</summary>
    public const int EndpointLength = 1_024;

    private PushSubscription(Uri endpoint, byte[] publicKey, byte[] auth) => (Endpoint, PublicKey, Auth) = (endpoint, publicKey, auth);

    /// <summary>A secret: who has it can send there, though nothing that opens.</summary>
    public Uri Endpoint { get; }

    /// <summary>The device's P-256 key for notifications: 65 bytes.</summary>
    public byte[] PublicKey { get; }

    /// <summary><see cref="PushSealing.AuthBytes"/> bytes.</summary>
    public byte[] Auth { get; }

    public override string Origin => PushKey.Origin(Endpoint);

    /// <summary>
    /// Takes what a browser gave, if it has the form that it must have. What its host resolves to is checked at each sending.
    /// </summary>
    /// <exception cref="PushException">It has not; the message says what is wrong.</exception>
    public static PushSubscription Of(string? endpoint, byte[]? publicKey, byte[]? auth, PushAllowed allowed)
    {
        var address = Address(endpoint, allowed);
        if (auth?.Length != PushSealing.AuthBytes)
        {
            throw new PushException($"auth must be {PushSealing.AuthBytes} bytes, base64url without padding.");
        }

        try
        {
            using var key = ECDiffieHellman.Create(PushKey.Parameters(publicKey ?? []));
            return new PushSubscription(address, publicKey!, auth);
        }
        catch (CryptographicException)
        {
            throw new PushException("p256dh must be an uncompressed point of P-256, base64url without padding.");
        }
    }

    private static Uri Address(string? text, PushAllowed allowed)
    {
        if (text is not { Length: > 0 and <= EndpointLength } || text.Any(c => c is <= ' ' or > '~' or '\\')
            || !Uri.TryCreate(text, UriKind.Absolute, out var address))
        {
            throw new PushException($"The endpoint must be an address of at most {EndpointLength} plain characters.");
        }

        if (address.Scheme != Uri.UriSchemeHttps)
        {
            throw new PushException("The endpoint must begin with https://.");
        }

        if (address.UserInfo.Length > 0 || address.Fragment.Length > 0 || text.Contains('@', StringComparison.Ordinal))
        {
            throw new PushException("The endpoint must have no user name, password or fragment.");
        }

        if (!allowed.Contains(address) && (address.HostNameType != UriHostNameType.Dns || !address.IsDefaultPort))
        {
            throw new PushException(
                "The endpoint must name a host, with no port but 443. The owner of the machine can allow another one: a line https://HOST:PORT in the file push-services of its home, and a restart.");
        }

        return address;
    }
}

/// <summary>
/// Push services that the owner lets this machine reach although they are at private addresses, at a bare address or at another port: by
/// their origin. Immutable.
/// </summary>
public sealed class PushAllowed
{
    private readonly HashSet<string> _origins = new(StringComparer.Ordinal);

    /// <param name="origins">Like <c>https://push.home.example:8443</c>.</param>
    /// <exception cref="PushException">One of them is no such origin.</exception>
    public PushAllowed(IEnumerable<string> origins)
    {
        foreach (var origin in origins)
        {
            if (!Uri.TryCreate(origin, UriKind.Absolute, out var address) || address.Scheme != Uri.UriSchemeHttps
                || address.UserInfo.Length > 0 || address.PathAndQuery != "/" || address.Fragment.Length > 0)
            {
                throw new PushException($"{origin} is no origin of a push service: write https://HOST or https://HOST:PORT.");
            }

            _origins.Add(PushKey.Origin(address));
        }
    }

    /// <summary>None but those on the public internet.</summary>
    public static PushAllowed None { get; } = new([]);

    public IReadOnlyCollection<string> Origins => _origins;

    public bool Contains(Uri endpoint) => _origins.Contains(PushKey.Origin(endpoint));
}
