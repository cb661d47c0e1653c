using System.Buffers;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.OpenCode;

/// <summary>
/// Reads the data of server-sent events (html.spec.whatwg.org, "Server-sent events"), bounded: a line and an event have at most
/// <paramref name="limit"/> bytes. Names, ids and comments are skipped; an event that the end of the stream cuts is none. For one reader.
/// </summary>
/// <remarks>Lines end with LF or CR LF. A lone CR, which the specification allows too, is not one: JSON has none and OpenCode sends
/// none.</remarks>
internal sealed class EventStreamReader(Stream source, int limit)
{
    private static ReadOnlySpan<byte> Field => "data:"u8;

    private readonly LineReader _lines = new(source, limit);
    private readonly ArrayBufferWriter<byte> _data = new();
    private bool _first = true;

    /// <summary>The data of the next event that has any, valid until the next call; null at the end.</summary>
    /// <exception cref="LineTooLongException">A bound is passed.</exception>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellationToken)
    {
        _data.ResetWrittenCount();
        var any = false;
        while (await _lines.ReadAsync(cancellationToken) is { } line)
        {
            var text = line.Span;
            if (_first && text.StartsWith("\uFEFF"u8))
            {
                text = text[3..];
            }

            _first = false;
            if (text.EndsWith((byte)'\r'))
            {
                text = text[..^1];
            }

            if (text.IsEmpty)
            {
                if (any)
                {
                    return _data.WrittenMemory;
                }

                continue;
            }

            if (!text.StartsWith(Field))
            {
                continue;
            }

            var value = text[Field.Length..];
            value = value.StartsWith((byte)' ') ? value[1..] : value;
            if (_data.WrittenCount + value.Length + 1 > limit)
            {
                throw new LineTooLongException(limit);
            }

            if (any)
            {
                _data.Write("\n"u8);
            }

            _data.Write(value);
            any = true;
        }

        return null;
    }
}
