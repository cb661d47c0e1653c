using System.Collections.Concurrent;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Connections;

/// <summary>The live connections by device, so that a revocation ends them at once. Thread-safe.</summary>
/// <param name="calm">Touched when one comes or goes.</param>
internal sealed class ConnectionRegistry(IdleNotifier calm)
{
    private readonly ConcurrentDictionary<string, ILiveConnection> _connections = new(StringComparer.Ordinal);

    /// <summary>How long a stop waits for devices that are slow to take what happened.</summary>
    private static readonly TimeSpan s_finishing = TimeSpan.FromSeconds(2);

    private readonly Lock _counting = new(); // one at a time counts the connections of a device and ends some

    /// <summary>How long a connection from which nothing comes still counts as looked at: three of its pings.</summary>
    private static readonly TimeSpan s_looks = TimeSpan.FromSeconds(45);

    /// <summary>Raised when a device began or ceased to be looked at.</summary>
    public event Action? PresenceChanged;

    /// <summary>How many different devices are here.</summary>
    public int Devices => _connections.Values.Select(c => c.DeviceId).Distinct(StringComparer.Ordinal).Count();

    /// <summary>
    /// Adds a connection. When its device has more than <see cref="Limits.ConnectionsPerDevice"/> then, the one that was silent longest is
    /// ended and told why: a phone that comes back always gets in, and connections that nobody closed are the first to go.
    /// </summary>
    public void Add(ILiveConnection connection)
    {
        _connections[connection.ConnectionId] = connection;
        lock (_counting)
        {
            var others = _connections.Values.Where(c => c.DeviceId == connection.DeviceId && c != connection
                && !c.Over.IsCancellationRequested).OrderBy(c => c.Heard).ToList();
            foreach (var silent in others.Take(others.Count + 1 - Limits.ConnectionsPerDevice))
            {
                silent.End(ErrorCode.RateLimited,
                    $"This device opened more than {Limits.ConnectionsPerDevice} connections; the one silent longest was closed. Close tabs that you don't use.");
            }
        }

        calm.Touch();
    }

    public void Remove(ILiveConnection connection)
    {
        _connections.TryRemove(connection.ConnectionId, out _);
        calm.Touch();
        PresenceChanged?.Invoke();
    }

    /// <summary>Whether a person can see the app of this device now, as it said itself.</summary>
    /// <param name="deviceId">Null: of any device.</param>
    public bool IsLooking(string? deviceId, TimeProvider time) => _connections.Values.Any(
        c => (deviceId is null || c.DeviceId == deviceId) && c.IsVisible && !c.Over.IsCancellationRequested
            && time.GetElapsedTime(c.Heard) < s_looks);

    /// <summary>A device said whether a person can see its app.</summary>
    public void Show(ILiveConnection connection, bool visible)
    {
        connection.IsVisible = visible;
        PresenceChanged?.Invoke();
    }

    public bool IsConnected(string deviceId) => _connections.Values.Any(c => c.DeviceId == deviceId);

    public void EndDevice(string deviceId)
    {
        foreach (var connection in _connections.Values.Where(c => c.DeviceId == deviceId))
        {
            connection.End(ErrorCode.Unauthorized, DeviceConnection.Revoked);
        }
    }

    /// <summary>
    /// Sends all devices what their streams have, such as that the machine stops and how turns ended. Waits two seconds at most: a device
    /// that takes longer learns it when it connects again.
    /// </summary>
    public async Task FinishStreamsAsync()
    {
        using var limit = new CancellationTokenSource(s_finishing);
        await Task.WhenAll(_connections.Values.Select(c => c.FinishStreamsAsync(limit.Token)))
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
