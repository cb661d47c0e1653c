using System.Text.Json;
using PocketCoder.Entry;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Entries;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Entries;

/// <summary>What a person in a chat may do: what a device with the same scopes may, but sign.</summary>
public sealed class EntryTests
{
    [Fact]
    public async Task A_person_in_a_chat_prompts_follows_and_decides_and_the_ledger_says_who_vouches()
    {
        var room = new ChatRoom();
        await using var daemon = await room.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var guest = await room.EnterAsync(daemon);

        await guest.StartAsync("run: echo hi > said.txt");
        var asked = await guest.AskedAsync();
        var decided = await guest.DecideAsync(asked, DecisionVerdict.Allow);
        await guest.NextAsync<DoneEvent>();

        Assert.Equal(("Ada", ApprovalState.Allowed), (decided.Approval.Decision!.By, decided.Approval.State));
        Assert.Equal("hi\n", await File.ReadAllTextAsync(phone.PathOf("said.txt")));
        Assert.Equal(
            ["approval_requested", "approval_decided", "execution_started", "execution_finished"],
            await phone.LedgerAsync(asked.ApprovalId));
        var row = await RowAsync(phone, asked.ApprovalId, "approval_decided");
        var data = row.GetProperty("data");
        Assert.Equal(("chat-platform", "chat"), (data.GetProperty("proof").GetString(), data.GetProperty("platform").GetString()));
        Assert.False(data.TryGetProperty("signature", out _) || data.TryGetProperty("deviceSigningKey", out _));
        Assert.True((await phone.VerifyAsync()).Intact);

        // In the list, where they are renamed and revoked as devices are.
        var known = Assert.Single(await daemon.Daemon.AsOwner().ListDevicesAsync(CancellationToken.None), d => d.Platform is not null);
        Assert.Equal(("Ada", "chat", true), (known.Name, known.Platform, known.Connected));
        Assert.Equal(row.GetProperty("deviceId").GetString(), known.DeviceId);
    }

    [Fact]
    public async Task Of_two_decisions_in_the_app_and_in_the_chat_the_first_wins()
    {
        var room = new ChatRoom();
        await using var daemon = await room.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var guest = await room.EnterAsync(daemon);
        var session = await guest.StartAsync("run: touch one.txt\nrun: touch two.txt");
        await phone.Device.SubscribeAsync($"session/{session}");

        var first = await guest.AskedAsync();
        await phone.Device.DecideAsync(first, DecisionVerdict.Deny);
        Assert.Equal(
            ErrorCode.AlreadyDecided,
            await guest.RefusedAsync(Verbs.AgentPromptResponse, ChatGuest.Decision(first, DecisionVerdict.Allow)));

        var second = await guest.AskedAsync();
        var decision = ChatGuest.Decision(second, DecisionVerdict.Allow);
        await guest.AskAsync(Verbs.AgentPromptResponse, decision);
        await guest.AskAsync(Verbs.AgentPromptResponse, decision); // sent again: the same answer
        var late = await Assert.ThrowsAsync<Testing.Devices.WireErrorException>(
            () => phone.Device.DecideAsync(second, DecisionVerdict.Deny));
        Assert.Contains("Ada decided first", late.Message, StringComparison.Ordinal);
        await guest.NextAsync<DoneEvent>();
        Assert.Equal((false, true), (File.Exists(phone.PathOf("one.txt")), File.Exists(phone.PathOf("two.txt"))));
    }

