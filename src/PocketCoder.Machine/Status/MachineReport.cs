using System.Globalization;
using System.Runtime.InteropServices;
using PocketCoder.Ledger;
using PocketCoder.Machine.AgentSandboxes;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Files.Watching;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Sessions;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Status;

/// <summary>
/// What the machine is and how it is doing, as devices and the owner see it: its description, its warnings, its numbers. Thread-safe.
/// </summary>
/// <param name="machine">The machine's id.</param>
/// <param name="ownAgents">The ids of the agents that the owner configured.</param>
internal sealed class MachineReport(
    DaemonOptions options,
    string machine,
    MachineLabel label,
    DateTimeOffset startedAt,
    LedgerStore ledger,
    Store store,
    SandboxService sandboxes,
    AgentCatalog agents,
    ProjectDefaultsStore defaults,
    SessionDirectory sessions,
    FileStreams files,
    DeviceStore devices,
    ConnectionRegistry connections,
    IReadOnlyList<string> ownAgents,
    Addresses addresses,
    ProviderKeys keys)
{
    public DateTimeOffset StartedAt => startedAt;

    /// <summary>Sessions with a turn that runs or waits.</summary>
    public int SessionsWorking => sessions.List().Count(s => s.State is SessionState.Working or SessionState.NeedsYou);

    public int DevicesConnected => connections.Devices;

    public int DevicesPaired => devices.All.Count(d => d.RevokedAt is null);

    public MachineInfo Info() => new(
        machine,
        label.Text,
        DaemonOptions.ProductVersion,
        RuntimeInformation.OSDescription,
        RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant(),
        options.Demo,
        sandboxes.Default,
        sandboxes.Known,
        Warnings(),
        sandboxes.Floor,
        options.EntryPoints is { Count: > 0 } entries ? [.. entries.Select(e => e.Platform)] : null,
        devices.TwoPeople.On)
    {
        LedgerProblem = ledger.Distrust is { } distrust ? Distrusted(distrust) : null,
        Keys = keys.List(),
    };

    public MachineStatusResponse Status()
    {
        var vitals = MachineVitals.Of(options.Home.Root);
        return new MachineStatusResponse(
            Info(),
            Environment.ProcessId,
            startedAt,
            store.Now,
            addresses.Listening,
            SessionsWorking,
            DevicesConnected,
            DevicesPaired,
            Environment.WorkingSet,
            vitals.MemoryTotal,
            vitals.MemoryAvailable,
            Environment.ProcessorCount,
            vitals.Load,
            vitals.DiskTotal,
            vitals.DiskFree);
    }

    public IReadOnlyList<string> Warnings()
    {
        var warnings = new List<string>();
        if (ledger.Distrust is { } distrust)
        {
            warnings.Add(Distrusted(distrust));
        }

        if (store.Health.Problem is { } problem)
        {
            warnings.Add(problem);
        }

        if (ledger.HeadProblem is { } headProblem)
        {
            warnings.Add($"The head of the ledger can't be kept outside of the database, so that a later start might not notice its end being cut off: {headProblem}.");
        }

        if (sandboxes.Default == SandboxKind.None)
        {
            warnings.Add(
                "No sandbox unless a session chose one: commands that you allow run with all rights of the user that runs PocketCoder.");
        }
        else if (sandboxes.WhyNoDefault is { } why)
        {
            warnings.Add($"No sandbox works here, so a session must choose to go without: {why}");
        }

        if (sandboxes.Default == SandboxKind.Bubblewrap && !SandboxService.HasNetwork)
        {
            warnings.Add("Sandboxes have no network, since socat is missing. On Debian or Ubuntu: sudo apt-get install socat, then restart PocketCoder.");
        }

        if (Environment.IsPrivilegedProcess)
        {
            warnings.Add("PocketCoder runs as an administrator (root). Run it as an ordinary user.");
        }

        warnings.AddRange(AgentWarnings());
        warnings.AddRange(files.Warnings);
        return warnings;
    }

    /// <summary>
    /// Only of agents that somebody here asked for: a session's, a project's default, or one of the owner's own (<c>agents.json</c>).
    /// </summary>
    private IEnumerable<string> AgentWarnings()
    {
        var known = agents.Known;
        if (known.Count > 0 && known.All(a => !a.Installed))
        {
            return ["No agent is installed. See which there are: pocketcoder agents"];
        }

        var asked = sessions.List().Select(s => s.Agent).Concat(defaults.Agents).Concat(ownAgents).ToHashSet(StringComparer.Ordinal);
        return known.Where(a => !a.Installed && a.Advice is not null && asked.Contains(a.Id))
            .Select(a => $"{a.Name} was not found. {a.Advice}");
    }

    /// <summary>What every screen shows while the ledger is not the one this machine signed.</summary>
    private static string Distrusted(LedgerDistrust distrust) => distrust.Row is { } row
        ? string.Create(CultureInfo.InvariantCulture,
            $"The ledger is not the one this machine signed ({distrust.Detail}). Nothing is decided or started. Look at it on the machine (pocketcoder ledger verify); if you know why, go on with: pocketcoder ledger accept {row}")
        : $"The ledger is not the one this machine signed ({distrust.Detail}). Nothing is written any more. Restart the daemon, then look at it: pocketcoder ledger verify";
}
