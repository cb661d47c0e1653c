namespace PocketCoder.Agents.Shared;

/// <summary>A line was longer than any that makes sense.</summary>
internal sealed class LineTooLongException(int limit) : Exception($"A line was longer than {limit} bytes.");

/// <summary>Splits a stream at line feeds, with a bound on the length of a line. For one reader.</summary>
internal sealed class LineReader(Stream source, int limit)
{
    private byte[] buffer = new byte[16 * 1024];
    private int start;
    private int end;
    private bool finished;

    /// <summary>The next line without its end, valid until the next call; null at the end. A last line without a line feed counts.</summary>
    /// <exception cref="LineTooLongException">The bound is passed; the rest of the stream is not worth reading.</exception>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellationToken)
    {
        var searched = start;
        while (true)
        {
            var at = buffer.AsSpan(searched, end - searched).IndexOf((byte)'\n');
            if (at >= 0)
            {
                var line = buffer.AsMemory(start, searched + at - start);
                start = searched + at + 1;
                return line.Length > limit ? throw new LineTooLongException(limit) : line;
            }

            searched = end;
            if (end - start > limit)
            {
                throw new LineTooLongException(limit);
            }

            if (finished)
            {
                if (start == end)
                {
                    return null; // not in a conditional expression: there null would become an empty, non-null memory
                }

                var rest = buffer.AsMemory(start, end - start);
                start = end;
                return rest;
            }

            MakeRoom(ref searched);
            var read = await source.ReadAsync(buffer.AsMemory(end), cancellationToken);
            end += read;
            finished = read == 0;
        }
    }

    private void MakeRoom(ref int searched)
    {
        if (end < buffer.Length)
        {
            return;
        }

        var next = end - start > buffer.Length / 2 ? new byte[buffer.Length * 2] : buffer;
        Buffer.BlockCopy(buffer, start, next, 0, end - start);
        buffer = next;
        searched -= start;
        end -= start;
        start = 0;
    }
}
