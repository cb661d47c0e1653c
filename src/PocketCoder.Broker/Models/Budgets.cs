using System.Collections.Concurrent;
using System.Globalization;

namespace PocketCoder.Broker.Models;

/// <summary>What a budget adds up.</summary>
public enum BudgetScope
{
    Session,
    Project,

    /// <summary>Everything since midnight UTC.</summary>
    Day,
}

/// <summary>What happens when it is spent.</summary>
public enum BudgetAction
{
    Stop,
    Ask,
}

/// <summary>A limit in dollars, tokens or both. Requests that run at the same time may overshoot it by what they cost together.</summary>
public sealed record ModelBudget(BudgetScope Scope, BudgetAction Action, decimal? Dollars = null, long? Tokens = null);

/// <summary>A budget that is spent, for the person who is asked.</summary>
public sealed record BudgetSpent(ModelBudget Budget, ModelSpending Spent, Guid SessionId, Guid ProjectId);

/// <param name="Unpriced">Requests whose model has no price: <paramref name="Dollars"/> doesn't hold them.</param>
public readonly record struct ModelSpending(decimal Dollars, long Tokens, long Requests, long Unpriced)
{
    internal ModelSpending Plus(ModelUsage usage) => new(Dollars + (usage.Cost ?? 0), Tokens + usage.Tokens.Total, Requests + 1, Unpriced + (usage.Cost is null ? 1 : 0));
}

/// <summary>Adds up what was used, by session, project and day. In memory: who restarts it tells it what was before. Thread-safe.</summary>
public sealed class ModelSpendings
{
    private readonly ConcurrentDictionary<string, ModelSpending> _sums = new(StringComparer.Ordinal);

    public void Add(ModelUsage usage)
    {
        foreach (var key in (string[])[Key(BudgetScope.Session, usage.SessionId, usage.ProjectId, usage.At), Key(BudgetScope.Project, usage.SessionId, usage.ProjectId, usage.At), Key(BudgetScope.Day, usage.SessionId, usage.ProjectId, usage.At)])
        {
            _sums.AddOrUpdate(key, static (_, u) => default(ModelSpending).Plus(u), static (_, sum, u) => sum.Plus(u), usage);
        }
    }

    public ModelSpending Of(BudgetScope scope, Guid sessionId, Guid projectId, DateTimeOffset at) => _sums.GetValueOrDefault(Key(scope, sessionId, projectId, at));

    private static string Key(BudgetScope scope, Guid session, Guid project, DateTimeOffset at) => scope switch
    {
        BudgetScope.Session => $"s{session}",
        BudgetScope.Project => $"p{project}",
        _ => "d" + at.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
    };
}
