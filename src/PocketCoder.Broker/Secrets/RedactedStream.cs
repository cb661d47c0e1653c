using System.Buffers;

namespace PocketCoder.Broker.Secrets;

/// <summary>
/// Redacts a stream that comes in pieces: what comes out does not depend on where the pieces end. Holds back what may become a secret: the
/// beginning of one, with what may stand between its characters, or a line of a dump. Not thread-safe: one stream, one writer.
/// </summary>
public sealed class RedactedStream
{
    private readonly Redactor _redactor;
    private readonly bool _eager;
    private readonly SecretRanges _ranges = new();
    private readonly SecretTrack _plain;
    private readonly Base64Track _base64;
    private readonly HexTrack _hex;
    private readonly DumpTrack _dump;
    private readonly HashSet<int> _found = [];
    private byte[] _held = [];
    private int _heldCount;
    private long _heldAt; // where in the stream that begins
    private long _now; // bytes read

    internal RedactedStream(Redactor redactor, bool eager)
    {
        (_redactor, _eager) = (redactor, eager);
        _plain = new SecretTrack(redactor.Matcher, _ranges);
        _base64 = new Base64Track(redactor.Matcher, _ranges);
        _hex = new HexTrack(redactor.Matcher, _ranges);
        _dump = new DumpTrack(redactor.Matcher, _ranges);
    }

    /// <summary>The names of the secrets that were taken out so far.</summary>
    public IEnumerable<string> Found => _found.Select(_redactor.NameOf);

    /// <summary>What is held back now.</summary>
    internal int HeldBytes => _heldCount;

    /// <summary>Takes the next piece and writes out what is certain.</summary>
    public void Write(ReadOnlySpan<byte> piece, IBufferWriter<byte> output)
    {
        if (_redactor.IsEmpty)
        {
            output.Write(piece);
            return;
        }

        const int Part = 16 * 1024; // so that what is held stays small, however large a piece is
        while (piece.Length > 0)
        {
            var part = piece[..Math.Min(piece.Length, Part)];
            Read(part);
            WriteOut(Hold(), output);
            piece = piece[part.Length..];
        }
    }

    /// <summary>No more pieces: writes out what was held back.</summary>
    public void Complete(IBufferWriter<byte> output)
    {
        _dump.EndLine(_now);
        WriteOut(_now, output);
    }

    private void Read(ReadOnlySpan<byte> part)
    {
        if (_heldCount + part.Length > _held.Length)
        {
            Array.Resize(ref _held, Math.Max(_heldCount + part.Length, Math.Min(_held.Length * 2, 64 * 1024)));
        }

        part.CopyTo(_held.AsSpan(_heldCount));
        _heldCount += part.Length;
        foreach (var b in part)
        {
            _plain.Take(b, _now, _now + 1);
            _base64.Take(b, _now);
            _hex.Take(b, _now);
            _dump.Take(b, _now);
            _now++;
        }
    }

    private long Hold() => Math.Min(
        Math.Min(_plain.Hold(_now), _base64.Hold(_now, _eager)), Math.Min(_hex.Hold(_now, _eager), _dump.Hold(_now)));

    /// <summary>Writes what stands before a place; nothing that comes can change it.</summary>
    private void WriteOut(long until, IBufferWriter<byte> output)
    {
        while (_ranges.Count > 0 && _ranges.First is var range && range.Start < until)
        {
            Pass(range.Start, output);
            if (range.End > until)
            {
                Skip(until); // it may grow, and need not be kept for that
                return;
            }

            _found.Add(range.Of);
            output.Write(_redactor.Mark(range.Of));
            Skip(range.End);
            _ranges.RemoveFirst();
        }

        Pass(until, output);
    }

    private void Pass(long until, IBufferWriter<byte> output)
    {
        if (until > _heldAt)
        {
            output.Write(_held.AsSpan(0, (int)(until - _heldAt)));
            Skip(until);
        }
    }

    private void Skip(long until)
    {
        if (until > _heldAt)
        {
            var gone = (int)(until - _heldAt);
            _held.AsSpan(gone, _heldCount - gone).CopyTo(_held);
            (_heldCount, _heldAt) = (_heldCount - gone, until);
        }
    }
}
