using System.Net;
using System.Net.Sockets;

namespace PocketCoder.Gateway.Throttling;

/// <summary>Whom a throttle counts.</summary>
/// <param name="Address">Where the client is: behind a trusted proxy what the proxy says.</param>
/// <param name="User">
/// The local user at the other end of the TCP connection, when that is on loopback and was found. It counts together with the address: a
/// local user who poses as a proxy and names somebody else's address shuts out nobody but itself.
/// </param>
internal readonly record struct Caller(IPAddress? Address, uint? User)
{
    /// <summary>Whether it is on this computer, and not behind a proxy on it.</summary>
    public bool IsLocal => Address is not null && IPAddress.IsLoopback(Address);

    /// <summary>Whether it is the user who runs the gateway, directly from this computer.</summary>
    public bool IsOwner => IsLocal && User == LocalPeers.Owner;

    /// <summary>
    /// The same caller by what is counted as one: all loopback addresses of a user are one, and an IPv6 address is its /64, which is what
    /// one subscriber gets.
    /// </summary>
    public Caller Counted => this with { Address = IsLocal ? (User is null ? Address : IPAddress.Loopback) : KeyOf(Address) };

    private static IPAddress KeyOf(IPAddress? address)
    {
        if (address is null)
        {
            return IPAddress.None;
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address;
        }

        Span<byte> bytes = stackalloc byte[16];
        _ = address.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        return new IPAddress(bytes);
    }
}
