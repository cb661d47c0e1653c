namespace PocketCoder.Machine.Snapshots.Git;

/// <summary>The next so many bytes of a stream. Read only, forward only.</summary>
internal sealed class PartStream(Stream whole, long length) : Stream
{
    private long _left = length;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length { get; } = length;

    public override long Position
    {
        get => Length - _left;
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = _left == 0 || buffer.Length == 0 ? 0
            : await whole.ReadAsync(buffer[..(int)Math.Min(buffer.Length, _left)], cancellationToken);
        if (read == 0 && _left > 0 && buffer.Length > 0)
        {
            throw new EndOfStreamException();
        }

        _left -= read;
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Only asynchronous.");

    /// <summary>Reads the rest away.</summary>
    public async Task SkipAsync(CancellationToken cancellationToken)
    {
        var buffer = new byte[8192];
        while (await ReadAsync(buffer, cancellationToken) > 0)
        {
            // not wanted
        }
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
