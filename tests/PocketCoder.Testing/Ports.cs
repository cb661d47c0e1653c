using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace PocketCoder.Testing;

/// <summary>
/// Ports on loopback for programs that must be told theirs before they start. They come from below the range that the kernel
/// hands out: a port of that range may be given to somebody's connection between this look and the program's start.
/// </summary>
public static class Ports
{
    private const int First = 20_000;
    private const int Last = 32_000;

    // Each test program begins elsewhere, so that two of them seldom look at the same port.
    private static int s_next = Environment.ProcessId * 37 % (Last - First);

    /// <summary>
    /// A port that nothing listens at, and that this process gives to nobody else until it has been all around. Safe for use by several
    /// threads.
    /// </summary>
    /// <exception cref="InvalidOperationException">Nothing was free.</exception>
    public static int Free()
    {
        for (var tries = First; tries < Last; tries++)
        {
            var port = First + (int)((uint)Interlocked.Increment(ref s_next) % (Last - First));
            try
            {
                using var probe = new TcpListener(IPAddress.Loopback, port);
                probe.Start();
                return port;
            }
            catch (SocketException)
            {
                // somebody's
            }
        }

        throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"No port from {First} to {Last} is free."));
    }
}
