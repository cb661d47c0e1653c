using System.Net;

namespace PocketCoder.Push;

/// <summary>
/// Addresses that the machine's owner named for notifications: unlike a device's they may be private. <c>https</c>, or <c>http</c> on
/// loopback, where nobody else listens in.
/// </summary>
internal static class HookAddress
{
    /// <exception cref="PushException">It is none; the message says what is wrong.</exception>
    public static Uri Of(string? text)
    {
        if (text is not { Length: > 0 and <= PushSubscription.EndpointLength } || text.Any(c => c is <= ' ' or > '~' or '\\')
            || !Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Scheme is not ("https" or "http"))
        {
            throw new PushException(
                $"The address must begin with https:// and have at most {PushSubscription.EndpointLength} plain characters.");
        }

        if (address.Scheme == "http" && !IsLoopback(address))
        {
            throw new PushException("The address must begin with https://, unless it is on this computer (http://127.0.0.1:PORT/…).");
        }

        if (address.UserInfo.Length > 0 || address.Fragment.Length > 0 || text.Contains('@', StringComparison.Ordinal))
        {
            throw new PushException("The address must have no user name, password or fragment.");
        }

        return address;
    }

    /// <summary>By the address itself: a name could lead elsewhere.</summary>
    private static bool IsLoopback(Uri address)
        => IPAddress.TryParse(address.DnsSafeHost, out var ip) && IPAddress.IsLoopback(ip);
}
