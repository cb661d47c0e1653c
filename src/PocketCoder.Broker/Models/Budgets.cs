using System.Globalization;
using PocketCoder.Protocol;

namespace PocketCoder.Broker.Models;

/// <summary>
/// A limit in dollars, tokens or both. A request whose size would exceed it does not go out; what is left to overshoot it is the answer to
/// one request that names no longest answer, and the error of the estimate.
/// </summary>
public sealed record ModelBudget(BudgetScope Scope, BudgetAction Action, decimal? Dollars = null, long? Tokens = null)
{
    /// <summary>Set by a device, and not by the machine's owner. Both kinds hold side by side.</summary>
    public bool OfDevice { get; init; }

    /// <summary>The limit as people say it.</summary>
    public string Words => (Dollars, Tokens) switch
    {
        ({ } dollars, { } tokens) => string.Create(CultureInfo.InvariantCulture, $"${dollars:0.00} or {tokens} tokens"),
        ({ } dollars, null) => string.Create(CultureInfo.InvariantCulture, $"${dollars:0.00}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Tokens} tokens"),
    };

    internal bool IsReachedBy(ModelSpending spent) => spent.Dollars >= Dollars || spent.Tokens >= Tokens;

    internal bool IsExceededBy(ModelSpending spent) => spent.Dollars > Dollars || spent.Tokens > Tokens;
}

/// <summary>A budget that is spent, or has less left than a request needs, for the person who is asked.</summary>
public sealed record BudgetSpent(ModelBudget Budget, ModelSpending Spent, Guid SessionId, Guid ProjectId)
{
    /// <summary>Not spent yet: one request alone may cost so much, which is more than what is left.</summary>
    public ModelSpending? Needs { get; init; }

    /// <summary>Not spent, but unable to hold a model whose price is not known.</summary>
    public string? UnpricedModel { get; init; }
}

/// <param name="Unpriced">Requests whose model has no price: <paramref name="Dollars"/> doesn't hold them.</param>
public readonly record struct ModelSpending(decimal Dollars, long Tokens, long Requests, long Unpriced)
{
    internal ModelSpending Plus(ModelSpending other)
        => new(Dollars + other.Dollars, Tokens + other.Tokens, Requests + other.Requests, Unpriced + other.Unpriced);

    internal ModelSpending Minus(ModelSpending other)
        => new(Dollars - other.Dollars, Tokens - other.Tokens, Requests - other.Requests, Unpriced - other.Unpriced);

    internal static ModelSpending Of(ModelUsage usage) => new(usage.Cost ?? 0, usage.Tokens.Total, 1, usage.Cost is null ? 1 : 0);
}

/// <summary>Adds up what was used, by session, project and day. In memory: who restarts it tells it what was before. Thread-safe.</summary>
public sealed class ModelSpendings
{
    private readonly Lock _gate = new(); // guards all fields; never held over anything that waits
    private readonly Dictionary<string, ModelSpending> _sums = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ModelSpending> _reserved = new(StringComparer.Ordinal);
    private TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Add(ModelUsage usage)
    {
        lock (_gate)
        {
            foreach (var scope in Enum.GetValues<BudgetScope>())
            {
                Put(_sums, Key(scope, usage.SessionId, usage.ProjectId, usage.At), ModelSpending.Of(usage));
            }
        }
    }

    /// <summary>What is known from before.</summary>
    /// <param name="id">The session or the project; for a day anything.</param>
    /// <param name="day">For a day: any time of it.</param>
    public void Restore(BudgetScope scope, Guid id, DateTimeOffset day, ModelSpending spent)
    {
        lock (_gate)
        {
            Put(_sums, Key(scope, id, id, day), spent);
        }
    }

    public ModelSpending Of(BudgetScope scope, Guid sessionId, Guid projectId, DateTimeOffset at)
    {
        lock (_gate)
        {
            return _sums.GetValueOrDefault(Key(scope, sessionId, projectId, at));
        }
    }

    /// <summary>
    /// Takes room in all sums at once; give it back by disposing what comes. Else either the budget that is spent or too small, or
    /// something to wait for: requests under way that may spend it.
    /// </summary>
    /// <param name="needs">What the request says that it may cost.</param>
    /// <param name="size">What is taken for it meanwhile: at least that.</param>
    internal (IDisposable? Reservation, ModelBudget? Full, ModelSpending Spent, Task? Wait) TryReserve(
        IEnumerable<ModelBudget> budgets, Func<ModelBudget, bool> cannotHold, Guid session, Guid project, DateTimeOffset at,
        ModelSpending needs, ModelSpending size)
    {
        lock (_gate)
        {
            var wait = false;
            foreach (var budget in budgets)
            {
                var key = Key(budget.Scope, session, project, at);
                var spent = _sums.GetValueOrDefault(key);
                if (cannotHold(budget) || budget.IsReachedBy(spent) || budget.IsExceededBy(spent.Plus(needs)))
                {
                    return (null, budget, spent, null);
                }

                wait |= _reserved.TryGetValue(key, out var underWay)
                    && (budget.IsReachedBy(spent.Plus(underWay)) || budget.IsExceededBy(spent.Plus(underWay).Plus(needs)));
            }

            if (wait)
            {
                return (null, null, default, _released.Task);
            }

            string[] keys = [.. Enum.GetValues<BudgetScope>().Select(s => Key(s, session, project, at))];
            foreach (var key in keys)
            {
                Put(_reserved, key, size);
            }

            return (new Reservation(this, keys, size), null, default, null);
        }
    }

    private void Release(string[] keys, ModelSpending size)
    {
        TaskCompletionSource released;
        lock (_gate)
        {
            foreach (var key in keys)
            {
                var left = _reserved[key].Minus(size);
                if (left is { Tokens: 0, Dollars: 0 })
                {
                    _reserved.Remove(key);
                }
                else
                {
                    _reserved[key] = left;
                }
            }

            (released, _released) = (_released, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        released.SetResult();
    }

    private static void Put(Dictionary<string, ModelSpending> sums, string key, ModelSpending more)
        => sums[key] = sums.GetValueOrDefault(key).Plus(more);

    private static string Key(BudgetScope scope, Guid session, Guid project, DateTimeOffset at) => scope switch
    {
        BudgetScope.Session => $"s{session}",
        BudgetScope.Project => $"p{project}",
        _ => "d" + at.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
    };

    private sealed class Reservation(ModelSpendings owner, string[] keys, ModelSpending size) : IDisposable
    {
        private int _given;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _given, 1) == 0)
            {
                owner.Release(keys, size);
            }
        }
    }
}
