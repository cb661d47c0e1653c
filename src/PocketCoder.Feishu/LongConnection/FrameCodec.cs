using System.Buffers;
using System.Text;

namespace PocketCoder.Feishu.LongConnections;

/// <summary>
/// The protobuf (proto2) message of the long connection: nine fields, two of them in a message of their own (docs/feishu.md,
/// <em>Frames</em>).
/// Stricter than protobuf where that costs nothing: a field that may stand once stands once, texts are UTF-8, numbers fit.
/// Pure functions.
/// </summary>
public static class FrameCodec
{
    /// <summary>The longest frame that is read or written, in bytes.</summary>
    public const int LongestFrame = 1024 * 1024;

    /// <summary>The most headers of a frame.</summary>
    public const int MostHeaders = 64;

    /// <summary>The longest key or value of a header, and other text of a frame, in bytes.</summary>
    public const int LongestText = 8 * 1024;

    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int Bytes = 2;
    private const int Fixed32 = 5;

    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="FeishuException">It is no such frame (<see cref="FeishuError.Malformed"/>, <see cref="FeishuError.TooLarge"/>).</exception>
    public static Frame Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > LongestFrame)
        {
            throw new FeishuException(FeishuError.TooLarge, $"A frame of {bytes.Length} bytes is more than {LongestFrame}.");
        }

        var reader = new Reader(bytes);
        ulong? seqId = null, logId = null;
        int? service = null, method = null;
        var headers = new List<FrameHeader>();
        string? encoding = null, type = null, logIdNew = null;
        byte[]? payload = null;
        while (reader.Next(out var field, out var wire))
        {
            switch (field)
            {
                case 1: Once(ref seqId, reader.Number(wire)); break;
                case 2: Once(ref logId, reader.Number(wire)); break;
                case 3: Once(ref service, reader.Int32(wire)); break;
                case 4: Once(ref method, reader.Int32(wire)); break;
                case 5:
                    headers.Add(headers.Count < MostHeaders ? Header(reader.Part(wire)) : throw Wrong($"more than {MostHeaders} headers"));
                    break;
                case 6: Once(ref encoding, Text(reader.Part(wire))); break;
                case 7: Once(ref type, Text(reader.Part(wire))); break;
                case 8: Once(ref payload, reader.Part(wire).ToArray()); break;
                case 9: Once(ref logIdNew, Text(reader.Part(wire))); break;
                default: reader.Skip(wire); break;
            }
        }

        return new Frame
        {
            SeqId = seqId ?? throw Missing(1),
            LogId = logId ?? throw Missing(2),
            Service = service ?? throw Missing(3),
            Method = method ?? throw Missing(4),
            Headers = headers,
            PayloadEncoding = encoding,
            PayloadType = type,
            Payload = payload is null ? default(ReadOnlyMemory<byte>?) : payload, // plain null would become an empty one
            LogIdNew = logIdNew,
        };
    }

    /// <exception cref="FeishuException">It is longer than a frame may be, or holds more headers or text than <see cref="Read"/> takes.</exception>
    public static byte[] Write(Frame frame)
    {
        var writer = new ArrayBufferWriter<byte>(256 + (frame.Payload?.Length ?? 0));
        WriteNumber(writer, 1, frame.SeqId);
        WriteNumber(writer, 2, frame.LogId);
        WriteNumber(writer, 3, (ulong)(long)frame.Service);
        WriteNumber(writer, 4, (ulong)(long)frame.Method);
        if (frame.Headers.Count > MostHeaders)
        {
            throw new FeishuException(FeishuError.TooLarge, $"A frame has at most {MostHeaders} headers.");
        }

        foreach (var header in frame.Headers)
        {
            var part = new ArrayBufferWriter<byte>();
            WriteText(part, 1, header.Key);
            WriteText(part, 2, header.Value);
            WritePart(writer, 5, part.WrittenSpan);
        }

        WriteText(writer, 6, frame.PayloadEncoding);
        WriteText(writer, 7, frame.PayloadType);
        if (frame.Payload is { } payload)
        {
            WritePart(writer, 8, payload.Span);
        }

        WriteText(writer, 9, frame.LogIdNew);
        return writer.WrittenCount <= LongestFrame
            ? writer.WrittenSpan.ToArray()
            : throw new FeishuException(FeishuError.TooLarge, $"A frame of {writer.WrittenCount} bytes is more than {LongestFrame}.");
    }

    private static FrameHeader Header(ReadOnlySpan<byte> bytes)
    {
        var reader = new Reader(bytes);
        string? key = null, value = null;
        while (reader.Next(out var field, out var wire))
        {
            switch (field)
            {
                case 1: Once(ref key, Text(reader.Part(wire))); break;
                case 2: Once(ref value, Text(reader.Part(wire))); break;
                default: reader.Skip(wire); break;
            }
        }

        return new FrameHeader(key ?? throw Missing(1), value ?? throw Missing(2));
    }

    private static string Text(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > LongestText)
        {
            throw Wrong("a text is too long");
        }

        try
        {
            return s_utf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw Wrong("a text is no UTF-8");
        }
    }

    private static void Once<T>(ref T? place, T value)
        where T : struct => place = place is null ? value : throw Wrong("a field stands twice");

    private static void Once<T>(ref T? place, T value)
        where T : class => place = place is null ? value : throw Wrong("a field stands twice");

    private static void WriteText(ArrayBufferWriter<byte> writer, int field, string? text)
    {
        if (text is null)
        {
            return;
        }

        byte[] bytes;
        try
        {
            bytes = s_utf8.GetBytes(text);
        }
        catch (EncoderFallbackException)
        {
            throw new FeishuException(FeishuError.Invalid, "A text of a frame is no Unicode.");
        }

        WritePart(writer, field, bytes.Length <= LongestText
            ? bytes
            : throw new FeishuException(FeishuError.TooLarge, $"A text of a frame has at most {LongestText} bytes."));
    }

    private static void WritePart(ArrayBufferWriter<byte> writer, int field, ReadOnlySpan<byte> bytes)
    {
        WriteVarint(writer, (ulong)((field << 3) | Bytes));
        WriteVarint(writer, (ulong)bytes.Length);
        writer.Write(bytes);
    }

    private static void WriteNumber(ArrayBufferWriter<byte> writer, int field, ulong value)
    {
        WriteVarint(writer, (ulong)((field << 3) | Varint));
        WriteVarint(writer, value);
    }

    private static void WriteVarint(ArrayBufferWriter<byte> writer, ulong value)
    {
        Span<byte> bytes = stackalloc byte[10];
        var length = 0;
        for (; value >= 0x80; value >>= 7)
        {
            bytes[length++] = (byte)(value | 0x80);
        }

        bytes[length++] = (byte)value;
        writer.Write(bytes[..length]);
    }

    private static FeishuException Missing(int field) => Wrong($"field {field} is missing");

    private static FeishuException Wrong(string why) => new(FeishuError.Malformed, $"No frame of the long connection: {why}.");

    private ref struct Reader(ReadOnlySpan<byte> bytes)
    {
        private ReadOnlySpan<byte> _rest = bytes;

        public bool Next(out uint field, out int wire)
        {
            (field, wire) = (0, 0);
            if (_rest.IsEmpty)
            {
                return false;
            }

            var tag = Raw();
            (field, wire) = tag <= uint.MaxValue && tag >> 3 != 0 ? ((uint)(tag >> 3), (int)(tag & 7)) : throw Wrong("no field has that number");
            return true;
        }

        public ulong Number(int wire) => wire == Varint ? Raw() : throw OtherKind();

        public int Int32(int wire) => (long)Number(wire) is >= int.MinValue and <= int.MaxValue and var value
            ? (int)value : throw Wrong("a number is too large");

        public ReadOnlySpan<byte> Part(int wire)
        {
            if (wire != Bytes)
            {
                throw OtherKind();
            }

            var length = Raw();
            return length <= (ulong)_rest.Length ? Take((int)length) : throw Short();
        }

        public void Skip(int wire)
        {
            switch (wire)
            {
                case Varint: Raw(); break;
                case Fixed64: Take(8); break;
                case Bytes: Part(wire); break;
                case Fixed32: Take(4); break;
                default: throw OtherKind(); // groups are not used since proto2's first years
            }
        }

        private ReadOnlySpan<byte> Take(int length)
        {
            if (length > _rest.Length)
            {
                throw Short();
            }

            var part = _rest[..length];
            _rest = _rest[length..];
            return part;
        }

        private ulong Raw()
        {
            var value = 0UL;
            for (var i = 0; i < _rest.Length; i++)
            {
                var b = _rest[i];
                if (i == 9 && b > 1)
                {
                    break;
                }

                value |= (ulong)(b & 0x7f) << (7 * i);
                if (b < 0x80)
                {
                    _rest = _rest[(i + 1)..];
                    return value;
                }

                if (i == 9)
                {
                    break;
                }
            }

            throw _rest.Length < 10 ? Short() : Wrong("a number is too large");
        }

        private static FeishuException Short() => Wrong("it ends too early");

        private static FeishuException OtherKind() => Wrong("a field is of another kind");
    }
}
