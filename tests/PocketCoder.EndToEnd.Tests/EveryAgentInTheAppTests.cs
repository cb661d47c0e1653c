using System.Diagnostics;
using Microsoft.Playwright;
using PocketCoder.Agents;
using PocketCoder.Agents.Acp;
using PocketCoder.Agents.Claude;
using PocketCoder.Agents.Codex;
using PocketCoder.Agents.OpenCode;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Agents;
using PocketCoder.Testing.ScriptedModel;
using static Microsoft.Playwright.Assertions;

namespace PocketCoder.EndToEnd.Tests;

/// <summary>The main story, shorter, with each real agent: one machine, one browser.</summary>
[Trait("Category", "Slow")]
public sealed class EveryAgentInTheAppTests(Browser browser) : IClassFixture<Browser>
{
    [Fact]
    public async Task Each_agent_is_prompted_allowed_looked_at_and_answered_on_the_phone()
    {
        await using var model = await ScriptedModelServer.StartAsync();
        using var home = await AllAgentsHome.NewAsync(model.Address);
        await using var machine = await RunningMachine.StartAsync(Drivers(home));
        await machine.Control.AddProjectAsync(home.Project, "api", TestContext.Current.CancellationToken);
        await machine.Daemon.SandboxesKnown;
        await using var phone = await browser.PhoneAsync();
        await AppStoryTests.PairAsync(machine, phone);
        foreach (var agent in AllAgentsHome.Agents)
        {
            var clock = Stopwatch.StartNew();
            await AppStoryTests.NewSessionAsync(phone, home.Prompt(agent), sandbox: "none", agent: agent);
            await AllowAsync(phone, $"echo {agent}");
            await AllowAsync(phone, $"written by {agent}");
            if (AllAgentsHome.Asks(agent))
            {
                await phone.Id("question-option").Filter(new LocatorFilterOptions { HasText = "blue" }).ClickAsync();
                await phone.Id("question-submit").ClickAsync();
            }

            await Expect(phone.Page.GetByText($"{agent} is done").Last).ToBeVisibleAsync();
            await Wait.UntilAsync(async () => (await machine.Control.ListSessionsAsync(CancellationToken.None)).All(
                s => s.State == SessionState.Idle), "the turn ended");
            Assert.True(home.Did(agent), agent);
            TestContext.Current.TestOutputHelper?.WriteLine($"{agent}: {clock.Elapsed.TotalSeconds:0.0} s");
        }

        await phone.PictureAsync("40-every-agent");
        Assert.True((await machine.Control.VerifyLedgerAsync(CancellationToken.None)).Intact);
        Assert.Empty(phone.Complaints);
        await StartsAheadAsync(machine, phone);
    }

    /// <summary>The cursor in the prompt of a session whose agent is gone starts it; the prompt goes to that one.</summary>
    private static async Task StartsAheadAsync(RunningMachine machine, BrowserPhone phone)
    {
        await machine.Daemon.StopAsync("restart by a test");
        await machine.StartDaemonAsync();
        var session = (await machine.Control.ListSessionsAsync(CancellationToken.None)).Single(s => s.Agent == "claude");
        await phone.Page.GotoAsync($"{machine.Url}/sessions/{session.AgentSessionId}");
        await Expect(phone.Page.GetByText("claude is done").Last).ToBeVisibleAsync();
        Assert.Equal(1, Started());
        await phone.Id("prompt-input").ClickAsync();
        await Wait.UntilAsync(() => Started() == 2, "it is started ahead");
        await AppStoryTests.SendAsync(phone, "SAY: still there");
        await Expect(phone.Page.GetByText("still there").Last).ToBeVisibleAsync();
        await Wait.UntilAsync(async () => (await machine.Control.ListSessionsAsync(CancellationToken.None)).All(
            s => s.State == SessionState.Idle), "the turn ended");
        Assert.Equal(2, Started());

        int Started() => machine.Log.Lines.Count(
            l => l.Contains($"session {session.AgentSessionId}: claude started", StringComparison.Ordinal));
    }

    private static IReadOnlyList<IAgentDriver> Drivers(AllAgentsHome home) =>
    [
        new ClaudeDriver(TimeProvider.System, home.Environment),
        new CodexDriver(TimeProvider.System, home.Environment),
        new OpenCodeDriver(TimeProvider.System, home.Environment),
        new AcpDriver(AcpAgent.Gemini, TimeProvider.System, home.Environment),
        new AcpDriver(AcpAgent.ClaudeAgentAcp with { Id = AllAgentsHome.Acp, Program = home.Adapter }, TimeProvider.System,
            home.Environment),
    ];

    private static async Task AllowAsync(BrowserPhone phone, string text)
    {
        await Expect(phone.Id("approval-card").Filter(new LocatorFilterOptions { Has = phone.Id("allow-once") }).Last)
            .ToContainTextAsync(text);
        await phone.Id("allow-once").Last.ClickAsync();
    }
}
