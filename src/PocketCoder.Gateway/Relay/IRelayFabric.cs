using System.Collections.Concurrent;

namespace PocketCoder.Gateway;

/// <summary>Where the gateway finds the machine a device asks for. Thread-safe.</summary>
public interface IRelayFabric
{
    /// <summary>Makes a machine reachable until the registration is disposed.</summary>
    /// <exception cref="InvalidOperationException">A machine with this id is registered already.</exception>
    IDisposable Register(IMachineEndpoint endpoint);

    /// <summary>The machine with this id, or null. Ids are compared exactly.</summary>
    IMachineEndpoint? Find(string machineId);
}

/// <summary>The fabric of a gateway that lives in the daemon's own process.</summary>
public sealed class InProcessFabric : IRelayFabric
{
    private readonly ConcurrentDictionary<string, IMachineEndpoint> _endpoints = new(StringComparer.Ordinal);

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

    public IMachineEndpoint? Find(string machineId) => _endpoints.GetValueOrDefault(machineId);

    private sealed class Registration(InProcessFabric fabric, IMachineEndpoint endpoint) : IDisposable
    {
        public void Dispose() => fabric._endpoints.TryRemove(KeyValuePair.Create(endpoint.MachineId, endpoint));
    }
}
