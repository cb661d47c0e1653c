using System.Buffers;
using System.Text;
using PocketCoder.Broker.Secrets;

namespace PocketCoder.Machine.Secrets;

/// <summary>
/// Takes secrets out of text that comes in pieces, wherever the pieces end. Text that may be the beginning of a secret is held back until
/// it is known; what is held back at the very end is left to whatever shows the whole text. Not thread-safe: one text, one writer.
/// </summary>
public sealed class LiveRedaction(Redactor redactor)
{
    private readonly RedactedStream _stream = redactor.OpenLiveStream();
    private readonly ArrayBufferWriter<byte> _output = new();
    private readonly Encoder _encoder = Encoding.UTF8.GetEncoder();
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();

    /// <summary>What may be shown now; maybe nothing.</summary>
    public string Next(string piece)
    {
        if (redactor.IsEmpty)
        {
            return piece;
        }

        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(piece.Length)];
        var count = _encoder.GetBytes(piece, bytes, flush: false);
        _output.ResetWrittenCount();
        _stream.Write(bytes.AsSpan(0, count), _output);
        var chars = new char[Encoding.UTF8.GetMaxCharCount(_output.WrittenCount)];
        return new string(chars, 0, _decoder.GetChars(_output.WrittenSpan, chars, flush: false));
    }
}
