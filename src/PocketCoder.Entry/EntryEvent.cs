using System.Text.Json;

namespace PocketCoder.Entry;

/// <summary>Something that happened, as the protocol's events tell it (docs/protocol.md).</summary>
/// <param name="Type">A type of <see cref="Protocol.MessageTypes"/>: <c>agent_event</c>, <c>agent_delta</c>, <c>machine_event</c>, …</param>
/// <param name="Seq">Its number in the stream, to go on from after a restart; null: it has none, as live text.</param>
public sealed record EntryEvent(string Type, string Stream, string Epoch, long? Seq, JsonElement Payload);
