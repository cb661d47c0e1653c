using System.Net;

namespace PocketCoder.Gateway.Relay.Letters;

/// <summary>In the place of a device's connection: gives the machine one letter and waits for its word.</summary>
internal sealed class LetterLink(string name, ReadOnlyMemory<byte> letter) : IDeviceLink
{
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _given;

    public string ConnectionId => name;

    /// <summary>Where it was written, nobody says.</summary>
    public IPAddress? Remote => null;

    /// <summary>What the machine said in closing; null: nothing yet, or it closed otherwise.</summary>
    public string? Outcome { get; private set; }

    public async ValueTask<ReadOnlyMemory<byte>?> ReceiveAsync(CancellationToken ct)
    {
        if (!_given)
        {
            _given = true;
            return letter;
        }

        await _closed.Task.WaitAsync(ct);
        return null;
    }

    /// <summary>What it sends before it closes is for people at a device; here is none.</summary>
    public ValueTask SendAsync(ReadOnlyMemory<byte> frame, CancellationToken ct) => ValueTask.CompletedTask;

    public ValueTask CloseAsync(ushort code, string reason, CancellationToken ct)
    {
        if (_closed.TrySetResult() && code == RelayClose.Normal)
        {
            Outcome = reason;
        }

        return ValueTask.CompletedTask;
    }

    public void ReportFailedHandshake()
    {
    }
}
