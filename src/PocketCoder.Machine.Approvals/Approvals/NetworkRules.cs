using System.Collections.Concurrent;
using PocketCoder.Broker.Egress;
using PocketCoder.Ledger;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Approvals;

/// <summary>The hosts that a project's sandboxes may reach without a question. Thread-safe; every change is a row of the ledger.</summary>
public sealed class NetworkRules(Store store)
{
    /// <summary>Longest life of a rule that a decision makes, in days.</summary>
    public const int MaxDays = 365;

    public const int DefaultDays = 30;

    private const int MaxRules = 200;
    private const string Columns = "SELECT rule_id, project_id, pattern, made_by, created_at, expires_at FROM network_rules";
    private const string InForce = "removed_at IS NULL AND (expires_at IS NULL OR expires_at > $now)";

    /// <summary>
    /// The ends of the rules that have one, as first read: from then on a wall clock that is set back prolongs none. At most as many as
    /// there are rules.
    /// </summary>
    private readonly ConcurrentDictionary<Guid, Deadline> _ends = new();

    /// <summary>Those in force, of one project or of all.</summary>
    public async Task<IReadOnlyList<NetworkRuleInfo>> ListAsync(Guid? project, CancellationToken cancellationToken)
    {
        var rules = await store.QueryAsync(
            $"{Columns} WHERE {InForce} AND ($project IS NULL OR project_id = $project) ORDER BY pattern", Map, cancellationToken,
            ("$now", Instant.Text(store.Now)), ("$project", project?.ToString()));
        return [.. rules.Where(r => r.ExpiresAt is not { } end
            || !_ends.GetOrAdd(r.RuleId, _ => Deadline.Until(store.Time, end)).HasPassed(store.Time))];
    }

    /// <summary>The rule that lets this host through, or null.</summary>
    public async Task<NetworkRuleInfo?> FindAsync(Guid project, string host, int port, CancellationToken cancellationToken)
        => (await ListAsync(project, cancellationToken)).FirstOrDefault(rule => EgressRule.Parse(rule.Pattern).Matches(host, port));

    /// <param name="pattern">As <see cref="EgressRule.Parse"/> reads it.</param>
    /// <param name="days">1–365; null: no end.</param>
    /// <exception cref="RequestFailure">INVALID_REQUEST, PROJECT_NOT_FOUND</exception>
    public async Task<NetworkRuleInfo> AddAsync(Guid project, string pattern, int? days, string by)
    {
        var rule = Parse(pattern);
        if (days is < 1 or > MaxDays)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"A rule lasts 1 to {MaxDays} days, or does not expire.");
        }

        var added = await store.WriteAsync(change => Add(change, project, rule, days, by, null, null));
        await ListAsync(project, CancellationToken.None); // its end counts on both clocks from now on
        return added;
    }

    /// <summary>Makes a rule as a part of a larger change. The same pattern again only moves the end.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST when there are too many</exception>
    public static NetworkRuleInfo Add(Change change, Guid project, EgressRule pattern, int? days, string by, string? device, Guid? approval)
    {
        var known = change.Query($"{Columns} WHERE {InForce} AND project_id = $project", Map, ("$now", Instant.Text(change.Now)),
            ("$project", project.ToString()));
        foreach (var same in known.Where(r => r.Pattern == pattern.ToString()))
        {
            change.Execute("UPDATE network_rules SET removed_at = $now WHERE rule_id = $id", ("$now", Instant.Text(change.Now)),
                ("$id", same.RuleId.ToString()));
        }

        if (known.Count >= MaxRules)
        {
            throw new RequestFailure(
                ErrorCode.InvalidRequest, $"This project has {MaxRules} network rules. Remove some: pocketcoder network list");
        }

        var rule = new NetworkRuleInfo(Guid.CreateVersion7(), project, pattern.ToString(), by, change.Now,
            days is null ? null : change.Now + TimeSpan.FromDays(days.Value));
        change.Execute(
            "INSERT INTO network_rules (rule_id, project_id, pattern, made_by, created_at, expires_at) VALUES ($id, $project, $pattern, $by, $at, $end)",
            ("$id", rule.RuleId.ToString()),
            ("$project", project.ToString()),
            ("$pattern", rule.Pattern),
            ("$by", by),
            ("$at", Instant.Text(rule.CreatedAt)),
            ("$end", rule.ExpiresAt is { } end ? Instant.Text(end) : null));
        change.Ledger(new LedgerEntry(LedgerKind.RuleAdded)
        {
            Actor = by,
            DeviceId = device,
            ApprovalId = approval?.ToString(),
            Data = new NetworkRuleData(
                rule.RuleId, project, rule.Pattern, rule.ExpiresAt, approval is null ? DecisionProof.OwnerSocket : null).ToJson(),
        });
        return rule;
    }

    /// <exception cref="RequestFailure">INVALID_REQUEST when there is no such rule</exception>
    public Task<NetworkRuleInfo> RemoveAsync(Guid ruleId, string by, string? device) => store.WriteAsync(change =>
    {
        var rule = change.Find($"{Columns} WHERE rule_id = $id AND {InForce}", Map, ("$id", ruleId.ToString()),
            ("$now", Instant.Text(change.Now)))
            ?? throw new RequestFailure(ErrorCode.InvalidRequest, "That rule no longer exists.");
        change.Execute("UPDATE network_rules SET removed_at = $now WHERE rule_id = $id", ("$now", Instant.Text(change.Now)),
            ("$id", ruleId.ToString()));
        change.Ledger(new LedgerEntry(LedgerKind.RuleRemoved)
        {
            Actor = by,
            DeviceId = device,
            Data = new NetworkRuleData(rule.RuleId, rule.ProjectId, rule.Pattern, rule.ExpiresAt).ToJson()
        });
        return rule;
    });

    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public static EgressRule Parse(string pattern)
    {
        try
        {
            return EgressRule.Parse(pattern);
        }
        catch (FormatException e)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"{e.Message}.");
        }
    }

    private static NetworkRuleInfo Map(Microsoft.Data.Sqlite.SqliteDataReader row)
        => new(row.Id(0), row.Id(1), row.GetString(2), row.GetString(3), row.Time(4), row.TimeOrNull(5));
}
