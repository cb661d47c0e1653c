using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Platform.Calls;

namespace PocketCoder.Platform;

/// <summary>
/// Whose a TCP socket of this computer is, by its two ends. The kernel is asked for this one socket (sock_diag(7)), so it takes the same
/// time however many there are. Linux, where the kernel has it; thread-safe.
/// </summary>
public static class SocketOwner
{
    // <sys/socket.h>, <linux/netlink.h>, <linux/sock_diag.h>
    private const int Netlink = 16;
    private const int DatagramClosedOnExec = 2 | 0x80000;
    private const int SocketDiagnosis = 4;
    private const ushort ByFamily = 20;
    private const ushort IsRequest = 1;
    private const int DontWait = 0x40;
    private const byte Inet = 2;
    private const byte Inet6 = 10;
    private const byte Tcp = 6;

    // <linux/inet_diag.h>: a header of 16 bytes, then inet_diag_req_v2 or inet_diag_msg. Addresses and ports in the order of the network.
    private const int RequestBytes = 72;
    private const int AnswerBytes = 88;
    private const int RequestSocket = 24;
    private const int AnswerSocket = 20;
    private const int AddressBytes = 16;

    /// <summary>Finds the user.</summary>
    /// <param name="own">The socket's own end.</param>
    /// <param name="other">The end that it is connected to.</param>
    /// <param name="user">Null: the socket was closed by its process already.</param>
    /// <returns>False: the kernel does not tell; it may know all the same by other ways.</returns>
    public static unsafe bool TryFind(IPEndPoint own, IPEndPoint other, out uint? user)
    {
        user = null;
        var (near, far) = (Plain(own.Address), Plain(other.Address));
        if (!OperatingSystem.IsLinux() || near.AddressFamily != far.AddressFamily)
        {
            return false;
        }

        using var kernel = new SafeFileHandle(NetlinkCalls.Open(Netlink, DatagramClosedOnExec, SocketDiagnosis), ownsHandle: true);
        if (kernel.IsInvalid)
        {
            return false;
        }

        Span<byte> message = stackalloc byte[AnswerBytes];
        message.Clear();
        MemoryMarshal.Write(message, RequestBytes);
        MemoryMarshal.Write(message[4..], ByFamily);
        MemoryMarshal.Write(message[6..], IsRequest);
        message[16] = near.AddressFamily == AddressFamily.InterNetwork ? Inet : Inet6;
        message[17] = Tcp;
        message[20..24].Fill(0xFF); // in any state
        BinaryPrimitives.WriteUInt16BigEndian(message[RequestSocket..], (ushort)own.Port);
        BinaryPrimitives.WriteUInt16BigEndian(message[(RequestSocket + 2)..], (ushort)other.Port);
        _ = near.TryWriteBytes(message[(RequestSocket + 4)..], out _);
        _ = far.TryWriteBytes(message[(RequestSocket + 4 + AddressBytes)..], out _);
        message[64..RequestBytes].Fill(0xFF); // no cookie: it was never asked for before
        fixed (byte* at = message)
        {
            // The kernel answers before send returns.
            if (NetlinkCalls.Send(kernel, at, RequestBytes, 0) != RequestBytes
                || NetlinkCalls.Receive(kernel, at, AnswerBytes, DontWait) != AnswerBytes)
            {
                return false; // an error is shorter
            }
        }

        // Where it finds no such connection, it tells of the socket that listens at this address.
        if (MemoryMarshal.Read<ushort>(message[4..]) != ByFamily
            || End(message, 0)?.Equals(new IPEndPoint(near, own.Port)) != true
            || End(message, 1)?.Equals(new IPEndPoint(far, other.Port)) != true)
        {
            return false;
        }

        var isHeld = MemoryMarshal.Read<uint>(message[84..]) != 0; // without an inode no process has it any more
        user = isHeld ? MemoryMarshal.Read<uint>(message[80..]) : null;
        return true;
    }

    /// <summary>One of the two ends in an answer; null: it is of another family.</summary>
    private static IPEndPoint? End(ReadOnlySpan<byte> answer, int which)
    {
        var address = answer.Slice(AnswerSocket + 4 + (which * AddressBytes), AddressBytes);
        var port = BinaryPrimitives.ReadUInt16BigEndian(answer[(AnswerSocket + (which * 2))..]);
        return answer[16] switch
        {
            Inet => new IPEndPoint(new IPAddress(address[..4]), port),
            Inet6 => new IPEndPoint(Plain(new IPAddress(address)), port),
            _ => null,
        };
    }

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4()
        : address.AddressFamily == AddressFamily.InterNetworkV6 ? new IPAddress(address.GetAddressBytes()) : address; // without a scope
}
