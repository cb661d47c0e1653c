using PocketCoder.Processes;

namespace PocketCoder.Sandboxes.Execution;

/// <summary>Reads a file that somebody else is still writing; its end is the end once the writer is done. Read-only, one reader.</summary>
/// <param name="path">May come into being later.</param>
/// <param name="isDone">Whether nothing will be written any more. Asked before the last look, so that nothing is missed.</param>
internal sealed class FollowStream(string path, Func<bool> isDone) : ForwardStream
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(15);

    private FileStream? _file;

    public override bool CanRead => true;

    public override bool CanWrite => false;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.Length == 0)
        {
            return 0;
        }

        while (true)
        {
            var done = isDone();
            _file ??= Open();
            if (_file is not null && await _file.ReadAsync(buffer, cancellationToken) is > 0 and var read)
            {
                return read;
            }

            if (done)
            {
                return 0;
            }

            await Task.Delay(s_poll, cancellationToken);
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read it asynchronously.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
        // nothing is written
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _file?.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>The writer is another user's process: what it leaves under that name is not followed when it is a link.</summary>
    private FileStream? Open() => Native.OpenPlain(path) is { } handle ? new FileStream(handle, FileAccess.Read, bufferSize: 0) : null;
}
