using Microsoft.Data.Sqlite;
using PocketCoder.Agents;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Tests.Sessions.Live;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Storage;

/// <summary>
/// What ends while nothing can be written is recorded when there is room, and says so meanwhile. The real engine says that it is full: its
/// file may not grow.
/// </summary>
public sealed class FullDatabaseTests
{
    private const string Full = "The disk is full";

    [Fact]
    public async Task A_command_that_ends_on_a_full_disk_is_recorded_and_told_when_there_is_room()
    {
        await using var daemon = await StartAsync(SandboxKind.Bubblewrap);
        await daemon.Daemon.SandboxesKnown;
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync("run: while [ ! -e go ]; do sleep 0.05; done; echo the end; exit 3", SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await phone.BecameAsync(ApprovalState.Running);

        Fill(daemon);
        await File.WriteAllTextAsync(phone.PathOf("go"), "");
        await WarnedAsync(daemon, true);
        Assert.DoesNotContain("execution_finished", await phone.LedgerAsync(asked.ApprovalId));

        MakeRoom(daemon);
        var result = await phone.Device.NextEventAsync<ToolResultEvent>();
        Assert.Equal((3, "the end\n"), (result.ExitCode, result.Output));
        await phone.DoneAsync();
        Assert.Equal(["approval_requested", "approval_decided", "execution_started", "execution_finished"],
            await phone.LedgerAsync(asked.ApprovalId));
        await WarnedAsync(daemon, false);
        Assert.True((await phone.VerifyAsync()).Intact);
    }

    [Fact]
    public async Task A_turn_that_is_stopped_on_a_full_disk_while_its_command_runs_ends_with_the_commands_real_end()
    {
        await using var daemon = await StartAsync(SandboxKind.Bubblewrap);
        await daemon.Daemon.SandboxesKnown;
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("run: echo begun; touch begun; sleep 300", SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await Wait.UntilAsync(() => File.Exists(phone.PathOf("begun")), "the command to run");

        Fill(daemon);
        await phone.CancelAsync(session);
        await WarnedAsync(daemon, true);
        MakeRoom(daemon);

        Assert.Equal(TurnState.Cancelled, (await phone.DoneAsync()).Outcome);
        Assert.Equal(["approval_requested", "approval_decided", "execution_started", "execution_finished"],
            await phone.LedgerAsync(asked.ApprovalId));
    }

    [Fact]
    public async Task What_was_seen_and_the_end_of_a_turn_wait_for_room()
    {
        var narrator = new Narrator();
        var folder = Directory.CreateTempSubdirectory("pc-project-");
        await using var daemon = await StartAsync(SandboxKind.None, narrator);
        await daemon.Daemon.AsOwner().AddProjectAsync(folder.FullName, "project", CancellationToken.None);
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("hello");
        var voice = await narrator.NextAsync();
        Fill(daemon);
        voice.Say(new AgentDelta("b", BlockKind.Text, new string('y', 20_000)));
        await WarnedAsync(daemon, true);
        voice.Say(new AgentBlockDropped("b"), new AgentTurnEnded(TurnOutcome.Failed) { Error = "gone" });
        Assert.Equal(SessionState.Working, (await phone.GetAsync(session)).Session.State);
        MakeRoom(daemon);
        var text = await phone.Device.NextEventAsync<TextEvent>();
        Assert.Equal((20_000, true), (text.Text.Length, text.Cut));
        Assert.Equal(TurnState.Failed, (await phone.DoneAsync()).Outcome);
        folder.Delete();
    }

    [Fact]
    public async Task A_one_shot_command_that_ends_on_a_full_disk_is_told_at_once_and_recorded_when_there_is_room()
    {
        await using var daemon = await StartAsync(SandboxKind.None);
        await using var phone = await daemon.PhoneAsync();
        var run = Guid.CreateVersion7();
        await phone.Device.AskAsync(
            MessageTypes.CommandExec,
            new CommandExecRequest(run, phone.Project.ProjectId,
                "while [ ! -e go ]; do sleep 0.05; done; head -c 200000 /dev/zero | tr '\\0' y; exit 5"),
            ProtocolJson.Default.CommandExecRequest,
            ProtocolJson.Default.CommandExecResponse);
        Fill(daemon);
        await File.WriteAllTextAsync(phone.PathOf("go"), "");
        await WarnedAsync(daemon, true);
        await Wait.UntilAsync(async () => (await RunAsync()).State == CommandRunState.Exited, "the end to be told");
        MakeRoom(daemon);
        await WarnedAsync(daemon, false);
        await Wait.UntilAsync(() => Kinds(daemon).Contains("command_finished", StringComparison.Ordinal), "its row");
        Assert.Equal(5, (await RunAsync()).ExitCode);

        async Task<CommandRunInfo> RunAsync() => (await phone.Device.AskAsync(
            MessageTypes.CommandRunsList, new CommandRunsListRequest(phone.Project.ProjectId), ProtocolJson.Default.CommandRunsListRequest,
            ProtocolJson.Default.CommandRunsListResponse)).Runs.Single(r => r.RunId == run);
    }

    private static Task<TestDaemon> StartAsync(SandboxKind sandbox, Narrator? narrator = null)
        => TestDaemon.StartAsync(
            sandbox: sandbox, drivers: narrator is null ? null : [narrator], seams: s => s with { MaxLedgerBytes = 4 << 20 });

    private static Task WarnedAsync(TestDaemon daemon, bool full) => Wait.UntilAsync(
        async () => (await daemon.Daemon.AsOwner().StatusAsync(CancellationToken.None)).Warnings.Any(
            w => w.StartsWith(Full, StringComparison.Ordinal)) == full, full ? "the warning" : "the end of the warning");

    /// <summary>Makes the file as large as the daemon may have it, and fills the pages that were free.</summary>
    private static void Fill(TestDaemon daemon)
    {
        using var connection = Open(daemon);
        Execute(connection, "CREATE TABLE ballast (data BLOB)");
        Execute(connection, "INSERT INTO ballast VALUES (zeroblob(4000000))");
        Execute(connection,
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO ballast SELECT zeroblob(3900) FROM n");
        Execute(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
    }

    private static void MakeRoom(TestDaemon daemon)
    {
        using var connection = Open(daemon);
        Execute(connection, "DROP TABLE ballast");
    }

    private static string Kinds(TestDaemon daemon)
    {
        using var connection = Open(daemon);
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT group_concat(CAST(body AS TEXT), ' ') FROM ledger";
        return (string)command.ExecuteScalar()!;
    }

    private static SqliteConnection Open(TestDaemon daemon)
    {
        var connection = new SqliteConnection($"Data Source={daemon.Options.Home.Database};Pooling=False;Default Timeout=30");
        connection.Open();
        return connection;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // the tests' own words
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
