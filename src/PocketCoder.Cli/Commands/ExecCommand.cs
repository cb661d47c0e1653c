using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;
using PocketCoder.Cli.Output;
using PocketCoder.Cli.Parsing;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder exec</c>: a command of the owner's in a project, where its agents' commands run too.</summary>
internal static class ExecCommand
{
    private static readonly TimeSpan s_wait = TimeSpan.FromSeconds(20);

    public static Command Create(Terminal terminal)
    {
        var words = new Argument<string[]>("command")
        {
            Description =
            "A quoted command line, or a program and its arguments (after -- if one starts with -)",
            Arity = ArgumentArity.OneOrMore
        };
        var project = new Option<string?>("--project")
        { Description = "Project id, name or folder (default: the current folder's project)", HelpName = "PROJECT" };
        var cwd = new Option<string?>("--cwd") { Description = "Folder of the project to run in", HelpName = "FOLDER" };
        var timeout = Values.Whole("--timeout", "SECONDS", "Timeout in seconds: 1 to 3600 (default 120)", 1, CommandLimits.MaxSeconds);
        var variables = new Option<string[]>("--env")
        {
            Description = "Environment variable; without =VALUE the one of this shell, unseen by other users; repeatable",
            HelpName = "NAME[=VALUE]",
        };
        var stdin = new Option<bool>("--stdin")
        { Description = "Pass standard input to the command, at most 256 KB", Arity = ArgumentArity.Zero };
        var detach = new Option<bool>("--detach")
        { Description = "Print the run's id and return without following it", Arity = ArgumentArity.Zero };
        return new Command("exec", "Run a command in a project's sandbox")
            { words, project, cwd, timeout, variables, stdin, detach }.Does(terminal, async (context, parsed, ct) =>
        {
            var given = parsed.GetRequiredValue(words);
            var (text, bytes) = parsed.GetValue(stdin) ? await InputAsync(terminal, ct) : (null, null);
            var request = new CommandExecRequest(
                Guid.CreateVersion7(),
                Guid.Empty,
                given.Length == 1 ? given[0] : string.Join(' ', given.Select(Quote)),
                parsed.GetValue(cwd),
                Variables(parsed.GetValue(variables) ?? [], terminal),
                text,
                parsed.GetValue(timeout) ?? CommandLimits.DefaultSeconds,
                bytes);
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
        var project = new Option<string?>("--project") { Description = "Only this project (id, name or folder)", HelpName = "PROJECT" };
        var limit = Values.Whole("--limit", "N", "Number of runs, newest first: 1 to 200 (default 20)", 1, CommandLimits.ListLimit);
        return new Command("runs", "List commands that people ran in projects")
            { project, limit }.Does(terminal, async (context, parsed, ct) =>
        {
            var list = await context.Daemon.ListCommandsAsync(parsed.GetValue(project), parsed.GetValue(limit) ?? 20, ct);
            if (context.Json)
            {
                CliJson.Write(terminal, list, CliJson.Default.CommandRunsListResponse);
                return ExitCode.Ok;
            }

            if (list.Runs.Count == 0)
            {
                context.Say("No commands in the last seven days.");
                return ExitCode.Ok;
            }

            var table = PlainTable.Of("Started", "By", "State", "Exit", "Command", "Id");
            foreach (var run in list.Runs)
            {
                table.Row($"{run.StartedAt.ToLocalTime():yyyy-MM-dd HH:mm:ss}", run.By, State(run.State), run.Signal
                    ?? (run.ExitCode is { } code ? FormattableString.Invariant($"{code}") : ""), run.Command, run.RunId.ToString());
            }

            terminal.Tables().Write(table);
            return ExitCode.Ok;
        });
    }

    /// <summary>So that a shell takes it as one word.</summary>
    internal static string Quote(string word)
        => word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "_-./:=,+@%".Contains(c, StringComparison.Ordinal)) ? word
            : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static Dictionary<string, string>? Variables(string[] given, Terminal terminal)
    {
        if (given.Length == 0)
        {
            return null;
        }

        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var variable in given)
        {
            var at = variable.IndexOf('=', StringComparison.Ordinal);
            if (at == 0 || variable.Length == 0)
            {
                throw new CommandFailure("--env takes NAME=VALUE, or NAME for the value that it has here", ExitCode.Usage);
            }

            // A value in an argument is seen by every local user; this program's environment by its own user only.
            variables[at < 0 ? variable : variable[..at]] = at > 0 ? variable[(at + 1)..] : terminal.Environment(variable)
                ?? throw new CommandFailure(
                    $"--env {Untrusted.Show(variable)}: there is no such variable here. Export it, or give --env NAME=VALUE", ExitCode.Usage);
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
                        await WriteAsync(context.Terminal, chunk, left.Token);
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
            await context.Terminal.Error.WriteLineAsync($"Detached. The command may still be running: {run.RunId}");
            return ExitCode.Left;
        }
    }

    /// <summary>What is piped in, exactly: as text when it is UTF-8, else as base64.</summary>
    private static async Task<(string? Text, string? Base64)> InputAsync(Terminal terminal, CancellationToken ct)
    {
        var input = terminal.BytesIn is { } stream ? await AllAsync(stream, ct)
            : Encoding.UTF8.GetBytes(await terminal.In.ReadToEndAsync(ct));
        return Utf8.IsValid(input) ? (Encoding.UTF8.GetString(input), null) : (null, Convert.ToBase64String(input));
    }

    private static async Task<byte[]> AllAsync(Stream input, CancellationToken ct)
    {
        var buffer = new byte[CommandLimits.StdinBytes + 1];
        var length = await input.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, ct);
        return length <= CommandLimits.StdinBytes ? buffer[..length]
            : throw new CommandFailure(
                $"--stdin takes at most {CommandLimits.StdinBytes / 1024} KB. Put the input into a file of the project and have the command read it.",
                ExitCode.Usage);
    }

    /// <summary>Byte for byte into a pipe or a file; on a terminal made safe to look at.</summary>
    private static async Task WriteAsync(Terminal terminal, CommandChunk chunk, CancellationToken ct)
    {
        var writer = chunk.Error ? terminal.Error : terminal.Out;
        if (chunk.Error ? terminal.InteractiveError : terminal.Interactive)
        {
            await writer.WriteAsync(JobCommands.Safe(chunk.Text));
        }
        else if (terminal.Bytes is { } bytes)
        {
            await using var stream = bytes(chunk.Error);
            await stream.WriteAsync(chunk.Base64 is { } base64 ? Convert.FromBase64String(base64) : Encoding.UTF8.GetBytes(chunk.Text), ct);
            await stream.FlushAsync(ct);
        }
        else
        {
            await writer.WriteAsync(chunk.Text);
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
            await context.Terminal.Error.WriteLineAsync($"The command timed out after {run.TimeoutSeconds} s.");
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
