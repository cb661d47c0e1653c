using System.CommandLine;
using System.CommandLine.Help;
using System.Text.Json;
using PocketCoder.Cli.Autostarting;
using PocketCoder.Cli.Commands;
using PocketCoder.Cli.Configuration;
using PocketCoder.Cli.Output;
using PocketCoder.Cli.Parsing;
using PocketCoder.Protocol;

namespace PocketCoder.Cli;

/// <summary>The command line: what there is to type, and what its failures mean.</summary>
internal static class CommandLine
{
    /// <summary>On every command: one JSON value a line on standard output instead of words.</summary>
    public static readonly Option<bool> Json = new("--json")
    { Description = "Print JSON instead of text", Recursive = true, Arity = ArgumentArity.Zero };

    public static RootCommand Build(Terminal terminal)
    {
        var root = new RootCommand(
            "PocketCoder: run AI coding agents on your own machine, steer them from your phone, approve every sensitive action.") { Json };
        VersionCommand.AsOption(root, terminal);
        root.Add(StartCommand.Create(terminal));
        root.Add(StopCommand.Create(terminal));
        root.Add(RestartCommand.Create(terminal));
        root.Add(StatusCommand.Create(terminal));
        root.Add(PairCommand.Create(terminal));
        root.Add(ProjectCommands.Add(terminal));
        root.Add(ProjectCommands.Remove(terminal));
        root.Add(ProjectCommands.List(terminal));
        root.Add(RootsCommand.Create(terminal));
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
        root.Add(FeishuCommands.Create(terminal));
        root.Add(NotifyCommands.Create(terminal));
        root.Add(TerminalCommands.Attach(terminal));
        root.Add(TerminalCommands.List(terminal));
        root.Add(SecretCommands.Create(terminal));
        root.Add(ProviderCommands.Create(terminal));
        root.Add(GitTokenCommands.Create(terminal));
        root.Add(UsageCommands.Usage(terminal));
        root.Add(UsageCommands.Budget(terminal));
        root.Add(LedgerCommands.Create(terminal));
        root.Add(BackupCommands.Backup(terminal));
        root.Add(BackupCommands.Restore(terminal));
        root.Add(LogsCommand.Create(terminal));
        root.Add(MachineCommands.Create(terminal));
        root.Add(ConfigCommand.Create(
            terminal, Settings.OfDaemon, home => home.Prepare(), "Takes effect when the daemon restarts: pocketcoder restart"));
        root.Add(AutostartCommands.Enable(terminal, AutostartService.Daemon));
        root.Add(AutostartCommands.Disable(terminal, AutostartService.Daemon));
        root.Add(TlsCommands.Create(terminal));
        root.Add(GatewayCommand.Create(terminal));
        root.Add(LinkCommands.Link(terminal));
        root.Add(LinkCommands.Unlink(terminal));
        root.Add(AccountCommands.Login(terminal));
        root.Add(AccountCommands.Logout(terminal));
        root.Add(AccountCommands.WhoAmI(terminal));
        root.Add(AgentsCommand.Create(terminal));
        root.Add(DoctorCommand.Create(terminal));
        root.Add(UpdateCommand.Create(terminal));
        root.Add(CompletionCommand.Create(terminal));
        root.Add(VersionCommand.Create(terminal));
        return root;
    }

    /// <summary>
    /// Parses and runs; gives the exit code (<see cref="ExitCode"/>). Expected failures are told in words, never as a stack trace.
    /// </summary>
    public static Task<int> RunAsync(IReadOnlyList<string> args, Terminal terminal, CancellationToken ct)
        => RunAsync(Build(terminal), args, terminal, ct);

    /// <param name="root">Built for this terminal. One serves many runs, and should: options are shared by all that were built, and each
    /// keeps all of its parents.</param>
    public static async Task<int> RunAsync(RootCommand root, IReadOnlyList<string> args, Terminal terminal, CancellationToken ct)
    {
        // No @file expansion: an argument is what it says.
        var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (WrongUse.Of(parsed, args) is { Count: > 0 } wrong && parsed.Action is not HelpAction)
        {
            var message = string.Join('\n', wrong.Append($"See: {WrongUse.Path(parsed)} --help"));
            await TellAsync(terminal, args.Contains(Json.Name, StringComparer.Ordinal),
                new Failure(Failure.Wire(ErrorCode.InvalidRequest), message, ExitCode.Usage));
            return ExitCode.Usage;
        }

        if (parsed.Action is HelpAction shown)
        {
            shown.MaxWidth = terminal.Width; // the parser would ask this process's own terminal, wherever the help goes
        }

        try
        {
            if (parsed.Action is not HelpAction || !parsed.GetValue(Json))
            {
                return await InvokeAsync(terminal.Out);
            }

            var help = new StringWriter();
            var code = await InvokeAsync(help);
            CliJson.Write(terminal, new HelpShown(help.ToString().Trim()), CliJson.Default.HelpShown);
            return code;
        }
        catch (Exception e) when (Failure.Of(e) is { } told)
        {
            // a daemon in the background tells the command that started it
            await TellAsync(terminal, parsed.GetValue(Json) || StartCommand.IsDetached(parsed), told);
            return told.ExitCode;
        }

        Task<int> InvokeAsync(TextWriter output) => parsed.InvokeAsync(
            new InvocationConfiguration
            { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null, Output = output, Error = terminal.Error }, ct);
    }

    private static Task TellAsync(Terminal terminal, bool json, Failure told)
        => terminal.Error.WriteLineAsync(json
            ? JsonSerializer.Serialize(new ErrorShown(new ErrorTold(told.Code, told.Message)), CliJson.Default.ErrorShown) : told.Message);
}
