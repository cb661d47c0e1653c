using System.Globalization;

namespace PocketCoder.Link;

/// <summary>
/// What a machine signs to prove that it has its key, as an identity signs any list of text (docs/channel.md, signatures): the domain, a
/// line feed, and the fields joined by line feeds. The address is the one that the machine itself dialled, so that a gateway can't pass
/// another one's challenge on to a machine that comes to it.
/// </summary>
public static class LinkProofs
{
    public const string Domain = "pocketcoder-machine-link-v1";

    public const int NonceBytes = 32;

    /// <summary>The fields, in their order.</summary>
    /// <param name="origin">Scheme and authority of the gateway's address, in lower case, without a default port.</param>
    public static string[] Fields(string origin, string nonce, string machineId, string signingKey)
        => [origin, nonce, machineId, signingKey];

    /// <summary>The origin of a gateway's address: <c>https://name</c> or <c>http://127.0.0.1:8090</c>.</summary>
    public static string OriginOf(Uri address)
    {
        // IdnHost of an IPv6 address has no brackets.
        var host = address.HostNameType == UriHostNameType.IPv6 ? address.Host : address.IdnHost.ToLowerInvariant();
        return address.IsDefaultPort ? $"{Scheme(address)}://{host}"
            : string.Create(CultureInfo.InvariantCulture, $"{Scheme(address)}://{host}:{address.Port}");
    }

    private static string Scheme(Uri address) => address.Scheme is "https" or "wss" ? "https" : "http";
}
