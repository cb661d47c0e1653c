using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using PocketCoder.Channels.Noise;

namespace PocketCoder.Channels;

/// <summary>
/// The channel after the handshake: messages in, frames out, and back (docs/channel.md, "Sealed frames").
/// <para>
/// Threads: one thread at a time in <see cref="Seal"/> and one at a time in <see cref="Open"/>; the two may run at once, and
/// <see cref="Dispose"/> may be called at any time. A second thread in the same direction gets an
/// <see cref="InvalidOperationException"/>, because it would repeat a nonce or tear the order of the frames.
/// </para>
/// <para>
/// The first bad frame poisons the channel: both directions refuse from then on, and the caller closes the connection. A frame that
/// does not belong never yields plaintext.
/// </para>
/// </summary>
public sealed class SecureChannel : IDisposable
{
    internal const int HeaderBytes = 9;
    internal const int OverheadBytes = HeaderBytes + 1 + Aead.TagBytes;
    private const byte MoreFollows = 1;

    private readonly CipherDirection _send;
    private readonly CipherDirection _receive;
    private readonly MessageAssembly _assembly = new();
    private readonly ChannelLimits _limits;
    private readonly byte[] _handshakeHash;
    private readonly Func<ChannelError?>? _claim;
    private volatile int _mostReceived;
    private int _sealing;
    private int _opening;
    private volatile bool _poisoned;
    private volatile bool _disposed;
    private volatile bool _confirmed;

    /// <param name="sendKey">32 bytes, wiped by the channel.</param>
    /// <param name="receiveKey">32 bytes, wiped by the channel.</param>
    /// <param name="handshakeHash">Noise's h after the handshake.</param>
    /// <param name="limits">This end's limits.</param>
    /// <param name="claim">Called once, when the first frame of the peer proves to be authentic; an error poisons the channel instead of
    /// giving the frame out.</param>
    internal SecureChannel(byte[] sendKey, byte[] receiveKey, byte[] handshakeHash, ChannelLimits limits, Func<ChannelError?>? claim = null)
    {
        _send = new CipherDirection(sendKey, limits.RekeyInterval);
        _receive = new CipherDirection(receiveKey, limits.RekeyInterval);
        _handshakeHash = handshakeHash;
        _limits = limits;
        _mostReceived = Math.Min(limits.MaxReceivedBytes ?? limits.MaxMessageBytes, limits.MaxMessageBytes);
        _claim = claim;
    }

    /// <summary>
    /// 32 bytes that only the two ends of this very connection can know to be its own (Noise, section 11.2): sign them to bind
    /// something to the connection.
    /// </summary>
    public ReadOnlySpan<byte> HandshakeHash => _handshakeHash;

    /// <summary>
    /// Whether an authentic frame has come from the peer. Until then a machine must not take a device for present: the first
    /// handshake message alone may be a replay of an earlier one.
    /// </summary>
    public bool IsConfirmed => _confirmed;

    /// <summary>Whether a bad frame ended this channel.</summary>
    public bool IsPoisoned => _poisoned;

    /// <summary>Bytes of a message whose rest has not come yet; 0 between messages. For the task that opens frames.</summary>
    public int Unfinished => _assembly.Length;

    internal CipherDirection SendDirection => _send;

    internal CipherDirection ReceiveDirection => _receive;

    /// <summary>
    /// Bounds what the peer may send from now on. Call it between messages, from the task that opens frames.
    /// </summary>
    /// <param name="account">Counts the buffers of its messages. The caller disposes it after the channel.</param>
    /// <param name="mostReceived">The largest message in bytes; never more than <see cref="ChannelLimits.MaxMessageBytes"/>.</param>
    /// <exception cref="InvalidOperationException">A message is half received.</exception>
    public void Meter(MessageAccount account, int mostReceived)
    {
        ArgumentNullException.ThrowIfNull(account);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(mostReceived);
        if (_assembly.Length > 0)
        {
            throw new InvalidOperationException("a message is half received");
        }

        _assembly.Account = account;
        _mostReceived = Math.Min(mostReceived, _limits.MaxMessageBytes);
    }

