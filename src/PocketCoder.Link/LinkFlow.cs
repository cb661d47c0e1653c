using System.Threading.Channels;

namespace PocketCoder.Link;

/// <summary>
/// One device's frames on a link, at either end: sent as far as the other side has passed on what came before, and kept until they are
/// taken, <see cref="LinkWindow.Bytes"/> at most. <see cref="TryReceive"/> is for the link's one reader, <see cref="ReadAsync"/> and
/// <see cref="TakenAsync"/> for one taker, <see cref="SendAsync"/> for one sender at a time.
/// </summary>
/// <param name="isFrame">Whether this can be a frame of a device, as the relay knows it.</param>
public sealed class LinkFlow(LinkSocket link, uint number, Func<ReadOnlyMemory<byte>, bool> isFrame)
{
    /// <summary>Taken before the other side is told: not a message for each frame.</summary>
    private const int CreditStep = LinkWindow.Bytes / 4;

    private readonly LinkWindow _window = new();
    private readonly Channel<ReadOnlyMemory<byte>> _came = Channel.CreateUnbounded<ReadOnlyMemory<byte>>( // bounded by _waiting
        new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

    private int _waiting;
    private int _taken;

    /// <summary>Whether everything that will ever come was read.</summary>
    public bool IsRead => _came.Reader.Completion.IsCompleted;

    /// <summary>Takes a message of the device that came, if it is a frame or credit. False: it is another one.</summary>
    /// <exception cref="LinkException"><see cref="LinkError.WindowExceeded"/> or <see cref="LinkError.Malformed"/>.</exception>
    public bool TryReceive(LinkFrame message)
    {
        switch (message.Kind)
        {
            case LinkKind.Frame when !isFrame(message.Rest):
                throw new LinkException(LinkError.Malformed, "A device's frame begins with its kind.");
            case LinkKind.Frame when Interlocked.Add(ref _waiting, message.Rest.Length) > LinkWindow.Bytes:
                throw new LinkException(LinkError.WindowExceeded, "More was sent for a device than had been taken.");
            case LinkKind.Frame:
                _came.Writer.TryWrite(message.Rest);
                return true;
            case LinkKind.Credit:
                _window.Give(message.ReadCredit());
                return true;
            default:
                return false;
        }
    }

    /// <summary>Nothing more comes.</summary>
    public void Complete() => _came.Writer.TryComplete();

    /// <summary>The next frame that came; null: nothing more comes.</summary>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken ct)
    {
        if (await _came.Reader.WaitToReadAsync(ct) && _came.Reader.TryRead(out var frame))
        {
            return frame;
        }

        return null; // not in one expression: there null would become an empty frame
    }

    /// <summary>A frame that was read has been passed on: so much more may be sent for the device.</summary>
    /// <exception cref="LinkException"><see cref="LinkError.Lost"/></exception>
    public async ValueTask TakenAsync(int bytes, CancellationToken ct)
    {
        Interlocked.Add(ref _waiting, -bytes);
        _taken += bytes;
        if (_taken >= CreditStep)
        {
            await link.SendAsync(LinkFrame.WriteCredit(number, _taken), ct);
            _taken = 0;
        }
    }

    /// <summary>Sends a frame of the device, once the other side has room for it.</summary>
    /// <exception cref="LinkException"><see cref="LinkError.Lost"/></exception>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> frame, CancellationToken ct)
    {
        await _window.TakeAsync(frame.Length, ct);
        await link.SendAsync(LinkFrame.Write(LinkKind.Frame, number, frame.Span), ct);
    }
}
