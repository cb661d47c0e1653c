using Microsoft.Data.Sqlite;
using PocketCoder.Agents;
using PocketCoder.Agents.Stub;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Sessions;

public sealed class SteerTests
{
    [Fact]
    public async Task What_is_said_meanwhile_is_heard_in_the_running_turn_once()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("first words\nconfirm: wait\nlong: 3");
        var asked = await phone.AskedAsync();
        var prompt = Guid.CreateVersion7();

        var first = await SteerAsync(phone.Device, session, prompt, "rather in blue");
        var second = await SteerAsync(phone.Device, session, prompt, "rather in blue");
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);

        Assert.Equal(((SteerState, TurnInfo?))(SteerState.Heard, null), (first.State, first.Turn));
        Assert.Equal(SteerState.Heard, second.State);
        Assert.Equal(SteerState.Sending, (await phone.Device.NextEventAsync<SteerEvent>()).State);
        var heard = await phone.Device.NextEventAsync<SteerEvent>();
        Assert.Equal((prompt, "rather in blue", SteerState.Heard), (heard.PromptId, heard.Content, heard.State));
        var said = await phone.Device.NextEventAsync<TextEvent>(e => e.Text != "first words");
        Assert.Equal(1, said.Text.Split("(You said: rather in blue)").Length - 1);
        Assert.Equal(heard.TurnId, said.TurnId);
        Assert.Equal(TurnState.Completed, (await phone.DoneAsync()).Outcome);
        Assert.Single((await phone.GetAsync(session)).Turns);
    }

    [Fact]
    public async Task What_comes_too_late_becomes_a_prompt_of_the_same_id_and_says_so()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("hello");
        await phone.DoneAsync();
        var prompt = Guid.CreateVersion7();

        var late = await SteerAsync(phone.Device, session, prompt, "too late");
        await phone.DoneAsync();
        var again = await SteerAsync(phone.Device, session, prompt, "too late");

        Assert.Equal((SteerState.Queued, prompt), (late.State, late.Turn!.TurnId));
        Assert.Equal((SteerState.Queued, TurnState.Completed), (again.State, again.Turn!.State));
        Assert.Equal(["hello", "too late"], (await phone.GetAsync(session)).Turns.Select(t => t.Content));
    }

    [Fact]
    public async Task A_prompt_that_still_waits_for_its_yes_hears_nothing()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("hello");
        await phone.DoneAsync(); // the agent's process lives on
        await phone.PromptAsync(session, "confirm: something big");
        var asked = await phone.AskedAsync();

        var early = await SteerAsync(phone.Device, session, Guid.CreateVersion7(), "and something else");

        Assert.Equal((SteerState.Queued, TurnState.Queued), (early.State, early.Turn!.State));
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await phone.DoneAsync();
        await phone.DoneAsync();
    }

    [Fact]
    public async Task What_must_wait_for_a_yes_is_not_said_into_a_turn()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("first words\nconfirm: wait");
        var running = await phone.AskedAsync();

        var steered = await SteerAsync(phone.Device, session, Guid.CreateVersion7(), "confirm: something big");

        Assert.Equal(SteerState.Queued, steered.State);
        await phone.Device.DecideAsync(running, DecisionVerdict.Allow);
        await phone.DoneAsync();
        var asked = await phone.AskedAsync();
        Assert.Equal("something big", Assert.IsType<PromptSubject>(asked.Subject).Text);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Deny);
        await phone.DoneAsync();
    }

    [Fact]
    public async Task An_id_of_another_session_is_refused()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("first words\nconfirm: wait");
        await phone.AskedAsync();
        var prompt = Guid.CreateVersion7();
        await SteerAsync(phone.Device, session, prompt, "mine");
        var other = await phone.StartAsync("hello");

        var refused = await Assert.ThrowsAsync<WireErrorException>(() => SteerAsync(phone.Device, other, prompt, "mine"));

        Assert.Equal(ErrorCode.Conflict, refused.Error.Code);
    }

    [Fact]
    public async Task What_a_killed_daemon_was_saying_waits_in_a_held_queue_neither_lost_nor_said_twice()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("first words\nconfirm: wait");
        await phone.AskedAsync();
        var (heard, lost) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await SteerAsync(phone.Device, session, heard, "this was heard");
        await SteerAsync(phone.Device, session, lost, "nobody knows");
        await daemon.Daemon.StopAsync("by a test");

        // As a daemon leaves it that is killed between writing it down and hearing the agent's answer.
        await using (var database = new SqliteConnection($"Data Source={daemon.Options.Home.Database};Pooling=False"))
        {
            await database.OpenAsync(TestContext.Current.CancellationToken);
            await using var change = database.CreateCommand();
            change.CommandText = "UPDATE steers SET state = 'sending' WHERE prompt_id = $id";
            change.Parameters.AddWithValue("$id", lost.ToString());
            Assert.Equal(1, await change.ExecuteNonQueryAsync(TestContext.Current.CancellationToken));
        }

        await daemon.RestartAsync();

        await using var again = await phone.Device.AgainAsync(daemon.Url);
        await phone.DisposeAsync();
        var detail = await again.AskAsync(MessageTypes.AgentSessionGet, new AgentSessionGetRequest(session),
            ProtocolJson.Default.AgentSessionGetRequest, ProtocolJson.Default.AgentSessionGetResponse);
        Assert.True(detail.Session.Held);
        Assert.Equal([(lost, TurnState.Queued)],
            detail.Turns.Where(t => t.TurnId == lost || t.TurnId == heard).Select(t => (t.TurnId, t.State)));
        Assert.Equal(SteerState.Heard, (await SteerAsync(again, session, heard, "this was heard")).State);
        Assert.Equal(SteerState.Queued, (await SteerAsync(again, session, lost, "nobody knows")).State);
    }

    [Fact]
    public async Task What_may_have_been_heard_waits_for_a_person_also_when_the_turn_completes()
    {
        await using var daemon = await TestDaemon.StartAsync(drivers: [new Deaf(new StubDriver(TimeProvider.System))]);
        await daemon.Daemon.AsOwner().AddProjectAsync(Directory.CreateTempSubdirectory("pc-deaf-").FullName, "p", CancellationToken.None);
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("first words\nconfirm: wait");
        var asked = await phone.AskedAsync();

        var answer = await SteerAsync(phone.Device, session, Guid.CreateVersion7(), "hello?");
        Assert.Contains("may have been heard", (await phone.Device.NextEventAsync<NoticeEvent>()).Text, StringComparison.Ordinal);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        Assert.Equal(TurnState.Completed, (await phone.DoneAsync()).Outcome);

        Assert.Equal(SteerState.Queued, answer.State);
        var info = (await phone.GetAsync(session)).Session;
        Assert.Equal((1, true), (info.Queued, info.Held));
    }

    private static Task<AgentSteerResponse> SteerAsync(TestDevice device, Guid session, Guid prompt, string content) => device.AskAsync(
        MessageTypes.AgentSteer, new AgentSteerRequest(session, prompt, content), ProtocolJson.Default.AgentSteerRequest,
        ProtocolJson.Default.AgentSteerResponse);

    /// <summary>An agent that never says whether it heard.</summary>
    private sealed class Deaf(IAgentDriver stub) : IAgentDriver
    {
        public AgentDescription Description => stub.Description;

        public Task<AgentProbe> ProbeAsync(CancellationToken cancellationToken) => stub.ProbeAsync(cancellationToken);

        public async Task<IAgentProcess> StartAsync(AgentStart start, CancellationToken cancellationToken)
            => new DeafProcess(await stub.StartAsync(start, cancellationToken));
    }

    private sealed class DeafProcess(IAgentProcess stub) : IAgentProcess
    {
        public PocketCoder.Processes.ProcessIdentity? Process => stub.Process;

        public System.Threading.Channels.ChannelReader<AgentEvent> Events => stub.Events;

        public ValueTask PromptAsync(AgentPrompt prompt, CancellationToken cancellationToken)
            => stub.PromptAsync(prompt, cancellationToken);

        public ValueTask InterruptAsync(CancellationToken cancellationToken) => stub.InterruptAsync(cancellationToken);

        public ValueTask<bool> AnswerAsync(string requestId, AgentAnswer answer, CancellationToken cancellationToken)
            => stub.AnswerAsync(requestId, answer, cancellationToken);

        public ValueTask SetModeAsync(string mode, CancellationToken cancellationToken) => stub.SetModeAsync(mode, cancellationToken);

        public ValueTask SetModelAsync(string? model, CancellationToken cancellationToken) => stub.SetModelAsync(model, cancellationToken);

        public ValueTask<bool> SteerAsync(AgentPrompt prompt, CancellationToken cancellationToken)
            => throw new AgentException(AgentError.TimedOut, "no answer");

        public ValueTask DisposeAsync() => stub.DisposeAsync();
    }
}
