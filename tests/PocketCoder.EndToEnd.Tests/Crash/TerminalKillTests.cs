using PocketCoder.Sandboxes;
using PocketCoder.Sandboxes.Bubblewrap;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.EndToEnd.Tests.Crash;

/// <summary>What a daemon that is killed with SIGKILL leaves of a session with a person's terminal.</summary>
[Trait("Category", "Slow")]
public sealed class TerminalKillTests
{
    [Fact]
    public async Task A_persons_terminal_lives_on_and_is_found_again_and_the_agents_command_is_ended()
    {
        await using var machine = await CrashMachine.StartAsync();
        try
        {
            var session = Guid.CreateVersion7();
            await machine.Device.AskAsync(
                MessageTypes.AgentSessionNew,
                new AgentSessionNewRequest(session, Guid.CreateVersion7(), machine.Project, "stub",
                    "run: while :; do date +%N > agents; sleep 0.1; done", Sandbox: SandboxKind.Bubblewrap),
                ProtocolJson.Default.AgentSessionNewRequest,
                ProtocolJson.Default.AgentSessionNewResponse);
            await machine.Device.SubscribeAsync($"session/{session}");
            var asked = await machine.AskedAsync();
            await machine.Device.DecideAsync(asked, DecisionVerdict.Allow);
            await BeatsAsync(machine, "agents");
            await using (var view = await TerminalView.OpenAsync(machine.Device, session, "main", 91, 31))
            {
                await view.TypeAsync("KEPT=kept-$((6*7)); (while :; do date +%N > mine; sleep 0.1; done) & echo star''ted\r");
                await view.UntilAsync("started");
            }

            await BeatsAsync(machine, "mine");
            await machine.KillAsync();
            await BeatsAsync(machine, "mine");

            await machine.StartDaemonAsync();
            await machine.ConnectAsync();
            var found = Assert.Single((await machine.Device.AskAsync(
                MessageTypes.TerminalList, new TerminalListRequest(), ProtocolJson.Default.TerminalListRequest,
                ProtocolJson.Default.TerminalListResponse)).Terminals);
            Assert.Equal((session, "main", 91, 31), (found.AgentSessionId, found.Name, found.Columns, found.Rows));
            await using var back = await TerminalView.AttachAsync(machine.Device, session, "main", 91, 31);
            await back.UntilAsync("started");
            await back.TypeAsync("echo $KEPT\r");
            await back.UntilAsync("kept-42");

            // Nobody waits for the agent's command: it is ended, while the person's goes on.
            var last = await File.ReadAllTextAsync(Path.Combine(machine.Home.Demo, "agents"));
            await BeatsAsync(machine, "mine");
            await BeatsAsync(machine, "mine");
            Assert.Equal(last, await File.ReadAllTextAsync(Path.Combine(machine.Home.Demo, "agents")));
            Assert.Equal(["approval_requested", "approval_decided", "execution_started", "execution_unknown"],
                await machine.LedgerAsync(asked.ApprovalId));

            await back.CloseAsync();
            await Wait.UntilAsync(() => !Directory.Exists(Path.Combine(machine.Home.Sandboxes, session.ToString("D"))),
                "the sandbox is gone with its last terminal");
            await machine.VerifyAsync();
        }
        finally
        {
            await machine.KillAsync();
            foreach (var kept in await new BubblewrapBackend(new SandboxOptions { StateDirectory = machine.Home.Sandboxes }).RecoverAsync(
                CancellationToken.None))
            {
                await kept.KillAsync(CancellationToken.None);
            }
        }
    }

    /// <summary>Waits until a file of the project is written anew.</summary>
    private static async Task BeatsAsync(CrashMachine machine, string file)
    {
        var path = Path.Combine(machine.Home.Demo, file);
        var before = File.Exists(path) ? await File.ReadAllTextAsync(path) : "";
        await Wait.UntilAsync(async () => File.Exists(path) && await File.ReadAllTextAsync(path) is { Length: > 0 } now && now != before,
            $"{file} goes on");
    }
}
