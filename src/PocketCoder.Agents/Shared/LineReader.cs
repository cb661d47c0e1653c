namespace PocketCoder.Agents.Shared;

/// <summary>A line was longer than any that makes sense.</summary>
internal sealed class LineTooLongException(int limit) : Exception($"A line was longer than {limit} bytes.");

/// <summary>Splits a stream at line feeds, with a bound on the length of a line. For one reader.</summary>
internal sealed class LineReader(Stream source, int limit)
{
    private byte[] _buffer = new byte[16 * 1024];
    private int _start;
    private int _end;
    private bool _finished;

    /// <summary>
    /// The next line without its end, valid until the next call; null at the end. A last line without a line feed counts.
    /// </summary>
    /// <exception cref="LineTooLongException">The bound is passed; the rest of the stream is not worth reading.</exception>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellationToken)
    {
        var searched = _start;
        while (true)
        {
            var at = _buffer.AsSpan(searched, _end - searched).IndexOf((byte)'\n');
            if (at >= 0)
            {
                var line = _buffer.AsMemory(_start, searched + at - _start);
                _start = searched + at + 1;
                return line.Length > limit ? throw new LineTooLongException(limit) : line;
            }

            searched = _end;
            if (_end - _start > limit)
            {
                throw new LineTooLongException(limit);
            }

            if (_finished)
            {
                if (_start == _end)
                {
                    return null; // not in a conditional expression: there null would become an empty, non-null memory
                }

                var rest = _buffer.AsMemory(_start, _end - _start);
                _start = _end;
                return rest;
            }

            MakeRoom(ref searched);
            var read = await source.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
            _end += read;
            _finished = read == 0;
        }
    }

    private void MakeRoom(ref int searched)
    {
        if (_end < _buffer.Length)
        {
            return;
        }

        var next = _end - _start > _buffer.Length / 2 ? new byte[_buffer.Length * 2] : _buffer;
        Buffer.BlockCopy(_buffer, _start, next, 0, _end - _start);
        _buffer = next;
        searched -= _start;
        _end -= _start;
        _start = 0;
    }
}
