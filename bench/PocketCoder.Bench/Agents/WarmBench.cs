using System.Diagnostics;
using System.Runtime.Versioning;
using PocketCoder.Bench.Daemons;
using PocketCoder.Bench.Results;
using PocketCoder.Bench.Sessions;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Claude;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Bench.Agents;

/// <summary>
/// What a start ahead of the prompt is worth: the real Claude Code with a scripted model, from the prompt sent to its first token, once
/// started by the prompt and once started ahead. One agent only is kept, so that two sessions in turns end each other's.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal static class WarmBench
{
    public static async Task RunAsync(BenchOptions options, Measured measured)
    {
        await using var model = await ScriptedModelServer.StartAsync();
        using var home = new ClaudeHome(await RealClaude.ProgramAsync(), model.Address);
        await using var daemon = await DaemonProcess.StartAsync(options, ["--warm-agents", "1"], home.Environment);
        await using var device = await daemon.PairAsync();
        var first = await SessionBench.BeginAsync(daemon, device);
        var second = await SessionBench.BeginAsync(daemon, device);
        var started = 2;
        List<double> cold = [], warm = [];
        for (var i = 0; i < (options.Quick ? 1 : 2 * options.Runs); i++)
        {
            cold.Add(await FirstTokenAsync(device, first));
            cold.Add(await FirstTokenAsync(device, second));
            started += 2;
            foreach (var session in (Guid[])[first, second])
            {
                await device.AskAsync(MessageTypes.AgentSessionWarm, new AgentSessionWarmRequest(session),
                    ProtocolJson.Default.AgentSessionWarmRequest, ProtocolJson.Default.AgentSessionWarmResponse);
                started++;
                await Wait.UntilAsync(() => daemon.Log.Split("claude started, pid").Length - 1 == started, "it is started ahead");
                warm.Add(await FirstTokenAsync(device, session));
            }
        }

        var (without, with) = (Median(cold), Median(warm));
        measured.Add(Claims.FirstCold, without);
        measured.Add(Claims.FirstWarm, with);
        measured.Add(Claims.FirstRatio, without / with);
    }

    private static async Task<double> FirstTokenAsync(TestDevice device, Guid session)
    {
        var sent = Stopwatch.GetTimestamp();
        await SessionBench.PromptAsync(device, session, "hello");
        await device.NextAsync(e => e.Type == MessageTypes.AgentDelta, "a token");
        var took = Stopwatch.GetElapsedTime(sent).TotalMilliseconds;
        await device.NextEventAsync<DoneEvent>();
        return took;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
