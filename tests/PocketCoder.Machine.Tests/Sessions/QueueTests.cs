using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Sessions;

public sealed class QueueTests
{
    [Fact]
    public async Task Prompts_run_one_after_another_in_the_order_they_came()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("confirm: first");
        var held = await phone.AskedAsync();
        await phone.PromptAsync(session, "second");
        await phone.PromptAsync(session, "third");
        Assert.Equal(2, (await phone.GetAsync(session)).Session.Queued);

        await phone.Device.DecideAsync(held, DecisionVerdict.Allow);
        await phone.DoneAsync();
        await phone.DoneAsync();
        await phone.DoneAsync();

        var turns = (await phone.GetAsync(session)).Turns;
        Assert.Equal(["confirm: first", "second", "third"], turns.Select(t => t.Content));
        Assert.All(turns, t => Assert.Equal(TurnState.Completed, t.State));
        Assert.True(turns[0].FinishedAt <= turns[1].StartedAt && turns[1].FinishedAt <= turns[2].StartedAt);
    }

    [Fact]
    public async Task The_fifty_first_waiting_prompt_is_refused_and_nothing_changes()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("confirm: busy");
        await phone.AskedAsync();
        for (var i = 0; i < Limits.QueuedPrompts; i++)
        {
            await phone.PromptAsync(session, $"prompt {i}");
        }

        var refused = await Assert.ThrowsAsync<WireErrorException>(() => phone.PromptAsync(session, "one too many"));

        Assert.Equal(ErrorCode.DaemonBusy, refused.Error.Code);
        var detail = await phone.GetAsync(session);
        Assert.Equal(Limits.QueuedPrompts, detail.Session.Queued);
        Assert.DoesNotContain(detail.Turns, t => t.Content == "one too many");
    }

    [Fact]
    public async Task A_prompt_sent_twice_is_one_prompt_and_a_new_session_sent_twice_is_one_session()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = Guid.CreateVersion7();
        var first = Guid.CreateVersion7();
        await phone.NewAsync(session, first, "hello");
        await phone.NewAsync(session, first, "hello");
        var second = Guid.CreateVersion7();
        await phone.PromptAsync(session, "again", second);
        await phone.PromptAsync(session, "again", second);

        Assert.Equal([first, second], (await phone.GetAsync(session)).Turns.Select(t => t.TurnId));
        var stolen = await Assert.ThrowsAsync<WireErrorException>(() => phone.NewAsync(Guid.CreateVersion7(), second, "again"));
        Assert.Equal(ErrorCode.Conflict, stolen.Error.Code);
    }

    [Fact]
    public async Task A_waiting_prompt_can_be_edited_and_removed_until_it_runs()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("confirm: busy");
        var busy = await phone.AskedAsync();
        var edited = await phone.PromptAsync(session, "tpyo");
        var removed = await phone.PromptAsync(session, "never mind");

        await phone.Device.AskAsync(
            MessageTypes.AgentQueueEdit, new AgentQueueEditRequest(session, edited.TurnId, "typo"),
            ProtocolJson.Default.AgentQueueEditRequest, ProtocolJson.Default.AgentQueueEditResponse);
        await RemoveAsync(removed.TurnId);
        await phone.Device.DecideAsync(busy, DecisionVerdict.Allow);
        await phone.DoneAsync();
        await phone.DoneAsync();

        var turns = (await phone.GetAsync(session)).Turns;
        Assert.Equal(["confirm: busy", "typo", "never mind"], turns.Select(t => t.Content));
        Assert.Equal([TurnState.Completed, TurnState.Completed, TurnState.Cancelled], turns.Select(t => t.State));
        var late = await Assert.ThrowsAsync<WireErrorException>(() => RemoveAsync(edited.TurnId));
        Assert.Equal(ErrorCode.TurnNotFound, late.Error.Code);

        Task RemoveAsync(Guid turn) => phone.Device.AskAsync(
            MessageTypes.AgentQueueRemove, new AgentQueueRemoveRequest(session, turn), ProtocolJson.Default.AgentQueueRemoveRequest,
            ProtocolJson.Default.AgentQueueRemoveResponse);
    }

    [Fact]
    public async Task A_stop_that_means_another_turn_stops_nothing()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("run: touch goes-on.txt");
        var asked = await phone.AskedAsync();

        await phone.CancelAsync(session, turn: Guid.CreateVersion7());

        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        Assert.Equal(TurnState.Completed, (await phone.DoneAsync()).Outcome);
        Assert.True(File.Exists(phone.PathOf("goes-on.txt")));
    }

    [Fact]
    public async Task Stop_ends_the_turn_and_holds_the_queue_until_a_person_lets_it_go()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("run: touch stopped.txt");
        var asked = await phone.AskedAsync();
        await phone.PromptAsync(session, "later");

        await phone.CancelAsync(session);

        Assert.Equal(TurnState.Cancelled, (await phone.DoneAsync()).Outcome);
        var lost = await Assert.ThrowsAsync<WireErrorException>(() => phone.Device.DecideAsync(asked, DecisionVerdict.Allow));
        Assert.Equal(ErrorCode.AlreadyDecided, lost.Error.Code);
        Assert.False(File.Exists(phone.PathOf("stopped.txt")));
        var held = (await phone.GetAsync(session)).Session;
        Assert.True(held.Held);
        Assert.Equal(1, held.Queued);

        await phone.Device.AskAsync(
            MessageTypes.AgentSessionSet, new AgentSessionSetRequest(session, Held: false), ProtocolJson.Default.AgentSessionSetRequest,
            ProtocolJson.Default.AgentSessionSetResponse);
        Assert.Equal(TurnState.Completed, (await phone.DoneAsync()).Outcome);
    }

    [Fact]
    public async Task Stop_kills_a_running_command_with_all_its_children()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("run: echo $$ > pid.txt; sleep 300 & echo $! >> pid.txt; wait");
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        await PocketCoder.Testing.Wait.UntilAsync(() => File.Exists(phone.PathOf("pid.txt"))
            && File.ReadAllLines(phone.PathOf("pid.txt")).Length == 2, "the command wrote its pids");
        var pids = (await File.ReadAllLinesAsync(phone.PathOf("pid.txt"))).Select(int.Parse).ToList();

        await phone.CancelAsync(session);

        Assert.Equal(TurnState.Cancelled, (await phone.DoneAsync()).Outcome);
        await PocketCoder.Testing.Wait.UntilAsync(() => pids.TrueForAll(pid => !Directory.Exists($"/proc/{pid}")
            || File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal)), "the command and its child are gone");
    }

    [Theory]
    [InlineData("")]
    [InlineData("   \n ")]
    public async Task An_empty_prompt_is_refused(string content)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var refused = await Assert.ThrowsAsync<WireErrorException>(
            () => phone.NewAsync(Guid.CreateVersion7(), Guid.CreateVersion7(), content));
        Assert.Equal(ErrorCode.InvalidRequest, refused.Error.Code);
    }
}
