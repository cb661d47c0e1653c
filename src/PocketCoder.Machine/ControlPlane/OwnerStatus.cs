using PocketCoder.Machine.AgentSandboxes;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Linking;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Status;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>The daemon as its owner sees it. Thread-safe.</summary>
internal sealed class OwnerStatus(
    DaemonOptions options, string machine, MachineLabel label, MachineReport report, SandboxService sandboxes, AgentCatalog agents,
    ProjectStore projects, Addresses addresses, LinkSetting link)
{
    public async Task<ControlStatus> OfAsync(CancellationToken cancellationToken) => new(
        DaemonOptions.ProductVersion,
        machine,
        label.Text,
        Environment.ProcessId,
        report.StartedAt,
        addresses.Listening,
        options.Demo,
        sandboxes.Default,
        report.SessionsWorking,
        report.DevicesConnected,
        report.DevicesPaired,
        agents.Known,
        report.Warnings(),
        await projects.ListAsync(cancellationToken),
        addresses.Control,
        link.Gateway is null ? null : link.Status);
}
