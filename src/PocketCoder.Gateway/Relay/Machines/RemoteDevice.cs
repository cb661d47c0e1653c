using PocketCoder.Link;

namespace PocketCoder.Gateway.Relay.Machines;

/// <summary>
/// One device's connection on a machine's link: its frames go to the machine under the connection's number, and the machine's come back.
/// <see cref="RunAsync"/> is called once; what the machine sends is told by the link's one reader.
/// </summary>
internal sealed class RemoteDevice(IDeviceLink device, LinkSocket machine, uint number)
{
    private readonly LinkFlow _flow = new(machine, number, static frame => RelayFrame.IsValid(frame.Span));
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
        if (_flow.TryReceive(frame))
        {
            return;
        }

        switch (frame.Kind)
        {
            case LinkKind.FailedHandshake:
                device.ReportFailedHandshake();
                break;
            case LinkKind.End:
                var end = LinkJson.Read(frame, LinkKind.End, LinkTypes.Default.LinkEnd);
                if (!RelayClose.IsOfMachine(end.Code))
                {
                    throw new LinkException(LinkError.Malformed, "A machine closes with 1000, 1011 or 3000–4999.");
                }

                Interlocked.CompareExchange(ref _end, end, null);
                _flow.Complete();
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
            await _flow.SendAsync(frame, ct);
        }
    }

    private async Task DownAsync(CancellationToken ct)
    {
        while (await _flow.ReadAsync(ct) is { } frame)
        {
            await device.SendAsync(frame, ct);
            await _flow.TakenAsync(frame.Length, ct);
        }

        var end = _end!;
        if (end.Code == RelayClose.MachineFailed)
        {
            throw new LinkException(LinkError.Refused, "The machine failed while it served a device; its log says why.");
        }

        await device.CloseAsync(end.Code, end.Reason, ct);
    }
}
