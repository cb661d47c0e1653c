using System.Net;
using System.Threading.Channels;
using PocketCoder.Gateway;
using PocketCoder.Link;

namespace PocketCoder.Machine.Linking;

/// <summary>A device that reached this machine through a gateway elsewhere. As <see cref="IDeviceLink"/> says.</summary>
internal sealed class LinkedDevice : IDeviceLink
{
    /// <summary>Taken before the gateway is told: not a message for each frame.</summary>
    private const int CreditStep = LinkWindow.Bytes / 4;

    private const int LongestId = 64;

    private readonly uint _number;
    private readonly LinkSocket _gateway;
    private readonly LinkWindow _toDevice = new();
    private readonly Channel<ReadOnlyMemory<byte>> _fromDevice = Channel.CreateUnbounded<ReadOnlyMemory<byte>>( // bounded by _waiting
        new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

    private int _waiting;
    private int _taken;
    private int _closed;
    private Task _reported = Task.CompletedTask; // never fails

    public LinkedDevice(uint number, LinkOpened opened, LinkSocket gateway)
    {
        (_number, _gateway) = (number, gateway);
        // The gateway is not trusted with what goes into the log.
        ConnectionId = opened.Id is { Length: > 0 and <= LongestId } id && id.All(char.IsAsciiLetterOrDigit)
            ? id : Guid.CreateVersion7().ToString("N");
        Remote = IPAddress.TryParse(opened.Remote, out var address) ? address : null;
    }

    public string ConnectionId { get; }

    public IPAddress? Remote { get; }

    /// <summary>The gateway's message for this device.</summary>
    /// <exception cref="LinkException"><see cref="LinkError.WindowExceeded"/> or <see cref="LinkError.Malformed"/>.</exception>
    public void Receive(LinkFrame frame)
    {
        switch (frame.Kind)
        {
            case LinkKind.Frame when frame.Rest.Length is 0 or > RelayFrame.MaxBytes || !RelayFrame.IsKnown(frame.Rest.Span[0]):
                throw new LinkException(LinkError.Malformed, "A device's frame begins with its kind.");
            case LinkKind.Frame:
                if (Interlocked.Add(ref _waiting, frame.Rest.Length) > LinkWindow.Bytes)
                {
                    throw new LinkException(LinkError.WindowExceeded, "More came for a device than was taken.");
                }

                _fromDevice.Writer.TryWrite(frame.Rest);
                break;
            case LinkKind.Credit:
                _toDevice.Give(frame.ReadCredit());
                break;
            case LinkKind.Gone:
                _fromDevice.Writer.TryComplete();
                break;
            default:
                throw new LinkException(LinkError.Malformed, $"A gateway does not send {frame.Kind} for a device.");
        }
    }

    public async ValueTask<ReadOnlyMemory<byte>?> ReceiveAsync(CancellationToken ct)
    {
        try
        {
            if (!await _fromDevice.Reader.WaitToReadAsync(ct).AsTask().WaitAsync(_gateway.Over)
                || !_fromDevice.Reader.TryRead(out var frame))
            {
                return null;
            }

            Interlocked.Add(ref _waiting, -frame.Length);
            _taken += frame.Length;
            if (_taken >= CreditStep)
            {
                await _gateway.SendAsync(LinkFrame.WriteCredit(_number, _taken), ct);
                _taken = 0;
            }

            return frame;
        }
        catch (Exception e) when (_gateway.Over.IsCancellationRequested && e is OperationCanceledException or LinkException)
        {
            return null; // with the link all its devices are gone
        }
    }

    public async ValueTask SendAsync(ReadOnlyMemory<byte> frame, CancellationToken ct)
    {
        if (frame.Length is 0 or > RelayFrame.MaxBytes || !RelayFrame.IsKnown(frame.Span[0]))
        {
            throw new ArgumentException($"A frame has 1 to {RelayFrame.MaxBytes} bytes and begins with its kind.", nameof(frame));
        }

        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, _gateway.Over);
        try
        {
            if (Volatile.Read(ref _closed) != 0 || _fromDevice.Reader.Completion.IsCompleted)
            {
                throw new LinkClosedException();
            }

            await _toDevice.TakeAsync(frame.Length, both.Token);
            await _gateway.SendAsync(LinkFrame.Write(LinkKind.Frame, _number, frame.Span), both.Token);
        }
        catch (Exception e) when (!ct.IsCancellationRequested && e is OperationCanceledException or LinkException)
        {
            throw new LinkClosedException("The connection to the gateway is closed.", e);
        }
    }

    public async ValueTask CloseAsync(ushort code, string reason, CancellationToken ct)
    {
        if (code is not (RelayClose.Normal or RelayClose.MachineFailed) and (< 3000 or > 4999))
        {
            throw new ArgumentOutOfRangeException(nameof(code), code, "A machine closes with 1000, 1011 or 3000–4999.");
        }

        if (Interlocked.Exchange(ref _closed, 1) != 0)
        {
            return;
        }

        try
        {
            await _gateway.SendAsync(
                LinkJson.Write(LinkKind.End, _number, new LinkEnd(code, reason), LinkTypes.Default.LinkEnd), ct);
        }
        catch (LinkException)
        {
            // the link went first
        }
    }

    public void ReportFailedHandshake() => _reported = ReportAsync();

    private async Task ReportAsync()
    {
        try
        {
            await _gateway.SendAsync(LinkFrame.Write(LinkKind.FailedHandshake, _number, []), _gateway.Over);
        }
        catch (Exception e) when (e is LinkException or OperationCanceledException)
        {
            // the link went first
        }
    }
}
