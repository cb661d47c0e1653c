using PocketCoder.Channels;
using PocketCoder.Machine;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Claude;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.Homes;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.EndToEnd.Tests.Crash;

/// <summary>The daemon is killed while it starts an agent ahead of a prompt, and while it keeps one.</summary>
[Trait("Category", "Slow")]
public sealed class WarmKillTests
{
    [Fact]
    public async Task A_killed_daemon_leaves_no_agent_behind_that_it_had_started_ahead()
    {
        await using var model = await ScriptedModelServer.StartAsync();
        using var claude = new ClaudeHome(await RealClaude.ProgramAsync(), model.Address);
        claude.Environment["POCKETCODER_CLAUDE"] = Companion(claude, await RealClaude.ProgramAsync());
        var home = Home.At(Directory.CreateTempSubdirectory("pccrash-").FullName);
        var port = Ports.Free();
        var identity = ChannelIdentity.Create();
        var session = Guid.CreateVersion7();
        byte[] machineKey;
        await using (var daemon = await DaemonProcess.StartAsync(home, port, claude.Environment, demo: false))
        {
            using var control = new ControlClient(home);
            await control.AddProjectAsync(claude.Project, "crash", force: false, CancellationToken.None);
            var offer = await control.PairAsync(new PairingRequest([Scope.View, Scope.Prompt], null), CancellationToken.None);
            await using var device = await TestDevice.PairAsync(offer.Links[0], "phone", identity);
            machineKey = device.MachineKey;
            await new Errand(ErrandKind.NewSession, Guid.CreateVersion7(), session, "SAY: hello").SendAsync(
                device, (await control.ListProjectsAsync(CancellationToken.None))[0].ProjectId, "claude");
            await device.SubscribeAsync($"session/{session}");
            await device.NextEventAsync<DoneEvent>(d => d.Outcome == TurnState.Completed);
        }

        // Killed as soon as it said that it starts one, when the program runs, and when the daemon has it.
        var met = 0;
        foreach (var until in (Func<DaemonProcess, bool>[])[_ => true, _ => Survivors.In(claude.Project).Count > 1,
            d => d.Log.Contains("claude started, pid", StringComparison.Ordinal)])
        {
            await using var daemon = await DaemonProcess.StartAsync(home, port, claude.Environment, demo: false);
            Assert.Empty(Survivors.In(claude.Project)); // what the last one left is gone before anybody can connect
            await using var device = await TestDevice.ConnectAsync($"http://127.0.0.1:{port}/", identity, machineKey);
            Assert.True((await device.AskAsync(MessageTypes.AgentSessionWarm, new AgentSessionWarmRequest(session),
                ProtocolJson.Default.AgentSessionWarmRequest, ProtocolJson.Default.AgentSessionWarmResponse)).Warm);
            await Wait.UntilAsync(() => until(daemon), "the moment to kill");
            daemon.Kill();
            await daemon.GoneAsync();
            met += Survivors.In(claude.Project).Count > 0 ? 1 : 0;
        }

        Assert.True(met >= 2, "no agent outlived a daemon");
        await using (await DaemonProcess.StartAsync(home, port, claude.Environment, demo: false))
        {
            Assert.Empty(Survivors.In(claude.Project));
        }

        // only after a failure is there anybody
        await ProcessGroup.ReapAsync(Survivors.In(claude.Project), TimeSpan.Zero, TimeProvider.System);
        await HomeRemains.ClearAsync(home.Sandboxes, home.Root, home.AgentFiles, home.Attached);
    }

    /// <summary>The real program with a helper beside it that does not end by itself when the daemon's pipes do.</summary>
    private static string Companion(ClaudeHome home, string program)
    {
        var path = Path.Combine(home.Home, "claude-with-companion");
        File.WriteAllText(
            path, $"#!/bin/sh\n[ \"$1\" = --version ] || sleep 300 < /dev/null > /dev/null 2>&1 &\nexec '{program}' \"$@\"\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        return path;
    }
}
