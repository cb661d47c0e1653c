using System.Buffers;
using PocketCoder.Broker.Secrets;
using PocketCoder.Sandboxes;

namespace PocketCoder.Machine.Executions.Archive;

/// <summary>
/// One output of a command without its secrets. Both outputs shown as one text can hide a secret from whoever looks for it there: it comes
/// in two pieces, with a piece of the other output between them. Not thread-safe: one stream, one writer.
/// </summary>
internal sealed class RedactedOutput(RedactedStream stream) : IOutputFilter
{
    public void Write(ReadOnlySpan<byte> piece, IBufferWriter<byte> shown) => stream.Write(piece, shown);

    public void Complete(IBufferWriter<byte> shown) => stream.Complete(shown);
}
