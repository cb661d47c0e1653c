using System.Text.Json;

namespace PocketCoder.Protocol;

/// <summary>
/// One message of the protocol, either direction, as it stands inside a sealed frame: a JSON object of at most
/// <see cref="Limits.MessageBytes"/>. Requests carry <c>requestId</c> and get exactly one <c>&lt;type&gt;_response</c> or <c>error</c>
/// with the same id. Stream messages carry <c>stream</c>, <c>epoch</c> and <c>seq</c>. Unknown fields are ignored.
/// </summary>
public sealed record Envelope
{
    /// <summary>Protocol version, 1.</summary>
    public int V { get; init; } = 1;

    public required string Type { get; init; }

    /// <summary>Chosen by the requester, unique among its open requests, 1–64 characters.</summary>
    public string? RequestId { get; init; }

    /// <summary>For stream messages: which stream (<c>machine</c>, <c>session/&lt;agentSessionId&gt;</c>, <c>files/&lt;projectId&gt;</c>).</summary>
    public string? Stream { get; init; }

    /// <summary>For stream messages: the life of the stream that <c>seq</c> counts in. A different epoch means: start over.</summary>
    public string? Epoch { get; init; }

    /// <summary>For durable stream messages: 1, 2, 3 … without gaps.</summary>
    public long? Seq { get; init; }

    public JsonElement? Payload { get; init; }

    public WireError? Error { get; init; }
}

/// <summary>Sizes and counts that both sides hold to.</summary>
public static class Limits
{
    /// <summary>Largest message in bytes after reassembly.</summary>
    public const int MessageBytes = 8 * 1024 * 1024;

    /// <summary>Largest prompt in UTF-8 bytes.</summary>
    public const int PromptBytes = 256 * 1024;

    /// <summary>Prompts waiting in one session (seed 003: 50).</summary>
    public const int QueuedPrompts = 50;

    /// <summary>Largest reason or free answer in UTF-8 bytes.</summary>
    public const int ReasonBytes = 4 * 1024;

    /// <summary>Session titles and names, characters.</summary>
    public const int NameLength = 100;

    /// <summary>Bytes of output or of a file in one answer.</summary>
    public const int RangeBytes = 1024 * 1024;

    /// <summary>Jobs that run at once in one session.</summary>
    public const int Jobs = 8;

    /// <summary>Live subscriptions of one connection.</summary>
    public const int Subscriptions = 64;
}
