using PocketCoder.Agents;
using PocketCoder.Agents.Acp;

namespace PocketCoder.Agents.Tests.Acp;

/// <summary>
/// An agent that answers <c>session/load</c> first and plays the old conversation back afterwards, as Gemini CLI 0.61.0 does.
/// </summary>
public sealed class LatePlaybackTests
{
    private const string Program = """
        #!/usr/bin/env node
        const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\n");
        const chunk = (text) => say({ method: "session/update", params: { sessionId: "old", update: { sessionUpdate: "agent_message_chunk", content: { type: "text", text } } } });
        const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
        require("node:readline").createInterface({ input: process.stdin }).on("line", async (line) => {
          const { id, method } = JSON.parse(line);
          if (method === "initialize") say({ id, result: { protocolVersion: 1, agentCapabilities: { loadSession: true }, agentInfo: { name: "late", version: "1" } } });
          else if (method === "session/load") {
            say({ id, result: {} });
            for (const word of ["what ", "was ", "said ", "then"]) { await pause(30); chunk(word); }
          } else if (method === "session/prompt") {
            chunk("what is said now");
            say({ id, result: { stopReason: "end_turn" } });
          } else if (id !== undefined) say({ id, result: {} });
        });
        """;

    [Fact]
    public async Task What_is_played_back_after_the_answer_is_no_answer_to_the_first_prompt()
    {
        var folder = Directory.CreateTempSubdirectory("pc-acp-");
        try
        {
            var program = Path.Combine(folder.FullName, "late-agent");
            await File.WriteAllTextAsync(program, Program);
            File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            var environment = new Dictionary<string, string>(StringComparer.Ordinal)
            { ["PATH"] = Environment.GetEnvironmentVariable("PATH") ?? "/usr/bin:/bin", ["HOME"] = folder.FullName };
            var driver = new AcpDriver(new AcpAgent("late", "Late", program, []), TimeProvider.System, environment);
            await using var run = new AgentRun(
                await driver.StartAsync(RealAcpFixture.Start(folder.FullName) with { ResumeId = "old" }, CancellationToken.None));
            Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync("and now?")).Outcome);
            Assert.Equal("what is said now", run.Text);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
