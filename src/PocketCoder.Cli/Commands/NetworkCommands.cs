using System.CommandLine;
using PocketCoder.Cli.Output;
using PocketCoder.Protocol;
using Spectre.Console;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder network</c>: which hosts a project's sandboxes may reach without a question.</summary>
internal static class NetworkCommands
{
    public static Command Create(Terminal terminal)
    {
        var project = new Option<string>("--project") { Description = "The project's id (or the beginning of it), name or folder (default: this folder)", DefaultValueFactory = _ => "." };
        var host = new Argument<string>("host") { Description = "example.com, .example.com (the hosts below it), example.com:8443" };
        var days = new Option<int?>("--days") { Description = "After that many days it ends, 1 to 365 (default: no end)" };
        var rule = new Argument<string>("rule") { Description = "Its id, or the beginning of it" };
        return new Command("network", "Hosts that sandboxes may reach without a question")
        {
            new Command("list", "List the rules of a project") { project }.Does(
                terminal, async (context, parsed, ct) => Show(context, await context.Daemon.ListNetworkRulesAsync(ProjectCommands.Named(context, parsed.GetValue(project)!), ct))),
            new Command("allow", "Let the project's sandboxes reach a host") { host, project, days }.Does(terminal, async (context, parsed, ct) =>
            {
                var added = await context.Daemon.AddNetworkRuleAsync(
                    new(ProjectCommands.Named(context, parsed.GetValue(project)!), parsed.GetRequiredValue(host), parsed.GetValue(days)), ct);
                return Changed(context, "Allowed", added);
            }),
            new Command("remove", "End a rule; connections that are open stay open") { rule }.Does(
                terminal, async (context, parsed, ct) => Changed(context, "Ended:", await context.Daemon.RemoveNetworkRuleAsync(parsed.GetRequiredValue(rule), ct))),
        };
    }

    private static int Changed(CommandContext context, string what, NetworkRuleInfo rule)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, [rule], CliJson.Default.IReadOnlyListNetworkRuleInfo);
        }
        else
        {
            context.Say($"{what} {rule.Pattern}{(rule.ExpiresAt is { } end ? $" until {end.ToLocalTime():yyyy-MM-dd HH:mm}" : "")}");
        }

        return ExitCode.Ok;
    }

    private static int Show(CommandContext context, IReadOnlyList<NetworkRuleInfo> rules)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, rules, CliJson.Default.IReadOnlyListNetworkRuleInfo);
        }
        else if (rules.Count == 0)
        {
            context.Say("No host is allowed beforehand: each is asked for. Allow one: pocketcoder network allow HOST");
        }
        else
        {
            var table = PlainTable.Of("Host", "Made by", "Made", "Ends", "Id");
            foreach (var rule in rules)
            {
                table.Row(rule.Pattern, rule.By, $"{rule.CreatedAt.ToLocalTime():yyyy-MM-dd HH:mm}", rule.ExpiresAt is { } end ? $"{end.ToLocalTime():yyyy-MM-dd HH:mm}" : "never", rule.RuleId.ToString());
            }

            context.Terminal.Tables().Write(table);
        }

        return ExitCode.Ok;
    }
}
