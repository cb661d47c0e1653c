using System.Net;
using System.Net.Sockets;

namespace PocketCoder.Platform.Tests;

public sealed class PeerUserTests
{
    [Fact]
    public async Task The_other_end_of_a_unix_socket_is_known_by_its_user()
    {
        var folder = Directory.CreateTempSubdirectory("pc-peer-");
        try
        {
            var address = new UnixDomainSocketEndPoint(Path.Combine(folder.FullName, "s"));
            using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(address);
            listener.Listen();
            using var near = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await near.ConnectAsync(address);
            using var far = await listener.AcceptAsync();

            Assert.True(PeerUser.IsOwn(far));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task What_the_system_does_not_tell_is_nobody()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var near = new TcpClient();
        await near.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        using var far = await listener.AcceptSocketAsync();
        Assert.False(PeerUser.IsOwn(far)); // a port has no user

        far.Dispose();
        Assert.False(PeerUser.IsOwn(far));
    }
}
