using System.Net;
using PocketCoder.Gateway;
using PocketCoder.Link;

namespace PocketCoder.Machine.Linking;

/// <summary>A device that reached this machine through a remote gateway. As <see cref="IDeviceLink"/> says.</summary>
internal sealed class LinkedDevice : IDeviceLink
{
    private const int LongestId = 64;

    private readonly uint _number;
    private readonly LinkSocket _gateway;
    private readonly LinkFlow _flow;
    private int _closed;
    private Task _reported = Task.CompletedTask; // never fails

    public LinkedDevice(uint number, LinkOpened opened, LinkSocket gateway)
    {
        (_number, _gateway) = (number, gateway);
        _flow = new LinkFlow(gateway, number, static frame => RelayFrame.IsValid(frame.Span));
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
        if (frame.Kind == LinkKind.Gone)
        {
            _flow.Complete();
        }
        else if (!_flow.TryReceive(frame))
        {
            throw new LinkException(LinkError.Malformed, $"A gateway does not send {frame.Kind} for a device.");
        }
    }

    public async ValueTask<ReadOnlyMemory<byte>?> ReceiveAsync(CancellationToken ct)
    {
        try
        {
            using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, _gateway.Over);
            if (await _flow.ReadAsync(both.Token) is not { } frame)
            {
                return null;
            }

            await _flow.TakenAsync(frame.Length, ct);
            return frame;
        }
        catch (Exception e) when (!ct.IsCancellationRequested && _gateway.Over.IsCancellationRequested
            && e is OperationCanceledException or LinkException)
        {
            return null; // with the link all its devices are gone
        }
    }

    public async ValueTask SendAsync(ReadOnlyMemory<byte> frame, CancellationToken ct)
    {
        if (!RelayFrame.IsValid(frame.Span))
        {
            throw new ArgumentException($"A frame has 1 to {RelayFrame.MaxBytes} bytes and begins with its kind.", nameof(frame));
        }

        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, _gateway.Over);
        try
        {
            if (Volatile.Read(ref _closed) != 0 || _flow.IsRead)
            {
                throw new LinkClosedException();
            }

            await _flow.SendAsync(frame, both.Token);
        }
        catch (Exception e) when (!ct.IsCancellationRequested && e is OperationCanceledException or LinkException)
        {
            throw new LinkClosedException("The connection to the gateway is closed.", e);
        }
    }

    public async ValueTask CloseAsync(ushort code, string reason, CancellationToken ct)
    {
        if (!RelayClose.IsOfMachine(code))
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
