using System.Collections.Concurrent;
using PocketCoder.Link;

namespace PocketCoder.Gateway.Relay.Machines;

/// <summary>The machines that are connected to this gateway now. Thread-safe.</summary>
public sealed class LinkedMachines : IRelayFabric
{
    private readonly ConcurrentDictionary<string, Linked> _machines = new(StringComparer.Ordinal);

    /// <summary>Ids of the machines that are connected, and since when.</summary>
    public IReadOnlyList<(string MachineId, DateTimeOffset Since, int Devices)> Now
        => [.. _machines.Select(m => (m.Key, m.Value.Since, m.Value.Machine.Devices))];

    public ValueTask<IMachineEndpoint?> FindAsync(string machineId, CancellationToken ct)
        => ValueTask.FromResult<IMachineEndpoint?>(_machines.GetValueOrDefault(machineId)?.Machine);

    /// <summary>A machine connected; raised where it is taken in, with its id.</summary>
    internal event Action<string>? Added;

    /// <summary>The machine if it is connected and takes letters.</summary>
    internal IMachineEndpoint? FindLetterTaker(string machineId)
        => _machines.GetValueOrDefault(machineId)?.Machine is { TakesLetters: true } machine ? machine : null;

    /// <summary>
    /// Makes a machine reachable until what is returned is disposed of. The newest connection wins: a machine that lost its network comes
    /// again long before its old connection is known to be dead.
    /// </summary>
    internal IDisposable Add(RemoteMachine machine, DateTimeOffset since)
    {
        var linked = new Linked(machine, since);
        Linked? before = null;
        _machines.AddOrUpdate(machine.MachineId, linked, (_, old) =>
        {
            before = old;
            return linked;
        });
        before?.Machine.Replace();
        Added?.Invoke(machine.MachineId);
        return new Entry(this, linked);
    }

    /// <summary>Ends the connection of a machine that may not connect any more.</summary>
    public void End(string machineId)
    {
        if (_machines.TryGetValue(machineId, out var linked))
        {
            linked.Machine.End();
        }
    }

    private sealed record Linked(RemoteMachine Machine, DateTimeOffset Since);

    private sealed class Entry(LinkedMachines machines, Linked linked) : IDisposable
    {
        public void Dispose() => machines._machines.TryRemove(KeyValuePair.Create(linked.Machine.MachineId, linked));
    }
}
