using System.Net;
using System.Net.Sockets;

namespace PocketCoder.Gateway.Hosting;

/// <summary>Where to listen, checked against what is safe.</summary>
internal sealed class ListenPlan
{
    private readonly GatewayOptions _options;

    private ListenPlan(GatewayOptions options, IReadOnlyList<IPEndPoint> endpoints) => (_options, Endpoints) = (options, endpoints);

    public IReadOnlyList<IPEndPoint> Endpoints { get; }

    public static ListenPlan From(GatewayOptions options)
    {
        var endpoints = options.Listen.Count > 0 ? options.Listen : Default();
        foreach (var endpoint in endpoints)
        {
            if (!IPAddress.IsLoopback(endpoint.Address) && !options.HasTls && !options.BehindProxy)
            {
                throw new GatewayRefusal(
                    RefusalReason.PublicWithoutTls,
                    $"{endpoint} can be reached from other computers, and there is no TLS. Choose one: run 'pocketcoder tls init' first; "
                    + "or listen on 127.0.0.1 and use 'tailscale serve' or a proxy with TLS, with --behind-proxy.");
            }
        }

        return new ListenPlan(options, endpoints);
    }

    public GatewayRefusal Busy(Exception inner)
    {
        var ports = Endpoints.Select(e => e.Port).Distinct().ToList();
        var holder = ports.Select(p => PortHolder.Describe(p) is { } who ? $" by {who}" : null).FirstOrDefault(h => h is not null);
        return new GatewayRefusal(
            RefusalReason.PortBusy,
            $"Port {string.Join(" or ", ports)} is taken{holder ?? " by another program"}. Stop that, or choose another port: pocketcoder start --listen 127.0.0.1:{ports[0] + 1}",
            inner);
    }

    /// <summary>The addresses people can open, from those really bound.</summary>
    public IReadOnlyList<string> UrlsFor(IEnumerable<string> bound)
    {
        var scheme = _options.HasTls ? "https" : "http";
        var addresses = bound.Select(b => new Uri(b.Replace("//[::]", "//[::0]", StringComparison.Ordinal))).ToList();
        var urls = new List<string>();
        foreach (var name in _options.Names)
        {
            var authority = Authority.TryParse(name, out var parsed) ? parsed
                : throw new InvalidOperationException("Names were checked at start.");
            var port = authority.Port ?? (_options.BehindProxy && !authority.IsLoopback ? 443 : addresses[0].Port);
            urls.Add(Url(authority.IsLoopback ? scheme : "https", authority.Host, port));
        }

        foreach (var address in addresses)
        {
            var ip = IPAddress.Parse(address.Host.Trim('[', ']'));
            var host = ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any) ? null : Authority.HostOf(ip);
            if (host is not null && (_options.HasTls || IPAddress.IsLoopback(ip)))
            {
                urls.Add(Url(scheme, host, address.Port));
            }
            else
            {
                urls.Add(Url(scheme, "127.0.0.1", address.Port));
            }
        }

        return [.. urls.Distinct(StringComparer.Ordinal)];
    }

    public override string ToString() => string.Join(", ", Endpoints);

    private static string Url(string scheme, string host, int port)
        => port == (scheme == "https" ? 443 : 80) ? $"{scheme}://{host}" : $"{scheme}://{host}:{port}";

    private static List<IPEndPoint> Default()
    {
        var endpoints = new List<IPEndPoint> { new(IPAddress.Loopback, GatewayOptions.DefaultPort) };
        try
        {
            // Containers often have the protocol but not the address.
            using var probe = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
            probe.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
            endpoints.Add(new(IPAddress.IPv6Loopback, GatewayOptions.DefaultPort));
        }
        catch (SocketException)
        {
            // No IPv6 loopback here; IPv4 is enough.
        }

        return endpoints;
    }
}
