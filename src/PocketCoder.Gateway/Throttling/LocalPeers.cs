using System.Globalization;
using System.Net;
using PocketCoder.Platform;

namespace PocketCoder.Gateway.Throttling;

/// <summary>
/// Finds the user at the other end of a loopback connection: the peer's own socket, found by both addresses and ports. The kernel is asked
/// for it (<see cref="SocketOwner"/>); where it does not tell, its line is looked for in <c>/proc/net/tcp</c> and <c>/proc/net/tcp6</c>
/// (proc(5)), which takes as long as there are sockets. Linux only; elsewhere nobody is found. Thread-safe.
/// </summary>
internal static class LocalPeers
{
    private static readonly string[] s_tables = ["/proc/net/tcp", "/proc/net/tcp6"];

    /// <summary>The user who runs this process.</summary>
    public static uint Owner { get; } = OperatingSystem.IsLinux() ? CurrentUser.Id : 0;

    /// <summary>The user whose socket is at the peer's end.</summary>
    /// <param name="peer">The other end of a connection that was accepted.</param>
    /// <param name="local">Our end.</param>
    /// <returns>Null when the peer is not on this computer, or can't be found.</returns>
    public static uint? Find(IPEndPoint? peer, IPEndPoint? local)
    {
        if (peer is null || local is null || !OperatingSystem.IsLinux() || !IPAddress.IsLoopback(Plain(peer.Address)))
        {
            return null;
        }

        if (SocketOwner.TryFind(peer, local, out var owner))
        {
            return owner;
        }

        foreach (var table in s_tables)
        {
            try
            {
                if (Find(File.ReadLines(table), peer, local) is { } user)
                {
                    return user;
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // No such table here (no IPv6, or a hardened /proc): the caller has a share for those who are not found.
            }
        }

        return null;
    }

    /// <summary>The user in the first line whose socket has the peer's address and port as its own and ours as the other end.</summary>
    internal static uint? Find(IEnumerable<string> lines, IPEndPoint peer, IPEndPoint local)
    {
        // "sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode"; addresses as 32-bit words of the machine, in hex.
        const int ownField = 1, otherField = 2, userField = 7, inodeField = 9;
        (string Own, string Other)[] wanted =
            [(Hex(peer, wide: false), Hex(local, wide: false)), (Hex(peer, wide: true), Hex(local, wide: true))];
        foreach (var line in lines)
        {
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length > inodeField && Array.Exists(wanted, w => w.Own == fields[ownField] && w.Other == fields[otherField]))
            {
                // A socket that its process has closed already shows no inode and user 0, whoever it was.
                return fields[inodeField] != "0"
                    && uint.TryParse(fields[userField], NumberStyles.None, CultureInfo.InvariantCulture, out var user) ? user : null;
            }
        }

        return null;
    }

    /// <summary>An end as the tables write it.</summary>
    /// <param name="wide">As an IPv6 socket has it: an IPv4 address is mapped then.</param>
    private static string Hex(IPEndPoint end, bool wide)
    {
        var plain = Plain(end.Address);
        var bytes = (wide ? plain.MapToIPv6() : plain).GetAddressBytes();
        var words = string.Concat(Enumerable.Range(0, bytes.Length / 4)
            .Select(i => BitConverter.ToUInt32(bytes, i * 4).ToString("X8", CultureInfo.InvariantCulture)));
        return string.Create(CultureInfo.InvariantCulture, $"{words}:{end.Port:X4}");
    }

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
