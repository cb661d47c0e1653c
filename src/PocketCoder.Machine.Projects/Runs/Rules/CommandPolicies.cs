using Microsoft.Data.Sqlite;
using PocketCoder.Ledger;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Terminals;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Runs.Rules;

/// <summary>The rules of each project for one-shot commands. Every change of them is a row of the ledger. Thread-safe.</summary>
public sealed class CommandPolicies(Store store, ProjectStore projects)
{
    private const string OtherwiseOf = "SELECT otherwise FROM command_policies WHERE project_id = $id";
    private const string RulesOf = "SELECT verdict, pattern FROM command_rules WHERE project_id = $id ORDER BY position";

    public static CommandPolicy None { get; } = new(CommandVerdict.Allow, []);

    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND</exception>
    public async Task<CommandPolicy> GetAsync(Guid projectId, CancellationToken cancellationToken)
    {
        projectId = (await projects.RulingAsync(projectId, cancellationToken)).ProjectId;
        return await store.ReadAsync(
            reader => Made(reader.Query(OtherwiseOf, Otherwise, ("$id", projectId.ToString())),
                reader.Query(RulesOf, Rule, ("$id", projectId.ToString()))), cancellationToken);
    }

    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND, INVALID_REQUEST</exception>
    public async Task<CommandPolicy> SetAsync(Guid projectId, CommandPolicy policy, Typist who, CancellationToken cancellationToken)
    {
        Check(policy);
        var wanted = policy with { Rules = [.. policy.Rules.Select(r => r with { Pattern = r.Pattern.Trim() }).Distinct()] };
        var project = await projects.RulingAsync(projectId, cancellationToken);
        projectId = project.ProjectId;
        await store.WriteAsync(change =>
        {
            var old = Made(change.Query(OtherwiseOf, Otherwise, ("$id", projectId.ToString())),
                change.Query(RulesOf, Rule, ("$id", projectId.ToString())));
            change.Execute(
                "INSERT INTO command_policies (project_id, otherwise) VALUES ($id, $otherwise) ON CONFLICT (project_id) DO UPDATE SET otherwise = $otherwise",
                ("$id", projectId.ToString()),
                ("$otherwise", CommandJudge.Word(wanted.Otherwise)));
            change.Execute("DELETE FROM command_rules WHERE project_id = $id", ("$id", projectId.ToString()));
            for (var i = 0; i < wanted.Rules.Count; i++)
            {
                change.Execute(
                    "INSERT INTO command_rules (project_id, position, verdict, pattern) VALUES ($id, $position, $verdict, $pattern)",
                    ("$id", projectId.ToString()),
                    ("$position", i),
                    ("$verdict", CommandJudge.Word(wanted.Rules[i].Verdict)),
                    ("$pattern", wanted.Rules[i].Pattern));
            }

            change.Ledger(new LedgerEntry(LedgerKind.ConfigurationChanged)
            {
                DeviceId = who.DeviceId,
                Actor = who.Actor ?? who.Label,
                Data = new SettingData("command_rules", project.Name, "set", Words(wanted), Words(old), projectId).ToJson(),
            });
        });
        return wanted;
    }

    private static CommandPolicy Made(IReadOnlyList<CommandVerdict> otherwise, IReadOnlyList<CommandRule> rules)
        => otherwise.Count == 0 ? None : new CommandPolicy(otherwise[0], rules);

    private static CommandVerdict Otherwise(SqliteDataReader row) => Verdict(row.GetString(0));

    private static CommandRule Rule(SqliteDataReader row) => new(Verdict(row.GetString(0)), row.GetString(1));

    /// <summary>For the ledger.</summary>
    private static string Words(CommandPolicy policy)
        => string.Join("\n", policy.Rules.Select(CommandJudge.Name).Append($"otherwise {CommandJudge.Word(policy.Otherwise)}"));

    private static void Check(CommandPolicy policy)
    {
        if (policy.Rules.Count > CommandLimits.Rules)
        {
            throw CommandRules.Invalid($"A project has at most {CommandLimits.Rules} rules for commands.");
        }

        if (!Enum.IsDefined(policy.Otherwise) || policy.Rules.Any(r => !Enum.IsDefined(r.Verdict)))
        {
            throw CommandRules.Invalid("A rule allows, asks or denies.");
        }

        if (policy.Rules.Any(r => r.Pattern.Trim().Length is < 1 or > CommandLimits.PatternCharacters
            || r.Pattern.Any(c => char.IsControl(c) || c == '\uFFFF')))
        {
            throw CommandRules.Invalid(
                $"A rule's pattern has 1 to {CommandLimits.PatternCharacters} characters and no control characters.");
        }
    }

    private static CommandVerdict Verdict(string word)
        => Enum.GetValues<CommandVerdict>().Where(v => CommandJudge.Word(v) == word).Cast<CommandVerdict?>().FirstOrDefault()
            ?? throw new FormatException($"A rule can't be {word} in this version.");
}
