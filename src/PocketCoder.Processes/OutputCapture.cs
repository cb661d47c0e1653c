using System.Buffers;
using System.Text;

namespace PocketCoder.Processes;

/// <summary>
/// Keeps the head and the tail of a stream within a bound and says how much is missing between them. Bytes, decoded as UTF-8 at the end
/// (invalid ones become U+FFFD; a character cut at the gap too). Thread-safe: stdout and stderr may share one.
/// </summary>
public sealed class OutputCapture
{
    private readonly Lock _gate = new(); // guards all below
    private readonly int _headLimit;
    private readonly byte[] _tail;
    private readonly ArrayBufferWriter<byte> _head = new();
    private long _total;

    /// <param name="limit">Bytes kept at most, half of them from the head.</param>
    public OutputCapture(int limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 2);
        _headLimit = limit / 2;
        _tail = new byte[limit - _headLimit];
    }

    /// <summary>Bytes seen in all.</summary>
    public long Total
    {
        get
        {
            lock (_gate)
            {
                return _total;
            }
        }
    }

    /// <summary>Whether something was left out.</summary>
    public bool IsTruncated => Total > _headLimit + (long)_tail.Length;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            var toHead = (int)Math.Min(bytes.Length, _headLimit - _head.WrittenCount);
            _head.Write(bytes[..toHead]);
            var position = _total + toHead - _headLimit; // within the stream of what goes to the tail
            _total += bytes.Length;
            var rest = bytes[toHead..];
            if (rest.Length > _tail.Length)
            {
                position += rest.Length - _tail.Length;
                rest = rest[^_tail.Length..];
            }

            var at = (int)(position % _tail.Length);
            var first = Math.Min(rest.Length, _tail.Length - at);
            if (rest.Length > 0)
            {
                rest[..first].CopyTo(_tail.AsSpan(at));
                rest[first..].CopyTo(_tail);
            }
        }
    }

    /// <summary>
    /// Reads <paramref name="source"/> to its end into this capture, and goes on reading when full, so that the writer never blocks.
    /// </summary>
    public async Task ReadToEndAsync(Stream source, CancellationToken cancellationToken)
    {
        var buffer = new byte[8192];
        int read;
        while ((read = await source.ReadAsync(buffer, cancellationToken)) > 0)
        {
            Append(buffer.AsSpan(0, read));
        }
    }

    /// <summary>The text; with a line "[… n bytes left out …]" where something is missing.</summary>
    public override string ToString()
    {
        lock (_gate)
        {
            var inTail = _total - _head.WrittenCount;
            var bytes = new byte[Math.Min(inTail, _tail.Length)];
            var start = inTail <= _tail.Length ? 0 : (int)(inTail % _tail.Length);
            for (var i = 0; i < bytes.Length; i++)
            {
                bytes[i] = _tail[(start + i) % _tail.Length];
            }

            var missing = inTail - bytes.Length;
            if (missing == 0)
            {
                return Encoding.UTF8.GetString([.. _head.WrittenSpan, .. bytes]);
            }

            return $"{Encoding.UTF8.GetString(_head.WrittenSpan)}\n[… {missing} bytes left out …]\n{Encoding.UTF8.GetString(bytes)}";
        }
    }
}
