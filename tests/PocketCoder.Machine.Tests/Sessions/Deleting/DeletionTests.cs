using System.Text;
using System.Text.Json;
using PocketCoder.Machine.Tests.Attachments;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.Git;

namespace PocketCoder.Machine.Tests.Sessions.Deleting;

/// <summary>Deleting a session: its content is gone from the disk, its rows in the ledger stay.</summary>
public sealed class DeletionTests
{
    /// <summary>Only in what was said, never in a command: the ledger keeps those.</summary>
    private const string Word = "quetzalcoatlus";

    [Fact]
    public async Task What_was_said_sent_and_kept_for_undo_is_gone_from_the_disk_and_the_ledger_says_who_did_it()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var other = await phone.StartAsync("another session stays");
        await phone.DoneAsync();
        await phone.Device.DecideAsync(await AskedAsync(phone, other, "run: echo theirs > theirs.txt"), DecisionVerdict.Allow);
        await phone.DoneAsync();
        var file = await phone.Device.UploadAsync("notes.txt", Encoding.UTF8.GetBytes($"{Word} in a file"));
        var session = await StartAsync(phone, $"Tell me of the {Word}.", file.AttachmentId);
        await phone.Device.DecideAsync(await AskedAsync(phone, session, "run: echo ours > ours.txt"), DecisionVerdict.Allow);
        await phone.DoneAsync();
        var asked = await AskedAsync(phone, session, "run: echo more > ours.txt");
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await phone.DoneAsync();
        var head = (await RestingAsync(phone, session)).Head;
        Assert.Single((await SearchAsync(phone)).Hits);
        var store = Assert.Single(Directory.GetDirectories(daemon.Options.Home.Snapshots));
        await LookAsync(phone, asked.ApprovalId); // by now the snapshot after it is taken
        var before = await RefsAsync(store);
        await FollowAsync(phone);

        Assert.True((await DeleteAsync(phone, session)).Complete);

        await phone.Device.NextAsync(
            e => e.Type == MessageTypes.MachineEvent
                && JsonSerializer.Deserialize(e.Payload!.Value, ProtocolJson.Default.MachineEvent) is SessionRemoved gone
                && gone.AgentSessionId == session,
            "everybody hears of it");
        Assert.Empty((await SearchAsync(phone)).Hits);
        await RefusedAsync(ErrorCode.SessionNotFound, () => phone.GetAsync(session));
        await RefusedAsync(ErrorCode.SessionNotFound, () => phone.Device.SubscribeAsync($"session/{session}"));
        await RefusedAsync(ErrorCode.FileNotFound, () => phone.Device.ReadAttachmentAsync(file.AttachmentId));
        await RefusedAsync(ErrorCode.SnapshotNotFound, () => LookAsync(phone, asked.ApprovalId));
        Assert.True((await RefsAsync(store)).Count < before.Count, "its snapshots are still there");
        Assert.True((await DeleteAsync(phone, session)).Complete); // again is the same

        // The proof stays: what was decided and done, and the one row that says who deleted it.
        Assert.Equal(
            ["approval_requested", "approval_decided", "execution_started", "execution_finished"],
            await phone.LedgerAsync(asked.ApprovalId));
        var row = Assert.Single(await RowsAsync(phone), r => r.GetProperty("kind").GetString() == "session_deleted");
        Assert.Equal(session.ToString(), row.GetProperty("sessionId").GetString());
        Assert.Equal("phone", row.GetProperty("data").GetProperty("by").GetString());
        var data = row.GetProperty("data");
        Assert.Equal((3, head), (data.GetProperty("prompts").GetInt64(), data.GetProperty("events").GetInt64()));
        Assert.True((await phone.VerifyAsync()).Intact);

        // A first prompt that comes late brings nothing back.
        await RefusedAsync(ErrorCode.Conflict, () => phone.NewAsync(session, Guid.CreateVersion7(), "again"));

