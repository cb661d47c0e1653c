namespace PocketCoder.Feishu.LongConnections;

/// <summary>A name and a value on a frame.</summary>
public readonly record struct FrameHeader(string Key, string Value);

/// <summary>
/// One message of the long connection, as <see cref="FrameCodec"/> reads and writes it. Immutable, if nobody writes into
/// <see cref="Payload"/>.
/// </summary>
public sealed class Frame
{
    /// <summary><see cref="Method"/> of a ping or a pong.</summary>
    public const int Control = 0;

    /// <summary><see cref="Method"/> of an event or a callback.</summary>
    public const int Data = 1;

    public ulong SeqId { get; init; }

    public ulong LogId { get; init; }

    /// <summary>The connection's number, from the address that discovery gave.</summary>
    public int Service { get; init; }

    public int Method { get; init; }

    public IReadOnlyList<FrameHeader> Headers { get; init; } = [];

    public string? PayloadEncoding { get; init; }

    public string? PayloadType { get; init; }

    /// <summary>Null when the frame has none, which is not the same as empty.</summary>
    public ReadOnlyMemory<byte>? Payload { get; init; }

    public string? LogIdNew { get; init; }

    /// <summary>The first header of that name, or null.</summary>
    public string? this[string key]
    {
        get
        {
            foreach (var header in Headers)
            {
                if (header.Key == key)
                {
                    return header.Value;
                }
            }

            return null;
        }
    }

    /// <summary>The client's sign of life.</summary>
    public static Frame Ping(int service) => new() { Service = service, Method = Control, Headers = [new("type", "ping")] };

    /// <summary>The answer to this frame: the same, with how long it took and another payload.</summary>
    /// <param name="took">In milliseconds.</param>
    public Frame Answer(long took, ReadOnlyMemory<byte> payload) => new()
    {
        SeqId = SeqId,
        LogId = LogId,
        Service = Service,
        Method = Method,
        Headers = [.. Headers, new("biz_rt", took.ToString(System.Globalization.CultureInfo.InvariantCulture))],
        PayloadEncoding = PayloadEncoding,
        PayloadType = PayloadType,
        Payload = payload,
        LogIdNew = LogIdNew,
    };
}
