using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Executions;

/// <summary>A project that holds the daemon's own folder: keys and ledger are given to no sandbox.</summary>
public sealed class OwnFolderTests
{
    [Theory]
    [InlineData(SandboxKind.Bubblewrap)]
    [InlineData(SandboxKind.Landlock)]
    public async Task What_runs_in_a_sandbox_never_gets_the_daemons_own_folder(SandboxKind sandbox)
    {
        var folder = Directory.CreateTempSubdirectory("pc-holds-");
        try
        {
            await using var daemon = await TestDaemon.StartAsync(home: folder.CreateSubdirectory("deep/home").FullName);
            // as with --force
            var project = (await daemon.Daemon.AsOwner().AddProjectAsync(folder.FullName, "all", CancellationToken.None)).Project;
            await daemon.Daemon.SandboxesKnown;
            await using var phone = await daemon.PhoneAsync();
            var machine = (await phone.Device.AskAsync(MessageTypes.MachinesList, new MachinesListRequest(),
                ProtocolJson.Default.MachinesListRequest, ProtocolJson.Default.MachinesListResponse)).Machines[0];
            Assert.SkipUnless(machine.Sandboxes.Contains(sandbox), "this machine has no such sandbox");
            var session = Guid.CreateVersion7();
            await phone.Device.AskAsync(
                MessageTypes.AgentSessionNew,
                new AgentSessionNewRequest(session, Guid.CreateVersion7(), project.ProjectId, "stub",
                    "run: cat deep/home/machine.key | head -c 8 && echo READ", Sandbox: sandbox),
                ProtocolJson.Default.AgentSessionNewRequest,
                ProtocolJson.Default.AgentSessionNewResponse);
            await phone.Device.SubscribeAsync($"session/{session}");
            await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
            var result = await phone.Device.NextEventAsync<ToolResultEvent>();
            Assert.Contains("where PocketCoder keeps its keys", result.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("READ\n", result.Output, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
