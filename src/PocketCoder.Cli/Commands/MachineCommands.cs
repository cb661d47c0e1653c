using System.CommandLine;
using PocketCoder.Cli.Output;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder machine label|two-person</c>.</summary>
internal static class MachineCommands
{
    public static Command Create(Terminal terminal)
    {
        var label = new Argument<string?>("label")
        { Description = "New name, 1 to 64 characters (default: show the current one)", Arity = ArgumentArity.ZeroOrOne };
        var rule = new Argument<bool?>("on|off")
        {
            Description = "Turn it on or off (default: show it)",
            Arity = ArgumentArity.ZeroOrOne,
            CustomParser = result =>
            {
                var typed = result.Tokens.Count == 0 ? null : result.Tokens[0].Value;
                if (typed is not (null or "on" or "off"))
                {
                    result.AddError($"'{typed}' is neither on nor off.");
                }

                return typed is null ? null : typed == "on";
            },
            CompletionSources = { "on", "off" },
        };
        return new Command("machine", "Manage this machine")
        {
            new Command("two-person", "Show or set whether two people must allow what may destroy something")
                { rule }.Does(terminal, async (context, parsed, ct) =>
            {
                var on = await context.Daemon.TwoPeopleAsync(parsed.GetValue(rule), ct);
                if (context.Json)
                {
                    CliJson.Write(context.Terminal, new TwoPersonShown(on), CliJson.Default.TwoPersonShown);
                }
                else
                {
                    context.Say(on
                        ? "On: two people must allow what may destroy something, and devices do nothing without an approval."
                        : "Off: one decision allows what may destroy something.");
                }

                return ExitCode.Ok;
            }),
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
