using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using PocketCoder.Channels;

namespace PocketCoder.Testing.Devices;

/// <summary>Letters as a device writes them, and somebody who delivers them.</summary>
public static class TestLetter
{
    /// <summary>Seals a request that holds until then.</summary>
    public static byte[] Of<T>(TestDevice writer, string type, T payload, JsonTypeInfo<T> json, DateTimeOffset until, string? id = null)
        => SealedLetter.Seal(writer.Identity, writer.MachineKey, JsonSerializer.SerializeToUtf8Bytes(new JsonObject
        {
            ["v"] = 1,
            ["type"] = type,
            ["requestId"] = id ?? Guid.CreateVersion7().ToString("N"),
            ["until"] = until,
            ["payload"] = JsonSerializer.SerializeToNode(payload, json),
        }));

    /// <summary>Delivers a letter over the relay, as anybody can who has it.</summary>
    /// <returns>What the machine says to it; null: nothing.</returns>
    public static async Task<string?> DeliverAsync(string url, string machine, byte[] letter)
    {
        var address = new UriBuilder(new Uri(url)) { Path = "/v1/relay", Query = $"machine={machine}", Fragment = "" };
        address.Scheme = address.Scheme == "https" ? "wss" : "ws";
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("pocketcoder.v1");
        using var limit = new CancellationTokenSource(Wait.Limit);
        await socket.ConnectAsync(address.Uri, limit.Token);
        await socket.SendAsync(letter, WebSocketMessageType.Binary, true, limit.Token);
        var answer = new byte[CloseReason.MaxFrameBytes];
        var got = await socket.ReceiveAsync(answer, limit.Token);
        return got.MessageType == WebSocketMessageType.Close ? null : CloseReason.Parse(answer.AsSpan(0, got.Count))?.Code;
    }
}
