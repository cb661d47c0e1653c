using System.Net;
using Microsoft.AspNetCore.Http;

namespace PocketCoder.Gateway.Hosting;

/// <summary>
/// Who connects. <c>X-Forwarded-For</c> counts only where a trusted proxy wrote it, so that nobody can borrow an address or shed a
/// throttle.
/// </summary>
internal sealed class ClientAddress(GatewayOptions options)
{
    public IPAddress? Of(HttpContext context)
    {
        var peer = Plain(context.Connection.RemoteIpAddress);
        if (!options.BehindProxy || peer is null || !IsTrusted(peer))
        {
            return peer;
        }

        // Each proxy appends the address it saw, so the list is read from its end until somebody who is no proxy.
        var hops = context.Request.Headers["X-Forwarded-For"].ToString().Split(',', StringSplitOptions.TrimEntries);
        for (var i = hops.Length - 1; i >= 0; i--)
        {
            if (!IPAddress.TryParse(hops[i], out var hop))
            {
                return peer;
            }

            peer = Plain(hop)!;
            if (!IsTrusted(peer))
            {
                return peer;
            }
        }

        return peer;
    }

    private bool IsTrusted(IPAddress address) => IPAddress.IsLoopback(address) || options.Proxies.Any(p => p.Equals(address));

    private static IPAddress? Plain(IPAddress? address) => address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address;
}
