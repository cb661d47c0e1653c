using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Sessions.Marks;

/// <summary>What a person marks on a session for the list: the machine keeps it, for all devices.</summary>
public sealed class MarksTests
{
    [Fact]
    public async Task Pin_labels_and_snooze_reach_every_device_survive_a_restart_and_move_no_session_to_the_front()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var phone = await daemon.PhoneAsync();
        await using var desk = await daemon.PhoneAsync("desk");
        await FollowAsync(desk);
        var older = await phone.StartAsync("the older one");
        await phone.DoneAsync();
        var newer = await phone.StartAsync("the newer one");
        await phone.DoneAsync();
        var before = (await phone.GetAsync(older)).Session.UpdatedAt;
        var until = TimeProvider.System.GetUtcNow().AddHours(3);

        var set = await SetAsync(phone, new AgentSessionSetRequest(
            older, Pinned: true, Labels: [" release \u202e 2 ", "bugs", "Bugs"], SnoozedUntil: until));

        Assert.True(set.Pinned);
        Assert.Equal(["release 2", "bugs"], set.Labels);
        Assert.Equal(until.ToUnixTimeMilliseconds(), set.SnoozedUntil!.Value.ToUnixTimeMilliseconds());
        Assert.Equal(before, set.UpdatedAt);
        await HeardAsync(desk, older, s => s.Pinned && s.Labels.Count == 2 && s.SnoozedUntil is not null);
        Assert.Equal([newer, older], (await ListAsync(phone)).Select(s => s.AgentSessionId));

        // What is not named stays; an empty list and a past time take back.
        Assert.Equal(2, (await SetAsync(phone, new AgentSessionSetRequest(older, Pinned: false))).Labels.Count);
        Assert.Empty((await SetAsync(phone, new AgentSessionSetRequest(older, Labels: []))).Labels);
        Assert.Null((await SetAsync(phone, new AgentSessionSetRequest(older, SnoozedUntil: DateTimeOffset.UnixEpoch))).SnoozedUntil);
        await SetAsync(phone, new AgentSessionSetRequest(older, Pinned: true, Labels: ["kept"], SnoozedUntil: until));

