using System.Net;
using System.Net.Sockets;

namespace PocketCoder.Platform.Tests;

public sealed class SocketOwnerTests
{
    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("127.0.0.1", "127.0.0.77")]
    [InlineData("::1", "::1")]
    [InlineData("::ffff:127.0.0.1", "::ffff:127.0.0.1")]
    [InlineData("::ffff:127.0.0.1", "127.0.0.1")]
    public async Task The_kernel_tells_whose_each_end_is(string listen, string from)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && (!listen.Contains(':', StringComparison.Ordinal) || Socket.OSSupportsIPv6),
            "this computer has no IPv6 loopback");
        using var listener = Bound(listen);
        listener.Listen();
        using var client = Bound(from);
        var server = (IPEndPoint)listener.LocalEndPoint!;
        await client.ConnectAsync(from.Contains(':', StringComparison.Ordinal) ? server : new IPEndPoint(IPAddress.Loopback, server.Port));
        using var accepted = await listener.AcceptAsync();
        var (peer, local) = ((IPEndPoint)accepted.RemoteEndPoint!, (IPEndPoint)accepted.LocalEndPoint!);

        Assert.True(SocketOwner.TryFind(peer, local, out var user));
        Assert.Equal(CurrentUser.Id, user);
        Assert.True(SocketOwner.TryFind(local, peer, out user));
        Assert.Equal(CurrentUser.Id, user);
    }

    [Fact]
    public async Task What_only_listens_there_is_not_taken_for_the_connection_and_what_was_closed_is_nobodys()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "sock_diag(7) is Linux's");
        using var listener = Bound("127.0.0.1");
        listener.Listen();
        var server = (IPEndPoint)listener.LocalEndPoint!;
        Assert.False(SocketOwner.TryFind(server, new IPEndPoint(IPAddress.Loopback, 1), out var user));
        Assert.Null(user);
        Assert.False(SocketOwner.TryFind(new IPEndPoint(IPAddress.Loopback, 1), server, out _));
        Assert.False(SocketOwner.TryFind(new IPEndPoint(IPAddress.IPv6Loopback, 1), server, out _));

        var client = Bound("127.0.0.1");
        await client.ConnectAsync(server);
        using var accepted = await listener.AcceptAsync();
        client.Dispose();
        Assert.True(SocketOwner.TryFind((IPEndPoint)accepted.RemoteEndPoint!, (IPEndPoint)accepted.LocalEndPoint!, out user));
        Assert.Null(user);
    }

    private static Socket Bound(string address)
    {
        var ip = IPAddress.Parse(address);
        var socket = new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (ip.AddressFamily == AddressFamily.InterNetworkV6)
        {
            socket.DualMode = true;
        }

        socket.Bind(new IPEndPoint(ip, 0));
        return socket;
    }
}
