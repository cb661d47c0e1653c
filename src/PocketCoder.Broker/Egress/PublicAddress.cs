using System.Net;
using System.Net.Sockets;

namespace PocketCoder.Broker.Egress;

/// <summary>
/// Which addresses are on the public internet (IANA special-purpose registries, IPv4 and IPv6), less those public ones at which a cloud
/// answers its own machines: they hold what the machine may do there, and no one else's service.
/// </summary>
internal static class PublicAddress
{
    private static readonly IPNetwork[] s_notPublic4 =
    [
        .. ((string[])["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
            "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
            "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"])
            .Select(IPNetwork.Parse),

        // Azure's wire server: DHCP, DNS, health and the machine's goal state with its certificates (learn.microsoft.com, "What is IP
        // address 168.63.129.16?").
        IPNetwork.Parse("168.63.129.16/32"),

        // Private Google Access: Google's APIs as they answer from inside of a virtual network
        // (cloud.google.com/vpc/docs/configure-private-google-access).
        IPNetwork.Parse("199.36.153.4/30"),
        IPNetwork.Parse("199.36.153.8/30"),

        // IBM Cloud's own networks: name service, packages, private service endpoints (cloud.ibm.com/docs/vpc, "Service endpoints").
        IPNetwork.Parse("161.26.0.0/16"),
        IPNetwork.Parse("166.8.0.0/14"),

        // Equinix Metal's metadata (deploy.equinix.com, "Metadata").
        IPNetwork.Parse("192.80.8.124/32"),

        // The others that are known lie in what is not public anyway: 169.254.169.254 and 169.254.170.2 (AWS, Google, Azure, Oracle,
        // DigitalOcean, Hetzner), 100.100.100.200 (Alibaba), 192.0.0.192 (Oracle), 169.254.42.42 (Scaleway), fd00:ec2::254 (AWS),
        // fd20:ce::254 (Google), fe80::a9fe:a9fe (OpenStack).
    ];

    // Global unicast is 2000::/3; inside of it, what tunnels, documents or embeds other addresses, and Google's private access.
    private static readonly IPNetwork s_global6 = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork[] s_notPublic6 =
        [.. ((string[])["2001::/23", "2001:db8::/32", "2002::/16", "2600:2d00:2:1000::/64", "2600:2d00:2:2000::/64", "3fff::/20"]).Select(
            IPNetwork.Parse)];

    public static bool IsPublic(IPAddress address) => address.AddressFamily switch
    {
        AddressFamily.InterNetwork => !s_notPublic4.Any(n => n.Contains(address)),
        AddressFamily.InterNetworkV6 => address.ScopeId == 0 && !address.IsIPv4MappedToIPv6 && s_global6.Contains(address)
            && !s_notPublic6.Any(n => n.Contains(address)),
        _ => false,
    };
}
