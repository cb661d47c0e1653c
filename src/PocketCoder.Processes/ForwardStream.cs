namespace PocketCoder.Processes;

/// <summary>
/// A stream over a pipe, a connection or a writer: it has no length and no position, so those members throw
/// <see cref="NotSupportedException"/>.
/// </summary>
public abstract class ForwardStream : Stream
{
    public sealed override bool CanSeek => false;

    public sealed override long Length => throw new NotSupportedException();

    public sealed override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public sealed override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public sealed override void SetLength(long value) => throw new NotSupportedException();
}
