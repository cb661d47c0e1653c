using System.Text.Json.Nodes;
using PocketCoder.Agents.Acp;
using PocketCoder.Agents.Tests.OpenCode;
using PocketCoder.Testing.Agents;

namespace PocketCoder.Agents.Tests.Acp;

/// <summary>
/// The real <c>opencode acp</c>, as anybody would name it in agents.json: an agent of which the driver knows nothing beforehand. (Who wants
/// OpenCode itself takes the driver of its own.)
/// </summary>
[Trait("Category", "Slow")]
public sealed class RealOpenCodeAcpTests(RealOpenCodeFixture opencode) : IClassFixture<RealOpenCodeFixture>
{
    [Fact]
    public async Task What_an_unknown_agent_asks_is_shown_and_decided_and_its_conversation_goes_on()
    {
        using var home = opencode.NewHome();
        var settings = JsonNode.Parse(await File.ReadAllTextAsync(home.SettingsFile))!;
        settings["permission"] = new JsonObject { ["edit"] = "ask", ["bash"] = "ask" };
        await File.WriteAllTextAsync(home.SettingsFile, settings.ToJsonString());
        var driver = Driver(home);
        string id;
        await using (var run = new AgentRun(await driver.StartAsync(
            new AgentStart { SessionId = Guid.CreateVersion7(), WorkingDirectory = home.Project }, CancellationToken.None)))
        {
            id = (await run.NextAsync<AgentReady>()).NativeId;
            Assert.Equal((TurnOutcome.Completed, null), Ended(await run.TurnAsync("hello old friend")));
            Assert.Contains("You said: hello old friend", run.Text, StringComparison.Ordinal);

            await run.PromptAsync("BASH: echo $((40+2)) > out.txt\nBASH: touch never\nSAY: done");
            var asked = await run.NextAsync<AgentApprovalAsked>();
            Assert.Equal("echo $((40+2)) > out.txt", Assert.IsType<AgentSubject.Command>(asked.Subject).CommandLine);
            await run.AnswerAsync(asked.RequestId, new AgentAnswer.Allow(asked.InputJson));
            var denied = await run.NextAsync<AgentApprovalAsked>();
            Assert.Equal("42\n", await File.ReadAllTextAsync(home.InProject("out.txt")));
            await run.AnswerAsync(denied.RequestId, new AgentAnswer.Deny("no"));
            await run.NextAsync<AgentTurnEnded>();
            Assert.False(File.Exists(home.InProject("never")));

            await run.PromptAsync($"WRITE: {home.InProject("made.txt")} | one\\ntwo\\n\nSAY: written");
            var edit = await run.NextAsync<AgentApprovalAsked>();
            Assert.Equal(new FileChange(home.InProject("made.txt"), null, "one\ntwo\n"),
                Assert.IsType<AgentSubject.Edit>(edit.Subject).Change);
            Assert.False(File.Exists(home.InProject("made.txt")));
            await run.AnswerAsync(edit.RequestId, new AgentAnswer.Allow(edit.InputJson));
            Assert.Equal((TurnOutcome.Completed, null), Ended(await run.NextAsync<AgentTurnEnded>()));
            Assert.Equal(3, run.Of<AgentApprovalAsked>().Count); // it also has us write what was allowed: nobody is asked twice
            Assert.Equal("one\ntwo\n", await File.ReadAllTextAsync(home.InProject("made.txt")));

            await run.PromptAsync("SLOW: 20\nLONG: 3000");
            await run.NextAsync<AgentDelta>();
            await run.Process.InterruptAsync(CancellationToken.None);
            Assert.Equal(TurnOutcome.Cancelled, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        }

        Assert.Equal(id, Assert.Single(await driver.ListConversationsAsync(home.Project, 50, CancellationToken.None)).Id);
        await using var again = new AgentRun(await driver.StartAsync(
            new AgentStart { SessionId = Guid.CreateVersion7(), WorkingDirectory = home.Project, ResumeId = id }, CancellationToken.None));
        Assert.Equal((TurnOutcome.Completed, null), Ended(await again.TurnAsync("and now?")));
        Assert.Equal("You said: and now?", again.Text);
    }

    private static (TurnOutcome, string?) Ended(AgentTurnEnded end) => (end.Outcome, end.Error);

    private static AcpDriver Driver(OpenCodeHome home)
    {
        File.WriteAllText(Path.Combine(home.Home, AcpConfiguration.FileName), new JsonObject
        {
            ["agents"] = new JsonArray(new JsonObject
            {
                ["id"] = "oc",
                ["name"] = "OpenCode by ACP",
                ["command"] = new JsonArray(home.Environment["POCKETCODER_OPENCODE"], "acp")
            }),
        }.ToJsonString());
        return new AcpDriver(Assert.Single(AcpConfiguration.Read(home.Home, []).Agents), TimeProvider.System, home.Environment);
    }
}
