using System.Text.Json;
using PocketCoder.Agents;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Sessions.Warming;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Sessions.Warming;

/// <summary>
/// Agents that are kept without work, and those that are started ahead of a prompt, with the demo agent behind the whole daemon.
/// </summary>
public sealed class WarmTests : IAsyncLifetime
{
    private readonly ManualTime _time = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pocketcoder-test-");
    private WatchedDriver _agent = null!;
    private TestDaemon _daemon = null!;
    private Phone _phone = null!;

    public async ValueTask InitializeAsync()
    {
        _agent = new WatchedDriver(_time);
        _daemon = await TestDaemon.StartAsync(_time, drivers: [_agent], warm: new WarmLimits { Agents = 2 });
        await _daemon.Daemon.AsOwner().AddProjectAsync(_folder.FullName, "demo", CancellationToken.None);
        _phone = await _daemon.PhoneAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _phone.DisposeAsync();
        await _daemon.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Who_is_about_to_write_finds_the_agent_started_and_until_then_nothing_is_written_down()
    {
        var session = await ColdAsync("hello");
        var before = await InfoAsync(session);
        var rows = await LedgerAsync();

        Assert.True(await WarmAsync(session));
        Assert.True(await WarmAsync(session)); // once
        await Wait.UntilAsync(() => _agent.Alive == 1, "it is started");
        await Wait.UntilAsync(() => _daemon.Log.Lines.Count(l => l.Contains("stub started", StringComparison.Ordinal)) == 2,
            "the daemon has it");
        Assert.Equal(Told(before), Told(await InfoAsync(session)));
        Assert.Equal(rows, await LedgerAsync());

        await _phone.PromptAsync(session, "again");
        await _phone.Device.NextEventAsync<NoticeEvent>(n => n.Text.Contains("resumed", StringComparison.Ordinal));
        Assert.Equal(TurnState.Completed, (await _phone.DoneAsync()).Outcome);
        Assert.Equal(2, _agent.Starts.Count);
        Assert.True(await WarmAsync(session)); // kept from its turn
        Assert.Equal(2, _agent.Starts.Count);
    }

    [Fact]
    public async Task A_session_that_is_opened_has_its_agent_started_while_there_is_room_and_it_ends_when_nobody_prompts()
    {
        var sessions = new List<Guid>();
        for (var i = 0; i < 3; i++)
        {
            sessions.Add(await ColdAsync($"hello {i}"));
        }

        Assert.True(await WarmAsync(sessions[0], opened: true));
        Assert.True(await WarmAsync(sessions[1], opened: true));
        Assert.False(await WarmAsync(sessions[2], opened: true)); // two are kept at most, and reading ends none
        await Wait.UntilAsync(() => _agent.Alive == 2, "two are started");
        await StartedAsync(5);
        Assert.True(await WarmAsync(sessions[0], opened: true));
        _time.Advance(WarmLimits.Default.IdleAhead);
        await Wait.UntilAsync(() => _agent.Alive == 0, "they end");
    }

    [Fact]
    public async Task A_prompt_that_comes_while_it_is_being_started_starts_nothing_more()
    {
        var session = await ColdAsync("hello");
        var gate = new TaskCompletionSource();
        _agent.Gate = gate.Task;
        Assert.True(await WarmAsync(session));
        await _phone.PromptAsync(session, "again");
        Assert.True(await WarmAsync(session));
        Assert.Equal(SessionState.Working, (await InfoAsync(session)).State);
        gate.SetResult();
        Assert.Equal(TurnState.Completed, (await _phone.DoneAsync()).Outcome);
        Assert.Equal((2, 1), (_agent.Starts.Count, _agent.Alive));
    }

    [Fact]
    public async Task Both_at_once_start_one_whoever_is_first()
    {
        var session = await ColdAsync("hello");
        for (var i = 0; i < 20; i++)
        {
            var starts = _agent.Starts.Count;
            await Task.WhenAll(i % 2 == 0 ? [WarmAsync(session), _phone.PromptAsync(session, "again")] : new Task[]
                { _phone.PromptAsync(session, "again"), WarmAsync(session) });
            Assert.Equal(TurnState.Completed, (await _phone.DoneAsync()).Outcome);
            Assert.Equal((starts + 1, 1), (_agent.Starts.Count, _agent.Alive));
            await EndIdleAsync();
        }
    }

    [Fact]
    public async Task A_prompt_that_must_wait_for_a_yes_and_a_stop_are_no_trouble()
    {
        var session = await ColdAsync("hello");
        Assert.True(await WarmAsync(session));
        await Wait.UntilAsync(() => _agent.Alive == 1, "it is started");
        await _phone.PromptAsync(session, "confirm: asked first");
        await _phone.Device.DecideAsync(await _phone.AskedAsync(), DecisionVerdict.Allow);
        Assert.Equal(TurnState.Completed, (await _phone.DoneAsync()).Outcome);
        Assert.Equal(2, _agent.Starts.Count);

        await EndIdleAsync();
        _agent.Gate = new TaskCompletionSource().Task; // never
        Assert.True(await WarmAsync(session));
        var turn = await _phone.PromptAsync(session, "stopped while it starts");
        await _phone.CancelAsync(session, turn: turn.TurnId);
        Assert.Equal(TurnState.Cancelled, (await _phone.DoneAsync()).Outcome);
        _agent.Gate = Task.CompletedTask;
        await _phone.PromptAsync(session, "and now");
        Assert.Equal(TurnState.Completed, (await _phone.DoneAsync()).Outcome);
    }

    [Fact]
    public async Task What_was_chosen_while_it_started_is_what_the_prompt_gets()
    {
        var session = await ColdAsync("hello");
        var gate = new TaskCompletionSource();
        _agent.Gate = gate.Task;
        Assert.True(await WarmAsync(session));
        await Wait.UntilAsync(() => _agent.Starts.Count == 2, "the start");
        await SetAsync(new AgentSessionSetRequest(session, Model: "demo-large"));
        await _phone.PromptAsync(session, "/settings");
        gate.SetResult();
        await _phone.Device.NextEventAsync<TextEvent>(t => t.Text.Contains("model demo-large", StringComparison.Ordinal));
        Assert.Equal((3, 1), (_agent.Starts.Count, _agent.Alive));
    }

    [Fact]
    public async Task Nothing_is_started_ahead_where_a_prompt_would_not_just_start_it()
    {
        var session = await ColdAsync("hello");
        await SetAsync(new AgentSessionSetRequest(session, Archived: true));
        Assert.False(await WarmAsync(session));
        await SetAsync(new AgentSessionSetRequest(session, Archived: false));

        var owner = _daemon.Daemon.AsOwner().Sessions;
        await using (var terminal = OwnedProcess.Start(new ProcessStart
        {
            Program = "/bin/sleep",
            Arguments = ["300"],
            WorkingDirectory = "/",
            Environment = new Dictionary<string, string>()
        }, TimeProvider.System))
        {
            await owner.HoldAsync(session, new HoldRequest("", terminal.Identity.Pid, null, End: true));
            Assert.False(await WarmAsync(session));
            await owner.ReleaseAsync(session, terminal.Identity.Pid);
        }

        await Wait.UntilAsync(async () => !(await InfoAsync(session)).InTerminal, "the terminal was left");
        var failed = await ColdAsync("fail: it broke", TurnState.Failed);
        Assert.False(await WarmAsync(failed));

        _agent.Failures.Enqueue(new AgentException(AgentError.FailedToStart, "never had a conversation"));
        var unborn = await _phone.StartAsync("never");
        await _phone.DoneAsync();
        Assert.False(await WarmAsync(unborn));
        Assert.Equal(3, _agent.Starts.Count);
        var missing = await Assert.ThrowsAsync<WireErrorException>(() => WarmAsync(Guid.CreateVersion7()));
        Assert.Equal(ErrorCode.SessionNotFound, missing.Error.Code);
        Assert.True(await WarmAsync(session));
    }

    [Fact]
    public async Task One_that_can_not_be_started_ahead_is_nobodys_trouble_and_the_prompt_starts_it()
    {
        var session = await ColdAsync("hello");
        var before = await InfoAsync(session);
        _agent.Failures.Enqueue(new AgentException(AgentError.NotFound, "not just now"));
        Assert.True(await WarmAsync(session));
        await Wait.UntilAsync(() => _daemon.Log.Lines.Any(
            l => l.Contains("not kept ahead of a prompt: not just now", StringComparison.Ordinal)), "the log says so");
        Assert.False(await WarmAsync(session)); // not again and again
        Assert.Equal(Told(before), Told(await InfoAsync(session)));
        await _phone.PromptAsync(session, "again");
        Assert.Equal(TurnState.Completed, (await _phone.DoneAsync()).Outcome);
        Assert.Equal(3, _agent.Starts.Count);

        // The same with a prompt that came meanwhile.
        await EndIdleAsync();
        var gate = new TaskCompletionSource();
        _agent.Gate = gate.Task;
        _agent.Failures.Enqueue(new IOException("nor now"));
        Assert.True(await WarmAsync(session));
        await _phone.PromptAsync(session, "once more");
        gate.SetResult();
        Assert.Equal(TurnState.Completed, (await _phone.DoneAsync()).Outcome);
        Assert.Equal(5, _agent.Starts.Count);
    }

    [Fact]
    public async Task One_that_nobody_prompts_ends_after_two_minutes_and_one_after_its_turn_after_ten()
    {
        var session = await ColdAsync("hello");
        Assert.True(await WarmAsync(session));
        await StartedAsync(2);
        await StepAsync(session);
        _time.Advance(TimeSpan.FromSeconds(119));
        await StepAsync(session);
        Assert.Equal(1, _agent.Alive);
        Assert.True(await WarmAsync(session)); // still about to
        _time.Advance(TimeSpan.FromSeconds(119));
        await StepAsync(session);
        Assert.Equal(1, _agent.Alive);
        _time.Advance(TimeSpan.FromSeconds(1));
        await Wait.UntilAsync(() => _agent.Alive == 0, "it ends");

        await _phone.PromptAsync(session, "again");
        await _phone.DoneAsync();
        await RestsAsync(session);
        _time.Advance(TimeSpan.FromMinutes(9.9));
        await StepAsync(session);
        Assert.Equal(1, _agent.Alive);
        _time.Advance(TimeSpan.FromMinutes(0.1));
        await Wait.UntilAsync(() => _agent.Alive == 0, "it ends");
    }

    [Fact]
    public async Task One_too_many_without_work_ends_the_one_used_the_longest_ago_and_the_log_says_why()
    {
        var first = await _phone.StartAsync("one");
        await _phone.DoneAsync();
        var second = await _phone.StartAsync("two");
        await _phone.DoneAsync();
        await RestsAsync(second);
        await _phone.PromptAsync(first, "one again");
        await _phone.DoneAsync();
        await RestsAsync(first);
        var third = await _phone.StartAsync("three");
        await _phone.DoneAsync();
        await Wait.UntilAsync(() => _agent.Started.Count(p => p.IsDisposed) == 1, "one ends");
        Assert.Equal([false, true, false], _agent.Started.Select(p => p.IsDisposed));
        Assert.Contains(_daemon.Log.Lines,
            l => l.Contains($"session {second}: stub ends without work: at most 2", StringComparison.Ordinal));

        await RestsAsync(third);
        Assert.True(await WarmAsync(second)); // ahead: the oldest makes room
        await Wait.UntilAsync(() => _agent.Started.Select(p => p.IsDisposed).SequenceEqual([true, true, false, false]), "another one ends");
    }

    [Fact]
    public async Task One_that_wants_something_or_ends_before_it_was_prompted_is_ended_and_nobody_is_asked()
    {
        var session = await ColdAsync("hello");
        Assert.True(await WarmAsync(session));
        await StartedAsync(2);
        _agent.Started.Last().Say(
            new AgentQuestionAsked("q", "q", [new AgentQuestion("Well?", "Well", [new AgentOption("yes", null)], MultiSelect: false)]));
        await Wait.UntilAsync(() => _agent.Alive == 0, "it ends");
        Assert.Contains(_daemon.Log.Lines, l => l.Contains("it requested an action before it got a prompt", StringComparison.Ordinal));

        Assert.True(await WarmAsync(session));
        await StartedAsync(3);
        _agent.Started.Last().Say(new AgentEnded(1, "it fell over"));
        await Wait.UntilAsync(() => _agent.Alive == 0, "it ended");
        await _phone.PromptAsync(session, "again");
        Assert.Equal(TurnState.Completed, (await _phone.DoneAsync()).Outcome);
        Assert.Empty((await _phone.Device.AskAsync(MessageTypes.ApprovalsList, new ApprovalsListRequest(),
            ProtocolJson.Default.ApprovalsListRequest, ProtocolJson.Default.ApprovalsListResponse)).Approvals);
    }

    [Fact]
    public async Task A_session_whose_queue_is_held_keeps_its_agent_no_longer_than_others()
    {
        var session = await _phone.StartAsync("hello\nconfirm: busy");
        await _phone.AskedAsync();
        await _phone.PromptAsync(session, "waits");
        await _phone.CancelAsync(session);
        await _phone.DoneAsync();
        await RestsAsync(session);
        Assert.True((await InfoAsync(session)).Held);
        _time.Advance(TimeSpan.FromMinutes(10));
        await Wait.UntilAsync(() => _agent.Alive == 0, "it ends");
    }

    /// <summary>A session after its first turn, whose agent ended.</summary>
    private async Task<Guid> ColdAsync(string prompt, TurnState outcome = TurnState.Completed)
    {
        var session = await _phone.StartAsync(prompt);
        Assert.Equal(outcome, (await _phone.DoneAsync()).Outcome);
        await RestsAsync(session);
        await EndIdleAsync();
        return session;
    }

    /// <summary>What a turn's end, once it was seen, puts off to the next step is done too.</summary>
    private async Task RestsAsync(Guid session)
    {
        await StepAsync(session);
        await StepAsync(session);
    }

    /// <summary>What the session was doing is done: a stop that means no turn takes its turn in the mailbox and changes nothing.</summary>
    private Task<SessionInfo> StepAsync(Guid session) => _phone.CancelAsync(session, turn: Guid.CreateVersion7());

    private async Task EndIdleAsync()
    {
        await Wait.UntilAsync(
            () =>
            {
                _time.Advance(WarmLimits.Default.Idle);
                return _agent.Alive == 0;
            },
            "the agent ends");
    }

    private Task StartedAsync(int times) => Wait.UntilAsync(
        () => _daemon.Log.Lines.Count(l => l.Contains("stub started", StringComparison.Ordinal)) == times, "the daemon has it");

    private async Task<bool> WarmAsync(Guid session, bool opened = false) => (await _phone.Device.AskAsync(
        MessageTypes.AgentSessionWarm, new AgentSessionWarmRequest(session, opened), ProtocolJson.Default.AgentSessionWarmRequest,
        ProtocolJson.Default.AgentSessionWarmResponse)).Warm;

    private Task<AgentSessionSetResponse> SetAsync(AgentSessionSetRequest request) => _phone.Device.AskAsync(
        MessageTypes.AgentSessionSet, request, ProtocolJson.Default.AgentSessionSetRequest, ProtocolJson.Default.AgentSessionSetResponse);

    private async Task<SessionInfo> InfoAsync(Guid session) => (await _phone.GetAsync(session)).Session;

    /// <summary>All that is told of it: lists are equal by what is in them.</summary>
    private static string Told(SessionInfo session) => JsonSerializer.Serialize(session, ProtocolJson.Default.SessionInfo);

    private async Task<long> LedgerAsync() => (await _phone.Device.AskAsync(
        MessageTypes.LedgerList, new LedgerListRequest(Limit: 1), ProtocolJson.Default.LedgerListRequest,
        ProtocolJson.Default.LedgerListResponse)).Rows[0].Seq;
}
