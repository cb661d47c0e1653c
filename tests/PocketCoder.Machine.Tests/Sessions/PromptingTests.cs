using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Sessions;

/// <summary>The queue's order, settings in mid-session, what the agent tells of itself, and going on after a failure.</summary>
public sealed class PromptingTests
{
    [Fact]
    public async Task Waiting_prompts_run_in_the_order_they_were_put_into()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("confirm: busy");
        var busy = await phone.AskedAsync();
        var (one, two, three) = ((await phone.PromptAsync(session, "one")).TurnId, (await phone.PromptAsync(session, "two")).TurnId,
            (await phone.PromptAsync(session, "three")).TurnId);

        Assert.Equal([three, one, two], await MoveAsync(phone, session, three, one));
        Assert.Equal([three, two, one], await MoveAsync(phone, session, one, null));
        Assert.Equal([three, two, one], await MoveAsync(phone, session, one, null)); // again changes nothing
        await phone.Device.NextEventAsync<QueueOrderEvent>();
        Assert.Equal([three, two, one], (await phone.Device.NextEventAsync<QueueOrderEvent>()).PromptIds);
        await phone.Device.DecideAsync(busy, DecisionVerdict.Allow);
        for (var i = 0; i < 4; i++)
        {
            await phone.DoneAsync();
        }

