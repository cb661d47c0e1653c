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

    /// <summary>What the buffers are counted on; null counts nothing. Set between messages only.</summary>
    public MessageAccount? Account { get; set; }

    /// <summary>Bytes of the message so far.</summary>
    public int Length => _length;

    /// <summary>Where to decrypt a fragment of <paramref name="bytes"/> bytes (and its flag) to.</summary>
    /// <param name="most">The largest message there may be: the buffer does not grow beyond it ahead of time.</param>
    /// <exception cref="ChannelException"><see cref="ChannelError.TooLarge"/>: the account has no room for a larger buffer.</exception>
    public Span<byte> Reserve(int bytes, int most)
    {
        var need = 1 + _length + bytes;
        if (_buffer is null)
        {
            _buffer = Rent(need);
        }
        else if (_buffer.Length < need)
        {
            var larger = Rent(Math.Max(need, Math.Min(2 * _buffer.Length, 1 + most)));
            _buffer.AsSpan(0, 1 + _length).CopyTo(larger);
            CryptographicOperations.ZeroMemory(_buffer.AsSpan(0, 1 + _length));
            Return(_buffer);
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
        var message = new ChannelMessage(_buffer!, 1, _length, Account);
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
            Return(buffer);
        }
    }

    private byte[] Rent(int bytes)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(bytes);
        if (Account is null || Account.TryTake(buffer.Length))
        {
            return buffer;
        }

        ArrayPool<byte>.Shared.Return(buffer);
        throw new ChannelException(
            ChannelError.TooLarge, "the messages of this device take too much memory; send fewer or smaller ones at once");
    }

    private void Return(byte[] buffer)
    {
        Account?.Give(buffer.Length);
        ArrayPool<byte>.Shared.Return(buffer);
    }
}