    [Fact]
    public async Task Asking_with_fewer_scopes_gives_no_more_than_these_and_never_more_than_there_are()
    {
        var room = new ChatRoom();
        await using var daemon = await room.StartAsync();
        await using var ada = await room.EnterAsync(daemon);
        await using var eye = await room.EnterAsync(daemon, "eye", false, Scope.View);
        var session = await ada.StartAsync("run: touch a.txt");
        var asked = await ada.AskedAsync();

        async Task<string?> RefusalAsync<TRequest, TResponse>(
            ChatGuest guest, Verb<TRequest, TResponse> verb, TRequest request, params Scope[] within)
        {
            try
            {
                await guest.Person.AskAsync(verb, request, within, CancellationToken.None);
                return null;
            }
            catch (EntryRefusal e)
            {
                Assert.Equal(ErrorCode.Unauthorized, e.Error.Code);
                return e.Error.Message;
            }
        }

        var allow = ChatGuest.Decision(asked, DecisionVerdict.Allow);
        var message = new AgentMessageRequest(session, Guid.CreateVersion7(), "hello");
        Assert.Contains("Your role", await RefusalAsync(ada, Verbs.AgentPromptResponse, allow, Scope.View, Scope.Prompt), StringComparison.Ordinal);
        Assert.Contains("Your role", await RefusalAsync(ada, DeviceVerbs.AgentMessage, message, Scope.View, Scope.Decide), StringComparison.Ordinal);
        Assert.Contains("Your role", await RefusalAsync(ada, Verbs.ProjectsList, new ProjectsListRequest()), StringComparison.Ordinal);
        Assert.Contains(
            "without the scope 'decide'", await RefusalAsync(eye, Verbs.AgentPromptResponse, allow, Enum.GetValues<Scope>()),
            StringComparison.Ordinal);
        Assert.Null(await RefusalAsync(eye, Verbs.ProjectsList, new ProjectsListRequest(), Scope.View));
        Assert.Null(await RefusalAsync(ada, Verbs.AgentPromptResponse, allow, Scope.Decide));
        await ada.NextAsync<DoneEvent>();
    }

    [Fact]
    public async Task What_may_destroy_something_is_allowed_in_a_chat_only_if_the_owner_said_so()
    {
        var room = new ChatRoom();
        await using var daemon = await room.StartAsync();
        await using var careful = await room.EnterAsync(daemon);
        await using var trusted = await room.EnterAsync(daemon, "ou_bo", destructive: true);
        await careful.StartAsync("run: rm -rf /etc/nothing\nrun: rm -rf /etc/nothing-else");

        var asked = await careful.AskedAsync();
        Assert.Equal(RiskTier.Destructive, asked.Risk!.Tier);
        Assert.Equal(
            ErrorCode.Unauthorized,
            await careful.RefusedAsync(Verbs.AgentPromptResponse, ChatGuest.Decision(asked, DecisionVerdict.Allow)));
        await trusted.DecideAsync(asked, DecisionVerdict.Allow);
        await careful.DecideAsync(await careful.AskedAsync(), DecisionVerdict.Deny); // a denial destroys nothing
    }

    [Theory]
    [InlineData(Scope.View)]
    [InlineData(Scope.View, Scope.Prompt)]
    [InlineData(Scope.View, Scope.Decide)]
    [InlineData(Scope.View, Scope.Prompt, Scope.Decide, Scope.Manage)]
    public async Task Each_verb_is_refused_to_a_person_as_it_is_to_a_device_with_the_same_scopes(params Scope[] scopes)
    {
        var room = new ChatRoom();
        await using var daemon = await room.StartAsync();
        await using var phone = await daemon.PhoneAsync(scopes: scopes);
        await using var guest = await room.EnterAsync(daemon, scopes: scopes);

        foreach (var route in daemon.Daemon.Table.Routes.Where(r => r.Scope is not { } needed || !scopes.Contains(needed)))
        {
            var verb = new Verb<JsonElement, JsonElement>(
                route.Type, static () => AnyJson.Default.JsonElement, static () => AnyJson.Default.JsonElement);
            using var nothing = JsonDocument.Parse("{}");
            var refused = await Assert.ThrowsAsync<EntryRefusal>(() => guest.AskAsync(verb, nothing.RootElement));
            var same = await Assert.ThrowsAsync<Testing.Devices.WireErrorException>(
                () => phone.Device.AskRawAsync(route.Type, nothing.RootElement));
            Assert.Equal((route.Type, same.Error.Code, same.Error.Message), (route.Type, refused.Error.Code, refused.Error.Message));
        }
    }

