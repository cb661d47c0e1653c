using PocketCoder.Agents.Acp;
using PocketCoder.Agents.Claude;
using PocketCoder.Agents.Codex;
using PocketCoder.Agents.Cursor;
using PocketCoder.Agents.OpenCode;

namespace PocketCoder.Agents;

/// <summary>The agents PocketCoder can drive on this machine, in the order in which they are offered.</summary>
public static class AgentDrivers
{
    /// <param name="home">PocketCoder's own directory: <see cref="AcpConfiguration"/> names further ACP agents.</param>
    public static IReadOnlyList<IAgentDriver> All(TimeProvider time, string home)
    {
        IReadOnlyList<IAgentDriver> known =
            [new ClaudeDriver(time), new CodexDriver(time), new OpenCodeDriver(time), new AcpDriver(AcpAgent.Gemini, time),
            new AcpDriver(KnownAcpAgents.Cursor, time), new CursorDriver(time), new AcpDriver(KnownAcpAgents.Trae, time)];
        return [.. known, .. AcpConfiguration.Read(home, [.. known.Select(d => d.Description.Id), "stub"]).Agents.Select(
            a => new AcpDriver(a, time))];
    }
}
