using System.Net;
using System.Net.Sockets;
using System.Text;

namespace PocketCoder.Gateway.Tests;

/// <summary>Bytes on a TCP connection, for requests that no client would make.</summary>
internal static class RawHttp
{
    public static Task<string> SendAsync(int port, string request) => SendAsync(port, Encoding.Latin1.GetBytes(request));

    /// <summary>
    /// Sends and reads until the server closes or nothing more comes; the answer as Latin-1 text, empty when it just closed.
    /// </summary>
    public static async Task<string> SendAsync(int port, byte[] request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port);
        var stream = client.GetStream();
        var answer = new MemoryStream();
        try
        {
            await stream.WriteAsync(request);
            using var limit = new CancellationTokenSource(PocketCoder.Testing.Wait.Limit);
            var buffer = new byte[4096];
            while (await stream.ReadAsync(buffer, limit.Token) is var count and > 0)
            {
                answer.Write(buffer, 0, count);
                if (IsWhole(Encoding.Latin1.GetString(answer.ToArray())))
                {
                    break; // what is kept alive says no more
                }
            }
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // The server may cut a bad connection while we still write.
        }

        return Encoding.Latin1.GetString(answer.ToArray());
    }

    private static bool IsWhole(string answer)
    {
        var end = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (end < 0)
        {
            return false;
        }

        const string Length = "\r\nContent-Length: ";
        var at = answer.IndexOf(Length, StringComparison.Ordinal);
        return answer.StartsWith("HTTP/1.1 101", StringComparison.Ordinal)
            || (at >= 0 && at < end && answer.Length >= end + 4 + int.Parse(
                answer.AsSpan()[(at + Length.Length)..answer.IndexOf("\r\n", at + 2, StringComparison.Ordinal)]));
    }

    public static int StatusOf(string answer)
        => answer.StartsWith("HTTP/1.1 ", StringComparison.Ordinal) ? int.Parse(answer.AsSpan(9, 3)) : 0;

    public static string Get(string path, string host, params string[] headers)
        => $"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{string.Concat(headers.Select(h => h + "\r\n"))}\r\n";

    public static string Upgrade(string host, params string[] headers)
        => $"GET /v1/relay?machine={GatewayUnderTest.MachineId} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            + $"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {RelayFrame.Subprotocol}\r\n{string.Concat(headers.Select(h => h + "\r\n"))}\r\n";
}
