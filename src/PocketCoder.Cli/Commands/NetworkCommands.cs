using System.CommandLine;
using PocketCoder.Cli.Output;
using PocketCoder.Cli.Parsing;
using PocketCoder.Protocol;
using Spectre.Console;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder network</c>: which hosts a project's sandboxes may reach without a question.</summary>
internal static class NetworkCommands
{
    public static Command Create(Terminal terminal)
    {
        var project = new Option<string?>("--project")
        { Description = "Project id (or a prefix), name or folder (default: the current folder's project)", HelpName = "PROJECT" };
        var host = new Argument<string>("host") { Description = "example.com, .example.com (its subdomains), example.com:8443" };
        var days = Values.Whole("--days", "DAYS", "Days until the rule expires: 1 to 365 (default: no expiry)", 1, 365);
        var rule = new Argument<string>("rule") { Description = "Rule id, or a prefix" };
        return new Command("network", "Manage hosts that sandboxes may reach without asking")
        {
            new Command("list", "List a project's rules") { project }.Does(
                terminal, async (context, parsed, ct) => Show(context,
                    await context.Daemon.ListNetworkRulesAsync(await RunCommand.ProjectAsync(context, parsed.GetValue(project), ct), ct))),
            new Command("allow", "Allow the project's sandboxes to reach a host")
                { host, project, days }.Does(terminal, async (context, parsed, ct) =>
            {
                var added = await context.Daemon.AddNetworkRuleAsync(
                    new(await RunCommand.ProjectAsync(context, parsed.GetValue(project), ct), parsed.GetRequiredValue(host),
                        parsed.GetValue(days)), ct);
                return Changed(context, "Allowed", added);
            }),
            new Command("remove", "End a rule; open connections stay open") { rule }.Does(
                terminal, async (context, parsed, ct) => Changed(
                    context, "Ended:", await context.Daemon.RemoveNetworkRuleAsync(parsed.GetRequiredValue(rule), ct))),
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
            context.Say("No rules: every host needs approval. Allow one: pocketcoder network allow HOST");
        }
        else
        {
            var table = PlainTable.Of("Host", "Created by", "Created", "Ends", "Id");
            foreach (var rule in rules)
            {
                table.Row(rule.Pattern, rule.By, $"{rule.CreatedAt.ToLocalTime():yyyy-MM-dd HH:mm}",
                    rule.ExpiresAt is { } end ? $"{end.ToLocalTime():yyyy-MM-dd HH:mm}" : "never", rule.RuleId.ToString());
            }

            context.Terminal.Tables().Write(table);
        }

        return ExitCode.Ok;
    }
}
