using System.Text.Json;

namespace PocketCoder.Protocol;

/// <summary>
/// One message of the protocol, either direction, as it stands inside a sealed frame: a JSON object of at most
/// <see cref="Limits.MessageBytes"/>. Requests carry <c>requestId</c> and get exactly one <c>&lt;type&gt;_response</c> or <c>error</c>
/// with the same id. Stream messages carry <c>stream</c>, <c>epoch</c> and <c>seq</c>. Unknown fields are ignored,
/// after <see cref="MessageBytes"/> looked at them too.
/// </summary>
public sealed record Envelope
{
    /// <summary>Protocol version, 1. Left out counts as 1; anything else is refused.</summary>
    public int V { get; init; } = 1;

    public required string Type { get; init; }

    /// <summary>Chosen by the requester, unique among its open requests, 1–64 characters.</summary>
    public string? RequestId { get; init; }

    /// <summary>
    /// For stream messages: which stream (<c>machine</c>, <c>session/&lt;agentSessionId&gt;</c>, <c>files/&lt;projectId&gt;</c>).
    /// </summary>
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

    /// <summary>Largest request of a device in bytes, except those that carry a whole file.</summary>
    public const int RequestBytes = 1024 * 1024;

    /// <summary>
    /// Largest request that carries a whole file of text: 1 MiB of it, each character escaped as JSON may (six bytes), and 64 KiB for the
    /// rest.
    /// </summary>
    public const int FileRequestBytes = (6 * 1024 * 1024) + (64 * 1024);

    /// <summary>Largest first message of a connection (<c>hello</c>) in bytes.</summary>
    public const int HelloBytes = 64 * 1024;

    /// <summary>How long a letter may hold at most, in days.</summary>
    public const int LetterDays = 7;

    /// <summary>Letters that one request takes back.</summary>
    public const int LettersAtOnce = 100;

    /// <summary>Connections of one device at once; one more ends the one that was silent longest.</summary>
    public const int ConnectionsPerDevice = 16;

    /// <summary>Largest prompt in UTF-8 bytes.</summary>
    public const int PromptBytes = 256 * 1024;

    /// <summary>Prompts waiting in one session.</summary>
    public const int QueuedPrompts = 50;

    /// <summary>Largest reason or free answer in UTF-8 bytes.</summary>
    public const int ReasonBytes = 4 * 1024;

    /// <summary>Session titles and names, characters.</summary>
    public const int NameLength = 100;

    /// <summary>Bytes of output or of a file in one answer.</summary>
    public const int RangeBytes = 1024 * 1024;

    /// <summary>Jobs that run at once in one session.</summary>
    public const int Jobs = 8;

    /// <summary>Bytes of events in one <c>agent_events</c>: with the rest of the message they fit into one frame.</summary>
    public const int BatchBytes = 60 * 1024;

    /// <summary>Sessions in one page of <c>machine_state</c> or <c>agent_sessions_list</c>.</summary>
    public const int SessionsPage = 500;

    /// <summary>Labels of one session.</summary>
    public const int SessionLabels = 5;

    /// <summary>Characters of a label.</summary>
    public const int LabelLength = 24;

    /// <summary>Days that a session can be snoozed for.</summary>
    public const int SnoozeDays = 366;

    /// <summary>Characters of the last line of a session in the list.</summary>
    public const int LastLineLength = 200;

    /// <summary>Characters of a search in all sessions.</summary>
    public const int SearchCharacters = 200;

    /// <summary>Sessions that a search gives.</summary>
    public const int SearchSessions = 50;

    /// <summary>Live subscriptions of one connection.</summary>
    public const int Subscriptions = 64;
}
