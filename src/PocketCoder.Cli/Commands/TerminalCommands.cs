using System.CommandLine;
using PocketCoder.Cli.Attaching;
using PocketCoder.Cli.Output;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using Spectre.Console;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder attach</c> and <c>pocketcoder terminals [list|close]</c>.</summary>
internal static class TerminalCommands
{
    private const string DefaultName = "main";

    public static Command Attach(Terminal terminal)
    {
        var session = Session();
        var name = new Option<string>("--terminal")
        { Description = "Name of the terminal; opened if it does not exist", DefaultValueFactory = _ => DefaultName };
        return new Command("attach", "Attach to a session's terminal") { session, name }.Does(terminal, async (context, parsed, ct) =>
        {
            if (context.Json)
            {
                throw new CommandFailure("What attach writes is a terminal's bytes, which are no JSON.", ExitCode.Usage);
            }

            if (!RawMode.IsTerminal)
            {
                throw new CommandFailure("This needs a terminal for input and output, not a pipe or a file.");
            }

            var (columns, rows) = AttachedScreen.Size();
            var opened = await context.Daemon.OpenTerminalAsync(
                parsed.GetRequiredValue(session), parsed.GetRequiredValue(name), columns, rows, ct);
            string? why;
            await using (var link = await context.Daemon.AttachTerminalAsync(opened.AgentSessionId, opened.Name, columns, rows, ct))
            {
                why = await AttachedScreen.RunAsync(link, ct);
            }

            context.Say("");
            context.Say($"[{Untrusted.Show(opened.Name)}] {Untrusted.Show(why ?? await LostAsync(context, opened, ct))}");
            return ExitCode.Ok;
        });
    }

    public static Command List(Terminal terminal)
    {
        var session = Session();
        var name = new Argument<string>("name") { Description = "Name of the terminal" };
        var list = new Command("terminals", "List open terminals of sessions")
        {
            new Command("list", "List open terminals of sessions").Does(terminal, (context, _, ct) => ListAsync(context, ct)),
            new Command("close", "End a terminal and the programs in it") { session, name }.Does(terminal, async (context, parsed, ct) =>
            {
                await context.Daemon.CloseTerminalAsync(parsed.GetRequiredValue(session), parsed.GetRequiredValue(name), ct);
                return await ListAsync(context, ct);
            }),
        };
        return list.Does(terminal, (context, _, ct) => ListAsync(context, ct));
    }

    /// <summary>The connection went without a reason: what is known of the terminal by looking.</summary>
    private static async Task<string> LostAsync(CommandContext context, TerminalInfo terminal, CancellationToken ct)
    {
        try
        {
            return (await context.Daemon.ListTerminalsAsync(ct)).Any(
                t => t.AgentSessionId == terminal.AgentSessionId && t.Name == terminal.Name)
                ? "Connection lost; the terminal keeps running. Attach again to see it."
                : "Connection lost; the terminal ended. For the reason: pocketcoder ledger show";
        }
        catch (Exception e) when (e is DaemonNotRunning or DaemonNotAnswering { IsBetween: true })
        {
            return "The daemon stopped; the terminal keeps running."; // any other failure says something else, and its own words tell it
        }
    }

    private static Argument<string> Session() => new("session") { Description = "Session id (or a prefix) or title" };

    private static async Task<int> ListAsync(CommandContext context, CancellationToken ct)
    {
        var terminals = await context.Daemon.ListTerminalsAsync(ct);
        if (context.Json)
        {
            CliJson.Write(context.Terminal, terminals, CliJson.Default.IReadOnlyListTerminalInfo);
            return ExitCode.Ok;
        }

        var sessions = await context.Daemon.ListSessionsAsync(ct);
        if (terminals.Count > 0)
        {
            var table = PlainTable.Of("Name", "Session", "Title", "Size", "Viewers", "Opened");
            foreach (var terminal in terminals)
            {
                table.Row(
                    terminal.Name,
                    terminal.AgentSessionId.ToString(),
                    sessions.FirstOrDefault(s => s.AgentSessionId == terminal.AgentSessionId)?.Title ?? "",
                    $"{terminal.Columns}x{terminal.Rows}",
                    $"{terminal.Viewers}",
                    $"{terminal.OpenedAt.ToLocalTime():yyyy-MM-dd HH:mm}");
            }

            context.Terminal.Tables().Write(table);
            return ExitCode.Ok;
        }

        var boxed = sessions.Where(s => s.Sandbox != SandboxKind.None).ToList();
        if (boxed.Count == 0)
        {
            context.Say("No open terminals, and no sandboxed session to open one in.");
            return ExitCode.Ok;
        }

        context.Say("No open terminals. Open one: pocketcoder attach <session>");
        foreach (var session in boxed)
        {
            context.Say($"  {session.AgentSessionId}  {Untrusted.Show(session.Title)}");
        }

        return ExitCode.Ok;
    }
}
