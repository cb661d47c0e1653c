using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace PocketCoder.Broker.Egress;

/// <summary>Moves bytes between sandbox and server within the limits.</summary>
internal sealed class Flow(EgressOptions options, TimeProvider time, Action<long> up, Action<long> down)
{
    private const int BufferSize = 32 * 1024;
    private long _total;
    private long _lastByte = time.GetTimestamp();

    public async Task<(EgressOutcome, string)> TunnelAsync(
        Socket client, Socket server, string host, ReadOnlyMemory<byte> early, CancellationToken stopping)
    {
        await SendAsync(client, "HTTP/1.1 200 Connection established\r\n\r\n"u8.ToArray(), stopping);
        return await GuardedAsync(
            async ct =>
            {
                var (hello, mismatch) = await HelloAsync(client, host, early, ct);
                if (mismatch is not null)
                {
                    return (EgressOutcome.NameMismatch, mismatch);
                }

                Count(hello.Length, up);
                await SendAsync(server, hello, ct);
                var forth = CopyAsync(client, server, up, ct);
                var back = CopyAsync(server, client, down, ct);
                await await Task.WhenAny(forth, back); // what failed ends both ways
                await Task.WhenAll(forth, back);
                return (EgressOutcome.Done, "");
            },
            client,
            server,
            stopping);
    }

    public async Task<(EgressOutcome, string)> RequestAsync(
        Socket client, Socket server, RequestHead head, ReadOnlyMemory<byte> early, CancellationToken stopping)
        => await GuardedAsync(
            async ct =>
            {
                var bytes = head.ToOrigin();
                Count(bytes.Length, up);
                await SendAsync(server, bytes, ct);
                var back = CopyAsync(server, client, down, ct);
                var source = new Reader(client, early);
                if (head.Body.Length is { } length)
                {
                    await BodyAsync(source, server, length, ct);
                }
                else
                {
                    await ChunksAsync(source, server, ct);
                }

                // Whatever the client sends after its one request is not carried.
                await back;
                return (EgressOutcome.Done, "");
            },
            client,
            server,
            stopping);

