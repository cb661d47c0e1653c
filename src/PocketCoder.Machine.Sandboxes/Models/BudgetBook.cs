using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Data.Sqlite;
using PocketCoder.Broker.Models;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Settings;
using PocketCoder.Machine.Storage;

namespace PocketCoder.Machine.Models;

/// <summary>A budget as it was set.</summary>
/// <param name="ProjectId">For that project (or its sessions) only; null: for every one.</param>
public sealed record BudgetEntry(
    BudgetScope Scope, Guid? ProjectId, BudgetAction Action, decimal? Dollars, long? Tokens, DateTimeOffset SetAt);

/// <summary>The budgets that were set, and what persons allowed beyond them. Thread-safe.</summary>
public sealed class BudgetBook(Store store)
{
    private const string Columns = "SELECT scope, project_id, action, dollars, tokens, set_at FROM model_budgets";

    private readonly ConcurrentDictionary<(Guid Session, BudgetScope Scope), int> _extended = new();
    private volatile IReadOnlyList<BudgetEntry> _entries = []; // swapped as a whole

    public IReadOnlyList<BudgetEntry> List() => _entries;

    public async Task LoadAsync(CancellationToken ct)
        => _entries = await store.QueryAsync($"{Columns} ORDER BY scope, project_id", Map, ct);

    /// <summary>
    /// What holds for a session: of one scope, its project's own budget goes before the one for all. What a person allowed on top is added.
    /// </summary>
    public IReadOnlyList<ModelBudget> Of(Guid session, Guid project)
    {
        var entries = _entries;
        if (entries.Count == 0)
        {
            return [];
        }

        var budgets = new List<ModelBudget>();
        foreach (var scope in Enum.GetValues<BudgetScope>())
        {
            var entry = entries.FirstOrDefault(e => e.Scope == scope && e.ProjectId == project)
                ?? entries.FirstOrDefault(e => e.Scope == scope && e.ProjectId is null);
            if (entry is not null)
            {
                var times = 1 + _extended.GetValueOrDefault((session, scope));
                budgets.Add(new ModelBudget(scope, entry.Action, entry.Dollars * times, entry.Tokens * times));
            }
        }

        return budgets;
    }

    /// <summary>A person lets this session go on: as much again, until the daemon restarts.</summary>
    public void Extend(Guid session, BudgetScope scope) => _extended.AddOrUpdate((session, scope), 1, static (_, times) => times + 1);

    public async Task<BudgetEntry> SetAsync(BudgetScope scope, Guid? project, BudgetAction action, decimal? dollars, long? tokens)
    {
        var entry = await store.WriteAsync(change =>
        {
            var made = new BudgetEntry(scope, project, action, dollars, tokens, change.Now);
            var old = Find(change, scope, project);
            change.Execute(
                "INSERT INTO model_budgets (scope, project_id, action, dollars, tokens, set_at) VALUES ($scope, $project, $action, $dollars, $tokens, $at) ON CONFLICT DO UPDATE SET action = $action, dollars = $dollars, tokens = $tokens, set_at = $at",
                ("$scope", scope.ToString()),
                ("$project", project?.ToString() ?? ""),
                ("$action", action.ToString()),
                ("$dollars", dollars?.ToString(CultureInfo.InvariantCulture)),
                ("$tokens", tokens),
                ("$at", Instant.Text(change.Now)));
            Note(change, scope, project, "set", made, old);
            return made;
        });
        Forget(scope);
        await LoadAsync(CancellationToken.None);
        return entry;
    }

    /// <summary>False when there was none.</summary>
    public async Task<bool> RemoveAsync(BudgetScope scope, Guid? project)
    {
        var removed = await store.WriteAsync(change =>
        {
            var old = Find(change, scope, project);
            if (change.Execute("DELETE FROM model_budgets WHERE scope = $scope AND project_id = $project", ("$scope", scope.ToString()),
                ("$project", project?.ToString() ?? "")) == 0)
            {
                return false;
            }

            Note(change, scope, project, "removed", null, old);
            return true;
        });
        Forget(scope);
        await LoadAsync(CancellationToken.None);
        return removed;
    }

    private void Forget(BudgetScope scope)
    {
        foreach (var key in _extended.Keys.Where(k => k.Scope == scope))
        {
            _extended.TryRemove(key, out _);
        }
    }

    private static void Note(Change change, BudgetScope scope, Guid? project, string action, BudgetEntry? now, BudgetEntry? old)
        => SettingChange.Record(
        change,
        new SettingData("budget", scope.ToString().ToLowerInvariant() + (project is { } id ? $" of project {id}" : ""), action, Words(now),
            Words(old), project),
        null);

    /// <summary>For the ledger.</summary>
    private static string? Words(BudgetEntry? budget)
        => budget is null ? null
            : $"{new ModelBudget(budget.Scope, budget.Action, budget.Dollars, budget.Tokens).Words}, then {budget.Action.ToString().ToLowerInvariant()}";

    private static BudgetEntry? Find(Change change, BudgetScope scope, Guid? project)
        => change.Find($"{Columns} WHERE scope = $scope AND project_id = $project", Map, ("$scope", scope.ToString()),
            ("$project", project?.ToString() ?? ""));

    private static BudgetEntry Map(SqliteDataReader row) => new(
        Enum.Parse<BudgetScope>(row.GetString(0)),
        row.GetString(1) is { Length: > 0 } project ? Guid.Parse(project) : null,
        Enum.Parse<BudgetAction>(row.GetString(2)),
        row.TextOrNull(3) is { } dollars ? decimal.Parse(dollars, CultureInfo.InvariantCulture) : null,
        row.IsDBNull(4) ? null : row.GetInt64(4),
        row.Time(5));
}
