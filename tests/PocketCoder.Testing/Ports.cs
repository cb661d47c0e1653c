using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace PocketCoder.Testing;

/// <summary>
/// Ports on loopback for programs that must be told theirs before they start. They come from below the range that the kernel
/// hands out: a port of that range may be given to somebody's connection between this look and the program's start. The test programs
/// that run side by side tell each other which ports are theirs by the UDP port of the same number, which nothing else here uses: so a
/// test may stop what listens at its port and start it there again.
/// </summary>
public static class Ports
{
    private const int First = 20_000;
    private const int Last = 32_000;

    private static readonly ConcurrentBag<Socket> s_taken = []; // held until this process ends

    // Each test program begins elsewhere, so that two of them seldom look at the same port.
    private static int s_next = Environment.ProcessId * 37 % (Last - First);

    /// <summary>
    /// A port that nothing listens at, and that no test program is given until this process ends. Safe for use by several threads.
    /// </summary>
    /// <exception cref="InvalidOperationException">Nothing was free.</exception>
    public static int Free()
    {
        for (var tries = First; tries < Last; tries++)
        {
            var port = First + (int)((uint)Interlocked.Increment(ref s_next) % (Last - First));
            var taken = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            try
            {
                taken.Bind(new IPEndPoint(IPAddress.Loopback, port));
                using var probe = new TcpListener(IPAddress.Loopback, port);
                probe.Start();
                s_taken.Add(taken);
                return port;
            }
            catch (SocketException)
            {
                taken.Dispose(); // somebody's
            }
        }

        throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"No port from {First} to {Last} is free."));
    }
}
