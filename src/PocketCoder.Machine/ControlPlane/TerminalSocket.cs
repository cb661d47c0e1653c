using System.Globalization;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>
/// <c>GET /terminals/attach?session=…&amp;name=…&amp;columns=…&amp;rows=…</c> as a WebSocket of text messages:
/// <see cref="TerminalOutputPayload"/> to the CLI, <see cref="TerminalKeys"/> from it.
/// </summary>
internal static class TerminalSocket
{
    /// <summary>Why an attached command line is left alone while the terminal has not ended: the daemon stops.</summary>
    private const string LetGo = "The daemon stopped; the terminal keeps running.";

    private const int LongestMessage = 128 * 1024;

    private static readonly TimeSpan s_closeLimit = TimeSpan.FromSeconds(2);

    public static async Task RunAsync(HttpContext context, OwnerStreams streams)
    {
        var query = context.Request.Query;
        if (!context.WebSockets.IsWebSocketRequest
            || !Guid.TryParseExact(query["session"], "D", out var session)
            || !int.TryParse(query["columns"], NumberStyles.None, CultureInfo.InvariantCulture, out var columns)
            || !int.TryParse(query["rows"], NumberStyles.None, CultureInfo.InvariantCulture, out var rows))
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "This operation is a WebSocket and needs session, name, columns and rows.");
        }

        var name = query["name"].ToString();
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var ct = context.RequestAborted;
        var told = false;
        try
        {
            await using var attached = await streams.AttachAsync(session, name, columns, rows, SendAsync, ct);
            await TakeAsync(socket, attached, LetGoAsync, ct);
        }
        catch (Exception e) when (Failures.IsExpected(e) && !told)
        {
            await EndAsync(Failures.ToWire(e).Message);
        }
        catch (Exception e) when (Failures.IsExpected(e))
        {
            // it heard why already
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or JsonException)
        {
            return; // the CLI is gone, or is none
        }

        await CloseAsync(socket);

        // Said here, not found out by the CLI: for a moment a daemon that stops still answers, and has no terminals any more.
        ValueTask LetGoAsync() => told ? default : EndAsync(LetGo);

        ValueTask EndAsync(string why) => SendAsync(new TerminalOutputPayload(session, name, "", false, false, columns, rows, why), ct);

        async ValueTask SendAsync(TerminalOutputPayload output, CancellationToken stop)
        {
            told |= output.Ended is not null;
            try
            {
                await socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(output, ProtocolJson.Default.TerminalOutputPayload).AsMemory(),
                    WebSocketMessageType.Text, true, stop);
            }
            catch (WebSocketException e)
            {
                throw new OperationCanceledException("The command line is gone.", e);
            }
        }
    }

    /// <summary>
    /// Takes keys until the CLI closes or the terminal is over. A read that is cancelled would abort the connection, and with it the reason
    /// for the end that is on its way: so the end closes our half, and the read ends when the CLI has heard it.
    /// </summary>
    /// <param name="over">Called when nothing more comes, before our half is closed.</param>
    private static async Task TakeAsync(WebSocket socket, AttachedTerminal attached, Func<ValueTask> over, CancellationToken ct)
    {
        var taking = KeysAsync();
        if (await Task.WhenAny(taking, attached.Over) != taking || taking.IsFaulted)
        {
            // keys that failed because it ended: its own reason is the better one
            await Task.WhenAny(attached.Over, Task.Delay(s_closeLimit, ct));
        }

        if (attached.Over.IsCompleted)
        {
            await over();
            await CloseAsync(socket);
            await Task.WhenAny(taking, Task.Delay(s_closeLimit, ct));
            if (!taking.IsCompleted)
            {
                socket.Abort(); // it does not listen
            }
        }

        await taking;

        async Task KeysAsync()
        {
            while (await ReceiveAsync(socket, ct) is { } keys)
            {
                if (keys is { Columns: { } columns, Rows: { } rows })
                {
                    await attached.ResizeAsync(columns, rows);
                }

                if (keys.Data is { Length: > 0 } data)
                {
                    await attached.TypeAsync(data, ct);
                }
            }
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
                return JsonSerializer.Deserialize(buffer.AsSpan(0, length), TerminalKeysJson.Default.TerminalKeys);
            }

            if (length == buffer.Length)
            {
                throw new JsonException("A message is too long.");
            }
        }
    }

    private static async Task CloseAsync(WebSocket socket)
    {
        if (socket.State is not (WebSocketState.Open or WebSocketState.CloseReceived))
        {
            return; // done already
        }

        try
        {
            using var limit = new CancellationTokenSource(s_closeLimit);
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            // it went first
        }
    }
}

/// <summary>What a CLI types, or its new size.</summary>
internal sealed record TerminalKeys(string? Data, int? Columns, int? Rows);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    MaxDepth = 32)]
[JsonSerializable(typeof(TerminalKeys))]
internal sealed partial class TerminalKeysJson : JsonSerializerContext;
