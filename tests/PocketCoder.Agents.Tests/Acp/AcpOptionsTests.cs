using PocketCoder.Agents;
using PocketCoder.Agents.Acp;

namespace PocketCoder.Agents.Tests.Acp;

/// <summary>
/// An agent that has nothing but options (no <c>modes</c>, no <c>models</c>), as the protocol wants it; what it was told last it says with
/// each answer.
/// </summary>
public sealed class AcpOptionsTests
{
    private const string Program = """
        #!/usr/bin/env node
        const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\n");
        const now = { mode: "auto", model: "big", thinking: "medium" };
        const select = (id, category, values) => ({ id, name: id, category, type: "select", currentValue: now[id], options: values.map((value) => ({ value, name: value })) });
        const options = () => [
          select("mode", "mode", ["auto", "ask"]), select("model", "model", ["big", "small"]),
          ...(now.model === "big" ? [select("thinking", "thought_level", ["low", "medium", "high"])] : []),
        ];
        require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
          const { id, method, params } = JSON.parse(line);
          if (method === "initialize") say({ id, result: { protocolVersion: 1, agentCapabilities: {}, agentInfo: { name: "options", version: "1" } } });
          else if (method === "session/new") say({ id, result: { sessionId: "s", configOptions: options() } });
          else if (method === "session/set_config_option" && params.sessionId === "s" && params.configId in now) {
            now[params.configId] = params.value;
            say({ id, result: { configOptions: options() } });
          } else if (method === "session/prompt") {
            say({ method: "session/update", params: { sessionId: "s", update: { sessionUpdate: "agent_message_chunk", content: { type: "text", text: JSON.stringify(now) } } } });
            say({ id, result: { stopReason: "end_turn" } });
          } else if (id !== undefined) say({ id, error: { code: -32601, message: "no " + method } });
        });
        """;

    [Fact]
    public async Task Mode_model_and_effort_are_chosen_by_options_and_what_a_model_lacks_is_passed_over_at_the_start_and_refused_later()
    {
        var folder = Directory.CreateTempSubdirectory("pc-acp-");
        try
        {
            var program = Path.Combine(folder.FullName, "options-agent");
            await File.WriteAllTextAsync(program, Program);
            File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            var environment = new Dictionary<string, string>(StringComparer.Ordinal)
            { ["PATH"] = Environment.GetEnvironmentVariable("PATH") ?? "/usr/bin:/bin", ["HOME"] = folder.FullName };
            var driver = new AcpDriver(new AcpAgent("options", "Options", program, []) { Modes = ["ask"], Models = true, Efforts = true },
                TimeProvider.System, environment);
            Assert.True(driver.Description is { EffortsTold: true, Efforts.Count: 0 });

            await using (var run = new AgentRun(
                await driver.StartAsync(RealAcpFixture.Start(folder.FullName) with { Effort = "high" }, CancellationToken.None)))
            {
                Assert.Equal("""{"mode":"ask","model":"big","thinking":"high"}""", await SaidAsync(run));
                Assert.Equal(["low", "medium", "high"], run.Of<AgentReady>()[^1].Efforts);
                await run.Process.SetEffortAsync(null, CancellationToken.None);
                await run.Process.SetModelAsync("small", CancellationToken.None);
                Assert.Equal("""{"mode":"ask","model":"small","thinking":"medium"}""", await SaidAsync(run));
                Assert.Empty(run.Of<AgentReady>()[^1].Efforts!);
                Assert.Equal(AgentError.Refused, (await Assert.ThrowsAsync<AgentException>(
                    async () => await run.Process.SetEffortAsync("low", CancellationToken.None))).Error);
                await run.Process.SetEffortAsync(null, CancellationToken.None);
                await run.Process.SetModelAsync(null, CancellationToken.None);
                Assert.Equal("""{"mode":"ask","model":"big","thinking":"medium"}""", await SaidAsync(run));
            }

            await using var small = new AgentRun(await driver.StartAsync(
                RealAcpFixture.Start(folder.FullName) with { Model = "small", Effort = "heroic" }, CancellationToken.None));
            Assert.Equal("""{"mode":"ask","model":"small","thinking":"medium"}""", await SaidAsync(small));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<string> SaidAsync(AgentRun run)
    {
        var before = run.Text.Length;
        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync("which?")).Outcome);
        return run.Text[before..];
    }
}