    public static async Task SendAsync(Socket socket, ReadOnlyMemory<byte> bytes, CancellationToken ct)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None, ct)..];
        }
    }

    /// <summary>Runs a transfer under the limits of idleness, time and bytes.</summary>
    private async Task<(EgressOutcome, string)> GuardedAsync(
        Func<CancellationToken, Task<(EgressOutcome, string)>> transfer, Socket client, Socket server, CancellationToken stopping)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var begun = time.GetTimestamp();
        string? reached = null;
        var watching = WatchAsync();
        try
        {
            return await transfer(limit.Token);
        }
        catch (ByteLimitException)
        {
            return (EgressOutcome.LimitReached, "the byte limit of a connection");
        }
        catch (OperationCanceledException) when (reached is not null)
        {
            return (EgressOutcome.LimitReached, reached);
        }
        catch (Exception e) when (e is SocketException or IOException && !stopping.IsCancellationRequested)
        {
            return (EgressOutcome.Done, "cut by one side");
        }
        finally
        {
            await limit.CancelAsync();
            await watching;
            client.Close();
            server.Close();
        }

        async Task WatchAsync()
        {
            var pause = TimeSpan.FromTicks(Math.Min(options.IdleLimit.Ticks, options.TotalLimit.Ticks) / 4);
            try
            {
                while (reached is null)
                {
                    await Task.Delay(pause, time, limit.Token);
                    reached = time.GetElapsedTime(begun) >= options.TotalLimit ? "the time limit of a connection"
                        : time.GetElapsedTime(Interlocked.Read(ref _lastByte)) >= options.IdleLimit ? "the idle time limit"
                        : null;
                }

                await limit.CancelAsync();
            }
            catch (OperationCanceledException)
            {
                // The transfer ended by itself.
            }
        }
    }

    private async Task<(ReadOnlyMemory<byte> Bytes, string? Mismatch)> HelloAsync(
        Socket client, string host, ReadOnlyMemory<byte> early, CancellationToken ct)
    {
        var buffer = new byte[ClientHello.MaxBytes + RequestHead.MaxBytes];
        early.CopyTo(buffer);
        var filled = early.Length;
        while (true)
        {
            switch (ClientHello.Read(buffer.AsSpan(0, filled), out var name))
            {
                case HelloKind.Named when !HostName.TryParse(name, out var named) || named != host:
                    return (default, "the TLS handshake asks for a host other than the allowed one");
                case HelloKind.Malformed:
                    return (default, "the TLS handshake is malformed");
                case HelloKind.Incomplete:
                    var read = await client.ReceiveAsync(buffer.AsMemory(filled), SocketFlags.None, ct);
                    if (read == 0)
                    {
                        return (buffer.AsMemory(0, filled), null);
                    }

                    filled += read;
                    break;
                default:
                    return (buffer.AsMemory(0, filled), null);
            }
        }
    }

    private async Task CopyAsync(Socket from, Socket to, Action<long> count, CancellationToken ct)
    {
        var buffer = new byte[BufferSize];
        while (await from.ReceiveAsync(buffer, SocketFlags.None, ct) is var read and > 0)
        {
            Count(read, count);
            await SendAsync(to, buffer.AsMemory(0, read), ct);
        }

        to.Shutdown(SocketShutdown.Send);
    }

    private async Task BodyAsync(Reader source, Socket server, long length, CancellationToken ct)
    {
        var buffer = new byte[BufferSize];
        while (length > 0)
        {
            var read = await source.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, length)), ct);
            if (read == 0)
            {
                throw new IOException("the body ends early");
            }

            length -= read;
            Count(read, up);
            await SendAsync(server, buffer.AsMemory(0, read), ct);
        }
    }

    /// <summary>Reads chunks and writes them anew, without extensions and trailers: what the server sees has one reading.</summary>
    private async Task ChunksAsync(Reader source, Socket server, CancellationToken ct)
    {
        while (true)
        {
            var line = await source.LineAsync(64, ct);
            var digits = line.Split(';', 2)[0].Trim(' ', '\t');
            if (digits.Length is 0 or > 8 || !digits.All(char.IsAsciiHexDigit))
            {
                throw new IOException("a chunk is malformed");
            }

            var size = long.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            if (size == 0)
            {
                for (var n = 0; (await source.LineAsync(1024, ct)).Length > 0; n++)
                {
                    if (n > 16)
                    {
                        throw new IOException("too many trailers");
                    }
                }

                await SendAsync(server, "0\r\n\r\n"u8.ToArray(), ct);
                return;
            }

            await SendAsync(server, Encoding.ASCII.GetBytes(size.ToString("x", CultureInfo.InvariantCulture) + "\r\n"), ct);
            await BodyAsync(source, server, size, ct);
            if ((await source.LineAsync(0, ct)).Length > 0)
            {
                throw new IOException("a chunk is malformed");
            }

            await SendAsync(server, "\r\n"u8.ToArray(), ct);
        }
    }

    private void Count(long bytes, Action<long> count)
    {
        Interlocked.Exchange(ref _lastByte, time.GetTimestamp());
        count(bytes);
        if (Interlocked.Add(ref _total, bytes) > options.MaxBytes)
        {
            throw new ByteLimitException();
        }
    }

    private sealed class ByteLimitException : Exception;

    /// <summary>What came with the head, then what comes.</summary>
    private sealed class Reader(Socket socket, ReadOnlyMemory<byte> early)
    {
        private ReadOnlyMemory<byte> _early = early;

        public async ValueTask<int> ReadAsync(Memory<byte> into, CancellationToken ct)
        {
            if (_early.Length == 0)
            {
                return await socket.ReceiveAsync(into, SocketFlags.None, ct);
            }

            var read = Math.Min(into.Length, _early.Length);
            _early[..read].CopyTo(into);
            _early = _early[read..];
            return read;
        }

        public async Task<string> LineAsync(int limit, CancellationToken ct)
        {
            var line = new StringBuilder();
            var one = new byte[1];
            while (true)
            {
                if (await ReadAsync(one, ct) == 0)
                {
                    throw new IOException("the body ends early");
                }

                if (one[0] == '\r')
                {
                    return await ReadAsync(one, ct) == 1 && one[0] == '\n' ? line.ToString() : throw new IOException("a line is malformed");
                }

                if (one[0] is < 0x20 and not (byte)'\t' or >= 0x7F || line.Length >= limit)
                {
                    throw new IOException("a line is malformed");
                }

                line.Append((char)one[0]);
            }
        }
    }
}
