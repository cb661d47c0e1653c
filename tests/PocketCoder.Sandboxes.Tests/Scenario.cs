using System.Globalization;
using PocketCoder.Sandboxes.Bubblewrap;
using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.Sandboxes.Tests;

/// <summary>
/// Plays a daemon that gets killed: this test program started once more, which makes a sandbox with commands in it, says so, and waits for
/// its end.
/// </summary>
internal static class Scenario
{
    private const string Variable = "HANDS_TEST_SCENARIO";

    public const string Session = "survivor", Spooled = "spooled", Plain = "plain";

    internal static OwnedProcess Start(Ground ground, string project, bool withState) => OwnedProcess.Start(
        new ProcessStart
        {
            Program = Environment.ProcessPath!,
            WorkingDirectory = "/",
            Environment = new Dictionary<string, string>(EnvironmentAllowList.SelectFromOwn("DOTNET_*"))
            {
                ["DOTNET_STARTUP_HOOKS"] = typeof(Scenario).Assembly.Location, // calls StartupHook below before the runner begins
                [Variable] = string.Join('|', ground.Options.StateDirectory, project, withState ? "state" : "no-state", ReadyFile(ground)),
            },
        },
        TimeProvider.System);

    internal static string ReadyFile(Ground ground) => Path.Combine(ground.Root, "ready");

    public static async Task PlayAsync()
    {
        var parts = Environment.GetEnvironmentVariable(Variable)!.Split('|');
        var (stateDirectory, project, withState, ready) = (parts[0], parts[1], parts[2] == "state", parts[3]);
        var backend = new BubblewrapBackend(new SandboxOptions { StateDirectory = stateDirectory });
        var sandbox = await backend.CreateAsync(new SandboxSpec { Id = Session, Workspace = project }, default);
        var spooled = await sandbox.ExecAsync(
            new ExecSpec
            {
                Id = Spooled,
                Spooled = true,
                Command = ["/bin/sh", "-c",
                "echo before; echo $$ > running; while [ ! -e go ]; do sleep 0.05; done; echo after; echo err >&2; exit 17"]
            }, default);
        _ = CommandSpool.Start(spooled);
        var plain = await sandbox.ExecAsync(
            new ExecSpec { Id = Plain, Command = ["/bin/sh", "-c", "while :; do echo x >> plain; sleep 0.05; done"] }, default);
        _ = CommandSpool.Start(plain);
        if (!withState)
        {
            // As if the daemon had died within the start.
            File.Delete(Path.Combine(stateDirectory, Session, "state.json"));
        }

        await File.WriteAllTextAsync(ready + ".new", plain.HostPid!.Value.ToString(CultureInfo.InvariantCulture));
        File.Move(ready + ".new", ready);
        await Wait.ForeverAsync(CancellationToken.None);
    }
}
