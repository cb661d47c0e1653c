using PocketCoder.Processes;

namespace PocketCoder.Processes.Tests;

internal static class Shell
{
    public static ProcessStart Command(string script, params (string Name, string Value)[] environment) => new()
    {
        Program = "/bin/sh",
        Arguments = ["-c", script],
        WorkingDirectory = "/",
        Environment = environment.Append(("PATH", "/usr/bin:/bin")).ToDictionary(v => v.Item1, v => v.Item2),
    };

    public static OwnedProcess Start(string script) => OwnedProcess.Start(Command(script), TimeProvider.System);
}
