using System.CommandLine;
using System.Globalization;
using PocketCoder.Cli.Output;
using PocketCoder.Cli.Parsing;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder usage</c> and <c>pocketcoder budget set|list|remove</c>.</summary>
internal static class UsageCommands
{
    private const int DaysShown = 30;

    public static Command Usage(Terminal terminal)
        => new Command("usage", "Show model usage through this machine: tokens and cost").Does(
            terminal, async (context, _, ct) => Show(context, await context.Daemon.UsageAsync(ct)));

    public static Command Budget(Terminal terminal)
    {
        var scope = new Argument<string>("scope")
        { Description = "session: each session; project: each project; day: total since midnight UTC" };
        scope.Among("session", "project", "day");
        var project = new Option<string>("--project") { Description = "Only this project: id, name or folder", HelpName = "PROJECT" };
        var dollars = Values.Amount("--usd", "AMOUNT", "Limit in dollars, at list prices", 1_000_000);
        var tokens = Values.Count("--tokens", "COUNT", "Limit in tokens of all kinds", 1, 1_000_000_000_000_000);
        var ask = new Option<bool>("--ask")
        { Description = "When the budget is spent, ask on the phone whether to continue; otherwise the agent is stopped" };
        return new Command("budget", "Manage limits on model usage through this machine")
        {
            new Command("set", "Set or replace a budget")
                { scope, project, dollars, tokens, ask }.Does(terminal, async (context, parsed, ct) => Shown(
                context,
                "Set",
                await context.Daemon.SetBudgetAsync(
                    ScopeOf(parsed.GetRequiredValue(scope)), parsed.GetValue(project),
                    parsed.GetValue(ask) ? BudgetAction.Ask : BudgetAction.Stop, parsed.GetValue(dollars), parsed.GetValue(tokens), ct))),
            new Command("list", "List budgets").Does(
                terminal, async (context, _, ct) => List(context, await context.Daemon.ListBudgetsAsync(ct))),
            new Command("remove", "Remove a budget") { scope, project }.Does(terminal, async (context, parsed, ct) =>
                await context.Daemon.RemoveBudgetAsync(ScopeOf(parsed.GetRequiredValue(scope)), parsed.GetValue(project), ct)
                    ? List(context, await context.Daemon.ListBudgetsAsync(ct))
                    : throw new CommandFailure("No such budget. See: pocketcoder budget list", code: OwnCodes.NotFound)),
        };
    }

    private static int Show(CommandContext context, UsageGetResponse report)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, report, CliJson.Default.UsageGetResponse);
            return ExitCode.Ok;
        }

        if (report.Total.Requests == 0)
        {
            context.Say("No model usage through this machine yet (docs/models.md says which agents use it).");
            return ExitCode.Ok;
        }

        Table(context, "Day (UTC)", [.. report.Days.Take(DaysShown)]);
        Table(context, "Model", report.Models);
        Table(context, "Project", report.Projects);
        Table(context, "Session", report.Sessions);
        context.Say($"Costs are list prices as of {report.PricesAsOf}; '?' is usage of models without a known price. With an agent's own login, the provider charges differently.");
        return ExitCode.Ok;
    }

    private static void Table(CommandContext context, string what, IReadOnlyList<NamedUsage> rows)
    {
        var table = PlainTable.Of(what, "Requests", "Input", "Output", "Cache read", "Cache write", "Cost", "Own login");
        foreach (var row in rows)
        {
            var used = row.Used;
            table.Row(
                row.Name ?? "(removed)", Number(used.Requests), Number(used.InputTokens), Number(used.OutputTokens),
                Number(used.CacheReadTokens), Number(used.CacheWriteTokens), Cost(used),
                used.OwnLogin == 0 ? "" : Number(used.OwnLogin));
        }

        context.Terminal.Tables().Write(table);
        context.Say("");
    }

    /// <summary>What is not known is said, never shown as nothing.</summary>
    internal static string Cost(UsageSum used) => (used.CostUsd, used.Unpriced) switch
    {
        (null, _) => "?",
        ({ } cost, 0) => string.Create(CultureInfo.InvariantCulture, $"${cost:0.0000}"),
        ({ } cost, var unpriced) => string.Create(CultureInfo.InvariantCulture, $"${cost:0.0000} + ? ({unpriced} requests)"),
    };

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static int Shown(CommandContext context, string what, BudgetInfo budget)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, [budget], CliJson.Default.IReadOnlyListBudgetInfo);
        }
        else
        {
            context.Say($"{what}: {Limit(budget)} for {Scope(budget)}, then {Then(budget)}. It applies to agents that reach their models through this machine (docs/models.md).");
        }

        return ExitCode.Ok;
    }

    private static int List(CommandContext context, IReadOnlyList<BudgetInfo> budgets)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, budgets, CliJson.Default.IReadOnlyListBudgetInfo);
        }
        else if (budgets.Count == 0)
        {
            context.Say("No budgets. Set one: pocketcoder budget set day --usd 20 --ask");
        }
        else
        {
            var table = PlainTable.Of("For", "Limit", "Then", "Used", "Set", "By device");
            foreach (var budget in budgets)
            {
                table.Row(Scope(budget), Limit(budget), Then(budget), Used(budget), $"{budget.SetAt.ToLocalTime():yyyy-MM-dd HH:mm}",
                    budget.SetBy ?? "");
            }

            context.Terminal.Tables().Write(table);
        }

        return ExitCode.Ok;
    }

    private static BudgetScope ScopeOf(string word) => Enum.Parse<BudgetScope>(word, ignoreCase: true); // one of those words

    private static string Then(BudgetInfo budget) => budget.Action == BudgetAction.Ask ? "ask" : "stop";

    private static string Used(BudgetInfo budget) => budget.Use is not { } use ? ""
        : string.Join(" or ", new[]
        {
            budget.Dollars is null ? null : string.Create(CultureInfo.InvariantCulture, $"${use.Dollars:0.00}"),
            budget.Tokens is null ? null : $"{Number(use.Tokens)} tokens",
        }.OfType<string>()) + (use.Name is { } name && budget.ProjectId is null ? $" ({name})" : "");

    private static string Scope(BudgetInfo budget) => (budget.Scope, budget.ProjectId, budget.Project) switch
    {
        (BudgetScope.Session, null, _) => "each session",
        (BudgetScope.Session, _, { } project) => $"each session of {Untrusted.Show(project)}",
        (BudgetScope.Session, _, _) => "each session of (removed)",
        (BudgetScope.Project, null, _) => "each project",
        (BudgetScope.Project, _, { } project) => Untrusted.Show(project),
        (BudgetScope.Project, _, _) => "(removed)",
        _ => "the day",
    };

    private static string Limit(BudgetInfo budget) => string.Join(" or ", new[]
    {
        budget.Dollars is { } dollars ? string.Create(CultureInfo.InvariantCulture, $"${dollars:0.00}") : null,
        budget.Tokens is { } tokens ? $"{Number(tokens)} tokens" : null,
    }.OfType<string>());
}
