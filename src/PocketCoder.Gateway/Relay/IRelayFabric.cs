using System.Collections.Concurrent;

namespace PocketCoder.Gateway;

/// <summary>Where the gateway finds the machine a device asks for. Thread-safe.</summary>
public interface IRelayFabric
{
    /// <summary>The machine with this id, or null. Ids are compared exactly. A fabric may have to ask elsewhere.</summary>
    ValueTask<IMachineEndpoint?> FindAsync(string machineId, CancellationToken ct);
}

/// <summary>The fabric of a gateway that lives in the daemon's own process.</summary>
public sealed class InProcessFabric : IRelayFabric
{
    private readonly ConcurrentDictionary<string, IMachineEndpoint> _endpoints = new(StringComparer.Ordinal);

    /// <summary>Makes a machine reachable until the registration is disposed.</summary>
    /// <exception cref="InvalidOperationException">A machine with this id is registered already.</exception>
    public IDisposable Register(IMachineEndpoint endpoint)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        if (!MachineIds.IsValid(endpoint.MachineId))
        {
            throw new ArgumentException("A machine id is 1–64 characters of A–Z a–z 0–9 - _.", nameof(endpoint));
        }

        return _endpoints.TryAdd(endpoint.MachineId, endpoint)
            ? new Registration(this, endpoint)
            : throw new InvalidOperationException($"Machine {endpoint.MachineId} is registered already.");
    }

    public ValueTask<IMachineEndpoint?> FindAsync(string machineId, CancellationToken ct)
        => ValueTask.FromResult(_endpoints.GetValueOrDefault(machineId));

    private sealed class Registration(InProcessFabric fabric, IMachineEndpoint endpoint) : IDisposable
    {
        public void Dispose() => fabric._endpoints.TryRemove(KeyValuePair.Create(endpoint.MachineId, endpoint));
    }
}
