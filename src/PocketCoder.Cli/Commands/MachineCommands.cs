using System.CommandLine;
using PocketCoder.Cli.Output;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder machine label</c>.</summary>
internal static class MachineCommands
{
    public static Command Create(Terminal terminal)
    {
        var label = new Argument<string?>("label")
        { Description = "New name, 1 to 64 characters (default: show the current one)", Arity = ArgumentArity.ZeroOrOne };
        return new Command("machine", "Manage this machine")
        {
            new Command("label", "Show or set the name that devices show for this machine")
                { label }.Does(terminal, async (context, parsed, ct) =>
            {
                var text = parsed.GetValue(label) is { } wanted ? await context.Daemon.SetLabelAsync(wanted, ct)
                    : await context.Daemon.GetLabelAsync(ct);
                if (context.Json)
                {
                    CliJson.Write(context.Terminal, new LabelShown(text), CliJson.Default.LabelShown);
                }
                else
                {
                    context.Say(Untrusted.Show(text));
                }

                return ExitCode.Ok;
            }),
        };
    }
}
