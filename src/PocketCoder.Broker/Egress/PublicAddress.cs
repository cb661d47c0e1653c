using System.Net;
using System.Net.Sockets;

namespace PocketCoder.Broker.Egress;

/// <summary>Which addresses are on the public internet (IANA special-purpose registries, IPv4 and IPv6).</summary>
internal static class PublicAddress
{
    private static readonly IPNetwork[] s_notPublic4 =
    [
        .. ((string[])["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"])
            .Select(IPNetwork.Parse),
    ];

    // Global unicast is 2000::/3; inside of it, what tunnels, documents or embeds other addresses.
    private static readonly IPNetwork s_global6 = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork[] s_notPublic6 = [.. ((string[])["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"]).Select(IPNetwork.Parse)];

    public static bool IsPublic(IPAddress address) => address.AddressFamily switch
    {
        AddressFamily.InterNetwork => !s_notPublic4.Any(n => n.Contains(address)),
        AddressFamily.InterNetworkV6 => address.ScopeId == 0 && !address.IsIPv4MappedToIPv6 && s_global6.Contains(address) && !s_notPublic6.Any(n => n.Contains(address)),
        _ => false,
    };
}
