using System.CommandLine;
using PocketCoder.Cli.Attaching;
using PocketCoder.Cli.Output;
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
        var name = new Option<string>("--terminal") { Description = "Which terminal; opened when there is none of that name", DefaultValueFactory = _ => DefaultName };
        return new Command("attach", "Open a terminal of a session here") { session, name }.Does(terminal, async (context, parsed, ct) =>
        {
            if (!RawMode.IsTerminal)
            {
                throw new CommandFailure("This needs a terminal on both ends: it can't be a pipe or a file.");
            }

            var (columns, rows) = AttachedScreen.Size();
            var opened = await context.Daemon.OpenTerminalAsync(parsed.GetRequiredValue(session), parsed.GetRequiredValue(name), columns, rows, ct);
            string why;
            await using (var link = await context.Daemon.AttachTerminalAsync(opened.AgentSessionId, opened.Name, columns, rows, ct))
            {
                why = await AttachedScreen.RunAsync(link, ct);
            }

            context.Say("");
            context.Say($"[{Untrusted.Show(opened.Name)}] {Untrusted.Show(why)}");
            return ExitCode.Ok;
        });
    }

    public static Command List(Terminal terminal)
    {
        var session = Session();
        var name = new Argument<string>("name") { Description = "The terminal's name" };
        var list = new Command("terminals", "List terminals that are open in sessions")
        {
            new Command("list", "List terminals that are open in sessions").Does(terminal, (context, _, ct) => ListAsync(context, ct)),
            new Command("close", "End a terminal and what runs in it") { session, name }.Does(terminal, async (context, parsed, ct) =>
            {
                await context.Daemon.CloseTerminalAsync(parsed.GetRequiredValue(session), parsed.GetRequiredValue(name), ct);
                return await ListAsync(context, ct);
            }),
        };
        return list.Does(terminal, (context, _, ct) => ListAsync(context, ct));
    }

    private static Argument<string> Session() => new("session") { Description = "Its id (or the beginning of it) or title" };

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
            context.Say("No terminal is open, and no session runs in a sandbox, where one could be.");
            return ExitCode.Ok;
        }

        context.Say("No terminal is open. Open one: pocketcoder attach <session>");
        foreach (var session in boxed)
        {
            context.Say($"  {session.AgentSessionId}  {Untrusted.Show(session.Title)}");
        }

        return ExitCode.Ok;
    }
}
