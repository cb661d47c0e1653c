using System.Net;

namespace PocketCoder.Gateway;

/// <summary>
/// One device's connection: whole opaque frames in both directions, in order.
/// <see cref="ReceiveAsync"/> is for one reader; <see cref="SendAsync"/>, <see cref="CloseAsync"/> and
/// <see cref="ReportFailedHandshake"/> may be called from any thread.
/// </summary>
public interface IDeviceLink
{
    /// <summary>New for every connection; safe to log.</summary>
    string ConnectionId { get; }

    /// <summary>Where the device connects from (behind a trusted proxy: what the proxy says); null when unknown.</summary>
    IPAddress? Remote { get; }

    /// <summary>
    /// The next frame (1 byte to <see cref="RelayFrame.MaxBytes"/>, its kind checked), or null when the connection is closed. The memory is
    /// the caller's to keep.
    /// </summary>
    ValueTask<ReadOnlyMemory<byte>?> ReceiveAsync(CancellationToken ct);

    /// <summary>
    /// Queues a frame; waits while the connection's send queue is full. The memory must not change afterwards.
    /// A device that takes nothing for 30 s is closed.
    /// </summary>
    /// <exception cref="LinkClosedException">The connection is closed; the frame was not sent.</exception>
    /// <exception cref="ArgumentException">The frame is empty, larger than <see cref="RelayFrame.MaxBytes"/> or of an unknown
    /// kind.</exception>
    ValueTask SendAsync(ReadOnlyMemory<byte> frame, CancellationToken ct);

    /// <summary>
    /// Sends what is queued, then closes with a WebSocket close code (1000 or 3000–4999) and a reason of at most 123 UTF-8 bytes (longer is
    /// cut). The first close wins; later calls do nothing.
    /// </summary>
    ValueTask CloseAsync(ushort code, string reason, CancellationToken ct);

    /// <summary>
    /// Tells the gateway that this device failed to prove itself (wrong key, wrong or used-up pairing secret), so that tries from its
    /// address can be throttled.
    /// </summary>
    void ReportFailedHandshake();
}

/// <summary>A frame could not be sent because the connection is closed.</summary>
public sealed class LinkClosedException : IOException
{
    public LinkClosedException()
        : base("The device's connection is closed.")
    {
    }

    public LinkClosedException(string message)
        : base(message)
    {
    }

    public LinkClosedException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
