using System.Net.Sockets;

namespace PocketCoder.Broker;

/// <summary>Unix sockets that replace their stale predecessor and nothing else.</summary>
internal static class UnixSockets
{
    public static Socket Listen(string path, UnixFileMode mode)
    {
        RemoveStale(path);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(path));
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(path, mode); // before listen: nobody connects in between
            }

            socket.Listen(128);
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new IOException($"'{path}' cannot be listened on: {e.Message}", e);
        }
    }

    /// <exception cref="IOException">Something else than a socket is there.</exception>
    public static void RemoveStale(string path)
    {
        var info = new FileInfo(path);
        if (!info.Exists && info.LinkTarget is null)
        {
            return;
        }

        // .NET has no "is a socket". A link or anything with contents is none; an empty file in a folder of our own is no loss.
        if (info.LinkTarget is not null || info.Length > 0 || Directory.Exists(path))
        {
            throw new IOException($"'{path}' exists and is not a socket");
        }

        File.Delete(path);
    }
}
