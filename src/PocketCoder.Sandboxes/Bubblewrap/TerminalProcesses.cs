using PocketCoder.Sandboxes.Limits;
using PocketCoder.Processes;

namespace PocketCoder.Sandboxes.Bubblewrap;

/// <summary>What runs in the terminals of a session: the rings below its terminal server, found by their first processes.</summary>
internal static class TerminalProcesses
{
    public static IReadOnlyList<ILimited> Of(ProcessIdentity holder)
        => [.. ProcessGroup.Below([holder])[0].Where(SandboxProcesses.IsInit).Select(ProcessGroup.Identify).OfType<ProcessIdentity>()
            .Select(init => new TerminalSandbox(init))];

    /// <summary>A terminal's ring. Its viewers see it end; they can't be told why by the terminal itself.</summary>
    private sealed class TerminalSandbox(ProcessIdentity init) : ILimited
    {
        public ProcessIdentity Leader => init;

        public Task Over => Task.CompletedTask;

        public Task EndAsync(string why)
        {
            ProcessGroup.TrySignal(init, Native.Kill);
            return Task.CompletedTask;
        }
    }
}
