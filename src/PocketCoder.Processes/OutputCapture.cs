using System.Buffers;
using System.Text;

namespace PocketCoder.Processes;

/// <summary>
/// Keeps the head and the tail of a stream within a bound and says how much is missing between them. Bytes, decoded as UTF-8 at the end
/// (invalid ones become U+FFFD; a character cut at the gap too). Thread-safe: stdout and stderr may share one.
/// </summary>
public sealed class OutputCapture
{
    private readonly Lock gate = new(); // guards all below
    private readonly int headLimit;
    private readonly byte[] tail;
    private readonly ArrayBufferWriter<byte> head = new();
    private long total;

    /// <param name="limit">Bytes kept at most, half of them from the head.</param>
    public OutputCapture(int limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 2);
        headLimit = limit / 2;
        tail = new byte[limit - headLimit];
    }

    /// <summary>Bytes seen in all.</summary>
    public long Total
    {
        get
        {
            lock (gate)
            {
                return total;
            }
        }
    }

    /// <summary>Whether something was left out.</summary>
    public bool IsTruncated => Total > headLimit + (long)tail.Length;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        lock (gate)
        {
            var toHead = (int)Math.Min(bytes.Length, headLimit - head.WrittenCount);
            head.Write(bytes[..toHead]);
            var position = total + toHead - headLimit; // within the stream of what goes to the tail
            total += bytes.Length;
            var rest = bytes[toHead..];
            if (rest.Length > tail.Length)
            {
                position += rest.Length - tail.Length;
                rest = rest[^tail.Length..];
            }

            var at = (int)(position % tail.Length);
            var first = Math.Min(rest.Length, tail.Length - at);
            if (rest.Length > 0)
            {
                rest[..first].CopyTo(tail.AsSpan(at));
                rest[first..].CopyTo(tail);
            }
        }
    }

    /// <summary>Reads <paramref name="source"/> to its end into this capture, and goes on reading when full, so that the writer never blocks.</summary>
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
        lock (gate)
        {
            var inTail = total - head.WrittenCount;
            var bytes = new byte[Math.Min(inTail, tail.Length)];
            var start = inTail <= tail.Length ? 0 : (int)(inTail % tail.Length);
            for (var i = 0; i < bytes.Length; i++)
            {
                bytes[i] = tail[(start + i) % tail.Length];
            }

            var missing = inTail - bytes.Length;
            if (missing == 0)
            {
                return Encoding.UTF8.GetString([.. head.WrittenSpan, .. bytes]);
            }

            return $"{Encoding.UTF8.GetString(head.WrittenSpan)}\n[… {missing} bytes left out …]\n{Encoding.UTF8.GetString(bytes)}";
        }
    }
}
