using System.Globalization;
using Microsoft.Data.Sqlite;
using PocketCoder.Broker.Models;
using PocketCoder.Ledger;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Models;

/// <summary>What was used, added up over something.</summary>
/// <param name="CostUsd">Null when no request had a price. With <paramref name="Unpriced"/> above 0 it is not all.</param>
/// <param name="Uncounted">Requests whose tokens are an estimate on the high side.</param>
/// <param name="OwnLogin">Requests with an agent's own login, for which no provider charges this price.</param>
public sealed record UsageSum(
    long Requests, long InputTokens, long OutputTokens, long CacheReadTokens, long CacheWriteTokens, decimal? CostUsd, long Unpriced,
    long Uncounted, long OwnLogin);

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

    public static IReadOnlyList<(Guid Session, UsageSum Sum)> BySession(LedgerReader reader)
        => reader.Query($"SELECT session_id, {Sums} FROM model_usage GROUP BY session_id ORDER BY max(day) DESC, session_id DESC",
            row => (row.Id(0), Map(row)));

    public static IReadOnlyList<(Guid Project, UsageSum Sum)> ByProject(LedgerReader reader)
        => reader.Query($"SELECT project_id, {Sums} FROM model_usage GROUP BY project_id", row => (row.Id(0), Map(row)));

    /// <summary>The last days on which something was used, the newest first.</summary>
    public static IReadOnlyList<(string Day, UsageSum Sum)> ByDay(LedgerReader reader, int days)
        => reader.Query($"SELECT day, {Sums} FROM model_usage GROUP BY day ORDER BY day DESC LIMIT $days",
            row => (row.GetString(0), Map(row)), ("$days", days));

    public static IReadOnlyList<(string Model, UsageSum Sum)> ByModel(LedgerReader reader)
        => reader.Query($"SELECT model, {Sums} FROM model_usage GROUP BY model ORDER BY sum(cost_nanodollars) DESC, model",
            row => (row.GetString(0), Map(row)));

    private static UsageSum Map(SqliteDataReader row)
    {
        var (requests, unpriced) = (row.GetInt64(1), row.GetInt64(7));
        return new UsageSum(
            requests, row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5),
            requests == unpriced ? null : row.GetInt64(6) / Nano, unpriced, row.GetInt64(8), row.GetInt64(9));
    }
}
