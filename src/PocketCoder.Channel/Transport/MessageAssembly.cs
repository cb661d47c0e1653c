using System.Buffers;
using System.Security.Cryptography;

namespace PocketCoder.Channels;

/// <summary>
/// Collects the fragments of a message in one pooled buffer. A fragment decrypts to a flag byte and its bytes; it is decrypted to
/// where its bytes belong, with the flag on top of the last byte before, which is then put back. So nothing is copied but when
/// the buffer grows. Not thread-safe.
/// </summary>
internal sealed class MessageAssembly
{
    private byte[]? _buffer;
    private int _length;
    private byte _covered;

    /// <summary>Bytes of the message so far.</summary>
    public int Length => _length;

    /// <summary>Where to decrypt a fragment of <paramref name="bytes"/> bytes (and its flag) to.</summary>
    public Span<byte> Reserve(int bytes)
    {
        var need = 1 + _length + bytes;
        if (_buffer is null)
        {
            _buffer = ArrayPool<byte>.Shared.Rent(need);
        }
        else if (_buffer.Length < need)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(need, 2 * _buffer.Length));
            _buffer.AsSpan(0, 1 + _length).CopyTo(larger);
            CryptographicOperations.ZeroMemory(_buffer.AsSpan(0, 1 + _length));
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        _covered = _buffer[_length];
        return _buffer.AsSpan(_length, 1 + bytes);
    }

    /// <summary>Takes in the fragment that was decrypted to <see cref="Reserve"/>'s place.</summary>
    /// <returns>Its flag byte.</returns>
    public byte Commit(int bytes)
    {
        var flag = _buffer![_length];
        _buffer[_length] = _covered;
        _length += bytes;
        return flag;
    }

    /// <summary>Hands the message over and starts anew.</summary>
    public ChannelMessage Take()
    {
        var message = new ChannelMessage(_buffer!, 1, _length);
        _buffer = null;
        _length = 0;
        return message;
    }

    /// <summary>Forgets what was collected.</summary>
    public void Clear()
    {
        if (_buffer is { } buffer)
        {
            _buffer = null;
            _length = 0;
            CryptographicOperations.ZeroMemory(buffer);
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
