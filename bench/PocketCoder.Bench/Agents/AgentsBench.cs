using System.Runtime.Versioning;
using PocketCoder.Bench.Daemons;
using PocketCoder.Bench.Results;
using PocketCoder.Bench.Sessions;

namespace PocketCoder.Bench.Agents;

/// <summary>
/// What our side adds for each kind of driver, over reading the program's output by hand: from the time that the agent writes into a token
/// (on its standard output; OpenCode: in its stream of events) to a device that has it decrypted. The agents are imitations, so that the
/// model's and the program's own time is not in it.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal static class AgentsBench
{
    public static async Task RunAsync(BenchOptions options, Measured measured)
    {
        for (var run = 0; run < options.Runs; run++)
        {
            await using var daemon = await DaemonProcess.StartAsync(options);
            await using var device = await daemon.PairAsync();
            foreach (var (agent, p50, p99) in ((string, Claim, Claim)[])[
                ("claude", Claims.ClaudeP50, Claims.ClaudeP99), ("codex", Claims.CodexP50, Claims.CodexP99),
                ("opencode", Claims.OpenCodeP50, Claims.OpenCodeP99), ("gemini", Claims.AcpP50, Claims.AcpP99)])
            {
                var session = await SessionBench.BeginAsync(daemon, device, agent);
                await SessionBench.TokensAsync(device, session, options.Quick ? 500 : 2_000, measured, p50, p99);
            }
        }

        await WarmBench.RunAsync(options, measured);
    }
}