    /// <summary>Seals a message.</summary>
    /// <param name="message">Up to <see cref="ChannelLimits.MaxMessageBytes"/>; may be empty.</param>
    /// <returns>The frames, to be sent in order and before those of the next message.</returns>
    /// <exception cref="ChannelException">
    /// <see cref="ChannelError.TooLarge"/> or <see cref="ChannelError.Exhausted"/> (the channel is as it was),
    /// <see cref="ChannelError.Poisoned"/>.
    /// </exception>
    /// <exception cref="InvalidOperationException">Another thread is sealing.</exception>
    public SealedFrames Seal(ReadOnlySpan<byte> message)
    {
        Enter(ref _sealing);
        try
        {
            ThrowIfPoisoned();
            return SealFrames(message);
        }
        finally
        {
            Interlocked.Exchange(ref _sealing, 0); // a full fence: Dispose sees the direction free, or this sees the Dispose
            ReleaseIfDisposed();
        }
    }

    /// <summary>Opens a frame.</summary>
    /// <param name="frame">One binary WebSocket message.</param>
    /// <returns>The message that the frame completes, or null when more fragments follow.</returns>
    /// <exception cref="ChannelException">
    /// Malformed, TooLarge, Replayed, OutOfOrder, Corrupt, Exhausted, ClosedByPeer (a close frame), PairingRefused (the offer was used
    /// or ran out before this first frame): each poisons the channel. Poisoned afterwards.
    /// </exception>
    /// <exception cref="InvalidOperationException">Another thread is opening.</exception>
    public ChannelMessage? Open(ReadOnlySpan<byte> frame)
    {
        Enter(ref _opening);
        try
        {
            ThrowIfPoisoned();
            return OpenFrame(frame);
        }
        catch
        {
            _poisoned = true;
            _assembly.Clear();
            throw;
        }
        finally
        {
            Interlocked.Exchange(ref _opening, 0);
            ReleaseIfDisposed();
        }
    }

    /// <summary>Wipes the keys and forgets a half-received message. A call that is under way ends normally.</summary>
    public void Dispose()
    {
        _disposed = true;
        ReleaseIfDisposed();
    }

    private SealedFrames SealFrames(ReadOnlySpan<byte> message)
    {
        if (message.Length > _limits.MaxMessageBytes)
        {
            throw new ChannelException(
                ChannelError.TooLarge, $"a message of {message.Length} bytes; the limit is {_limits.MaxMessageBytes}");
        }

        var room = _limits.MaxFrameBytes - OverheadBytes;
        var count = Math.Max(1, (message.Length + room - 1) / room);
        if (_send.Counter > CipherDirection.Last || CipherDirection.Last - _send.Counter < (ulong)(count - 1))
        {
            throw new ChannelException(ChannelError.Exhausted, "every counter of this direction is used");
        }

        var length = message.Length + (count * OverheadBytes);
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            WriteFrames(message, count, room, buffer.AsSpan(0, length));
        }
        catch
        {
            _poisoned = true; // a frame that was begun and not sent: trying again would use its nonce for another text
            CryptographicOperations.ZeroMemory(buffer);
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }

