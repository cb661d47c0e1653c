using System.Buffers;

namespace PocketCoder.Broker.Secrets;

/// <summary>
/// Redacts a stream that comes in pieces: what comes out does not depend on where the pieces end. Holds back at most the length of the longest
/// spelling, whatever comes. Not thread-safe: one stream, one writer.
/// </summary>
public sealed class RedactedStream
{
    private readonly Redactor _redactor;
    private readonly byte[] _held;
    private int _heldCount;
    private int _covered;

    internal RedactedStream(Redactor redactor)
    {
        _redactor = redactor;
        _held = new byte[Math.Max(1, redactor.Longest)];
    }

    /// <summary>Takes the next piece and writes out what is certain.</summary>
    public void Write(ReadOnlySpan<byte> piece, IBufferWriter<byte> output)
    {
        while (_heldCount > 0 && piece.Length > 0)
        {
            // Enough of the new piece to decide what was held back; the rest is looked at where it lies.
            var take = Math.Min(piece.Length, _redactor.Longest);
            var joined = ArrayPool<byte>.Shared.Rent(_heldCount + take);
            _held.AsSpan(0, _heldCount).CopyTo(joined);
            piece[..take].CopyTo(joined.AsSpan(_heldCount));
            var all = joined.AsSpan(0, _heldCount + take);
            var was = _heldCount;
            var done = Process(all, was, final: false, output);
            Hold(done < was ? all[done..] : []);
            piece = piece[(done < was ? take : done - was)..];
            ArrayPool<byte>.Shared.Return(joined, clearArray: true);
        }

        var used = Process(piece, piece.Length, final: false, output);
        if (piece.Length > 0)
        {
            Hold(piece[used..]);
        }
    }

    /// <summary>No more pieces: writes out what was held back.</summary>
    public void Complete(IBufferWriter<byte> output)
    {
        Process(_held.AsSpan(0, _heldCount), _heldCount, final: true, output);
        Hold([]);
        _covered = 0;
    }

    /// <summary>Works from the beginning to <paramref name="until"/> or to where it can't be decided yet; gives how far it came.</summary>
    private int Process(ReadOnlySpan<byte> bytes, int until, bool final, IBufferWriter<byte> output)
    {
        var i = 0;
        while (i < until)
        {
            if (_covered == 0)
            {
                var start = _redactor.NextStart(bytes[i..until]);
                var plain = start < 0 ? until - i : start;
                output.Write(bytes.Slice(i, plain));
                i += plain;
                if (start < 0)
                {
                    break;
                }
            }

            var (length, mark, undecided) = _redactor.Match(bytes[i..], final);
            if (undecided)
            {
                return i;
            }

            // One that begins inside of another lengthens it, so that no end of it stays behind.
            if (length > 0 && _covered == 0)
            {
                output.Write(_redactor.Mark(mark));
            }

            _covered = Math.Max(_covered, length);
            if (_covered == 0)
            {
                output.Write(bytes.Slice(i, 1));
            }
            else
            {
                _covered--;
            }

            i++;
        }

        return i;
    }

    private void Hold(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_held);
        _heldCount = bytes.Length;
    }
}
