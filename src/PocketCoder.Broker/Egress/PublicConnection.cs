using System.Net;
using System.Net.Sockets;

namespace PocketCoder.Broker.Egress;

/// <summary>
/// Connects to a name by the rule for all that goes out for somebody: the person decides about names, this about what they turn out to be.
/// Thread-safe.
/// </summary>
public static class PublicConnection
{
    private const int MostTried = 4;

    /// <summary>Resolves once, and connects to what was resolved.</summary>
    /// <param name="loopback">For tests: exact loopback destinations that are let through.</param>
    /// <returns>The connection and where it leads; or none, and the address that is not public.</returns>
    /// <exception cref="SocketException">There is no such name, or nobody answers.</exception>
    public static async Task<(Socket? Socket, IPAddress Address)> OpenAsync(
        string host, int port, Func<string, CancellationToken, ValueTask<IReadOnlyList<IPAddress>>> resolve,
        IReadOnlyList<IPEndPoint> loopback, CancellationToken cancellationToken)
    {
        var addresses = await resolve(host, cancellationToken);
        if (addresses.Count == 0)
        {
            throw new SocketException((int)SocketError.HostNotFound);
        }

        // One private address among public ones is how a rebinding name looks: none of them is taken.
        if (addresses.FirstOrDefault(a => !PublicAddress.IsPublic(a) && !loopback.Contains(new IPEndPoint(a, port))) is { } refused)
        {
            return (null, refused);
        }

        SocketException? failure = null;
        foreach (var address in addresses.Take(MostTried))
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(address, port), cancellationToken);
                return (socket, address);
            }
            catch (SocketException e)
            {
                failure = e;
                socket.Dispose();
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        throw failure!;
    }
}