        return new SealedFrames(buffer, length, _limits.MaxFrameBytes);
    }

    private void WriteFrames(ReadOnlySpan<byte> message, int count, int room, Span<byte> rest)
    {
        for (var left = count - 1; left >= 0; left--)
        {
            var chunk = message[..Math.Min(room, message.Length)];
            message = message[chunk.Length..];
            var frame = rest[..(chunk.Length + OverheadBytes)];
            rest = rest[frame.Length..];

            frame[0] = (byte)FrameKind.Sealed;
            BinaryPrimitives.WriteUInt64BigEndian(frame[1..], _send.Counter);
            frame[HeaderBytes] = left > 0 ? MoreFollows : (byte)0;
            chunk.CopyTo(frame[(HeaderBytes + 1)..]);
            _send.Encrypt(frame[..HeaderBytes], frame[HeaderBytes..^Aead.TagBytes], frame[^Aead.TagBytes..]);
        }
    }

    private ChannelMessage? OpenFrame(ReadOnlySpan<byte> frame)
    {
        var bytes = CheckForm(frame);
        CheckCounter(BinaryPrimitives.ReadUInt64BigEndian(frame[1..]));
        var most = _mostReceived;
        if (bytes > most - _assembly.Length)
        {
            throw new ChannelException(ChannelError.TooLarge, $"a message of more than {most} bytes");
        }

        try
        {
            _receive.Decrypt(frame[..HeaderBytes], frame[HeaderBytes..^Aead.TagBytes], frame[^Aead.TagBytes..],
                _assembly.Reserve(bytes, most));
        }
        catch (AuthenticationTagMismatchException e)
        {
            throw new ChannelException(ChannelError.Corrupt, "a sealed frame was altered on the way", e);
        }

        Confirm();
        var flag = _assembly.Commit(bytes);
        return (flag, bytes) switch
        {
            (0, _) => _assembly.Take(),
            (MoreFollows, > 0) => null,
            // would never have to end
            (MoreFollows, _) => throw new ChannelException(ChannelError.Malformed, "an empty fragment announces more"),
            _ => throw new ChannelException(ChannelError.Malformed, "unknown flags"),
        };
    }

    /// <summary>Checks kind and size.</summary>
    /// <returns>How many bytes of a message the frame carries.</returns>
    private int CheckForm(ReadOnlySpan<byte> frame)
    {
        if (frame.Length > _limits.MaxFrameBytes)
        {
            throw new ChannelException(ChannelError.TooLarge, $"a frame of {frame.Length} bytes; the limit is {_limits.MaxFrameBytes}");
        }

        if (CloseReason.Parse(frame) is { } reason)
        {
            throw new ChannelException(reason);
        }

        return ChannelFrame.KindOf(frame) == FrameKind.Sealed && frame.Length >= OverheadBytes
            ? frame.Length - OverheadBytes
            : throw new ChannelException(ChannelError.Malformed, "not a sealed frame");
    }

    private void CheckCounter(ulong counter)
    {
        if (counter != _receive.Counter)
        {
            throw counter < _receive.Counter
                ? new ChannelException(ChannelError.Replayed, $"frame {counter} came again; {_receive.Counter} is due")
                : new ChannelException(ChannelError.OutOfOrder, $"frame {counter} came when {_receive.Counter} was due");
        }
    }

    private void Confirm()
    {
        if (_confirmed)
        {
            return;
        }

        if (_claim?.Invoke() is { } error)
        {
            throw new ChannelException(ChannelError.PairingRefused, TooLate(error));
        }

        _confirmed = true;
    }

    /// <summary>Told to a device that proved the secret of a pairing link, and so knows the link: why it came too late for it.</summary>
    private static string TooLate(ChannelError error) => error switch
    {
        ChannelError.OfferUsed => "Another device used this pairing link first. Make a new one on the machine.",
        ChannelError.OfferExpired => "The time of this pairing link is over. Make a new one on the machine.",
        _ => "This pairing link was cancelled, or tried too often. Make a new one on the machine.",
    };

    private void Enter(ref int busy)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Interlocked.CompareExchange(ref busy, 1, 0) != 0)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            throw new InvalidOperationException("two threads use one direction of a channel");
        }
    }

    private void ThrowIfPoisoned()
    {
        if (_poisoned)
        {
            throw new ChannelException(ChannelError.Poisoned, "the channel failed before");
        }
    }

    /// <summary>Frees each direction once nobody is in it; a direction stays taken afterwards, so this happens once.</summary>
    private void ReleaseIfDisposed()
    {
        if (!_disposed)
        {
            return;
        }

        if (Interlocked.CompareExchange(ref _sealing, 1, 0) == 0)
        {
            _send.Dispose();
        }

        if (Interlocked.CompareExchange(ref _opening, 1, 0) == 0)
        {
            _receive.Dispose();
            _assembly.Clear();
        }
    }
}
