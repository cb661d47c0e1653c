using System.Net;
using System.Net.Sockets;
using System.Text;

namespace PocketCoder.Broker.Egress;

/// <summary>One connection from the sandbox, from its request to its record.</summary>
internal sealed class EgressConnection(EgressOptions options, TimeProvider time, PendingDecisions? decisions, Socket client)
{
    private readonly DateTimeOffset _started = time.GetUtcNow();
    private readonly long _startedAt = time.GetTimestamp();
    private RequestHead? _head;
    private IPAddress? _address;
    private long _up;
    private long _down;

    public async Task ServeAsync(CancellationToken stopping)
    {
        using var owned = client;
        EgressOutcome outcome;
        string reason;
        try
        {
            (outcome, reason) = await RunAsync(stopping);
        }
        catch (BadRequestException e)
        {
            (outcome, reason) = (EgressOutcome.BadRequest, e.Message);
            await AnswerAsync("400 Bad Request", e.Message);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or IOException or ObjectDisposedException)
        {
            (outcome, reason) = (EgressOutcome.Abandoned,
                stopping.IsCancellationRequested ? "the proxy is stopping" : "the connection ended");
        }

        options.Audit?.Invoke(new EgressRecord(
            _head?.Host ?? "", _head?.Port ?? 0, _head?.Method ?? "", outcome, reason, _address, Interlocked.Read(ref _up),
            Interlocked.Read(ref _down), _started, time.GetElapsedTime(_startedAt)));
    }

    private async Task<(EgressOutcome, string)> RunAsync(CancellationToken stopping)
    {
        var buffer = new byte[RequestHead.MaxBytes];
        var (headLength, filled) = await ReadHeadAsync(buffer, stopping);
        if (headLength == 0)
        {
            return (EgressOutcome.Abandoned, "no request arrived");
        }

        var head = _head = RequestHead.Parse(buffer.AsSpan(0, headLength));
        var early = buffer.AsMemory(headLength, filled - headLength);
        var verdict = await DecideAsync(head, stopping);
        if (!verdict.Allowed)
        {
            await AnswerAsync("403 Forbidden", verdict.Reason);
            return (EgressOutcome.Refused, verdict.Reason);
        }

        Socket server;
        try
        {
            var (socket, refused) = await ConnectAsync(head, stopping);
            if (socket is null)
            {
                await AnswerAsync("403 Forbidden", refused);
                return (EgressOutcome.PrivateAddress, refused);
            }

            server = socket;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException && !stopping.IsCancellationRequested)
        {
            await AnswerAsync("502 Bad Gateway", $"{head.Host} cannot be reached");
            return (EgressOutcome.Unreachable,
                $"{head.Host}:{head.Port} cannot be reached: {(e is SocketException s ? s.SocketErrorCode.ToString() : "time limit")}");
        }

        using (server)
        {
            var flow = new Flow(options, time, bytes => Interlocked.Add(ref _up, bytes), bytes => Interlocked.Add(ref _down, bytes));
            return head.IsTunnel
                ? await flow.TunnelAsync(client, server, head.Host, early, stopping)
                : await flow.RequestAsync(client, server, head, early, stopping);
        }
    }

    private async Task<(int Head, int Filled)> ReadHeadAsync(byte[] buffer, CancellationToken stopping)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        using var timer = time.CreateTimer(
            static s => ((CancellationTokenSource)s!).Cancel(), limit, options.HeadLimit, Timeout.InfiniteTimeSpan);
        var filled = 0;
        while (true)
        {
            if (filled == buffer.Length)
            {
                throw new BadRequestException($"the request's head is longer than {RequestHead.MaxBytes / 1024} KB");
            }

            var read = await client.ReceiveAsync(buffer.AsMemory(filled), SocketFlags.None, limit.Token);
            if (read == 0)
            {
                return (0, 0);
            }

            var searchFrom = Math.Max(0, filled - 3);
            filled += read;
            var end = buffer.AsSpan(searchFrom, filled - searchFrom).IndexOf("\r\n\r\n"u8);
            if (end >= 0)
            {
                return (searchFrom + end + 4, filled);
            }

            if (buffer.AsSpan(0, filled).IndexOf("\n\n"u8) >= 0)
            {
                throw new BadRequestException("a line in the request's head ends incorrectly");
            }
        }
    }

    private async Task<EgressVerdict> DecideAsync(RequestHead head, CancellationToken stopping)
    {
        if (options.Allowed.FirstOrDefault(r => r.Matches(head.Host, head.Port)) is { } rule)
        {
            return EgressVerdict.Allow($"rule {rule}");
        }

        if (decisions is null)
        {
            return EgressVerdict.Refuse($"{head.Host}:{head.Port} is not on the list of allowed hosts");
        }

        using var gone = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var watching = WatchAsync(gone);
        try
        {
            return await decisions.AskAsync(new EgressRequest(head.Host, head.Port, head.Method), gone.Token);
        }
        finally
        {
            await gone.CancelAsync();
            await watching;
        }
    }

    /// <summary>Notices that the client went away, without taking a byte from it.</summary>
    private async Task WatchAsync(CancellationTokenSource gone)
    {
        try
        {
            if (await client.ReceiveAsync(new byte[1], SocketFlags.Peek, gone.Token) == 0)
            {
                await gone.CancelAsync();
            }
        }
        catch (SocketException)
        {
            await gone.CancelAsync();
        }
        catch (OperationCanceledException)
        {
            // The decision is there.
        }
    }

    private async Task<(Socket? Server, string Refused)> ConnectAsync(RequestHead head, CancellationToken stopping)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        using var timer = time.CreateTimer(
            static s => ((CancellationTokenSource)s!).Cancel(), limit, options.ConnectLimit, Timeout.InfiniteTimeSpan);
        var (server, address) = await PublicConnection.OpenAsync(
            head.Host, head.Port, options.Resolve, options.AllowedLoopback, limit.Token);
        _address = address;
        return server is null ? (null, $"{head.Host} resolves to {address}, which is not a public address") : (server, "");
    }

    /// <summary>Best effort: the client may be gone.</summary>
    private async Task AnswerAsync(string status, string message)
    {
        var body = Encoding.UTF8.GetBytes($"PocketCoder: {message}\n");
        var answer = Encoding.ASCII.GetBytes(
            $"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n");
        try
        {
            await Flow.SendAsync(client, answer, CancellationToken.None);
            await Flow.SendAsync(client, body, CancellationToken.None);
            client.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Nobody is there to be told.
        }
    }
}
