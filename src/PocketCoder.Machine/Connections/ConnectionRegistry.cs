using System.Collections.Concurrent;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Connections;

/// <summary>The live connections by device, so that a revocation ends them at once. Thread-safe.</summary>
internal sealed class ConnectionRegistry
{
    private readonly ConcurrentDictionary<string, DeviceConnection> _connections = new(StringComparer.Ordinal);

    /// <summary>How many different devices are here.</summary>
    public int Devices => _connections.Values.Select(c => c.DeviceId).Distinct(StringComparer.Ordinal).Count();

    /// <summary>Called when one came or went.</summary>
    public Action Changed { get; set; } = static () => { };

    public void Add(DeviceConnection connection)
    {
        _connections[connection.ConnectionId] = connection;
        Changed();
    }

    public void Remove(DeviceConnection connection)
    {
        _connections.TryRemove(connection.ConnectionId, out _);
        Changed();
    }

    public bool IsConnected(string deviceId) => _connections.Values.Any(c => c.DeviceId == deviceId);

    public void EndDevice(string deviceId)
    {
        foreach (var connection in _connections.Values.Where(c => c.DeviceId == deviceId))
        {
            connection.End(ErrorCode.Unauthorized, DeviceConnection.Revoked);
        }
    }
}
