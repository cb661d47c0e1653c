using System.Text.Json;
using System.Threading.Channels;
using PocketCoder.Link;

namespace PocketCoder.Gateway.Relay.Machines;

/// <summary>
/// One device's connection on a machine's link: its frames go to the machine under the connection's number, and the machine's come back.
/// <see cref="RunAsync"/> is called once; what the machine sends is told by the link's one reader.
/// </summary>
internal sealed class RemoteDevice(IDeviceLink device, LinkSocket machine, uint number)
{
    /// <summary>Passed on before the machine is told: not a message for each frame.</summary>
    private const int CreditStep = LinkWindow.Bytes / 4;

    private readonly LinkWindow _toMachine = new();
    private readonly Channel<ReadOnlyMemory<byte>> _toDevice = Channel.CreateUnbounded<ReadOnlyMemory<byte>>( // bounded by _waiting
        new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

    private int _waiting;
    private LinkEnd? _end;

    /// <summary>Until the device, the machine or the link between ends it.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct, machine.Over);
        var ended = false; // by the machine
        try
        {
            var opened = new LinkOpened(device.ConnectionId, device.Remote?.ToString());
            await machine.SendAsync(LinkJson.Write(LinkKind.Opened, number, opened, LinkTypes.Default.LinkOpened), over.Token);
            var (up, down) = (UpAsync(over.Token), DownAsync(over.Token));
            var first = await Task.WhenAny(up, down);
            ended = first == down && down.IsCompletedSuccessfully;
            await over.CancelAsync();
            await up.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await down.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await first;
        }
        catch (Exception e) when (!ct.IsCancellationRequested && machine.Over.IsCancellationRequested
            && e is OperationCanceledException or LinkException)
        {
            await device.CloseAsync(RelayClose.UnknownMachine, "The machine is no longer connected here.", ct);
        }
        finally
        {
            if (!ended)
            {
                await GoneAsync();
            }
        }
    }

    /// <exception cref="LinkException"><see cref="LinkError.WindowExceeded"/> or <see cref="LinkError.Malformed"/>.</exception>
    public void Receive(LinkFrame frame)
    {
        switch (frame.Kind)
        {
            case LinkKind.Frame when frame.Rest.Length == 0 || !RelayFrame.IsKnown(frame.Rest.Span[0]):
                throw new LinkException(LinkError.Malformed, "A device's frame begins with its kind.");
            case LinkKind.Frame:
                if (Interlocked.Add(ref _waiting, frame.Rest.Length) > LinkWindow.Bytes)
                {
                    throw new LinkException(LinkError.WindowExceeded, "More was sent for a device than it had taken.");
                }

                _toDevice.Writer.TryWrite(frame.Rest);
                break;
            case LinkKind.Credit:
                _toMachine.Give(frame.ReadCredit());
                break;
            case LinkKind.FailedHandshake:
                device.ReportFailedHandshake();
                break;
            case LinkKind.End:
                var end = LinkJson.Read(frame, LinkKind.End, LinkTypes.Default.LinkEnd);
                if (end.Code is not (RelayClose.Normal or RelayClose.MachineFailed) and (< 3000 or > 4999))
                {
                    throw new LinkException(LinkError.Malformed, "A machine closes with 1000, 1011 or 3000–4999.");
                }

                Interlocked.CompareExchange(ref _end, end, null);
                _toDevice.Writer.TryComplete();
                break;
            default:
                throw new LinkException(LinkError.Malformed, $"A machine does not send {frame.Kind}.");
        }
    }

    /// <summary>Tells the machine that the device left. What it still sends for it is dropped.</summary>
    private async Task GoneAsync()
    {
        try
        {
            await machine.SendAsync(LinkFrame.Write(LinkKind.Gone, number, []), machine.Over);
        }
        catch (Exception e) when (e is OperationCanceledException or LinkException)
        {
            // the link went first
        }
    }

    private async Task UpAsync(CancellationToken ct)
    {
        while (await device.ReceiveAsync(ct) is { } frame)
        {
            await _toMachine.TakeAsync(frame.Length, ct);
            await machine.SendAsync(LinkFrame.Write(LinkKind.Frame, number, frame.Span), ct);
        }
    }

    private async Task DownAsync(CancellationToken ct)
    {
        var passed = 0;
        await foreach (var frame in _toDevice.Reader.ReadAllAsync(ct))
        {
            await device.SendAsync(frame, ct);
            Interlocked.Add(ref _waiting, -frame.Length);
            passed += frame.Length;
            if (passed >= CreditStep)
            {
                await machine.SendAsync(LinkFrame.WriteCredit(number, passed), ct);
                passed = 0;
            }
        }

        var end = _end!;
        if (end.Code == RelayClose.MachineFailed)
        {
            throw new LinkException(LinkError.Refused, "The machine failed while it served a device; its log says why.");
        }

        await device.CloseAsync(end.Code, end.Reason, ct);
    }
}
