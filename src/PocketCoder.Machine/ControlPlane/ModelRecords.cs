using PocketCoder.Machine.Models;

namespace PocketCoder.Machine.ControlPlane;

// What the CLI says and gets about secrets, budgets and the use of models.

/// <summary>That there is a secret. Its value is never given out.</summary>
public sealed record SecretName(string Name, DateTimeOffset SetAt);

/// <param name="PricesAsOf">When somebody last looked at the prices that costs are computed with.</param>
/// <param name="Days">UTC, the newest first, at most 30 with any use.</param>
/// <param name="Sessions">The newest first, at most 50.</param>
public sealed record UsageReport(string PricesAsOf, IReadOnlyList<NamedUsage> Days, IReadOnlyList<NamedUsage> Models,
    IReadOnlyList<NamedUsage> Projects, IReadOnlyList<NamedUsage> Sessions);

/// <param name="Id">A session's or project's id; else the same as the name.</param>
public sealed record NamedUsage(string Id, string Name, UsageSum Used);

/// <param name="Scope"><c>session</c>, <c>project</c> or <c>day</c>.</param>
/// <param name="Project">A project's id, name or path; null: for every one.</param>
/// <param name="Action"><c>stop</c> or <c>ask</c>.</param>
public sealed record BudgetRequest(string Scope, string? Project, string Action, decimal? Dollars, long? Tokens);

public sealed record BudgetSelection(string Scope, string? Project);

/// <param name="Project">Its name; null: for every one.</param>
public sealed record BudgetShown(string Scope, string? Project, string Action, decimal? Dollars, long? Tokens, DateTimeOffset SetAt);