        // The other session has all of its own.
        Assert.Equal(2, (await phone.GetAsync(other)).Turns.Count);
        await daemon.Daemon.StopAsync("looking at the disk");
        Assert.Empty(await WithWordAsync(daemon));
    }

    [Theory]
    [InlineData("deletion begun")]
    [InlineData("deletion files")]
    [InlineData("deletion snapshots")]
    [InlineData("deletion rows")]
    public async Task What_a_crash_leaves_the_next_start_deletes(string step)
    {
        var fails = true;
        await using var daemon = await TestDaemon.StartAsync(seams: s => s with { Seam = At });
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync($"Tell me of the {Word}.");
        await phone.DoneAsync();
        await RestingAsync(phone, session);
        await SearchAsync(phone);

        Assert.False((await DeleteAsync(phone, session)).Complete);
        await RefusedAsync(ErrorCode.SessionNotFound, () => phone.GetAsync(session));
        Assert.False((await DeleteAsync(phone, session)).Complete);
        fails = false;
        await daemon.RestartAsync();

        await using var again = await phone.Device.AgainAsync(daemon.Url);
        await Wait.UntilAsync(async () => (await again.AskAsync(
            MessageTypes.AgentSessionDelete, new AgentSessionDeleteRequest(session), ProtocolJson.Default.AgentSessionDeleteRequest,
            ProtocolJson.Default.AgentSessionDeleteResponse)).Complete, "the rest was deleted");
        var state = await again.AskAsync(MessageTypes.MachineState, new MachineStateRequest(10, Archived: true),
            ProtocolJson.Default.MachineStateRequest, ProtocolJson.Default.MachineStateResponse);
        Assert.Empty(state.Sessions);
        await daemon.Daemon.StopAsync("looking at the disk");
        Assert.Empty(await WithWordAsync(daemon));

        void At(string passed)
        {
            if (fails && passed == step)
            {
                throw new IOException("injected failure");
            }
        }
    }

    [Fact]
    public async Task A_session_that_does_not_rest_and_a_device_that_does_not_manage_delete_nothing()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var deciding = await daemon.PhoneAsync("tablet", Scope.View, Scope.Prompt, Scope.Decide);
        var session = await phone.StartAsync("run: true");
        var asked = await phone.AskedAsync();
        await RefusedAsync(ErrorCode.Conflict, () => DeleteAsync(phone, session));
        await phone.Device.DecideAsync(asked, DecisionVerdict.Deny);
        await phone.DoneAsync();
        await RestingAsync(phone, session);
        await RefusedAsync(ErrorCode.Unauthorized, () => DeleteAsync(deciding, session));
        await RefusedAsync(ErrorCode.SessionNotFound, () => DeleteAsync(phone, Guid.CreateVersion7()));
        Assert.Single((await phone.GetAsync(session)).Turns);
        Assert.DoesNotContain(await RowsAsync(phone), r => r.GetProperty("kind").GetString() == "session_deleted");
        Assert.True((await DeleteAsync(phone, session)).Complete);
    }

    [Fact]
    public async Task A_copy_keeps_what_it_shows()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var file = await phone.Device.UploadAsync("notes.txt", "shown in both"u8.ToArray());
        var session = await StartAsync(phone, "hello", file.AttachmentId);
        var copy = Guid.CreateVersion7();
        await phone.Device.AskAsync(
            MessageTypes.AgentSessionFork, new AgentSessionForkRequest(session, copy, Guid.CreateVersion7(), "go on"),
            ProtocolJson.Default.AgentSessionForkRequest, ProtocolJson.Default.AgentSessionForkResponse);
        await phone.Device.SubscribeAsync($"session/{copy}");
        await phone.Device.NextEventAsync<ForkEvent>();
        await phone.DoneAsync();
        await RestingAsync(phone, copy);

        Assert.True((await DeleteAsync(phone, session)).Complete);
        Assert.Equal("shown in both", Encoding.UTF8.GetString(
            Convert.FromBase64String((await phone.Device.ReadAttachmentAsync(file.AttachmentId)).Data)));
        Assert.True((await DeleteAsync(phone, copy)).Complete);
        await RefusedAsync(ErrorCode.FileNotFound, () => phone.Device.ReadAttachmentAsync(file.AttachmentId));
    }

    private static async Task<Guid> StartAsync(Phone phone, string prompt, Guid attachment)
    {
        var session = Guid.CreateVersion7();
        await phone.Device.AskAsync(
            MessageTypes.AgentSessionNew,
            new AgentSessionNewRequest(session, Guid.CreateVersion7(), phone.Project.ProjectId, "stub", prompt, Attachments: [attachment]),
            ProtocolJson.Default.AgentSessionNewRequest, ProtocolJson.Default.AgentSessionNewResponse);
        await phone.Device.SubscribeAsync($"session/{session}");
        await phone.DoneAsync();
        await RestingAsync(phone, session);
        return session;
    }

    private static async Task<ApprovalInfo> AskedAsync(Phone phone, Guid session, string prompt)
    {
        await phone.PromptAsync(session, prompt);
        return await phone.AskedAsync();
    }

    private static async Task<SessionInfo> RestingAsync(Phone phone, Guid session)
    {
        await Wait.UntilAsync(
            async () => (await phone.GetAsync(session)).Session.State is SessionState.Idle or SessionState.Failed, "it rests");
        return (await phone.GetAsync(session)).Session;
    }

    private static Task<AgentSessionDeleteResponse> DeleteAsync(Phone phone, Guid session) => phone.Device.AskAsync(
        MessageTypes.AgentSessionDelete, new AgentSessionDeleteRequest(session), ProtocolJson.Default.AgentSessionDeleteRequest,
        ProtocolJson.Default.AgentSessionDeleteResponse);

    private static Task<SnapshotDiffResponse> LookAsync(Phone phone, Guid approval) => phone.Device.AskAsync(
        MessageTypes.SnapshotDiff, new SnapshotDiffRequest(new UndoTarget(UndoKind.Approval, approval)),
        ProtocolJson.Default.SnapshotDiffRequest, ProtocolJson.Default.SnapshotDiffResponse);

    private static async Task<AgentSessionsSearchResponse> SearchAsync(Phone phone)
    {
        AgentSessionsSearchResponse? found = null;
        await Wait.UntilAsync(
            async () => !(found = await phone.Device.AskAsync(
                MessageTypes.AgentSessionsSearch, new AgentSessionsSearchRequest(Word), ProtocolJson.Default.AgentSessionsSearchRequest,
                ProtocolJson.Default.AgentSessionsSearchResponse)).Behind,
            "all is indexed");
        return found!;
    }

    private static async Task<IReadOnlyList<JsonElement>> RowsAsync(Phone phone) =>
    [
        .. (await phone.Device.AskAsync(
            MessageTypes.LedgerList, new LedgerListRequest(Limit: 200), ProtocolJson.Default.LedgerListRequest,
            ProtocolJson.Default.LedgerListResponse)).Rows.Select(r => JsonDocument.Parse(r.Body).RootElement),
    ];

    private static async Task<IReadOnlyList<string>> RefsAsync(string store)
        => (await Shell.RunAsync(store, "git for-each-ref --format='%(objectname)'")).Split('\n', StringSplitOptions.RemoveEmptyEntries);

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

    /// <summary>Files of the daemon's that have the word, in any case.</summary>
    private static async Task<IReadOnlyList<string>> WithWordAsync(TestDaemon daemon)
    {
        var home = daemon.Options.Home;
        List<string> found = [];
        foreach (var root in (string[])[home.Root, home.AgentFiles, home.Attached])
        {
            foreach (var file in Directory.Exists(root) ? Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories) : [])
            {
                if (Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file)).Contains(Word, StringComparison.OrdinalIgnoreCase))
                {
                    found.Add(file);
                }
            }
        }

        return found;
    }
}