        await daemon.RestartAsync();
        await using var again = new Phone(await phone.Device.AgainAsync(daemon.Url), await StateAsync(phone, daemon));
        await phone.DisposeAsync();
        var kept = (await again.GetAsync(older)).Session;
        Assert.True(kept.Pinned);
        Assert.Equal(["kept"], kept.Labels);
        Assert.Equal(set.SnoozedUntil, kept.SnoozedUntil);
    }

    [Fact]
    public async Task A_snoozed_session_comes_back_at_once_when_it_needs_a_person_or_fails()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("hello");
        await phone.DoneAsync();
        var until = TimeProvider.System.GetUtcNow().AddDays(1);
        await SetAsync(phone, new AgentSessionSetRequest(session, SnoozedUntil: until));

        await phone.PromptAsync(session, "run: true");
        var asked = await phone.AskedAsync();
        await Wait.UntilAsync(async () => (await phone.GetAsync(session)).Session is { State: SessionState.NeedsYou, SnoozedUntil: null },
            "it came back");
        await RefusedAsync(ErrorCode.Conflict, () => SetAsync(phone, new AgentSessionSetRequest(session, SnoozedUntil: until)));
        await phone.Device.DecideAsync(asked, DecisionVerdict.Deny);
        await phone.DoneAsync();
        Assert.Null((await phone.GetAsync(session)).Session.SnoozedUntil); // for good, not only while it waited

        await SetAsync(phone, new AgentSessionSetRequest(session, SnoozedUntil: until));
        await phone.PromptAsync(session, "fail: no more");
        Assert.Equal(TurnState.Failed, (await phone.DoneAsync()).Outcome);
        await Wait.UntilAsync(async () => (await phone.GetAsync(session)).Session is { State: SessionState.Failed, SnoozedUntil: null },
            "it came back");
        Assert.NotNull((await SetAsync(phone, new AgentSessionSetRequest(session, SnoozedUntil: until))).SnoozedUntil); // later, knowingly
    }

    [Fact]
    public async Task Unread_is_what_was_said_after_what_was_seen_and_reading_on_one_device_clears_it_on_all()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var phone = await daemon.PhoneAsync();
        await using var desk = await daemon.PhoneAsync("desk");
        await FollowAsync(desk);
        var session = await phone.StartAsync("hello");
        await phone.DoneAsync();
        await HeardAsync(desk, session, s => s.Unread);
        await Wait.UntilAsync(
            async () => (await phone.GetAsync(session)).Session is { State: SessionState.Idle, Unread: true }, "it rests");
        var head = (await phone.GetAsync(session)).Session.Head;

        Assert.Equal(head, await SeenAsync(phone, session, head));
        await HeardAsync(desk, session, s => !s.Unread);
        Assert.Equal(head, await SeenAsync(phone, session, 1)); // never back
        Assert.Equal(head, await SeenAsync(phone, session, head + 1000)); // nor beyond what there is
        Assert.False((await phone.GetAsync(session)).Session.Unread);
        await RefusedAsync(ErrorCode.InvalidRequest, () => SeenAsync(phone, session, -1));
        await RefusedAsync(ErrorCode.SessionNotFound, () => SeenAsync(phone, Guid.CreateVersion7(), 1));

        // A title is no message.
        await SetAsync(phone, new AgentSessionSetRequest(session, Title: "another name"));
        Assert.False((await phone.GetAsync(session)).Session.Unread);

        await daemon.RestartAsync();
        await using var again = new Phone(await phone.Device.AgainAsync(daemon.Url), await StateAsync(phone, daemon));
        await phone.DisposeAsync();
        Assert.False((await again.GetAsync(session)).Session.Unread);
        await again.Device.SubscribeAsync($"session/{session}", after: head);
        await again.PromptAsync(session, "one more");
        await again.DoneAsync();
        await Wait.UntilAsync(async () => (await again.GetAsync(session)).Session.Unread, "there is something new");

        await daemon.RestartAsync();
        await using var third = new Phone(await again.Device.AgainAsync(daemon.Url), await StateAsync(again, daemon));
        Assert.True((await third.GetAsync(session)).Session.Unread);
    }

    [Fact]
    public async Task Too_many_and_too_long_labels_and_too_long_a_snooze_are_refused_and_change_nothing()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("hello");
        await phone.DoneAsync();
        IReadOnlyList<string>[] bad =
        [
            [.. Enumerable.Range(0, Limits.SessionLabels + 1).Select(n => $"label {n}")],
            [new string('x', Limits.LabelLength + 1)],
            [""],
            ["\u200b \u202e"],
        ];
        foreach (var labels in bad)
        {
            await RefusedAsync(
                ErrorCode.InvalidRequest, () => SetAsync(phone, new AgentSessionSetRequest(session, Pinned: true, Labels: labels)));
        }

        await RefusedAsync(ErrorCode.InvalidRequest, () => SetAsync(phone, new AgentSessionSetRequest(
            session, Pinned: true, SnoozedUntil: TimeProvider.System.GetUtcNow().AddDays(Limits.SnoozeDays + 1))));
        var info = (await phone.GetAsync(session)).Session;
        Assert.False(info.Pinned);
        Assert.Empty(info.Labels);
        Assert.Null(info.SnoozedUntil);
        Assert.Equal(Limits.SessionLabels, (await SetAsync(phone, new AgentSessionSetRequest(
            session, Labels: [.. Enumerable.Range(0, Limits.SessionLabels).Select(n => $"{n}{new string('x', Limits.LabelLength - 1)}")])))
            .Labels.Count);
    }

    [Fact]
    public async Task A_device_that_only_looks_marks_nothing()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("hello");
        await phone.DoneAsync();
        await using var viewer = await daemon.PhoneAsync("viewer", Scope.View);
        await RefusedAsync(ErrorCode.Unauthorized, () => SetAsync(viewer, new AgentSessionSetRequest(session, Pinned: true)));
        await RefusedAsync(ErrorCode.Unauthorized, () => SeenAsync(viewer, session, 1000));
        Assert.False((await phone.GetAsync(session)).Session.Pinned);
        Assert.True((await phone.GetAsync(session)).Session.Unread);
    }

    [Fact]
    public async Task The_state_lists_archived_sessions_when_they_are_asked_for()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("hello");
        await phone.DoneAsync();
        await Wait.UntilAsync(async () => (await phone.GetAsync(session)).Session.State == SessionState.Idle, "it rests");
        await SetAsync(phone, new AgentSessionSetRequest(session, Archived: true));
        Assert.Empty((await AskAsync(new MachineStateRequest())).Sessions);
        Assert.Equal(session, Assert.Single((await AskAsync(new MachineStateRequest(10, Archived: true))).Sessions).AgentSessionId);

        Task<MachineStateResponse> AskAsync(MachineStateRequest request) => phone.Device.AskAsync(
            MessageTypes.MachineState, request, ProtocolJson.Default.MachineStateRequest, ProtocolJson.Default.MachineStateResponse);
    }

    [Fact]
    public async Task A_row_tells_what_runs_since_when_the_last_line_and_what_the_edits_changed()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("First line.\n\nThe last **line**.");
        await phone.DoneAsync();
        await Wait.UntilAsync(async () => (await phone.GetAsync(session)).Session.State == SessionState.Idle, "it rests");
        var rests = (await phone.GetAsync(session)).Session;
        Assert.Contains("The last", rests.LastLine, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', rests.LastLine!);
        Assert.Null(rests.ActivitySince);
        Assert.Null(rests.Changes);

        await phone.PromptAsync(session, "write: made.txt | one\nwrite: made.txt | two\nrun: true");
        for (var i = 0; i < 2; i++)
        {
            await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        }

        var asked = await phone.AskedAsync();
        var works = (await phone.GetAsync(session)).Session;
        Assert.NotNull(works.ActivitySince);
        Assert.True(works.Changes is { Files: 1, Added: >= 2, Removed: >= 1 }, $"{works.Changes}");
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await phone.DoneAsync();

        await daemon.RestartAsync();
        await using var again = new Phone(await phone.Device.AgainAsync(daemon.Url), await StateAsync(phone, daemon));
        await phone.DisposeAsync();
        Assert.Equal(works.Changes, (await again.GetAsync(session)).Session.Changes);
    }

    private static async Task<MachineStateResponse> StateAsync(Phone phone, TestDaemon daemon)
    {
        await using var device = await phone.Device.AgainAsync(daemon.Url);
        return await device.AskAsync(MessageTypes.MachineState, new MachineStateRequest(), ProtocolJson.Default.MachineStateRequest,
            ProtocolJson.Default.MachineStateResponse);
    }

    private static async Task<IReadOnlyList<SessionInfo>> ListAsync(Phone phone) => (await phone.Device.AskAsync(
        MessageTypes.AgentSessionsList, new AgentSessionsListRequest(), ProtocolJson.Default.AgentSessionsListRequest,
        ProtocolJson.Default.AgentSessionsListResponse)).Sessions;

    private static async Task<SessionInfo> SetAsync(Phone phone, AgentSessionSetRequest request) => (await phone.Device.AskAsync(
        MessageTypes.AgentSessionSet, request, ProtocolJson.Default.AgentSessionSetRequest,
        ProtocolJson.Default.AgentSessionSetResponse)).Session;

    private static async Task<long> SeenAsync(Phone phone, Guid session, long seq) => (await phone.Device.AskAsync(
        MessageTypes.AgentSessionSeen, new AgentSessionSeenRequest(session, seq), ProtocolJson.Default.AgentSessionSeenRequest,
        ProtocolJson.Default.AgentSessionSeenResponse)).Seq;

    /// <summary>Follows the machine from now on.</summary>
    private static async Task FollowAsync(Phone phone)
    {
        var cursor = (await phone.Device.AskAsync(
            MessageTypes.MachineState, new MachineStateRequest(), ProtocolJson.Default.MachineStateRequest,
            ProtocolJson.Default.MachineStateResponse)).Cursor;
        await phone.Device.SubscribeAsync(cursor.Stream, cursor.Epoch, cursor.Seq);
    }

    private static async Task RefusedAsync(ErrorCode code, Func<Task> ask)
        => Assert.Equal(code, (await Assert.ThrowsAsync<WireErrorException>(ask)).Error.Code);

    private static Task<Envelope> HeardAsync(Phone phone, Guid session, Func<SessionInfo, bool> fits) => phone.Device.NextAsync(
        e => e.Type == MessageTypes.MachineEvent
            && System.Text.Json.JsonSerializer.Deserialize(e.Payload!.Value, ProtocolJson.Default.MachineEvent) is SessionChanged changed
            && changed.Session.AgentSessionId == session && fits(changed.Session),
        "the session's change");
}
