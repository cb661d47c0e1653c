using System.Globalization;
using Microsoft.Data.Sqlite;
using PocketCoder.Broker.Models;
using PocketCoder.Ledger;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Models;

/// <summary>The table of what agents used. Pure SQL; no state.</summary>
public static class UsageRows
{
    /// <summary>The sum; without costs as long as neither has any.</summary>
    public static UsageInfo Add(UsageInfo sum, UsageInfo turn) => new(
        sum.InputTokens + turn.InputTokens,
        sum.OutputTokens + turn.OutputTokens,
        sum.CacheReadTokens + turn.CacheReadTokens,
        sum.CacheWriteTokens + turn.CacheWriteTokens,
        turn.CostUsd is null ? sum.CostUsd : (sum.CostUsd ?? 0) + turn.CostUsd);

    private const decimal Nano = 1_000_000_000m;

    private const string Sums =
        """
        sum(requests), sum(input_tokens), sum(output_tokens), sum(cache_read_tokens), sum(cache_write_tokens), sum(cost_nanodollars), sum(unpriced), sum(uncounted),
        sum(CASE WHEN own_login THEN requests ELSE 0 END)
        """;

    public static string Day(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    public static void Add(Change change, ModelUsage usage) => change.Execute(
        """
        INSERT INTO model_usage (session_id, project_id, day, dialect, model, own_login, requests, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
            cost_nanodollars, unpriced, uncounted)
        VALUES ($session, $project, $day, $dialect, $model, $own, 1, $in, $out, $cr, $cw, $cost, $unpriced, $uncounted)
        ON CONFLICT DO UPDATE SET requests = requests + 1, input_tokens = input_tokens + $in, output_tokens = output_tokens + $out,
            cache_read_tokens = cache_read_tokens + $cr, cache_write_tokens = cache_write_tokens + $cw, cost_nanodollars = cost_nanodollars + $cost,
            unpriced = unpriced + $unpriced, uncounted = uncounted + $uncounted
        """,
        ("$session", usage.SessionId.ToString()),
        ("$project", usage.ProjectId.ToString()),
        ("$day", Day(usage.At)),
        ("$dialect", usage.Dialect.ToString().ToLowerInvariant()),
        ("$model", usage.Model.Length <= 200 ? usage.Model : usage.Model[..200]),
        ("$own", usage.PassedThrough),
        ("$in", usage.Tokens.Input),
        ("$out", usage.Tokens.Output),
        ("$cr", usage.Tokens.CacheRead),
        ("$cw", usage.Tokens.CacheWrite),
        ("$cost", (long)decimal.Round((usage.Cost ?? 0) * Nano)),
        ("$unpriced", usage.Cost is null),
        ("$uncounted", !usage.Counted));

    /// <param name="from">The first day; empty: from the beginning. The others likewise.</param>
    /// <param name="most">How many at most, the most expensive first; -1: all. The others likewise.</param>
    public static IReadOnlyList<(Guid Session, UsageSum Sum)> BySession(LedgerReader reader, string from = "", int most = -1)
        => By(reader, "session_id", from, most, static row => row.Id(0));

    public static IReadOnlyList<(Guid Project, UsageSum Sum)> ByProject(LedgerReader reader, string from = "", int most = -1)
        => By(reader, "project_id", from, most, static row => row.Id(0));

    public static IReadOnlyList<(string Model, UsageSum Sum)> ByModel(LedgerReader reader, string from, int most)
        => By(reader, "model", from, most, static row => row.GetString(0));

    /// <summary>The last days on which something was used, the newest first.</summary>
    public static IReadOnlyList<(string Day, UsageSum Sum)> ByDay(LedgerReader reader, int days, string from = "")
        => reader.Query($"SELECT day, {Sums} FROM model_usage WHERE day >= $from GROUP BY day ORDER BY day DESC LIMIT $days",
            row => (row.GetString(0), Map(row)), ("$from", from), ("$days", days));

    /// <summary>All of it, and how many models, projects and sessions it is of.</summary>
    public static (UsageSum Sum, int Models, int Projects, int Sessions) Total(LedgerReader reader, string from)
        => reader.Query(
            $"SELECT '', {Sums}, count(DISTINCT model), count(DISTINCT project_id), count(DISTINCT session_id) FROM model_usage WHERE day >= $from GROUP BY 1",
            row => (Map(row), row.GetInt32(10), row.GetInt32(11), row.GetInt32(12)), ("$from", from))
            .FirstOrDefault((new UsageSum(0, 0, 0, 0, 0, null, 0, 0, 0), 0, 0, 0));

    private static IReadOnlyList<(T Of, UsageSum Sum)> By<T>(
        LedgerReader reader, string column, string from, int most, Func<SqliteDataReader, T> of)
        => reader.Query(
            $"""
            SELECT {column}, {Sums} FROM model_usage WHERE day >= $from GROUP BY {column}
            ORDER BY sum(cost_nanodollars) DESC, sum(input_tokens + output_tokens + cache_read_tokens + cache_write_tokens) DESC, {column} LIMIT $most
            """,
            row => (of(row), Map(row)), ("$from", from), ("$most", most));

    private static UsageSum Map(SqliteDataReader row)
    {
        var (requests, unpriced) = (row.GetInt64(1), row.GetInt64(7));
        return new UsageSum(
            requests, row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5),
            requests == unpriced ? null : row.GetInt64(6) / Nano, unpriced, row.GetInt64(8), row.GetInt64(9));
    }
}
