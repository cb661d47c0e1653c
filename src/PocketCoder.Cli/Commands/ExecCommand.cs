using System.CommandLine;
using System.Runtime.InteropServices;
using PocketCoder.Cli.Output;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder exec</c>: a command of the owner's in a project, where its agents' commands run too.</summary>
internal static class ExecCommand
{
    private static readonly TimeSpan s_wait = TimeSpan.FromSeconds(20);

    public static Command Create(Terminal terminal)
    {
        var words = new Argument<string[]>("command") { Description = "A command line in quotes, or program and arguments as they are (after -- when one begins with -)", Arity = ArgumentArity.OneOrMore };
        var project = new Option<string?>("--project") { Description = "Its id, name or folder (default: the one this folder belongs to)", HelpName = "PROJECT" };
        var cwd = new Option<string?>("--cwd") { Description = "The folder of the project to run in", HelpName = "FOLDER" };
        var timeout = new Option<int>("--timeout") { Description = "Seconds after which it is ended: 1 to 3600 (default 120)", HelpName = "SECONDS", DefaultValueFactory = _ => CommandLimits.DefaultSeconds };
        var variables = new Option<string[]>("--env") { Description = "A variable for it; may be given several times", HelpName = "NAME=VALUE" };
        var stdin = new Option<bool>("--stdin") { Description = "Let it read what is piped in here, at most 256 KB", Arity = ArgumentArity.Zero };
        var detach = new Option<bool>("--detach") { Description = "Say which run it is, and don't follow it", Arity = ArgumentArity.Zero };
        return new Command("exec", "Run a command once in a project, in its sandbox") { words, project, cwd, timeout, variables, stdin, detach }.Does(terminal, async (context, parsed, ct) =>
        {
            var given = parsed.GetRequiredValue(words);
            var request = new CommandExecRequest(
                Guid.CreateVersion7(),
                Guid.Empty,
                given.Length == 1 ? given[0] : string.Join(' ', given.Select(Quote)),
                parsed.GetValue(cwd),
                Variables(parsed.GetValue(variables) ?? []),
                parsed.GetValue(stdin) ? await terminal.In.ReadToEndAsync(ct) : null,
                parsed.GetValue(timeout));
            var which = parsed.GetValue(project) is { } named ? named : await RunCommand.ProjectAsync(context, null, ct);
            var run = await context.Daemon.ExecCommandAsync(which, request, ct);
            if (!parsed.GetValue(detach))
            {
                return await FollowAsync(context, run, ct);
            }

            if (context.Json)
            {
                CliJson.Write(terminal, run, CliJson.Default.CommandRunInfo);
            }
            else
            {
                context.Say(run.RunId.ToString());
            }

            return ExitCode.Ok;
        });
    }

    public static Command Runs(Terminal terminal)
    {
        var project = new Option<string?>("--project") { Description = "Only of one project (id, name or folder)", HelpName = "PROJECT" };
        var limit = new Option<int>("--limit") { Description = "How many, the newest: 1 to 200 (default 20)", HelpName = "N", DefaultValueFactory = _ => 20 };
        return new Command("runs", "Commands that people ran in projects") { project, limit }.Does(terminal, async (context, parsed, ct) =>
        {
            var list = await context.Daemon.ListCommandsAsync(parsed.GetValue(project), parsed.GetValue(limit), ct);
            if (context.Json)
            {
                CliJson.Write(terminal, list, CliJson.Default.CommandRunsListResponse);
                return ExitCode.Ok;
            }

            if (list.Runs.Count == 0)
            {
                context.Say("No command was run in the last seven days.");
                return ExitCode.Ok;
            }

            var table = PlainTable.Of("Started", "By", "State", "Exit", "Command", "Id");
            foreach (var run in list.Runs)
            {
                table.Row($"{run.StartedAt.ToLocalTime():yyyy-MM-dd HH:mm:ss}", run.By, State(run.State), run.Signal ?? (run.ExitCode is { } code ? FormattableString.Invariant($"{code}") : ""), run.Command, run.RunId.ToString());
            }

            terminal.Tables().Write(table);
            return ExitCode.Ok;
        });
    }

    /// <summary>So that a shell takes it as one word.</summary>
    internal static string Quote(string word)
        => word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "_-./:=,+@%".Contains(c, StringComparison.Ordinal)) ? word : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static Dictionary<string, string>? Variables(string[] given)
    {
        if (given.Length == 0)
        {
            return null;
        }

        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var variable in given)
        {
            var at = variable.IndexOf('=', StringComparison.Ordinal);
            variables[at > 0 ? variable[..at] : throw new CommandFailure("--env takes NAME=VALUE", ExitCode.Usage)] = variable[(at + 1)..];
        }

        return variables;
    }

    private static async Task<int> FollowAsync(CommandContext context, CommandRunInfo run, CancellationToken ct)
    {
        var stops = 0;
        using var left = CancellationTokenSource.CreateLinkedTokenSource(ct);
        using var interrupts = OperatingSystem.IsWindows() ? null : PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
        {
            signal.Cancel = true;
            if (Interlocked.Increment(ref stops) > 1)
            {
                left.Cancel();
            }
            else
            {
                _ = CancelAsync(context.Daemon, run.RunId);
            }
        });
        try
        {
            for (var at = 0L; ;)
            {
                var read = await context.Daemon.ReadCommandAsync(run.RunId, at, Limits.RangeBytes, s_wait, left.Token);
                foreach (var chunk in read.Chunks)
                {
                    if (!context.Json)
                    {
                        var writer = chunk.Error ? context.Terminal.Error : context.Terminal.Out;
                        await writer.WriteAsync(context.Terminal.Interactive ? JobCommands.Safe(chunk.Text) : chunk.Text);
                    }
                }

                if (read.Next == at && read.Run.State != CommandRunState.Running)
                {
                    return await EndAsync(context, read.Run);
                }

                at = read.Next;
            }
        }
        catch (OperationCanceledException) when (left.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            await context.Terminal.Error.WriteLineAsync($"Left. The command may go on: {run.RunId}");
            return ExitCode.Left;
        }
    }

    private static async Task<int> EndAsync(CommandContext context, CommandRunInfo run)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, run, CliJson.Default.CommandRunInfo);
        }
        else if (run.State == CommandRunState.TimedOut)
        {
            await context.Terminal.Error.WriteLineAsync($"It took longer than {run.TimeoutSeconds} s and was ended.");
        }
        else if (run.Error is { } error)
        {
            await context.Terminal.Error.WriteLineAsync(Untrusted.Show(error));
        }

        return run switch
        {
            { State: CommandRunState.TimedOut } => ExitCode.TimedOut,
            { State: CommandRunState.Interrupted or CommandRunState.Failed } => ExitCode.NotKnown,
            { Signal: { } signal } => ExitCode.OfSignal(signal),
            { ExitCode: { } code } => code,
            _ => ExitCode.NotKnown,
        };
    }

    private static async Task CancelAsync(ControlClient daemon, Guid run)
    {
        try
        {
            _ = await daemon.CancelCommandAsync(run, CancellationToken.None);
        }
        catch (Exception e) when (e is DaemonNotRunning or ControlException or ObjectDisposedException or OperationCanceledException)
        {
            // it is over, and whoever reads it sees that
        }
    }

    private static string State(CommandRunState state) => state switch
    {
        CommandRunState.TimedOut => "timed out",
        _ => state.ToString().ToLowerInvariant(),
    };
}
