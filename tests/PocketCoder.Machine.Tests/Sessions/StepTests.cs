using Microsoft.Data.Sqlite;
using PocketCoder.Agents;
using PocketCoder.Agents.Stub;
using PocketCoder.Ledger;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Sessions;

/// <summary>What must be written together, and what must be written before.</summary>
public sealed class StepTests
{
    [Fact]
    public async Task An_execution_does_not_end_without_its_result()
    {
        await using var daemon = await TestDaemon.StartAsync();
        Execute(daemon, """
            CREATE TRIGGER no_result BEFORE INSERT ON events WHEN CAST(NEW.body AS TEXT) LIKE '%"kind":"tool_result"%'
            BEGIN SELECT RAISE(ABORT, 'a test lets no result through'); END
            """);
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync("run: echo done");
        var asked = await phone.AskedAsync();
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await phone.DoneAsync();
        Assert.Equal(["approval_requested", "approval_decided", "execution_started", "execution_unknown"],
            await phone.LedgerAsync(asked.ApprovalId));
    }

    [Fact]
    public async Task A_turn_whose_end_cannot_be_written_leaves_everything_of_it_as_it_was()
    {
        await using var daemon = await TestDaemon.StartAsync();
        Execute(daemon, """
            CREATE TRIGGER no_end BEFORE INSERT ON events WHEN CAST(NEW.body AS TEXT) LIKE '%"kind":"done"%'
            BEGIN SELECT RAISE(ABORT, 'a test lets no end through'); END
            """);
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("confirm: stay\nfail: on purpose");
        var asked = await phone.AskedAsync();
        await phone.CancelAsync(session);
        await Wait.UntilAsync(() => daemon.Log.ToString().Contains("a step failed", StringComparison.Ordinal), "the end to fail");
        var detail = await phone.GetAsync(session);
        Assert.Null(Assert.Single(detail.Turns).FinishedAt);
        Assert.Equal(SessionState.Working, detail.Session.State);
        Assert.Equal(["approval_requested", "approval_expired"], await phone.LedgerAsync(asked.ApprovalId));
        Execute(daemon, "DROP TRIGGER no_end");
    }

    [Fact]
    public async Task The_mark_of_an_agent_is_written_down_before_the_agent_is_started()
    {
        var driver = new AskingDriver();
        await using var daemon = await TestDaemon.StartAsync(drivers: [driver]);
        driver.Look = () => Execute(daemon, "SELECT mark FROM agent_processes");
        var folder = Directory.CreateTempSubdirectory("pc-project-");
        await daemon.Daemon.AsOwner().AddProjectAsync(folder.FullName, "project", CancellationToken.None);
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync("hello");
        await phone.DoneAsync();
        Assert.NotNull(driver.Given);
        Assert.Equal(driver.Given, driver.Written);
        folder.Delete();
    }

    [Fact]
    public async Task A_home_is_known_as_the_demonstrations_before_it_holds_anything()
    {
        var home = Home.At(Directory.CreateTempSubdirectory("pc-").FullName);
        await File.WriteAllTextAsync(
            home.Database, "This is no database, and so the start ends here, as if it had been killed. " + new string('x', 200));
        await Assert.ThrowsAsync<LedgerException>(
            () => Daemon.StartAsync(new DaemonOptions { Home = home, Demo = true }, CancellationToken.None));
        Assert.True(Directory.Exists(home.Demo));
        Directory.Delete(home.Root, recursive: true);
    }

    private static string? Execute(TestDaemon daemon, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={daemon.Options.Home.Database};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // the tests' own words
        command.CommandText = sql;
#pragma warning restore CA2100
        return command.ExecuteScalar() as string;
    }

    /// <summary>The demo agent, which looks into the table when it is started.</summary>
    private sealed class AskingDriver : IAgentDriver
    {
        private readonly StubDriver _stub = new(TimeProvider.System);

        public Func<string?> Look { get; set; } = () => null;

        public string? Given { get; private set; }

        public string? Written { get; private set; }

        public AgentDescription Description => _stub.Description;

        public Task<AgentProbe> ProbeAsync(CancellationToken cancellationToken) => _stub.ProbeAsync(cancellationToken);

        public Task<IAgentProcess> StartAsync(AgentStart start, CancellationToken cancellationToken)
        {
            (Given, Written) = (start.Mark, Look());
            return _stub.StartAsync(start, cancellationToken);
        }
    }
}
