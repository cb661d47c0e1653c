using System.Diagnostics;
using PocketCoder.Testing;
using PocketCoder.Testing.Agents;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Cli.Tests;

/// <summary><c>run</c> with each real agent, what waits decided in the terminal: one daemon, one terminal.</summary>
[Trait("Category", "Slow")]
public sealed class EveryAgentRunTests
{
    [Fact]
    public async Task Each_agent_is_prompted_allowed_and_answered_in_the_terminal()
    {
        await using var model = await ScriptedModelServer.StartAsync();
        using var agents = await AllAgentsHome.NewAsync(model.Address);
        await using var home = new CliHome();
        foreach (var (name, value) in agents.Environment)
        {
            home.Environment[name] = value;
        }

        home.Home.Prepare();
        await File.WriteAllTextAsync(Path.Combine(home.Root, "agents.json"), agents.AgentsJson, TestContext.Current.CancellationToken);
        await home.AskAsync("start", "--sandbox", "none", "--listen", home.Listen);
        (await home.RunAsync("add", agents.Project, "--name", "api")).Succeeded();
        await using var tty = await RealTerminal.StartAsync(home, 120, 50);
        foreach (var agent in AllAgentsHome.Agents)
        {
            var clock = Stopwatch.StartNew();
            var prompt = Path.Combine(home.Work, agent);
            await File.WriteAllTextAsync(prompt, agents.Prompt(agent), TestContext.Current.CancellationToken);
            await tty.TypeAsync($"'{home.Program}' run --project api --agent {agent} \"$(cat '{prompt}')\"; echo {agent}-ended-$?");
            await AllowAsync($"echo {agent} > {agent}.txt");
            await AllowAsync($"written by {agent}");
            if (AllAgentsHome.Asks(agent))
            {
                await tty.UntilAsync("A number");
                await tty.TypeAsync("2");
            }

            await tty.UntilAsync($"{agent}-ended-0");
            var screen = await tty.ScreenAsync();
            Assert.True(screen.Contains($"{agent} is done", StringComparison.Ordinal), screen);
            Assert.True(agents.Did(agent), agent);
            await tty.TypeAsync("clear; echo wi''ped");
            await tty.UntilAsync("wiped");
            await tty.RunAsync("clear-history", "-t", "t"); // what was asked before is not taken for the next question
            TestContext.Current.TestOutputHelper?.WriteLine($"{agent}: {clock.Elapsed.TotalSeconds:0.0} s");
        }

        async Task AllowAsync(string shown)
        {
            var screen = "";
            await Wait.UntilAsync(
                async () => (screen = await tty.ScreenAsync()).IndexOf(shown, StringComparison.Ordinal) is >= 0 and var at
                    && screen.IndexOf("y once", at, StringComparison.Ordinal) > at,
                $"it asks for {shown}");
            await tty.TypeAsync("y");
        }
    }
}
