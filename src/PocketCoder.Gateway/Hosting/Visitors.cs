using System.Net;

namespace PocketCoder.Gateway.Hosting;

/// <summary>
/// Decides by the Host and Origin headers whether a request is meant for this gateway. It is the defence against DNS rebinding
/// (a stranger's name that resolves to 127.0.0.1) and against pages of other sites that talk to local servers. Immutable.
/// </summary>
internal sealed class Visitors
{
    private readonly bool _tls;
    private readonly bool _behindProxy;
    private readonly IReadOnlyList<Authority> _names;
    private readonly HashSet<string> _origins;

    public Visitors(GatewayOptions options)
    {
        _tls = options.HasTls;
        _behindProxy = options.BehindProxy;
        _names = [.. options.Names.Select(ParseName)];
        _origins = new HashSet<string>(options.Origins, StringComparer.Ordinal);
        foreach (var origin in options.Origins)
        {
            if (!TrySplitOrigin(origin, out _, out _))
            {
                throw new GatewayRefusal(RefusalReason.BadOption,
                    $"'{origin}' is no origin. An origin is https://name or https://name:port, in lower case and without a path.");
            }
        }

        foreach (var name in _names)
        {
            if (!name.IsLoopback && !_tls && !_behindProxy)
            {
                throw new GatewayRefusal(
                    RefusalReason.NameWithoutTls,
                    $"The name {name.Host} would be served over plain HTTP, where browsers give pages no cryptography, so pairing could not work. "
                    + "Run 'pocketcoder tls init' first, or put a proxy with TLS in front and say --behind-proxy.");
            }
        }
    }

    /// <summary>Whether the Host header names this gateway.</summary>
    public bool IsHost(string? host, IPAddress? local, int localPort)
        => Authority.TryParse(host, out var authority) && IsOurs(authority, DefaultPort(authority), local, localPort);

    /// <summary>
    /// Whether a page of this origin may talk to this gateway. <c>null</c>, other spellings and other ports are other origins.
    /// </summary>
    public bool IsOrigin(string origin, IPAddress? local, int localPort)
    {
        if (_origins.Contains(origin))
        {
            return true;
        }

        if (!TrySplitOrigin(origin, out var https, out var authority) || !IsOurs(authority, https ? 443 : 80, local, localPort))
        {
            return false;
        }

        // Loopback pages come with the listener's own scheme; all others only ever over TLS, ours or the proxy's.
        return authority.IsLoopback ? https == _tls || (https && _behindProxy) : https;
    }

    /// <summary>Whether a refused Host failed because this gateway speaks plain HTTP and the name is not a loopback one.</summary>
    public bool IsPlainHttpElsewhere(string? host)
        => !_tls && !_behindProxy && Authority.TryParse(host, out var authority) && !authority.IsLoopback;

    public static bool IsLoopbackHost(string? host) => Authority.TryParse(host, out var authority) && authority.IsLoopback;

    private static Authority ParseName(string name)
        => Authority.TryParse(name, out var authority)
            ? authority
            : throw new GatewayRefusal(RefusalReason.BadOption,
                $"'{name}' is no name a browser could ask for. Give a host name or an address, with :port when it differs from the port listened on; no scheme, no path.");

    private static bool TrySplitOrigin(string origin, out bool https, out Authority authority)
    {
        authority = default;
        https = origin.StartsWith("https://", StringComparison.Ordinal);
        if (!https && !origin.StartsWith("http://", StringComparison.Ordinal))
        {
            return false;
        }

        var text = origin[(https ? 8 : 7)..];
        return Authority.TryParse(text, out authority)
            // Browsers write origins in lower case and leave the default port out (RFC 6454 §6.2).
            && string.Equals(authority.ToString(), text, StringComparison.Ordinal)
            && authority.Port != (https ? 443 : 80);
    }

    private bool IsOurs(Authority authority, int defaultPort, IPAddress? local, int localPort)
    {
        var port = authority.Port ?? defaultPort;
        if (authority.Host is "localhost" or "127.0.0.1" or "[::1]" && port == localPort)
        {
            return true;
        }

        foreach (var name in _names)
        {
            if (name.Host == authority.Host && (name.Port is { } exact ? port == exact : authority.Port is null || port == localPort))
            {
                return true;
            }
        }

        // The address the connection came in on: a literal cannot be rebound to another place. Elsewhere than on loopback only with TLS.
        return local is not null
            && port == localPort
            && (_tls || IPAddress.IsLoopback(local))
            && authority.Host == Authority.HostOf(local.IsIPv4MappedToIPv6 ? local.MapToIPv4() : local);
    }

    private int DefaultPort(Authority authority) => _tls || (_behindProxy && !authority.IsLoopback) ? 443 : 80;
}
