using System.CommandLine;
using PocketCoder.Cli.Attaching;
using PocketCoder.Cli.Output;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder sessions</c> and <c>pocketcoder resume</c>.</summary>
internal static class SessionCommands
{
    public static Command List(Terminal terminal)
    {
        var project = new Option<string?>("--project")
        { Description = "Only this project: id (or a prefix), name or folder", HelpName = "PROJECT" };
        var all = new Option<bool>("--all") { Description = "Include archived sessions" };
        return new Command("sessions", "List sessions") { project, all }.Does(terminal, async (context, parsed, ct) =>
        {
            var projects = await context.Daemon.ListProjectsAsync(ct);
            var sessions = parsed.GetValue(all) ? await context.Daemon.ListAllSessionsAsync(ct)
                : await context.Daemon.ListSessionsAsync(ct);
            if (parsed.GetValue(project) is { } named)
            {
                var meant = ProjectCommands.Meant(projects, named, terminal.CurrentDirectory);
                sessions = [.. sessions.Where(s => meant.Contains(s.ProjectId))];
            }

            if (context.Json)
            {
                CliJson.Write(terminal, sessions, CliJson.Default.IReadOnlyListSessionInfo);
                return ExitCode.Ok;
            }

            if (sessions.Count == 0)
            {
                context.Say("No sessions. Start one: pocketcoder run \"…\"");
                return ExitCode.Ok;
            }

            var table = PlainTable.Of("Title", "State", "Agent", "Project", "Sandbox", "Updated", "Id");
            foreach (var session in sessions)
            {
                table.Row(
                    session.Title,
                    session.Archived ? "archived" : session.InTerminal ? "in a terminal"
                        : QuietShown.Of(session, TimeProvider.System.GetUtcNow()) ?? State(session.State),
                    session.Agent,
                    Place(projects.FirstOrDefault(p => p.ProjectId == session.ProjectId)?.Name ?? "", session.Folder),
                    session.Sandbox.ToString().ToLowerInvariant(),
                    $"{session.UpdatedAt.ToLocalTime():yyyy-MM-dd HH:mm}",
                    session.AgentSessionId.ToString());
            }

            terminal.Tables().Write(table);
            return ExitCode.Ok;
        });
    }

    public static Command Resume(Terminal terminal)
    {
        var session = new Argument<string>("session") { Description = "Session id (or a prefix) or title" };
        var exec = new Option<bool>("--exec") { Description = "Run that command here" };
        var end = new Option<bool>("--end") { Description = "Stop the agent's idle process first, without asking" };
        return new Command("resume", "Show how to continue a session in the agent's own program")
            { session, exec, end }.Does(terminal, async (context, parsed, ct) =>
        {
            var which = parsed.GetRequiredValue(session);
            var way = await context.Daemon.ResumeAsync(new ResumeRequest(which, parsed.GetValue(end)), ct);
            if (way.Program is not { } program)
            {
                throw new CommandFailure(way.Why ?? "This session can't continue in a terminal.");
            }

            if (way.AgentLives)
            {
                way = await EndAsync(context, way, ct);
            }

            if (parsed.GetValue(exec))
            {
                return await HeldAsync(context, way, program, ct);
            }

            if (context.Json)
            {
                CliJson.Write(terminal, new ResumeShown(way.Session.AgentSessionId, way.Directory, program, way.Arguments, way.Environment),
                    CliJson.Default.ResumeShown);
            }
            else
            {
                var words = way.Environment.Select(v => $"{v.Key}={Quoted(v.Value)}").Append(program).Concat(way.Arguments.Select(Quoted));
                context.Say($"cd {Quoted(way.Directory)} && {string.Join(' ', words)}");
            }

            return ExitCode.Ok;
        });
    }

    private static string Place(string project, string? folder) => folder is null ? project : $"{project}/{folder}";

    /// <summary>One word of a shell, whatever is in it.</summary>
    internal static string Quoted(string word)
        => word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_./:@%+=,".Contains(c, StringComparison.Ordinal)) ? word
            : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>Runs it while the daemon keeps its hands off the conversation. However this ends, that ends with the processes.</summary>
    private static async Task<int> HeldAsync(CommandContext context, ResumePlan way, string program, CancellationToken ct)
    {
        var session = way.Session.AgentSessionId.ToString();
        await context.Daemon.HoldAsync(new HoldRequest(session, Environment.ProcessId, Beside: null, End: false), ct);
        try
        {
            return await ForegroundRun.RunAsync(program, way.Arguments, way.Directory, way.Environment, HoldTooAsync, ct);
        }
        finally
        {
            try
            {
                await context.Daemon.ReleaseAsync(new ReleaseRequest(session, Environment.ProcessId), CancellationToken.None);
            }
            catch (Exception e) when (e is DaemonNotRunning or ControlException)
            {
                // The daemon, or the next one, sees by itself that the processes are gone.
            }
        }

        async Task HoldTooAsync(int pid)
        {
            try
            {
                await context.Daemon.HoldAsync(new HoldRequest(session, pid, Environment.ProcessId, End: false), ct);
            }
            catch (Exception e) when (e is DaemonNotRunning or ControlException)
            {
                // It ended at once, or the daemon is gone: this process holds on as long as the other one runs.
            }
        }
    }

    private static async Task<ResumePlan> EndAsync(CommandContext context, ResumePlan way, CancellationToken ct)
    {
        const string Lives = "The agent's idle process still has this conversation open. Only one program may use it at a time.";
        if (context.Json || !RawMode.IsTerminal)
        {
            throw new CommandFailure($"{Lives} Stop it with --end, or wait ten minutes.");
        }

        await context.Terminal.Error.WriteAsync($"{Lives} Stop it? [y/N] ");
        await context.Terminal.Error.FlushAsync(ct);
        return (await context.Terminal.In.ReadLineAsync(ct))?.Trim().Equals("y", StringComparison.OrdinalIgnoreCase) == true
            ? await context.Daemon.ResumeAsync(new ResumeRequest(way.Session.AgentSessionId.ToString(), End: true), ct)
            : throw new CommandFailure("Nothing was done.");
    }

    private static string State(SessionState state) => state == SessionState.NeedsYou ? "needs you" : state.ToString().ToLowerInvariant();
}
