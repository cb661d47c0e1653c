using System.CommandLine;
using PocketCoder.Agents;
using PocketCoder.Agents.Acp;
using PocketCoder.Cli.Output;
using PocketCoder.Machine;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder agents</c>: which agents are here, and what each can do. Works without the daemon; changes nothing.</summary>
internal static class AgentsCommand
{
    public static Command Create(Terminal terminal)
        => new Command("agents", "List agents, their versions and what they can do").Does(terminal, async (context, _, ct) =>
    {
        var found = await ProbeAsync(context.Home, ct);
        if (context.Json)
        {
            CliJson.Write(context.Terminal, [.. found.Select(Shown)], CliJson.Default.IReadOnlyListAgentShown);
            return ExitCode.Ok;
        }

        foreach (var (agent, probe) in found)
        {
            context.Say($"{agent.Id,-10}  {Untrusted.Show(agent.Name)}  {(probe.Unanswered ? $"no answer yet  {Untrusted.Show(probe.Path ?? "")}" : probe.Installed ? $"{Untrusted.Show(probe.Version ?? "")}  {Untrusted.Show(probe.Path ?? "")}".Trim() : "not installed")}{Tested(agent)}");
            context.Say($"            {string.Join(", ", Can(agent))}");
            if (probe.Advice is not null)
            {
                context.Say($"            {Untrusted.Show(probe.Advice)}");
            }
        }

        if (AcpConfiguration.Read(context.Home.Root, []).Problem is { } problem)
        {
            context.Say(Untrusted.Show(problem));
        }

        return ExitCode.Ok;
    });

    public static async Task<IReadOnlyList<(AgentDescription Agent, AgentProbe Probe)>> ProbeAsync(Home home, CancellationToken ct)
        => await Task.WhenAll(AgentDrivers.All(TimeProvider.System, home.Root).Select(async d => (d.Description, await d.ProbeAsync(ct))));

    private static AgentShown Shown((AgentDescription Agent, AgentProbe Probe) found)
        => new(found.Agent.Id, found.Agent.Name, found.Probe.Installed, found.Probe.Version, found.Probe.Path, found.Probe.Advice,
            found.Agent.Modes, [.. Can(found.Agent)], found.Agent.TestedVersions);

    /// <summary>"; tested with 1.2.3", or nothing for what has no tested version.</summary>
    public static string Tested(AgentDescription agent)
        => agent.TestedVersions.Count == 0 ? "" : $"; tested with {string.Join(", ", agent.TestedVersions)}";

    /// <summary>In the words of docs/agents.md.</summary>
    private static IEnumerable<string> Can(AgentDescription agent)
    {
        (bool Can, string Word)[] all =
        [
            (agent.HostTools, "sandbox"), (agent.Questions, "questions"), (agent.Plans, "plans"), (agent.Modes.Count > 1, "modes"),
            (agent.Models, "models"), (agent.Resume, "resume"),
            (agent.Usage, "usage"),
        ];
        return all.Where(c => c.Can).Select(c => c.Word);
    }
}
