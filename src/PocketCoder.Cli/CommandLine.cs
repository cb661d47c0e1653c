using System.CommandLine;
using System.Text.Json;
using PocketCoder.Cli.Commands;
using PocketCoder.Cli.Output;
using PocketCoder.Channels;
using PocketCoder.Gateway;
using PocketCoder.Ledger;
using PocketCoder.Machine;
using PocketCoder.Machine.Backups;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;

namespace PocketCoder.Cli;

/// <summary>The command line: what there is to type, and what its failures mean.</summary>
internal static class CommandLine
{
    /// <summary>On every command: one JSON value a line on standard output instead of words.</summary>
    public static readonly Option<bool> Json = new("--json") { Description = "Write JSON for programs instead of words", Recursive = true, Arity = ArgumentArity.Zero };

    public static RootCommand Build(Terminal terminal)
    {
        var root = new RootCommand("PocketCoder: run AI coding agents on your own machine, steer them from your phone, decide on every sensitive action.") { Json };
        root.Add(StartCommand.Create(terminal));
        root.Add(StopCommand.Create(terminal));
        root.Add(StatusCommand.Create(terminal));
        root.Add(PairCommand.Create(terminal));
        root.Add(ProjectCommands.Add(terminal));
        root.Add(ProjectCommands.Remove(terminal));
        root.Add(ProjectCommands.List(terminal));
        root.Add(ProjectDefaultsCommand.Create(terminal));
        root.Add(RunCommand.Create(terminal));
        root.Add(ExecCommand.Create(terminal));
        root.Add(ExecCommand.Runs(terminal));
        root.Add(SessionCommands.List(terminal));
        root.Add(SessionCommands.Resume(terminal));
        root.Add(SettingsCommand.Create(terminal));
        root.Add(ConversationsCommand.Create(terminal));
        root.Add(JobCommands.List(terminal));
        root.Add(JobCommands.Output(terminal));
        root.Add(NetworkCommands.Create(terminal));
        root.Add(UndoCommand.Create(terminal));
        root.Add(DeviceCommands.Create(terminal));
        root.Add(TerminalCommands.Attach(terminal));
        root.Add(TerminalCommands.List(terminal));
        root.Add(SecretCommands.Create(terminal));
        root.Add(GitTokenCommands.Create(terminal));
        root.Add(UsageCommands.Usage(terminal));
        root.Add(UsageCommands.Budget(terminal));
        root.Add(LedgerCommands.Create(terminal));
        root.Add(BackupCommands.Backup(terminal));
        root.Add(BackupCommands.Restore(terminal));
        root.Add(LogsCommand.Create(terminal));
        root.Add(MachineCommands.Create(terminal));
        root.Add(ConfigCommand.Create(terminal));
        root.Add(AutostartCommands.Enable(terminal));
        root.Add(AutostartCommands.Disable(terminal));
        root.Add(TlsCommands.Create(terminal));
        root.Add(AccountCommands.Login(terminal));
        root.Add(AccountCommands.Logout(terminal));
        root.Add(AgentsCommand.Create(terminal));
        root.Add(DoctorCommand.Create(terminal));
        root.Add(UpdateCommand.Create(terminal));
        root.Add(CompletionCommand.Create(terminal));
        root.Add(VersionCommand.Create(terminal));
        return root;
    }

    /// <summary>Parses and runs; gives the exit code (<see cref="ExitCode"/>). Expected failures are told in words, never as a stack trace.</summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> args, Terminal terminal, CancellationToken ct)
    {
        // No @file expansion: an argument is what it says.
        var parsed = Build(terminal).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            var messages = parsed.Errors.Select(e => Untrusted.Show(e.Message)).Distinct(StringComparer.Ordinal);
            await TellAsync(terminal, args.Contains(Json.Name, StringComparer.Ordinal), ErrorCode.InvalidRequest, string.Join('\n', messages.Append($"See: pocketcoder {string.Join(' ', Path(parsed))}--help")));
            return ExitCode.Usage;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null, Output = terminal.Out, Error = terminal.Error }, ct);
        }
        catch (Exception e) when (Explain(e) is { } told)
        {
            await TellAsync(terminal, parsed.GetValue(Json), told.Code, told.Message);
            return told.ExitCode;
        }
    }

    private static Task TellAsync(Terminal terminal, bool json, ErrorCode code, string message)
        => terminal.Error.WriteLineAsync(json ? JsonSerializer.Serialize(new ErrorShown(new WireError(code, message)), CliJson.Default.ErrorShown) : message);

    /// <summary>The failures that a command is expected to have, in words; null for bugs.</summary>
    private static (ErrorCode Code, string Message, int ExitCode)? Explain(Exception e) => e switch
    {
        DaemonNotRunning => (ErrorCode.Unavailable, e.Message, ExitCode.NotRunning),
        ControlException control => (control.Code, Untrusted.Show(control.Message), ExitCode.Failure),
        CommandFailure failure => (failure.ExitCode == ExitCode.Usage ? ErrorCode.InvalidRequest : ErrorCode.UnknownError, Untrusted.Show(failure.Message), failure.ExitCode),
        GatewayRefusal or HomeRefusal or BackupRefusal or LedgerException or ChannelException or PocketCoder.Broker.Secrets.SecretException => (ErrorCode.UnknownError, Untrusted.Show(e.Message), ExitCode.Failure),
        OperationCanceledException => (ErrorCode.UnknownError, "Interrupted.", ExitCode.Failure),
        IOException or UnauthorizedAccessException or HttpRequestException => (ErrorCode.UnknownError, Untrusted.Show(e.Message), ExitCode.Failure),
        _ => null,
    };

    private static IEnumerable<string> Path(ParseResult parsed)
    {
        var names = new Stack<string>();
        for (var result = parsed.CommandResult; result.Parent is System.CommandLine.Parsing.CommandResult parent; result = parent)
        {
            names.Push(result.Command.Name);
        }

        return names.Append("");
    }
}
