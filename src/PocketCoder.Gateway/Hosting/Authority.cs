using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace PocketCoder.Gateway.Hosting;

/// <summary>
/// The <c>host[:port]</c> of a Host header or an origin (RFC 3986 §3.2), read strictly: what is not plainly a name, an IPv4 or a bracketed
/// IPv6 literal in its usual spelling is not read at all. No user info, no trailing dot, no zone, no leading zeros.
/// </summary>
/// <param name="Host">Lower case; IPv6 in brackets.</param>
/// <param name="Port">Null when absent.</param>
internal readonly record struct Authority(string Host, int? Port)
{
    public bool IsLoopback => Host is "localhost" or "127.0.0.1" or "[::1]"
        || (IsAddress(out var address) && IPAddress.IsLoopback(address));

    public static bool TryParse(string? text, out Authority authority)
    {
        authority = default;
        if (string.IsNullOrEmpty(text) || text.Length > 300)
        {
            return false;
        }

        var end = text[0] == '[' ? text.IndexOf(']', StringComparison.Ordinal) + 1 : text.IndexOf(':', StringComparison.Ordinal);
        var host = end switch { 0 => null, < 0 => text, _ => text[..end] };
        var rest = end <= 0 ? "" : text[end..];
        if (host is null || !IsHost(host))
        {
            return false;
        }

        int? port = null;
        if (rest.Length > 0)
        {
            if (rest[0] != ':' || !TryPort(rest.AsSpan(1), out var number))
            {
                return false;
            }

            port = number;
        }

        authority = new Authority(host.ToLowerInvariant(), port);
        return true;
    }

    public bool IsAddress([NotNullWhen(true)] out IPAddress? address)
        => IPAddress.TryParse(Host.StartsWith('[') ? Host.AsSpan(1, Host.Length - 2) : Host, out address);

    public static string HostOf(IPAddress address)
        => address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString();

    public override string ToString() => Port is { } port ? $"{Host}:{port.ToString(CultureInfo.InvariantCulture)}" : Host;

    private static bool TryPort(ReadOnlySpan<char> text, out int port)
    {
        port = 0;
        if (text.Length is < 1 or > 5 || text[0] == '0' || text.ContainsAnyExceptInRange('0', '9'))
        {
            return false;
        }

        port = int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
        return port <= IPEndPoint.MaxPort;
    }

    private static bool IsHost(string host)
    {
        if (host[0] == '[')
        {
            // Only the canonical spelling: browsers write nothing else, and two spellings are two ways around a list.
            return host.Length > 2
                && IPAddress.TryParse(host.AsSpan(1, host.Length - 2), out var address)
                && address.AddressFamily == AddressFamily.InterNetworkV6
                && address.ScopeId == 0
                && string.Equals(HostOf(address), host, StringComparison.OrdinalIgnoreCase);
        }

        if (host.Length > 253)
        {
            return false;
        }

        var numeric = true;
        foreach (var label in host.AsSpan().Split('.'))
        {
            var part = host.AsSpan()[label];
            if (part.Length is 0 or > 63 || part[0] == '-' || part[^1] == '-')
            {
                return false;
            }

            foreach (var c in part)
            {
                if (!char.IsAsciiLetterOrDigit(c) && c is not '-' and not '_')
                {
                    return false;
                }
            }

            numeric = part[0] is >= '0' and <= '9' && !part.ContainsAnyExceptInRange('0', '9');
        }

        // A host that ends in a number is an IPv4 address to a browser (WHATWG URL §3.5), so it must be one in dotted form.
        return !numeric || (IPAddress.TryParse(host, out var v4) && string.Equals(v4.ToString(), host, StringComparison.Ordinal));
    }
}
