using System.Globalization;
using System.Net.WebSockets;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>
/// <c>GET /terminals/attach?session=…&amp;name=…&amp;columns=…&amp;rows=…</c> as a WebSocket of text messages: <see cref="TerminalOutputPayload"/> to the CLI,
/// <see cref="TerminalKeys"/> from it.
/// </summary>
internal static class TerminalSocket
{
    private const int LongestMessage = 128 * 1024;

    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(2);

    public static async Task RunAsync(HttpContext context, IControlTerminals terminals)
    {
        var query = context.Request.Query;
        if (!context.WebSockets.IsWebSocketRequest
            || !Guid.TryParseExact(query["session"], "D", out var session)
            || !int.TryParse(query["columns"], NumberStyles.None, CultureInfo.InvariantCulture, out var columns)
            || !int.TryParse(query["rows"], NumberStyles.None, CultureInfo.InvariantCulture, out var rows))
        {
            throw new ControlException(ErrorCode.InvalidRequest, "This operation is a WebSocket and needs session, name, columns and rows.");
        }

        var name = query["name"].ToString();
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var ct = context.RequestAborted;
        try
        {
            await using var attached = await terminals.AttachTerminalAsync(session, name, columns, rows, SendAsync, ct);
            await TakeAsync(socket, attached, ct);
        }
        catch (ControlException e)
        {
            await SendAsync(new TerminalOutputPayload(session, name, "", false, false, columns, rows, e.Message), ct);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or JsonException)
        {
            return; // the CLI is gone, or is none
        }

        await CloseAsync(socket);

        async ValueTask SendAsync(TerminalOutputPayload output, CancellationToken stop)
        {
            try
            {
                await socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(output, ProtocolJson.Default.TerminalOutputPayload).AsMemory(), WebSocketMessageType.Text, true, stop);
            }
            catch (WebSocketException e)
            {
                throw new OperationCanceledException("The command line is gone.", e);
            }
        }
    }

    private static async Task TakeAsync(WebSocket socket, IAttachedTerminal attached, CancellationToken ct)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var ending = EndAsync();
        try
        {
            while (await ReceiveAsync(socket, over.Token) is { } keys)
            {
                if (keys is { Columns: { } columns, Rows: { } rows })
                {
                    await attached.ResizeAsync(columns, rows, ct);
                }

                if (keys.Data is { Length: > 0 } data)
                {
                    await attached.TypeAsync(data, ct);
                }
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            // the terminal is over
        }

        await over.CancelAsync();
        await ending;

        async Task EndAsync()
        {
            await Task.WhenAny(attached.Over, Task.Delay(Timeout.Infinite, over.Token));
            await over.CancelAsync();
        }
    }

    /// <summary>The next message; null when the CLI closed.</summary>
    private static async Task<TerminalKeys?> ReceiveAsync(WebSocket socket, CancellationToken ct)
    {
        var buffer = new byte[LongestMessage];
        var length = 0;
        while (true)
        {
            var part = await socket.ReceiveAsync(buffer.AsMemory(length), ct);
            length += part.Count;
            if (part.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            if (part.EndOfMessage)
            {
                return JsonSerializer.Deserialize(buffer.AsSpan(0, length), ControlJson.Default.TerminalKeys);
            }

            if (length == buffer.Length)
            {
                throw new JsonException("A message is too long.");
            }
        }
    }

    private static async Task CloseAsync(WebSocket socket)
    {
        try
        {
            using var limit = new CancellationTokenSource(CloseLimit);
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            // it went first
        }
    }
}
