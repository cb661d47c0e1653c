using System.Runtime.Versioning;
using PocketCoder.Protocol;
using PocketCoder.Testing.Agents;

namespace PocketCoder.Machine.Tests.Agents;

/// <summary>Every real agent writes a file that holds keys by its name, with its own tool.</summary>
[Trait("Category", "Slow")]
[Collection(AllAgentsFixture.Name)]
[UnsupportedOSPlatform("windows")]
public sealed class NewSecretFileTests(AllAgentsFixture all)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static TheoryData<string> Agents => new(AllAgentsHome.Agents);

    [Theory]
    [MemberData(nameof(Agents))]
    public async Task A_new_file_with_keys_by_its_name_is_its_owners_alone(string agent)
    {
        await using var device = await all.Daemon.PairAsync(agent);
        var path = all.Home.InProject($".env.{agent}");
        var session = Guid.CreateVersion7();
        await device.AskAsync(
            MessageTypes.AgentSessionNew,
            new AgentSessionNewRequest(
                session, Guid.CreateVersion7(), all.Project, agent, $"WRITE: {path} | KEY=1\nSAY: written", Sandbox: SandboxKind.None),
            ProtocolJson.Default.AgentSessionNewRequest,
            ProtocolJson.Default.AgentSessionNewResponse);
        await device.SubscribeAsync($"session/{session}");
        while (await device.NextEventAsync<AgentEventPayload>(
            e => e is DoneEvent or ApprovalEvent { Approval.State: ApprovalState.Pending }) is ApprovalEvent asked)
        {
            await device.DecideAsync(asked.Approval, DecisionVerdict.Allow);
        }

        Assert.StartsWith("KEY=1", await File.ReadAllTextAsync(path), StringComparison.Ordinal);
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(path));
    }
}
