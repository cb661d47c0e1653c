namespace PocketCoder.Gateway;

/// <summary>
/// A machine as the gateway sees it: an id, and something that talks to devices. The gateway knows nothing of what is said.
/// </summary>
public interface IMachineEndpoint
{
    /// <summary>The routing id that devices name in <c>/v1/relay?machine=…</c>: 1–64 characters of <c>A–Z a–z 0–9 - _</c>.</summary>
    string MachineId { get; }

    /// <summary>
    /// Serves one device connection; called once for each, concurrently for several. Returning closes the connection
    /// normally (1000), throwing closes it with 1011 and is logged. After <paramref name="ct"/> is cancelled it must return soon.
    /// </summary>
    /// <param name="ct">Cancelled when the connection ends for any reason, and when the gateway stops.</param>
    Task ServeAsync(IDeviceLink link, CancellationToken ct);
}
