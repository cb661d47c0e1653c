using System.Text;
using PocketCoder.Processes;

namespace PocketCoder.Cli.Output;

/// <summary>Writes UTF-8 bytes to a text writer, also when a character comes in two pieces.</summary>
internal sealed class WriterStream(TextWriter writer) : ForwardStream
{
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();

    public override bool CanRead => false;

    public override bool CanWrite => true;

    public override void Flush() => writer.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        var characters = new char[Encoding.UTF8.GetMaxCharCount(buffer.Length)];
        writer.Write(characters, 0, _decoder.GetChars(buffer, characters, flush: false));
    }
}
