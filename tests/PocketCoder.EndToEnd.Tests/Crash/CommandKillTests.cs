using System.Text.Json;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.EndToEnd.Tests.Crash;

/// <summary>What a daemon that is killed with SIGKILL leaves of a one-shot command.</summary>
[Trait("Category", "Slow")]
public sealed class CommandKillTests
{
    [Theory]
    [InlineData(SandboxKind.None)]
    [InlineData(SandboxKind.Bubblewrap)]
    public async Task A_command_that_ran_is_interrupted_with_its_output_kept_and_does_not_go_on(SandboxKind sandbox)
    {
        await using var machine = await CrashMachine.StartAsync();
        await machine.Device.AskAsync(
            MessageTypes.ProjectDefaultsSet,
            new ProjectDefaultsSetRequest(machine.Project, new ProjectDefaults(Sandbox: sandbox)),
            ProtocolJson.Default.ProjectDefaultsSetRequest,
            ProtocolJson.Default.ProjectDefaultsSetResponse);
        var run = Guid.CreateVersion7();
        var started = await machine.Device.AskAsync(
            MessageTypes.CommandExec,
            new CommandExecRequest(run, machine.Project, "echo begun; while :; do date +%N > beats; sleep 0.05; done"),
            ProtocolJson.Default.CommandExecRequest,
            ProtocolJson.Default.CommandExecResponse);
        Assert.Equal((sandbox, CommandRunState.Running), (started.Run.Sandbox, started.Run.State));
        var beats = Path.Combine(machine.Home.Demo, "beats");
        await Wait.UntilAsync(() => File.Exists(beats), "the command runs");
        await Wait.UntilAsync(async () => (await ReadAsync()).Chunks.Any(c => c.Text == "begun\n"), "its output");

        await machine.KillAsync();
        await machine.StartDaemonAsync();
        await machine.ConnectAsync();

        // Another beat can't come: nobody is left who would write it.
        Assert.Empty(Survivors.In(machine.Home.Demo));
        File.Delete(beats);
        var left = Assert.Single((await machine.Device.AskAsync(
            MessageTypes.CommandRunsList, new CommandRunsListRequest(machine.Project), ProtocolJson.Default.CommandRunsListRequest,
            ProtocolJson.Default.CommandRunsListResponse)).Runs);
        Assert.Equal((run, CommandRunState.Interrupted, null, null, 6L, "begun\n"),
            (left.RunId, left.State, left.ExitCode, left.Sha256, left.Bytes, left.Preview));
        Assert.Contains("unknown", left.Error, StringComparison.Ordinal);
        Assert.Equal("begun\n", string.Concat((await ReadAsync()).Chunks.Select(c => c.Text)));
        var rows = await machine.Device.AskAsync(MessageTypes.LedgerList, new LedgerListRequest(Limit: 200),
            ProtocolJson.Default.LedgerListRequest, ProtocolJson.Default.LedgerListResponse);
        var mine = rows.Rows.Reverse().Select(r => JsonDocument.Parse(r.Body).RootElement)
            .Where(b => b.GetProperty("data").TryGetProperty("runId", out var id) && id.GetGuid() == run);
        Assert.Equal(["command_started", "command_finished"], mine.Select(b => b.GetProperty("kind").GetString()));

        // The same request again tells what became of it, and runs nothing.
        var again = await machine.Device.AskAsync(
            MessageTypes.CommandExec,
            new CommandExecRequest(run, machine.Project, "echo begun; while :; do date +%N > beats; sleep 0.05; done"),
            ProtocolJson.Default.CommandExecRequest,
            ProtocolJson.Default.CommandExecResponse);
        Assert.Equal((false, CommandRunState.Interrupted), (again.Started, again.Run.State));
        Assert.False(File.Exists(beats));
        await machine.VerifyAsync();

        Task<CommandReadResponse> ReadAsync() => machine.Device.AskAsync(
            MessageTypes.CommandRead, new CommandReadRequest(run), ProtocolJson.Default.CommandReadRequest,
            ProtocolJson.Default.CommandReadResponse);
    }
}
