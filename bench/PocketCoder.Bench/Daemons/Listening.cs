using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using PocketCoder.Processes;

namespace PocketCoder.Bench.Daemons;

/// <summary>What is asked of every program that listens: since when it answers, and what it holds.</summary>
internal static class Listening
{
    private static readonly TimeSpan s_startLimit = TimeSpan.FromSeconds(30);

    /// <summary>Returns when <c>/healthz</c> answers 200, asked every 2 ms.</summary>
    /// <exception cref="InvalidOperationException">It ended or did not answer in time; with what it said.</exception>
    public static async Task UntilAnswersAsync(int port, OwnedProcess process, Func<string> said)
    {
        using var limit = new CancellationTokenSource(s_startLimit);
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(2));
        try
        {
            while (!await IsHealthyAsync(port, limit.Token))
            {
                if (process.Exited.IsCompleted)
                {
                    throw new InvalidOperationException($"The program ended while starting: {said()}");
                }

                await pause.WaitForNextTickAsync(limit.Token);
            }
        }
        catch (OperationCanceledException e)
        {
            throw new InvalidOperationException($"The program did not answer within {s_startLimit.TotalSeconds} s: {said()}", e);
        }
    }

    /// <summary>Resident and proportional memory in bytes.</summary>
    public static (double Rss, double Pss) Memory(OwnedProcess process)
    {
        var lines = File.ReadAllLines($"/proc/{process.Identity.Pid}/smaps_rollup");
        return (Field("Rss:"), Field("Pss:"));

        double Field(string name) => 1024 * double.Parse(lines.First(l => l.StartsWith(name, StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    /// <summary>By a bare socket: a client library's own start would be part of the number.</summary>
    private static async Task<bool> IsHealthyAsync(int port, CancellationToken cancellationToken)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
            await socket.SendAsync(Encoding.ASCII.GetBytes($"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"),
                cancellationToken);
            var answer = new byte[32];
            var length = await socket.ReceiveAsync(answer, cancellationToken);
            return Encoding.ASCII.GetString(answer, 0, length).StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal);
        }
        catch (SocketException)
        {
            return false; // not listening yet
        }
    }
}
