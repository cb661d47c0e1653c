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

    public const string HomeVariable = "POCKETCODER_HOME";

    public Terminal Terminal { get; }

    public Home Home { get; }

    public bool Json { get; }

    public ControlClient Daemon { get; }

    /// <param name="demo">Whether the demonstration's home is meant when <c>POCKETCODER_HOME</c> names none.</param>
    public static CommandContext From(ParseResult parsed, Terminal terminal, bool demo)
    {
        var home = Home.Resolve(terminal.Environment);
        return new(terminal, demo && terminal.Environment(HomeVariable) is null or "" ? Home.At(home.Root + "-demo") : home,
            parsed.GetValue(CommandLine.Json));
    }

    public void Say(string line) => Terminal.Out.WriteLine(line);

    public void Dispose() => Daemon.Dispose();
}

internal static class CommandExtensions
{
    /// <summary>Sets the command's work; its return value is the exit code.</summary>
    /// <param name="demo">Tells from what was typed whether the demonstration's own home is meant.</param>
    public static Command Does(this Command command, Terminal terminal,
        Func<CommandContext, ParseResult, CancellationToken, Task<int>> work, Func<ParseResult, bool>? demo = null)
    {
        command.SetAction(async (parsed, ct) =>
        {
            using var context = CommandContext.From(parsed, terminal, demo?.Invoke(parsed) ?? false);
            return await work(context, parsed, ct);
        });
        return command;
    }
}
