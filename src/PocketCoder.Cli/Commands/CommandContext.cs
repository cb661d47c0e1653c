using System.CommandLine;
using PocketCoder.Machine;
using PocketCoder.Machine.ControlPlane;

namespace PocketCoder.Cli.Commands;

/// <summary>What most commands need: the home, the daemon in it, and how to answer.</summary>
internal sealed class CommandContext : IDisposable
{
    private CommandContext(Terminal terminal, Home home, bool json)
    {
        (Terminal, Home, Json) = (terminal, home, json);
        Daemon = new ControlClient(home);
    }

    public Terminal Terminal { get; }

    public Home Home { get; }

    public bool Json { get; }

    public ControlClient Daemon { get; }

    public static CommandContext From(ParseResult parsed, Terminal terminal)
        => new(terminal, Home.Resolve(terminal.Environment), parsed.GetValue(CommandLine.Json));

    public void Say(string line) => Terminal.Out.WriteLine(line);

    public void Dispose() => Daemon.Dispose();
}

internal static class CommandExtensions
{
    /// <summary>Sets the command's work; its return value is the exit code.</summary>
    public static Command Does(this Command command, Terminal terminal, Func<CommandContext, ParseResult, CancellationToken, Task<int>> work)
    {
        command.SetAction(async (parsed, ct) =>
        {
            using var context = CommandContext.From(parsed, terminal);
            return await work(context, parsed, ct);
        });
        return command;
    }
}