        Assert.Equal(["confirm: busy", "three", "two", "one"], (await phone.GetAsync(session)).Turns.Select(t => t.Content));
        var late = await Assert.ThrowsAsync<WireErrorException>(() => MoveAsync(phone, session, one, null));
        Assert.Equal(ErrorCode.TurnNotFound, late.Error.Code);
    }

    [Fact]
    public async Task Waiting_prompts_become_one_in_the_place_of_the_first_and_run_once()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("confirm: busy");
        var busy = await phone.AskedAsync();
        var (one, two, three) = ((await phone.PromptAsync(session, "one")).TurnId, (await phone.PromptAsync(session, "two")).TurnId,
            (await phone.PromptAsync(session, "three")).TurnId);

        var merged = await MergeAsync(phone, session, three, one); // the queue's order counts, not this one
        Assert.Equal((one, "one\n\nthree", TurnState.Queued), (merged.TurnId, merged.Content, merged.State));
        Assert.Equal(2, (await phone.GetAsync(session)).Session.Queued);
        foreach (var gone in (Guid[][])[[three, one], [two, Guid.CreateVersion7()], [two, busy.TurnId]])
        {
            Assert.Equal(ErrorCode.TurnNotFound, await NotMergedAsync(phone, session, gone));
        }

        foreach (var wrong in (Guid[][])[[], [two], [two, two]])
        {
            Assert.Equal(ErrorCode.InvalidRequest, await NotMergedAsync(phone, session, wrong));
        }

        await phone.Device.DecideAsync(busy, DecisionVerdict.Allow);
        for (var i = 0; i < 3; i++)
        {
            await phone.DoneAsync();
        }

        Assert.Equal(
            [("confirm: busy", TurnState.Completed), ("one\n\nthree", TurnState.Completed), ("two", TurnState.Completed),
                ("three", TurnState.Cancelled)],
            (await phone.GetAsync(session)).Turns.Select(t => (t.Content, t.State)));
    }

    [Fact]
    public async Task Prompts_that_can_be_no_single_one_stay_as_they_are()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var other = await daemon.PhoneAsync();
        var session = await phone.StartAsync("confirm: busy");
        await phone.AskedAsync();
        var mine = (await phone.PromptAsync(session, "mine")).TurnId;
        var command = (await phone.PromptAsync(session, "/compact")).TurnId;
        var asks = (await phone.PromptAsync(session, " Confirm: delete it")).TurnId; // must not reach the agent before a yes
        var long1 = (await phone.PromptAsync(session, new string('a', Limits.PromptBytes / 2))).TurnId;
        var long2 = (await phone.PromptAsync(session, new string('b', Limits.PromptBytes / 2))).TurnId;
        var theirs = (await other.PromptAsync(session, "theirs")).TurnId;

        foreach (var pair in (Guid[][])[[mine, theirs], [mine, command], [mine, asks], [asks, long1], [long1, long2]])
        {
            Assert.Equal(ErrorCode.InvalidRequest, await NotMergedAsync(phone, session, pair));
        }

        var waiting = (await phone.GetAsync(session)).Turns.Where(t => t.State == TurnState.Queued).ToList();
        Assert.Equal([mine, command, asks, long1, long2, theirs], waiting.Select(t => t.TurnId));
        Assert.Equal(["mine", "/compact"], waiting.Take(2).Select(t => t.Content));
    }

    [Fact]
    public async Task Model_and_effort_change_in_mid_session_and_outlive_the_process_and_the_daemon()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("/settings");
        Assert.Equal("model demo-small, effort as usual", (await phone.Device.NextEventAsync<TextEvent>()).Text);
        await phone.DoneAsync();

        var info = await SetAsync(phone.Device, new AgentSessionSetRequest(session, Model: "demo-large", Effort: "high"));
        await phone.PromptAsync(session, "/settings");

        Assert.Equal(("demo-large", "high"), (info.Model, info.Effort));
        Assert.Equal("model demo-large, effort high", (await phone.Device.NextEventAsync<TextEvent>()).Text);
        await phone.DoneAsync();
        var refused = await Assert.ThrowsAsync<WireErrorException>(
            () => SetAsync(phone.Device, new AgentSessionSetRequest(session, Effort: "heroic")));
        Assert.Equal(ErrorCode.InvalidRequest, refused.Error.Code);

        info = await SetAsync(phone.Device, new AgentSessionSetRequest(session, Model: "", Effort: ""));
        Assert.Equal((null, null), (info.Model, info.Effort));
        await phone.PromptAsync(session, "/settings");
        Assert.Equal("model demo-small, effort as usual", (await phone.Device.NextEventAsync<TextEvent>()).Text);
        await phone.DoneAsync();
        await SetAsync(phone.Device, new AgentSessionSetRequest(session, Model: "demo-large", Effort: "high"));

        await daemon.RestartAsync();
        await using var again = await phone.Device.AgainAsync(daemon.Url);
        await phone.DisposeAsync();
        await again.AskAsync(MessageTypes.AgentMessage, new AgentMessageRequest(session, Guid.CreateVersion7(), "/settings"),
            ProtocolJson.Default.AgentMessageRequest, ProtocolJson.Default.AgentMessageResponse);
        await again.SubscribeAsync($"session/{session}");
        for (var i = 0; i < 3; i++)
        {
            await again.NextEventAsync<DoneEvent>(); // those of before
        }

        Assert.Equal("model demo-large, effort high", (await again.NextEventAsync<TextEvent>()).Text);
        await again.NextEventAsync<DoneEvent>();
        var after = (await again.AskAsync(MessageTypes.AgentSessionGet, new AgentSessionGetRequest(session),
            ProtocolJson.Default.AgentSessionGetRequest, ProtocolJson.Default.AgentSessionGetResponse)).Session;
        Assert.Equal("high", after.Effort);
        Assert.True(after.Context is { UsedTokens: > 0, WindowTokens: 10_000 });
    }

    [Fact]
    public async Task What_the_agent_offers_is_told_once_and_its_models_are_known_before_the_next_session()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync("hello");

        var offers = await phone.Device.NextEventAsync<OffersEvent>();
        await phone.DoneAsync();

        Assert.Equal(["help", "settings"], offers.Commands.Select(c => c.Name));
        Assert.Equal(["demo-small", "demo-large"], offers.Models.Select(m => m.Id));
        var state = await phone.Device.AskAsync(MessageTypes.MachineState, new MachineStateRequest(),
            ProtocolJson.Default.MachineStateRequest, ProtocolJson.Default.MachineStateResponse);
        Assert.Equal(["demo-small", "demo-large"], state.Agents.Single(a => a.Id == "stub").KnownModels.Select(m => m.Id));
    }

    [Fact]
    public async Task The_agents_title_counts_until_a_person_chose_one()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("# **Fix** the `login` page\ntitle: Login page");
        await phone.DoneAsync();
        Assert.Equal("Login page", (await phone.GetAsync(session)).Session.Title);

        await SetAsync(phone.Device, new AgentSessionSetRequest(session, Title: "Mine"));
        await phone.PromptAsync(session, "title: Theirs");
        await phone.DoneAsync();

        Assert.Equal("Mine", (await phone.GetAsync(session)).Session.Title);
    }

    [Fact]
    public async Task A_turn_that_failed_before_anything_came_of_it_is_sent_again_as_it_was_once_and_before_the_queue()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = Guid.CreateVersion7();
        var failed = (await phone.NewAsync(session, Guid.CreateVersion7(), "fail: no network")).Turn.TurnId;
        await phone.Device.SubscribeAsync($"session/{session}");
        await phone.DoneAsync();

        var press = Guid.CreateVersion7();
        var first = await ContinueAsync(phone, session, failed, press);
        var again = await ContinueAsync(phone, session, failed, press);
        var other = await ContinueAsync(phone, session, failed, Guid.CreateVersion7());
        await phone.DoneAsync();

        Assert.Equal((press, "fail: no network"), (first.TurnId, first.Content));
        Assert.Equal([press, press], [again.TurnId, other.TurnId]);
        Assert.Equal(2, (await phone.GetAsync(session)).Turns.Count);
        var stale = await Assert.ThrowsAsync<WireErrorException>(
            () => ContinueAsync(phone, session, Guid.CreateVersion7(), Guid.CreateVersion7()));
        Assert.Equal(ErrorCode.TurnNotFound, stale.Error.Code);
    }

    [Fact]
    public async Task A_turn_that_was_cut_off_in_the_middle_goes_on_with_the_reason_and_lets_the_queue_go()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = Guid.CreateVersion7();
        var failed = (await phone.NewAsync(
            session, Guid.CreateVersion7(), "some words\nconfirm: wait\nfail: the provider is gone")).Turn.TurnId;
        await phone.Device.SubscribeAsync($"session/{session}");
        var asked = await phone.AskedAsync();
        await phone.PromptAsync(session, "queued");
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        Assert.Equal(TurnState.Failed, (await phone.DoneAsync()).Outcome);
        Assert.True((await phone.GetAsync(session)).Session.Held);

        var turn = await ContinueAsync(phone, session, failed, Guid.CreateVersion7());
        await phone.DoneAsync();
        await phone.DoneAsync();

        Assert.Equal("The previous turn was cut off: the provider is gone Look at what was done already, then go on from there.",
            turn.Content);
        var detail = await phone.GetAsync(session);
        Assert.Equal([failed, turn.TurnId], detail.Turns.Take(2).Select(t => t.TurnId));
        Assert.Equal("queued", detail.Turns[2].Content);
        Assert.All(detail.Turns.Skip(1), t => Assert.Equal(TurnState.Completed, t.State));
        var over = await Assert.ThrowsAsync<WireErrorException>(() => ContinueAsync(phone, session, turn.TurnId, Guid.CreateVersion7()));
        Assert.Equal(ErrorCode.Conflict, over.Error.Code);
    }

    private static async Task<TurnInfo> MergeAsync(Phone phone, Guid session, params Guid[] prompts) => (await phone.Device.AskAsync(
        MessageTypes.AgentQueueMerge, new AgentQueueMergeRequest(session, prompts), ProtocolJson.Default.AgentQueueMergeRequest,
        ProtocolJson.Default.AgentQueueMergeResponse)).Turn;

    private static async Task<ErrorCode> NotMergedAsync(Phone phone, Guid session, Guid[] prompts)
        => (await Assert.ThrowsAsync<WireErrorException>(() => MergeAsync(phone, session, prompts))).Error.Code;

    private static async Task<IReadOnlyList<Guid>> MoveAsync(Phone phone, Guid session, Guid prompt, Guid? before)
        => (await phone.Device.AskAsync(
        MessageTypes.AgentQueueMove, new AgentQueueMoveRequest(session, prompt, before), ProtocolJson.Default.AgentQueueMoveRequest,
        ProtocolJson.Default.AgentQueueMoveResponse)).PromptIds;

    private static async Task<TurnInfo> ContinueAsync(Phone phone, Guid session, Guid turn, Guid prompt) => (await phone.Device.AskAsync(
        MessageTypes.AgentContinue, new AgentContinueRequest(session, turn, prompt), ProtocolJson.Default.AgentContinueRequest,
        ProtocolJson.Default.AgentContinueResponse)).Turn;

    private static async Task<SessionInfo> SetAsync(TestDevice device, AgentSessionSetRequest request)
        => (await device.AskAsync(MessageTypes.AgentSessionSet, request, ProtocolJson.Default.AgentSessionSetRequest,
            ProtocolJson.Default.AgentSessionSetResponse)).Session;
}
