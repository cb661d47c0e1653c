using System.Buffers;
using System.Security.Cryptography;

namespace PocketCoder.Channels;

/// <summary>
/// A message that came through the channel whole and authentic. It lies in a pooled buffer, wiped and given back by
/// <see cref="Dispose"/>: keep no span or memory beyond it. Not disposing is safe and only costs the buffer. Not thread-safe.
/// </summary>
public sealed class ChannelMessage : IDisposable
{
    private readonly int _start;
    private readonly MessageAccount? _account;
    private byte[]? _buffer;

    internal ChannelMessage(byte[] buffer, int start, int length, MessageAccount? account = null)
    {
        _account = account;
        _buffer = buffer;
        _start = start;
        Length = length;
    }

    /// <summary>Bytes of the message; it may be empty.</summary>
    public int Length { get; }

    /// <summary>The message.</summary>
    public ReadOnlyMemory<byte> Memory
    {
        get
        {
            ObjectDisposedException.ThrowIf(_buffer is null, this);
            return _buffer.AsMemory(_start, Length);
        }
    }

    /// <summary>The message.</summary>
    public ReadOnlySpan<byte> Span => Memory.Span;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } buffer)
        {
            CryptographicOperations.ZeroMemory(buffer.AsSpan(0, _start + Length));
            _account?.Give(buffer.Length);
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
