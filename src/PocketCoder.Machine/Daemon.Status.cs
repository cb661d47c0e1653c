using PocketCoder.Machine.Status;
using PocketCoder.Protocol;

namespace PocketCoder.Machine;

/// <summary>How the daemon is doing, for devices.</summary>
public sealed partial class Daemon
{
    private MachineStatusResponse Status()
    {
        var vitals = MachineVitals.Of(_options.Home.Root);
        return new MachineStatusResponse(
            Info(),
            Environment.ProcessId,
            _startedAt,
            _store.Now,
            Urls,
            _sessions.List().Count(s => s.State is SessionState.Working or SessionState.NeedsYou),
            _connections.Devices,
            _devices.All.Count(d => d.RevokedAt is null),
            Environment.WorkingSet,
            vitals.MemoryTotal,
            vitals.MemoryAvailable,
            Environment.ProcessorCount,
            vitals.Load,
            vitals.DiskTotal,
            vitals.DiskFree);
    }
}