    /// <summary>A new verb belongs to these words or to <see cref="ChatVerbs"/>.</summary>
    [Fact]
    public async Task With_every_scope_a_chat_has_no_terminal_no_file_no_git_and_nothing_that_guards_the_machine()
    {
        var room = new ChatRoom();
        await using var daemon = await room.StartAsync();
        await using var guest = await room.EnterAsync(daemon, scopes: [Scope.View, Scope.Prompt, Scope.Decide, Scope.Manage]);
        string[] words =
        [
            "agent_conversations", "agent_session_warm", "attachment_read", "budget", "chat_pairing_offer", "command", "device_re", "files_find", "fs_", "git_",
            "letters_", "machine_logs", "network_rule", "presence", "project_defaults_set", "provider_key", "push_", "session_worktree", "snapshot_undo",
            "terminal",
        ];

        var refused = daemon.Daemon.Table.Routes.Where(r => r.Scope is not null && !ChatVerbs.All.Contains(r.Type)).ToList();
        Assert.Empty(refused.Where(r => !words.Any(w => r.Type.StartsWith(w, StringComparison.Ordinal))).Select(r => r.Type));
        Assert.DoesNotContain(ChatVerbs.All, v => words.Any(w => v.StartsWith(w, StringComparison.Ordinal)));
        Assert.DoesNotContain(ChatVerbs.All, v => daemon.Daemon.Table.Find(v)?.Scope is null); // all of them are there
        foreach (var route in refused)
        {
            var verb = new Verb<JsonElement, JsonElement>(
                route.Type, static () => AnyJson.Default.JsonElement, static () => AnyJson.Default.JsonElement);
            using var nothing = JsonDocument.Parse("{}");
            var error = (await Assert.ThrowsAsync<EntryRefusal>(() => guest.AskAsync(verb, nothing.RootElement))).Error;
            Assert.Equal((route.Type, ErrorCode.Unauthorized), (route.Type, error.Code));
            Assert.Contains("in a chat", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Whoever_is_revoked_is_out_at_once_and_comes_in_with_a_new_code_only()
    {
        var room = new ChatRoom();
        await using var daemon = await room.StartAsync();
        await using var guest = await room.EnterAsync(daemon);
        var machine = await room.MachineAsync();
        await guest.StartAsync("run: echo hi");
        var asked = await guest.AskedAsync();

        var owner = daemon.Daemon.AsOwner();
        await owner.RevokeDeviceAsync("Ada", CancellationToken.None);

        Assert.True(guest.Person.Over.IsCancellationRequested);
        Assert.Empty(guest.Person.Scopes);
        Assert.Equal(
            ErrorCode.Unauthorized, await guest.RefusedAsync(Verbs.AgentPromptResponse, ChatGuest.Decision(asked, DecisionVerdict.Allow)));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => guest.NextAsync<DoneEvent>());
        Assert.Null(await machine.OpenAsync("ou_ada", CancellationToken.None));

        await using var again = await room.EnterAsync(daemon, scopes: [Scope.View]);
        Assert.Equal([Scope.View], again.Person.Scopes);
        Assert.True((await owner.VerifyLedgerAsync(CancellationToken.None)).Intact);
    }

    [Fact]
    public async Task Nothing_of_a_stream_is_lost_or_doubled_for_who_reads_late_and_after_a_restart()
    {
        var room = new ChatRoom();
        await using var daemon = await room.StartAsync();
        var guest = await room.EnterAsync(daemon);
        var session = await guest.StartAsync("again: 400");
        await using var phone = await daemon.PhoneAsync();
        await phone.Device.SubscribeAsync($"session/{session}");
        await phone.DoneAsync(); // all of it happened before anything is read: more than may wait
        var machine = await room.MachineAsync();
        long head;
        await using (var look = new ChatGuest((await machine.OpenAsync("ou_ada", CancellationToken.None))!))
        {
            head = (await look.AskAsync(DeviceVerbs.Subscribe, new SubscribeRequest($"session/{session}"))).Head;
        }

        Assert.True(head > 300, $"{head} events");

        Assert.Equal(Enumerable.Range(1, (int)head).Select(n => (long)n), await SeqsAsync(guest.Person, 0, head));
        await guest.DisposeAsync();
        await daemon.RestartAsync();

        machine = await room.MachineAsync();
        await using var back = new ChatGuest((await machine.OpenAsync("ou_ada", CancellationToken.None))!);
        await back.AskAsync(DeviceVerbs.Subscribe, new SubscribeRequest($"session/{session}"));
        Assert.Equal(Enumerable.Range(1, (int)head).Select(n => (long)n), await SeqsAsync(back.Person, 0, head));
    }

    [Fact]
    public async Task A_person_looks_at_what_an_undo_would_do_and_can_not_do_it()
    {
        var room = new ChatRoom();
        await using var daemon = await room.StartAsync();
        await using var guest = await room.EnterAsync(daemon);
        await guest.StartAsync("write: a.txt | text");
        var asked = await guest.AskedAsync();
        await guest.DecideAsync(asked, DecisionVerdict.Allow);
        await guest.NextAsync<DoneEvent>();
        var target = new UndoTarget(UndoKind.Approval, asked.ApprovalId);
        var look = await guest.AskAsync(Verbs.SnapshotDiff, new SnapshotDiffRequest(target));

        Assert.Equal(ErrorCode.Unauthorized, await guest.RefusedAsync(
            Verbs.SnapshotUndo, new SnapshotUndoRequest(Guid.CreateVersion7(), target, look.Digest, "", false)));
    }

    [Fact]
    public async Task An_entry_point_that_fails_takes_nothing_with_it()
    {
        var room = new ChatRoom(run: (_, _) => throw new InvalidOperationException("its own matter"));
        await using var daemon = await room.StartAsync();
        await Wait.UntilAsync(() => daemon.Log.ToString().Contains("is away until the next start", StringComparison.Ordinal), "the log");
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync("hello");
        await phone.DoneAsync();
    }

    [Fact]
    public void Two_entry_points_of_one_platform_are_refused()
        => Assert.Throws<ArgumentException>(() => new PocketCoder.Machine.Entries.EntryParts(
            [new ChatRoom(), new ChatRoom()], null!, null!, null!, null!, null!, TimeProvider.System,
            Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance));

    private static async Task<IReadOnlyList<long>> SeqsAsync(IEntryPerson person, long after, long head)
    {
        using var limit = new CancellationTokenSource(Wait.Limit);
        var seqs = new List<long>();
        await foreach (var happened in person.ReadAsync(limit.Token))
        {
            if (happened.Seq is { } seq && happened.Type == MessageTypes.AgentEvent && seq > after)
            {
                seqs.Add(seq);
                if (seq >= head)
                {
                    break;
                }
            }
        }

        return seqs;
    }

    private static async Task<JsonElement> RowAsync(Phone phone, Guid approval, string kind)
    {
        var rows = await phone.Device.AskAsync(
            MessageTypes.LedgerList, new LedgerListRequest(Limit: 200, ApprovalId: approval), ProtocolJson.Default.LedgerListRequest,
            ProtocolJson.Default.LedgerListResponse);
        return rows.Rows.Select(r => JsonDocument.Parse(r.Body).RootElement).Single(r => r.GetProperty("kind").GetString() == kind);
    }
}

[System.Text.Json.Serialization.JsonSerializable(typeof(JsonElement))]
internal sealed partial class AnyJson : System.Text.Json.Serialization.JsonSerializerContext;
