using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using PocketCoder.Cli.Output;
using PocketCoder.Gateway;
using PocketCoder.Machine;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder version</c> and <c>pocketcoder --version</c>.</summary>
internal static class VersionCommand
{
    public static Command Create(Terminal terminal)
        => new Command("version", "Show this program's version").Does(terminal, (context, _, _) =>
    {
        if (context.Json)
        {
            WriteJson(terminal);
        }
        else
        {
            context.Say($"pocketcoder {DaemonOptions.ProductVersion}{(GatewayServer.HasApp ? "" : " (without the app)")}");
        }

        return Task.FromResult(ExitCode.Ok);
    });

    /// <summary>Lets the option stand beside <c>--json</c>, and obey it; beside anything else it is refused as before.</summary>
    public static void AsOption(RootCommand root, Terminal terminal)
    {
        var option = root.Options.OfType<VersionOption>().Single();
        option.Action = new ShowVersion(terminal);
        option.Validators.Clear();
        option.Validators.Add(static result =>
        {
            if (result.Parent is CommandResult parent && parent.Children.Any(c => c is not OptionResult { Option: VersionOption }
                and not OptionResult { Implicit: true } && (c as OptionResult)?.Option != CommandLine.Json))
            {
                result.AddError($"{result.Option.Name} option cannot be combined with other arguments.");
            }
        });
    }

    private static void WriteJson(Terminal terminal)
        => CliJson.Write(terminal, new VersionShown(DaemonOptions.ProductVersion, GatewayServer.HasApp), CliJson.Default.VersionShown);

    private sealed class ShowVersion(Terminal terminal) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            if (parseResult.GetValue(CommandLine.Json))
            {
                WriteJson(terminal);
            }
            else
            {
                terminal.Out.WriteLine(DaemonOptions.ProductVersion);
            }

            return ExitCode.Ok;
        }
    }
}
