using Microsoft.Data.Sqlite;

namespace PocketCoder.Machine.Tests.Approvals;

/// <summary>
/// What stood in the table of approvals before it could hold those of projects is there afterwards, and so are the allowances that hang on
/// it.
/// </summary>
public sealed class ProjectApprovalsMigrationTests
{
    [Fact]
    public async Task Old_approvals_and_grants_live_through_it_and_one_without_a_session_can_be_added()
    {
        await using var daemon = await TestDaemon.StartAsync(); // finds the machine's SQLite
        using var database = new SqliteConnection("Data Source=:memory:;Foreign Keys=True");
        database.Open();
        Run(database, Script("0001_machine") + Script("0002_network"));
        Run(database, """
            INSERT INTO projects (project_id, name, path, created_at) VALUES ('p', 'api', '/p', '2026-01-01');
            INSERT INTO sessions (session_id, project_id, agent, title, mode, sandbox, created_at, updated_at) VALUES ('s', 'p', 'stub', 't', NULL, 'None', '2026-01-01', '2026-01-01');
            INSERT INTO approvals (approval_id, session_id, turn_id, state, decision_id, reach_key, requested_at, body) VALUES ('a', 's', 't', 'Allowed', 'd', 'k', '2026-01-02', '{"projectId":"p"}');
            INSERT INTO grants (approval_id, session_id, turn_id, reach_key) VALUES ('a', 's', NULL, 'k');
            """);
        Run(database, Script("0003_project_approvals"));
        Assert.Equal("a|s|p|t|Allowed|d|k|2026-01-02|{\"projectId\":\"p\"}", Row(database, "SELECT * FROM approvals"));
        Assert.Equal("a|s||k", Row(database, "SELECT * FROM grants"));
        Run(database, "INSERT INTO approvals (approval_id, session_id, project_id, turn_id, state, requested_at, body) VALUES ('b', NULL, 'p', '', 'Pending', '2026-01-03', '{}')");
        // the reference is the new table's
        Assert.Throws<SqliteException>(
            () => Run(database, "INSERT INTO grants (approval_id, session_id, reach_key) VALUES ('none', 's', 'k')"));
    }

    private static void Run(SqliteConnection database, string sql)
    {
        using var transaction = database.BeginTransaction();
        using var command = database.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
        transaction.Commit();
    }

    private static string Row(SqliteConnection database, string sql)
    {
        using var command = database.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        Assert.True(reader.Read());
        return string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(i => reader.IsDBNull(i) ? "" : reader.GetString(i)));
    }

    private static string Script(string name)
    {
        using var reader = new StreamReader(
            typeof(Daemon).Assembly.GetManifestResourceStream($"PocketCoder.Machine.Migrations.{name}.sql")!);
        return reader.ReadToEnd();
    }
}
