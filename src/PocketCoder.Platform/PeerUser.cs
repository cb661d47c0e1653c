using System.Buffers.Binary;
using System.Net.Sockets;

namespace PocketCoder.Platform;

/// <summary>Which local user is at the other end of a Unix socket, as the kernel noted it when that end connected.</summary>
public static class PeerUser
{
    // Linux, <sys/socket.h>: struct ucred has pid, uid and gid, four bytes each.
    private const int LinuxLevel = 1;
    private const int LinuxOption = 17;
    private const int LinuxBytes = 12;

    // macOS, <sys/un.h>: struct xucred has version, uid, the number of groups, and 16 groups.
    private const int MacLevel = 0;
    private const int MacOption = 1;
    private const int MacBytes = 76;

    private const int UserAt = 4;

    /// <summary>Whether the other end is of the user that this process acts as. False also when the system does not tell.</summary>
    public static bool IsOwn(Socket socket) => Of(socket) is { } user && user == CurrentUser.Id;

    /// <summary>The other end's user; null: the system does not tell.</summary>
    private static uint? Of(Socket socket)
    {
        var (level, option, size) = OperatingSystem.IsMacOS() ? (MacLevel, MacOption, MacBytes) : (LinuxLevel, LinuxOption, LinuxBytes);
        Span<byte> credentials = stackalloc byte[MacBytes];
        try
        {
            return socket.GetRawSocketOption(level, option, credentials[..size]) >= UserAt + sizeof(uint)
                ? BitConverter.IsLittleEndian ? BinaryPrimitives.ReadUInt32LittleEndian(credentials[UserAt..])
                    : BinaryPrimitives.ReadUInt32BigEndian(credentials[UserAt..])
                : null;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or PlatformNotSupportedException)
        {
            return null;
        }
    }
}
