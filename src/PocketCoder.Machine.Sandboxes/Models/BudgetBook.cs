using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Data.Sqlite;
using PocketCoder.Broker.Models;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Settings;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Models;

/// <summary>A budget as it was set.</summary>
/// <param name="ProjectId">For that project (or its sessions) only; null: for every one.</param>
/// <param name="SetBy">The device's name at that time; null: the owner at the machine.</param>
public sealed record BudgetEntry(
    BudgetScope Scope, Guid? ProjectId, BudgetAction Action, decimal? Dollars, long? Tokens, DateTimeOffset SetAt, string? SetBy)
{
    public bool OfDevice => SetBy is not null;
}

/// <summary>
/// The budgets that were set, and what persons allowed beyond them. The owner's and the devices' are two layers that hold side by side, so
/// nothing that a device sets lifts what the owner set. Thread-safe.
/// </summary>
public sealed class BudgetBook(Store store)
{
    private const string Columns = "SELECT scope, project_id, action, dollars, tokens, set_at, set_by FROM budgets";

    private readonly ConcurrentDictionary<(Guid Session, BudgetScope Scope, bool OfDevice), int> _extended = new();
    private volatile IReadOnlyList<BudgetEntry> _entries = []; // swapped as a whole

    public IReadOnlyList<BudgetEntry> List() => _entries;

    public async Task LoadAsync(CancellationToken ct)
        => _entries = await store.QueryAsync($"{Columns} ORDER BY scope, project_id, of_device", Map, ct);

