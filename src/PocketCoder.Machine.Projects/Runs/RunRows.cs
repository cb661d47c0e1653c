using Microsoft.Data.Sqlite;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Runs;

/// <summary>A row of <c>command_runs</c>.</summary>
/// <param name="Asked">SHA-256 of the request.</param>
internal sealed record CommandRow(CommandRunInfo Run, string Asked, string? Pieces);

/// <summary>The tables of one-shot commands.</summary>
internal static class RunRows
{
    private const string Columns =
        "SELECT request_id, project_id, command, cwd, by, sandbox, state, started_at, ended_at, exit_code, signal, truncated, bytes, sha256, output_preview, timeout_s, error, asked_sha256, pieces FROM command_runs";

    /// <returns>False: there is one of that id.</returns>
    public static bool Insert(Change change, CommandRunInfo run, string asked) => change.Execute(
        """
        INSERT INTO command_runs (request_id, project_id, command, cwd, by, sandbox, state, started_at, timeout_s, asked_sha256)
        VALUES ($id, $project, $command, $cwd, $by, $sandbox, $state, $started, $timeout, $asked) ON CONFLICT (request_id) DO NOTHING
        """,
        ("$id", run.RunId.ToString()),
        ("$project", run.ProjectId.ToString()),
        ("$command", run.Command),
        ("$cwd", run.Cwd),
        ("$by", run.By),
        ("$sandbox", SandboxName.Of(run.Sandbox)),
        ("$state", Word(run.State)),
        ("$started", Instant.Text(run.StartedAt)),
        ("$timeout", run.TimeoutSeconds),
        ("$asked", asked)) > 0;

    public static void Finish(Change change, CommandRunInfo run, string? pieces) => change.Execute(
        """
        UPDATE command_runs SET state = $state, ended_at = $ended, exit_code = $code, signal = $signal, truncated = $truncated, bytes = $bytes, sha256 = $sha256,
            output_preview = $preview, error = $error, pieces = $pieces WHERE request_id = $id
        """,
        ("$id", run.RunId.ToString()),
        ("$state", Word(run.State)),
        ("$ended", Instant.Text(run.EndedAt)),
        ("$code", run.ExitCode),
        ("$signal", run.Signal),
        ("$truncated", run.Truncated ? 1 : 0),
        ("$bytes", run.Bytes),
        ("$sha256", run.Sha256),
        ("$preview", run.Preview),
        ("$error", run.Error),
        ("$pieces", pieces));

    public static async Task<CommandRow?> FindAsync(Store store, Guid run, CancellationToken cancellationToken)
        => await store.QueryAsync($"{Columns} WHERE request_id = $id", Map, cancellationToken, ("$id", run.ToString())) is [var one] ? one
            : null;

    public static CommandRow? Find(Change change, Guid run)
        => change.Find($"{Columns} WHERE request_id = $id", Map, ("$id", run.ToString()));

    public static IReadOnlyList<CommandRow> Running(Change change) => change.Query($"{Columns} WHERE state = 'running'", Map);

    /// <summary>The newest first.</summary>
    public static Task<IReadOnlyList<CommandRow>> ListAsync(
        Store store, Guid? project, Guid? before, int limit, CancellationToken cancellationToken) => store.QueryAsync(
        $"""
        {Columns}
        WHERE ($project IS NULL OR project_id = $project)
          AND ($before IS NULL OR (started_at, request_id) < (SELECT started_at, request_id FROM command_runs WHERE request_id = $before))
        ORDER BY started_at DESC, request_id DESC LIMIT $limit
        """,
        Map,
        cancellationToken,
        ("$project", project?.ToString()),
        ("$before", before?.ToString()),
        ("$limit", limit));

    /// <summary>Removes runs beyond the age and the number that are kept, whichever leaves fewer, but none that is running.</summary>
    /// <returns>What was removed, for its output.</returns>
    public static IReadOnlyList<(Guid Project, Guid Run)> Sweep(Change change, DateTimeOffset oldest, int most)
    {
        const string gone =
            "state <> 'running' AND (started_at < $oldest OR request_id IN (SELECT request_id FROM command_runs ORDER BY started_at DESC, request_id DESC LIMIT -1 OFFSET $most))";
        var removed = change.Query(
            $"SELECT project_id, request_id FROM command_runs WHERE {gone}", row => (row.Id(0), row.Id(1)),
            ("$oldest", Instant.Text(oldest)), ("$most", most));
        change.Execute($"DELETE FROM command_runs WHERE {gone}", ("$oldest", Instant.Text(oldest)), ("$most", most));
        return removed;
    }

    public static Task<IReadOnlyList<CommandFavourite>> FavouritesAsync(Store store, Guid project, CancellationToken cancellationToken)
        => store.QueryAsync(
        "SELECT name, command, cwd, timeout_s FROM command_favourites WHERE project_id = $project ORDER BY position",
        row => new CommandFavourite(row.GetString(0), row.GetString(1), row.TextOrNull(2), row.GetInt32(3)),
        cancellationToken,
        ("$project", project.ToString()));

    public static void SetFavourites(Change change, Guid project, IReadOnlyList<CommandFavourite> favourites)
    {
        change.Execute("DELETE FROM command_favourites WHERE project_id = $project", ("$project", project.ToString()));
        for (var i = 0; i < favourites.Count; i++)
        {
            change.Execute(
                "INSERT INTO command_favourites (project_id, position, name, command, cwd, timeout_s) VALUES ($project, $position, $name, $command, $cwd, $timeout)",
                ("$project", project.ToString()),
                ("$position", i),
                ("$name", favourites[i].Name.Trim()),
                ("$command", favourites[i].Command),
                ("$cwd", favourites[i].Cwd),
                ("$timeout", favourites[i].TimeoutSeconds));
        }
    }

    private static CommandRow Map(SqliteDataReader row) => new(
        new CommandRunInfo(
            row.Id(0),
            row.Id(1),
            row.GetString(2),
            row.TextOrNull(3),
            row.GetString(4),
            SandboxName.Parse(row.GetString(5)),
            State(row.GetString(6)),
            row.Time(7),
            row.TimeOrNull(8),
            row.IsDBNull(9) ? null : row.GetInt32(9),
            row.TextOrNull(10),
            row.Flag(11),
            row.GetInt64(12),
            row.TextOrNull(13),
            row.GetString(14),
            row.GetInt32(15),
            row.TextOrNull(16)),
        row.GetString(17),
        row.TextOrNull(18));

    private static string Word(CommandRunState state) => state switch
    {
        CommandRunState.Running => "running",
        CommandRunState.Exited => "exited",
        CommandRunState.Cancelled => "cancelled",
        CommandRunState.TimedOut => "timed_out",
        CommandRunState.Failed => "failed",
        _ => "interrupted",
    };

    private static CommandRunState State(string word)
        => Enum.GetValues<CommandRunState>().Where(s => Word(s) == word).Cast<CommandRunState?>().FirstOrDefault()
            ?? throw new FormatException($"A run can't be {word} in this version.");
}
