using System.CommandLine;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder login|logout</c>: there are accounts only where a gateway has them. Devices are paired without one.</summary>
internal static class AccountCommands
{
    public static Command Login(Terminal terminal)
        => new Command("login", "Log this machine in to an account gateway").Does(terminal, (_, _, _) => throw new CommandFailure(
        "No account gateway is configured, and none is needed: this machine's own gateway knows the devices you paired. Pair one: pocketcoder pair",
        ExitCode.NotSetUp));

    public static Command Logout(Terminal terminal)
        => new Command("logout", "Log this machine out of its account gateway").Does(terminal, (_, _, _) => throw new CommandFailure(
        "This machine is not logged in to an account gateway. To revoke a device: pocketcoder devices revoke NAME", ExitCode.NotSetUp));
}
