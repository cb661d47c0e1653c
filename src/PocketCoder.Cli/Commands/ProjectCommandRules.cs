using System.CommandLine;
using PocketCoder.Cli.Output;
using PocketCoder.Cli.Parsing;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder project commands</c>: which one-shot commands devices may run in a project.</summary>
internal static class ProjectCommandRules
{
    public static Command Create(Terminal terminal)
    {
        var project = new Option<string?>("--project")
        { Description = "Project id, name or folder (default: the current folder's project)", HelpName = "PROJECT" };
        var allow = Patterns("--allow", "Pattern of commands that run; * matches any text; repeatable");
        var ask = Patterns("--ask", "Pattern of commands that need approval each time; repeatable");
        var deny = Patterns("--deny", "Pattern of commands that are denied; repeatable");
        var remove = Patterns("--remove", "Remove the rule with this pattern");
        var otherwise = new Option<string?>("--otherwise")
        { Description = "For commands that match no rule: allow (initially), ask or deny", HelpName = "VERDICT" };
        otherwise.Among("allow", "ask", "deny");
        return new Command("commands", "Show or set rules for commands that devices run in a project")
            { project, allow, ask, deny, remove, otherwise }.Does(terminal, async (context, parsed, ct) =>
        {
            var which = await RunCommand.ProjectAsync(context, parsed.GetValue(project), ct);
            var now = await context.Daemon.CommandPolicyAsync(which, null, ct);
            var said = Said(CommandVerdict.Allow, allow).Concat(Said(CommandVerdict.Ask, ask)).Concat(Said(CommandVerdict.Deny, deny))
                .ToList();
            var gone = (parsed.GetValue(remove) ?? []).Concat(said.Select(r => r.Pattern)).ToHashSet(StringComparer.Ordinal);
            if ((parsed.GetValue(remove) ?? []).FirstOrDefault(p => now.Rules.All(r => r.Pattern != p)) is { } unknown)
            {
                throw new CommandFailure($"No rule {unknown}. See: pocketcoder project commands", code: OwnCodes.NotFound);
            }

            var set = new CommandPolicy(
                parsed.GetValue(otherwise) is { } verdict ? Enum.Parse<CommandVerdict>(verdict, ignoreCase: true) : now.Otherwise,
                [.. now.Rules.Where(r => !gone.Contains(r.Pattern)), .. said]);
            if (set.Otherwise != now.Otherwise || !set.Rules.SequenceEqual(now.Rules))
            {
                now = await context.Daemon.CommandPolicyAsync(which, set, ct);
            }

            Show(context, now);
            return ExitCode.Ok;

            IEnumerable<CommandRule> Said(CommandVerdict means, Option<string[]> option)
                => (parsed.GetValue(option) ?? []).Select(p => new CommandRule(means, p.Trim()));
        });
    }

    private static Option<string[]> Patterns(string name, string description) => new(name)
    { Description = description, HelpName = "PATTERN", Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = false };

    private static void Show(CommandContext context, CommandPolicy policy)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, policy, CliJson.Default.CommandPolicy);
            return;
        }

        var table = PlainTable.Of("Verdict", "Command");
        foreach (var rule in policy.Rules.OrderByDescending(r => r.Verdict))
        {
            table.Row(Word(rule.Verdict), rule.Pattern);
        }

        table.Row(Word(policy.Otherwise), policy.Rules.Count == 0 ? "(all commands: no rules)" : "(all others)");
        context.Terminal.Tables().Write(table);

        static string Word(CommandVerdict verdict) => verdict.ToString().ToLowerInvariant();
    }
}
