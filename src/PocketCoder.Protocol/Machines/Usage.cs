using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

/// <summary>Bounds of what is told about models and set as budgets.</summary>
public static class UsageLimits
{
    /// <summary>Days that are told one by one, today included.</summary>
    public const int MostDays = 90;

    /// <summary>Models, projects and sessions told, each.</summary>
    public const int MostRows = 50;

    /// <summary>Budgets that devices may set, together.</summary>
    public const int MostDeviceBudgets = 200;

    /// <summary>The highest limit in dollars.</summary>
    public const int MostDollars = 1_000_000;

    /// <summary>The highest limit in tokens.</summary>
    public const long MostTokens = 1_000_000_000_000;
}

/// <summary>What was used, added up over something.</summary>
/// <param name="CostUsd">
/// At list prices; null when no request had a price. With <paramref name="Unpriced"/> above 0 it is not all.
/// </param>
/// <param name="Unpriced">Requests whose model has no price: what they cost is not known.</param>
/// <param name="Uncounted">Requests whose tokens are an estimate on the high side.</param>
/// <param name="OwnLogin">Requests with an agent's own login, for which no provider charges this price.</param>
public sealed record UsageSum(
    long Requests, long InputTokens, long OutputTokens, long CacheReadTokens, long CacheWriteTokens, decimal? CostUsd, long Unpriced,
    long Uncounted, long OwnLogin);

/// <param name="Id">A session's or project's id; else the same as the name.</param>
/// <param name="Name">A model's is untrusted. Null: it was removed since, and its use stays.</param>
public sealed record NamedUsage(string Id, string? Name, UsageSum Used);

/// <summary>
/// What agents used of their models through this machine. Agents that ask their models by themselves
/// (<see cref="ModelAccess.Direct"/>) are not in it.
/// </summary>
/// <param name="Days">
/// 1 to <see cref="UsageLimits.MostDays"/>, today included: models, projects, sessions and the total are of these; null: from the
/// beginning.
/// </param>
public sealed record UsageGetRequest(int? Days = null);

/// <param name="PricesAsOf">When somebody last looked at the prices that costs are computed with.</param>
/// <param name="Today">The machine's day, UTC, <c>yyyy-MM-dd</c>.</param>
/// <param name="Total">Of the days that were asked for.</param>
/// <param name="Days">
/// Always the last <see cref="UsageLimits.MostDays"/>, the newest first; one without any use is left out.
/// </param>
/// <param name="Models">The most expensive first, then by tokens; at most <see cref="UsageLimits.MostRows"/>. The others likewise.</param>
/// <param name="ModelsLeft">How many more there are. The total has them.</param>
/// <param name="DirectSessions">
/// Sessions touched in these days whose agent asks its models by itself: nothing of theirs is counted.
/// </param>
public sealed record UsageGetResponse(
    string PricesAsOf,
    string Today,
    UsageSum Total,
    IReadOnlyList<NamedUsage> Days,
    IReadOnlyList<NamedUsage> Models,
    IReadOnlyList<NamedUsage> Projects,
    IReadOnlyList<NamedUsage> Sessions,
    int ModelsLeft,
    int ProjectsLeft,
    int SessionsLeft,
    int DirectSessions);

/// <summary>What a budget adds up.</summary>
[JsonConverter(typeof(LowerSnake<BudgetScope>))]
public enum BudgetScope
{
    Session,
    Project,

    /// <summary>Everything since midnight UTC.</summary>
    Day,
}

/// <summary>What happens when it is spent.</summary>
[JsonConverter(typeof(LowerSnake<BudgetAction>))]
public enum BudgetAction
{
    /// <summary>The agent is told, and gets no further answer.</summary>
    Stop,

    /// <summary>A person is asked whether the session may use as much again.</summary>
    Ask,
}

/// <summary>
/// A limit of what agents use. What the owner set and what devices set hold side by side: the stricter one stops.
/// </summary>
/// <param name="ProjectId">For that project, or its sessions, only; null: for every one.</param>
/// <param name="Project">Its name; null: for every one, or it was removed.</param>
/// <param name="SetBy">The device that set it, by the name it had then; null: the owner at the machine, and no device lifts it.</param>
/// <param name="Use">What is used of it; null: nothing to show, since no session or project it is for used anything.</param>
public sealed record BudgetInfo(
    BudgetScope Scope, Guid? ProjectId, string? Project, BudgetAction Action, decimal? Dollars, long? Tokens, DateTimeOffset SetAt,
    string? SetBy, BudgetUse? Use);

/// <summary>How much of a budget is used. Of one for each session or project: by the one that is nearest to it.</summary>
/// <param name="Id">The session or project; null: the day.</param>
/// <param name="Name">Its title or name; null: the day.</param>
/// <param name="Unpriced">Requests without a known price, which <paramref name="Dollars"/> does not hold.</param>
public sealed record BudgetUse(Guid? Id, string? Name, decimal Dollars, long Tokens, long Unpriced);

public sealed record BudgetsListRequest;

public sealed record BudgetsListResponse(IReadOnlyList<BudgetInfo> Budgets);

/// <summary>
/// Sets or replaces a budget, with a row in the ledger. A device's stands beside the owner's and lifts nothing of it; the owner's
/// replaces what devices set for the same.
/// </summary>
/// <param name="ProjectId">Null: for every one. The day has none. A worktree has its parent's.</param>
/// <param name="Dollars">Above 0, at most <see cref="UsageLimits.MostDollars"/>; null: no limit in dollars.</param>
/// <param name="Tokens">1 to <see cref="UsageLimits.MostTokens"/>; null: no limit in tokens. One of both is there.</param>
public sealed record BudgetSetRequest(BudgetScope Scope, Guid? ProjectId, BudgetAction Action, decimal? Dollars, long? Tokens);

public sealed record BudgetSetResponse(BudgetInfo Budget);

/// <summary>
/// Removes a budget, with a row in the ledger: a device one that devices set, the owner both. <c>UNAUTHORIZED</c> for a device if there is
/// the owner's only.
/// </summary>
public sealed record BudgetRemoveRequest(BudgetScope Scope, Guid? ProjectId);

/// <param name="Was">False: there was none.</param>
public sealed record BudgetRemoveResponse(bool Was);
