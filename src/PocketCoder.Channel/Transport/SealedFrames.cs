using System.Buffers;

namespace PocketCoder.Channels;

/// <summary>
/// The frames of one message, to be sent in order, each as one binary WebSocket message. They share one pooled buffer, given back by
/// <see cref="Dispose"/>: keep no frame beyond it. Not disposing is safe and only costs the buffer. Not thread-safe.
/// </summary>
public sealed class SealedFrames : IDisposable
{
    private readonly int _length;
    private readonly int _frameBytes;
    private byte[]? _buffer;

    internal SealedFrames(byte[] buffer, int length, int frameBytes)
    {
        _buffer = buffer;
        _length = length;
        _frameBytes = frameBytes;
        Count = (length + frameBytes - 1) / frameBytes;
    }

    /// <summary>How many frames; at least one.</summary>
    public int Count { get; }

    /// <summary>A frame; every one but the last is of the largest size.</summary>
    public ReadOnlyMemory<byte> this[int index]
    {
        get
        {
            ObjectDisposedException.ThrowIf(_buffer is null, this);
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
            var start = index * _frameBytes;
            return _buffer.AsMemory(start, Math.Min(_frameBytes, _length - start));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } buffer)
        {
            ArrayPool<byte>.Shared.Return(buffer); // ciphertext only, nothing to wipe
        }
    }
}
