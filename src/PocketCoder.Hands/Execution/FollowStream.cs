namespace PocketCoder.Hands.Execution;

/// <summary>Reads a file that somebody else is still writing; its end is the end once the writer is done. Read-only, one reader.</summary>
/// <param name="path">May come into being later.</param>
/// <param name="isDone">Whether nothing will be written any more. Asked before the last look, so that nothing is missed.</param>
internal sealed class FollowStream(string path, Func<bool> isDone) : Stream
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(15);

    private FileStream? file;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.Length == 0)
        {
            return 0;
        }

        while (true)
        {
            var done = isDone();
            file ??= Open();
            if (file is not null && await file.ReadAsync(buffer, cancellationToken) is > 0 and var read)
            {
                return read;
            }

            if (done)
            {
                return 0;
            }

            await Task.Delay(Poll, cancellationToken);
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read it asynchronously.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Flush()
    {
        // nothing is written
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            file?.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>The writer is another user's process: what it leaves under that name is not followed when it is a link.</summary>
    private FileStream? Open() => Native.OpenPlain(path) is { } handle ? new FileStream(handle, FileAccess.Read, bufferSize: 0) : null;
}
