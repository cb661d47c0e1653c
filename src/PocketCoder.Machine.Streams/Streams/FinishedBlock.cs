using System.Text.Json;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Streams;

/// <summary>Which live block an event is the final form of.</summary>
public static class FinishedBlock
{
    public static string? Of(AgentEventPayload payload) => payload switch
    {
        TextEvent text => text.BlockId,
        ThinkingEvent thinking => thinking.BlockId,
        _ => null,
    };

    public static string? Of(ReadOnlyMemory<byte> body)
    {
        using var document = JsonDocument.Parse(body);
        return document.RootElement.TryGetProperty("blockId", out var id) ? id.GetString() : null;
    }
}
