using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Streams;

/// <summary>Writes messages as the bytes that go into sealed frames. Pure.</summary>
public static class Message
{
    public static byte[] Response<T>(string type, string? requestId, T payload, JsonTypeInfo<T> info)
        => Write(type + MessageTypes.ResponseSuffix, writer =>
    {
        Id(writer, requestId);
        writer.WritePropertyName("payload");
        JsonSerializer.Serialize(writer, payload, info);
    });

    public static byte[] Failure(string? requestId, WireError error) => Write(MessageTypes.Error, writer =>
    {
        Id(writer, requestId);
        writer.WritePropertyName("error");
        JsonSerializer.Serialize(writer, error, ProtocolJson.Default.WireError);
    });

    /// <summary>
    /// An answer, or an error in its place when it is larger than a message may be: sealing it would end the connection, and the device
    /// would ask again and again.
    /// </summary>
    public static byte[] Bounded(string? requestId, byte[] answer) => answer.Length <= Limits.MessageBytes
        ? answer
        : Failure(requestId, new WireError(ErrorCode.InvalidRequest,
            $"The answer has {answer.Length} bytes; a message has at most {Limits.MessageBytes}. Ask for less at once, such as a page."));

    /// <summary>An event of a stream; its body was checked when it was written and goes out as it is.</summary>
    public static byte[] Event(string type, string stream, string epoch, long seq, ReadOnlySpan<byte> body)
    {
        var buffer = new ArrayBufferWriter<byte>(body.Length + 160);
        using var writer = new Utf8JsonWriter(buffer);
        Head(writer, type);
        writer.WriteString("stream", stream);
        writer.WriteString("epoch", epoch);
        writer.WriteNumber("seq", seq);
        writer.WritePropertyName("payload");
        writer.WriteRawValue(body, skipInputValidation: true);
        writer.WriteEndObject();
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>
    /// Events of a session that follow one another, as one message: the first has <paramref name="seq"/>, each further one the next number.
    /// </summary>
    public static byte[] Events(string stream, string epoch, long seq, IReadOnlyList<ReadOnlyMemory<byte>> bodies, int bytes)
    {
        var buffer = new ArrayBufferWriter<byte>(bytes + bodies.Count + 192);
        using var writer = new Utf8JsonWriter(buffer);
        Head(writer, MessageTypes.AgentEvents);
        writer.WriteString("stream", stream);
        writer.WriteString("epoch", epoch);
        writer.WriteNumber("seq", seq);
        writer.WriteStartObject("payload");
        writer.WriteStartArray("events");
        foreach (var body in bodies)
        {
            writer.WriteRawValue(body.Span, skipInputValidation: true);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>A change of a project's files: its envelope carries the project as <c>sessionId</c> (docs/files.md).</summary>
    public static byte[] FilesChanged(string stream, string epoch, long seq, Guid projectId, ReadOnlyMemory<byte> body)
        => Write(MessageTypes.FsChanged, writer =>
    {
        writer.WriteString("stream", stream);
        writer.WriteString("epoch", epoch);
        writer.WriteNumber("seq", seq);
        writer.WriteString("sessionId", projectId);
        writer.WritePropertyName("payload");
        writer.WriteRawValue(body.Span, skipInputValidation: true);
    });

    public static byte[] Delta(string stream, string epoch, AgentDeltaPayload delta) => Write(MessageTypes.AgentDelta, writer =>
    {
        writer.WriteString("stream", stream);
        writer.WriteString("epoch", epoch);
        writer.WritePropertyName("payload");
        JsonSerializer.Serialize(writer, delta, ProtocolJson.Default.AgentDeltaPayload);
    });

    private static byte[] Write(string type, Action<Utf8JsonWriter> rest)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using var writer = new Utf8JsonWriter(buffer);
        Head(writer, type);
        rest(writer);
        writer.WriteEndObject();
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static void Head(Utf8JsonWriter writer, string type)
    {
        writer.WriteStartObject();
        writer.WriteNumber("v", 1);
        writer.WriteString("type", type);
    }

    private static void Id(Utf8JsonWriter writer, string? requestId)
    {
        if (requestId is not null)
        {
            writer.WriteString("requestId", requestId);
        }
    }
}
