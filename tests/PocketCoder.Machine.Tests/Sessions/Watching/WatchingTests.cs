using System.Text.Json;
using System.Threading.Channels;
using PocketCoder.Agents;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Sessions.Watching;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Sessions.Watching;

/// <summary>The watch over a running turn, as a device sees it.</summary>
public sealed class WatchingTests
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task Silence_is_pushed_to_devices_with_its_reason()
    {
        var time = new ManualTime();
        await using var daemon = await TestDaemon.StartAsync(time, limits: new TurnLimits { Silence = TimeSpan.FromHours(24) });
        await using var phone = await daemon.PhoneAsync();
        await phone.Device.SubscribeAsync("machine", phone.Device.Hello.Instance);
        var session = await phone.StartAsync("silent: 10000");
        await Wait.UntilAsync(async () => (await phone.GetAsync(session)).Session.Quiet?.Kind == QuietKind.Thinking, "it thinks");
        await AdvanceUntilAsync(time, async () => (await phone.GetAsync(session)).Session.Quiet?.Kind is QuietKind.Silent
            or QuietKind.Network, "the silence is noticed");
        await phone.Device.NextAsync(e => e.Payload?.ToString() is { } text && (text.Contains("\"quiet\":{\"kind\":\"silent\"",
            StringComparison.Ordinal) || text.Contains("\"quiet\":{\"kind\":\"network\"", StringComparison.Ordinal)), "the silence");
        await phone.CancelAsync(session);
        await phone.DoneAsync();
        await Wait.UntilAsync(async () => (await phone.GetAsync(session)).Session.Quiet is null, "an idle session is not silent");
    }

    [Fact]
    public async Task A_turn_without_any_sign_of_life_is_stopped_with_that_reason()
    {
        var time = new ManualTime();
        await using var daemon = await TestDaemon.StartAsync(time, limits: new TurnLimits { Silence = TimeSpan.FromMinutes(3) });
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("silent: 10000");
        await AdvanceUntilDoneAsync(time, phone, session);
        Assert.Equal(TurnState.Failed, (await phone.DoneAsync()).Outcome);
        Assert.Contains("silent for 3 min", Assert.Single((await phone.GetAsync(session)).Turns).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_agent_that_retries_beyond_its_budget_is_stopped_with_the_providers_error_and_the_queue_is_held()
    {
        var time = new ManualTime();
        await using var daemon = await TestDaemon.StartAsync(time, limits: new TurnLimits { Retries = 3 });
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("retry: 10000");
        await phone.PromptAsync(session, "next");
        await Wait.UntilAsync(async () => (await phone.GetAsync(session)).Session.Quiet is
        {
            Kind: QuietKind.Retrying, Attempt: 1,
            NextAt: not null, Detail: "overloaded 529"
        }, "the retry is told");
        await AdvanceUntilDoneAsync(time, phone, session);
        Assert.Equal(TurnState.Failed, (await phone.DoneAsync()).Outcome);
        var after = await phone.GetAsync(session);
        Assert.Contains("after 4 failed requests to the model provider (overloaded 529)", after.Turns[0].Error, StringComparison.Ordinal);
        Assert.True(after.Session.Held);
    }

    [Fact]
    public async Task The_third_time_the_same_is_noted_and_at_the_sixth_the_person_says_whether_it_goes_on()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync("again: 6\nrun: echo after > after.txt");
        var notice = await phone.Device.NextEventAsync<NoticeEvent>();
        Assert.Contains("3 times in a row with the same result: look: the same thing", notice.Text, StringComparison.Ordinal);
        var question = await phone.AskedAsync();
        Assert.Contains("6 times", Assert.Single(Assert.IsType<QuestionSubject>(question.Subject).Questions).Text,
            StringComparison.Ordinal);
        await AnswerAsync(phone, question, "Go on");
        var command = await phone.AskedAsync(); // held back until the answer
        Assert.IsType<CommandSubject>(command.Subject);
        await phone.Device.DecideAsync(command, DecisionVerdict.Allow);
        Assert.Equal(TurnState.Completed, (await phone.DoneAsync()).Outcome);
        Assert.True(File.Exists(phone.PathOf("after.txt")));
    }

    [Fact]
    public async Task Stop_ends_the_turn_of_an_agent_that_repeats_itself_and_what_it_wanted_is_not_asked_for()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("again: 6\nrun: echo after > after.txt");
        var question = await phone.AskedAsync();
        await AnswerAsync(phone, question, "Stop");
        Assert.Equal(TurnState.Failed, (await phone.DoneAsync()).Outcome);
        Assert.Equal("Stopped, because the agent repeated itself.", Assert.Single((await phone.GetAsync(session)).Turns).Error);
        Assert.False(File.Exists(phone.PathOf("after.txt")));
    }

    [Fact]
    public async Task An_agent_that_goes_on_repeating_itself_while_the_question_is_open_is_stopped()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("again: 12\nask: still there? | yes");
        Assert.Equal(TurnState.Failed, (await phone.DoneAsync()).Outcome);
        Assert.Contains("12 times in a row", Assert.Single((await phone.GetAsync(session)).Turns).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_process_that_is_gone_without_a_word_is_told_and_its_turn_is_interrupted()
    {
        var time = new ManualTime();
        await using var daemon = await TestDaemon.StartAsync(time, drivers: [new GoneDriver()]);
        var folder = Directory.CreateTempSubdirectory("pc-project-");
        await daemon.Daemon.AsOwner().AddProjectAsync(folder.FullName, "project", CancellationToken.None);
        await using var phone = await daemon.PhoneAsync();
        await phone.Device.SubscribeAsync("machine", phone.Device.Hello.Instance);
        var session = await phone.StartAsync("hello");
        await AdvanceUntilDoneAsync(time, phone, session);
        await phone.Device.NextAsync(e => e.Payload?.ToString() is { } text
            && text.Contains("\"quiet\":{\"kind\":\"dead\"", StringComparison.Ordinal), "the end of the process");
        var turn = Assert.Single((await phone.GetAsync(session)).Turns);
        Assert.Equal(TurnState.Interrupted, turn.State);
        Assert.Contains("it is gone", turn.Error, StringComparison.Ordinal);
        folder.Delete();
    }

    private static Task<ApprovalInfo> AnswerAsync(Phone phone, ApprovalInfo question, string answer)
    {
        var words = Assert.Single(Assert.IsType<QuestionSubject>(question.Subject).Questions).Text;
        return phone.Device.DecideAsync(
            question, DecisionVerdict.Allow, answers: JsonSerializer.Serialize(new Dictionary<string, string> { [words] = answer }));
    }

    private static Task AdvanceUntilDoneAsync(ManualTime time, Phone phone, Guid session)
        => AdvanceUntilAsync(time, async () => (await phone.GetAsync(session)).Turns[0].FinishedAt is not null, "the turn is stopped");

    private static Task AdvanceUntilAsync(ManualTime time, Func<Task<bool>> condition, string what) => Wait.UntilAsync(
        async () =>
        {
            time.Advance(s_look);
            return await condition();
        },
        what);

    /// <summary>An agent whose process ended, though nothing says so on its pipes.</summary>
    private sealed class GoneDriver : IAgentDriver
    {
        public AgentDescription Description { get; } = new("stub", "Gone");

        public Task<AgentProbe> ProbeAsync(CancellationToken cancellationToken) => Task.FromResult(new AgentProbe(Installed: true));

        public Task<IAgentProcess> StartAsync(AgentStart start, CancellationToken cancellationToken)
            => Task.FromResult<IAgentProcess>(new GoneProcess());
    }

    private sealed class GoneProcess : IAgentProcess
    {
        private readonly Channel<AgentEvent> _events = Channel.CreateUnbounded<AgentEvent>();

        /// <summary>This test's own number, but of another process that had it before.</summary>
        public ProcessIdentity? Process { get; } = ProcessGroup.Identify(Environment.ProcessId)! with { StartTicks = 1 };

        public ChannelReader<AgentEvent> Events => _events.Reader;

        public ValueTask PromptAsync(AgentPrompt prompt, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask InterruptAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask<bool> AnswerAsync(string requestId, AgentAnswer answer, CancellationToken cancellationToken)
            => ValueTask.FromResult(false);

        public ValueTask SetModeAsync(string mode, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask SetModelAsync(string? model, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask DisposeAsync()
        {
            _events.Writer.TryComplete();
            return ValueTask.CompletedTask;
        }
    }
}