    /// <summary>
    /// What holds for a session: of one scope and layer, its project's own budget goes before the one for all. What a person allowed on
    /// top is added.
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
            foreach (var ofDevice in (ReadOnlySpan<bool>)[false, true])
            {
                var entry = entries.FirstOrDefault(e => e.OfDevice == ofDevice && e.Scope == scope && e.ProjectId == project)
                    ?? entries.FirstOrDefault(e => e.OfDevice == ofDevice && e.Scope == scope && e.ProjectId is null);
                if (entry is not null)
                {
                    var times = 1 + _extended.GetValueOrDefault((session, scope, ofDevice));
                    budgets.Add(new ModelBudget(scope, entry.Action, entry.Dollars * times, entry.Tokens * times) { OfDevice = ofDevice });
                }
            }
        }

        return budgets;
    }

    /// <summary>A person lets this session go on: as much again of this budget, until the daemon restarts.</summary>
    public void Extend(Guid session, ModelBudget budget)
        => _extended.AddOrUpdate((session, budget.Scope, budget.OfDevice), 1, static (_, times) => times + 1);

    /// <summary>Sets or replaces one. The owner's word is the last: it replaces what devices set for the same.</summary>
    /// <param name="device">Null: the owner at the machine.</param>
    /// <exception cref="RequestFailure">INVALID_REQUEST: devices set too many already.</exception>
    public async Task<BudgetEntry> SetAsync(
        BudgetScope scope, Guid? project, BudgetAction action, decimal? dollars, long? tokens, Device? device)
    {
        var entry = await store.WriteAsync(change =>
        {
            var made = new BudgetEntry(scope, project, action, dollars, tokens, change.Now, device?.Name);
            var old = Find(change, scope, project, made.OfDevice);
            if (device is null)
            {
                Delete(change, scope, project, ofDevice: true, null);
            }
            else if (old is null && _entries.Count(e => e.OfDevice) >= UsageLimits.MostDeviceBudgets)
            {
                throw new RequestFailure(
                    ErrorCode.InvalidRequest, $"Devices set {UsageLimits.MostDeviceBudgets} budgets already. Remove one first.");
            }

            change.Execute(
                "INSERT INTO budgets (of_device, scope, project_id, action, dollars, tokens, set_at, set_by) VALUES ($of, $scope, $project, $action, $dollars, $tokens, $at, $by) ON CONFLICT DO UPDATE SET action = $action, dollars = $dollars, tokens = $tokens, set_at = $at, set_by = $by",
                ("$of", made.OfDevice),
                ("$scope", scope.ToString()),
                ("$project", project?.ToString() ?? ""),
                ("$action", action.ToString()),
                ("$dollars", dollars?.ToString(CultureInfo.InvariantCulture)),
                ("$tokens", tokens),
                ("$at", Instant.Text(change.Now)),
                ("$by", made.SetBy));
            Note(change, "set", made, old, made, device);
            return made;
        });
        await ChangedAsync(scope, ownersToo: device is null);
        return entry;
    }

    /// <summary>Removes one: a device one that devices set, the owner both. False when there was none.</summary>
    /// <param name="device">Null: the owner at the machine.</param>
    /// <exception cref="RequestFailure">UNAUTHORIZED: only the owner's is there, and a device asks.</exception>
    public async Task<bool> RemoveAsync(BudgetScope scope, Guid? project, Device? device)
    {
        var removed = await store.WriteAsync(change =>
        {
            var was = Delete(change, scope, project, ofDevice: true, device);
            if (device is null)
            {
                return Delete(change, scope, project, ofDevice: false, null) || was;
            }

            return was || Find(change, scope, project, ofDevice: false) is null
                ? was
                : throw new RequestFailure(
                    ErrorCode.Unauthorized,
                    "The owner set this budget at the machine, and no device lifts it. "
                    + $"The owner can: pocketcoder budget remove {Word(scope)}{(project is null ? "" : " --project PROJECT")}");
        });
        await ChangedAsync(scope, ownersToo: device is null);
        return removed;
    }

    /// <summary>What was allowed on top of a budget does not outlive it.</summary>
    private async Task ChangedAsync(BudgetScope scope, bool ownersToo)
    {
        foreach (var key in _extended.Keys.Where(k => k.Scope == scope && (k.OfDevice || ownersToo)))
        {
            _extended.TryRemove(key, out _);
        }

        await LoadAsync(CancellationToken.None);
    }

    private static bool Delete(Change change, BudgetScope scope, Guid? project, bool ofDevice, Device? device)
    {
        if (Find(change, scope, project, ofDevice) is not { } old)
        {
            return false;
        }

        change.Execute("DELETE FROM budgets WHERE of_device = $of AND scope = $scope AND project_id = $project", ("$of", ofDevice),
            ("$scope", scope.ToString()), ("$project", project?.ToString() ?? ""));
        Note(change, "removed", null, old, old, device);
        return true;
    }

    /// <param name="which">Which of both names the row.</param>
    private static void Note(Change change, string action, BudgetEntry? now, BudgetEntry? old, BudgetEntry which, Device? device)
        => SettingChange.Record(
        change,
        new SettingData(
            "budget",
            Word(which.Scope) + (which.ProjectId is { } id ? $" of project {id}" : "") + (which.OfDevice ? ", by devices" : ""),
            action, Words(now), Words(old), which.ProjectId),
        device);

    private static string Word(BudgetScope scope) => scope.ToString().ToLowerInvariant();

    /// <summary>For the ledger.</summary>
    private static string? Words(BudgetEntry? budget)
        => budget is null ? null
            : $"{new ModelBudget(budget.Scope, budget.Action, budget.Dollars, budget.Tokens).Words}, then {budget.Action.ToString().ToLowerInvariant()}";

    private static BudgetEntry? Find(Change change, BudgetScope scope, Guid? project, bool ofDevice)
        => change.Find($"{Columns} WHERE of_device = $of AND scope = $scope AND project_id = $project", Map, ("$of", ofDevice),
            ("$scope", scope.ToString()), ("$project", project?.ToString() ?? ""));

    private static BudgetEntry Map(SqliteDataReader row) => new(
        Enum.Parse<BudgetScope>(row.GetString(0)),
        row.GetString(1) is { Length: > 0 } project ? Guid.Parse(project) : null,
        Enum.Parse<BudgetAction>(row.GetString(2)),
        row.TextOrNull(3) is { } dollars ? decimal.Parse(dollars, CultureInfo.InvariantCulture) : null,
        row.IsDBNull(4) ? null : row.GetInt64(4),
        row.Time(5),
        row.TextOrNull(6));
}
