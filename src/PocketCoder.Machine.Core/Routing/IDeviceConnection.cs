namespace PocketCoder.Machine.Routing;

/// <summary>What a handler may know of the connection that a request came over. Thread-safe.</summary>
public interface IDeviceConnection
{
    /// <summary>Unique among connections; another connection of the same device has another one.</summary>
    string ConnectionId { get; }

    /// <summary>The machine's time.</summary>
    DateTimeOffset Now { get; }

    /// <summary>Cancelled when the connection is over.</summary>
    CancellationToken Over { get; }

    /// <summary>Sends a message that nobody asked for; waits while the device is slow.</summary>
    /// <exception cref="OperationCanceledException">The device is gone.</exception>
    /// <exception cref="System.Threading.Channels.ChannelClosedException">The device is gone.</exception>
    ValueTask PushAsync(byte[] message);
}
