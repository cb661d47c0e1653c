using System.Collections.Concurrent;
using PocketCoder.Link;

namespace PocketCoder.Gateway.Relay.Machines;

/// <summary>
/// A remote machine, which keeps a connection to this gateway. Thread-safe; it reads nothing of what devices say.
/// </summary>
internal sealed class RemoteMachine(string id, LinkSocket socket, int mostDevices, bool takesLetters = false) : IMachineEndpoint
{
    private readonly ConcurrentDictionary<uint, RemoteDevice> _devices = [];
    private uint _last;

    public string MachineId => id;

    /// <summary>Whether it says that it knows what a letter is; one of before would break the link.</summary>
    public bool TakesLetters => takesLetters;

    /// <summary>Devices that are connected to it here.</summary>
    public int Devices => _devices.Count;

    public async Task ServeAsync(IDeviceLink link, CancellationToken ct)
    {
        if (_devices.Count >= mostDevices)
        {
            await link.CloseAsync(RelayClose.TooManyDevices, "Too many devices are connected to this machine.", ct);
            return;
        }

        var number = Interlocked.Increment(ref _last);
        var device = new RemoteDevice(link, socket, number);
        _devices[number] = device;
        try
        {
            await device.RunAsync(ct);
        }
        finally
        {
            _devices.TryRemove(number, out _);
        }
    }

    /// <summary>Takes what the machine sends, until its connection ends.</summary>
    /// <exception cref="LinkException">It broke, or the machine did what it must not.</exception>
    public async Task RunAsync(CancellationToken ct)
    {
        while (await socket.ReceiveAsync(ct) is { } frame)
        {
            // One that is not there any more left while this was under way.
            if (_devices.TryGetValue(frame.Connection, out var device))
            {
                device.Receive(frame);
            }
            else if (frame.Connection == 0 || frame.Connection > Volatile.Read(ref _last))
            {
                throw new LinkException(LinkError.Malformed, "A message for a device that never was.");
            }
        }
    }

    /// <summary>Its devices are told that it is gone; they come again by themselves.</summary>
    public void End() => socket.Abort();

    /// <summary>The same machine connected anew: this connection is told so, and ends.</summary>
    public void Replace() => _ = RefuseAsync(new LinkRefusal("replaced", "This machine connected to the gateway once more."));

    /// <summary>Says why, and ends. Never throws.</summary>
    public async Task RefuseAsync(LinkRefusal why)
    {
        try
        {
            await socket.SendAsync(LinkJson.Write(LinkKind.Refused, 0, why, LinkTypes.Default.LinkRefusal), socket.Over);
            await socket.CloseAsync();
        }
        catch (Exception e) when (e is LinkException or OperationCanceledException)
        {
            socket.Abort(); // it is gone already
        }
    }
}
