using PocketCoder.Agents;
using PocketCoder.Testing;

namespace PocketCoder.Agents.Tests.Shared;

/// <summary>
/// Asks a real program for its version on a clock that stands still: the ten seconds that people wait are not of these tests, which run
/// beside others (<see cref="ProgramProbeTests"/> has what happens when they are over).
/// </summary>
internal static class Probing
{
    public static Task<AgentProbe> AskAsync(Func<TimeProvider, IAgentDriver> driver)
        => driver(new ManualTime()).ProbeAsync(CancellationToken.None).WaitAsync(Wait.Limit);
}
