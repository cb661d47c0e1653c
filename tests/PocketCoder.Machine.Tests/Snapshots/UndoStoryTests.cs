using System.Buffers.Text;
using System.Text.Json;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Snapshots;

/// <summary>Undoing from a phone, over the whole daemon.</summary>
public sealed class UndoStoryTests
{
    [Fact]
    public async Task What_a_command_did_is_looked_at_undone_and_brought_back()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await File.WriteAllTextAsync(phone.PathOf("kept.txt"), "one\n");
        await phone.StartAsync("run: echo two > kept.txt; mkdir d; echo new > d/made.txt");
        var asked = await phone.AskedAsync();
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        Assert.True((await phone.BecameAsync(ApprovalState.Finished)).Approval.Execution!.Undoable);
        await phone.DoneAsync();

        var target = new UndoTarget(UndoKind.Approval, asked.ApprovalId);
        var look = await LookAsync(phone, target);
        Assert.Equal([("d/made.txt", UndoChange.Delete), ("kept.txt", UndoChange.Write)], look.Files.Select(f => (f.Path, f.Change)));
        Assert.Equal(["two", "one"], look.Files[1].Diff!.Hunks.Single().Lines.Where(l => l.Kind != DiffLineKind.Context)
            .OrderBy(l => l.Kind == DiffLineKind.Add).Select(l => l.Text));
        Assert.False(look.OutcomeUnknown);
        Assert.Equal(0, look.ChangedSince);
        Assert.Equal("two\n", await File.ReadAllTextAsync(phone.PathOf("kept.txt"))); // looking does nothing

        var request = Request(phone, target, look.Digest);
        var undone = await UndoAsync(phone, request);
        Assert.Equal(2, undone.Files);
        Assert.Empty(undone.Failed);
        Assert.Equal("one\n", await File.ReadAllTextAsync(phone.PathOf("kept.txt")));
        Assert.False(Directory.Exists(phone.PathOf("d")));
        Assert.Equal(undone.UndoId, (await phone.Device.NextEventAsync<UndoEvent>()).Undo.UndoId);
        // the same again is the same
        Assert.Equal(JsonSerializer.Serialize(undone, ProtocolJson.Default.UndoInfo),
            JsonSerializer.Serialize(await UndoAsync(phone, request), ProtocolJson.Default.UndoInfo));

        var back = new UndoTarget(UndoKind.Undo, undone.UndoId);
        Assert.Equal(2, (await UndoAsync(phone, Request(phone, back, (await LookAsync(phone, back)).Digest))).Files);
        Assert.Equal("two\n", await File.ReadAllTextAsync(phone.PathOf("kept.txt")));
        Assert.Equal("new\n", await File.ReadAllTextAsync(phone.PathOf("d/made.txt")));

        Assert.Equal(
            ["approval_requested", "approval_decided", "execution_started", "execution_finished", "undo_started", "undo_finished"],
            await phone.LedgerAsync(asked.ApprovalId));
        Assert.True((await phone.VerifyAsync()).Intact);
    }

    [Fact]
    public async Task What_others_changed_since_is_not_lost_unless_that_is_meant()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await File.WriteAllTextAsync(phone.PathOf("f"), "before");
        var asked = await RunAsync(phone, "run: echo command > f");
        var target = new UndoTarget(UndoKind.Approval, asked.ApprovalId);
        await LookAsync(phone, target); // by now the snapshot after it is taken: what comes is somebody else's
        await File.WriteAllTextAsync(phone.PathOf("f"), "person");

        var look = await LookAsync(phone, target);
        Assert.Equal(1, look.ChangedSince);
        var refused = await Assert.ThrowsAsync<WireErrorException>(() => UndoAsync(phone, Request(phone, target, look.Digest)));
        Assert.Equal(ErrorCode.FilesChanged, refused.Error.Code);
        Assert.Equal("f", refused.Error.Details!["paths"]);
        Assert.Equal("person", await File.ReadAllTextAsync(phone.PathOf("f")));

        // And what changed after the look is another undo than the one that was signed.
        await File.WriteAllTextAsync(phone.PathOf("f"), "person again");
        Assert.Equal(ErrorCode.DigestMismatch, (await Assert.ThrowsAsync<WireErrorException>(
            () => UndoAsync(phone, Request(phone, target, look.Digest, force: true)))).Error.Code);

        look = await LookAsync(phone, target);
        await UndoAsync(phone, Request(phone, target, look.Digest, force: true));
        Assert.Equal("before", await File.ReadAllTextAsync(phone.PathOf("f")));
        Assert.Equal(ErrorCode.Conflict,
            (await Assert.ThrowsAsync<WireErrorException>(() => UndoAsync(phone, Request(phone, target, look.Digest)))).Error.Code);
    }

    [Fact]
    public async Task A_turn_is_undone_as_a_whole()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync("run: echo 1 > a\nwrite: b.txt | text\nrun: echo 2 >> a; chmod 700 a\nrun: ls");
        for (var i = 0; i < 4; i++)
        {
            await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        }

        var done = await phone.DoneAsync();
        var target = new UndoTarget(UndoKind.Turn, done.TurnId!.Value);
        var look = await LookAsync(phone, target);
        Assert.Equal(["a", "b.txt"], look.Files.Select(f => f.Path));
        await UndoAsync(phone, Request(phone, target, look.Digest));
        Assert.False(File.Exists(phone.PathOf("a")));
        Assert.False(File.Exists(phone.PathOf("b.txt")));
    }

    [Fact]
    public async Task Only_who_may_decide_undoes_and_only_with_its_own_signature()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var viewer = await daemon.PhoneAsync("viewer", Scope.View);
        var asked = await RunAsync(phone, "run: echo x > f");
        var target = new UndoTarget(UndoKind.Approval, asked.ApprovalId);
        var look = await LookAsync(viewer, target);

        Assert.Equal(ErrorCode.Unauthorized,
            (await Assert.ThrowsAsync<WireErrorException>(() => UndoAsync(viewer, Request(viewer, target, look.Digest)))).Error.Code);
        Assert.Equal(ErrorCode.BadSignature,
            (await Assert.ThrowsAsync<WireErrorException>(() => UndoAsync(phone, Request(viewer, target, look.Digest)))).Error.Code);
        Assert.Equal(ErrorCode.BadSignature, (await Assert.ThrowsAsync<WireErrorException>(
            () => UndoAsync(phone, Request(phone, target, look.Digest) with { Force = true }))).Error.Code);
        Assert.Equal(ErrorCode.SnapshotNotFound, (await Assert.ThrowsAsync<WireErrorException>(
            () => LookAsync(phone, new UndoTarget(UndoKind.Turn, Guid.CreateVersion7())))).Error.Code);
        Assert.True(File.Exists(phone.PathOf("f")));
    }

    [Fact]
    public async Task After_a_restart_an_undo_still_works()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var phone = await daemon.PhoneAsync();
        var asked = await RunAsync(phone, "run: echo x > f");
        await phone.DisposeAsync();
        await daemon.RestartAsync();
        await using var again = await daemon.PhoneAsync("again");

        var target = new UndoTarget(UndoKind.Approval, asked.ApprovalId);
        var look = await LookAsync(again, target);
        Assert.False(look.OutcomeUnknown);
        await UndoAsync(again, Request(again, target, look.Digest));
        Assert.False(File.Exists(again.PathOf("f")));
    }

    [Fact]
    public async Task Looking_takes_no_snapshot_and_what_only_looks_has_nothing_to_undo()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync("run: ls");
        var asked = await phone.AskedAsync();
        Assert.Equal(RiskTier.Read, asked.Risk!.Tier);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        Assert.False((await phone.BecameAsync(ApprovalState.Finished)).Approval.Execution!.Undoable);
        Assert.False(Directory.Exists(daemon.Options.Home.Snapshots));
    }

    [Fact]
    public async Task Without_a_snapshot_what_destroys_does_not_run_until_allowed_with_that_in_view_and_others_run_with_a_notice()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await File.WriteAllTextAsync(daemon.Options.Home.Snapshots, "in the way");
        await File.WriteAllTextAsync(phone.PathOf("f"), "x");
        var session = await phone.StartAsync("run: rm f");
        var asked = await phone.AskedAsync();
        Assert.Equal(RiskTier.Destructive, asked.Risk!.Tier);
        Assert.DoesNotContain(asked.Risk.Consequences, c => c.Kind == ConsequenceKind.NotUndoable);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await phone.BecameAsync(ApprovalState.Withdrawn);
        await phone.DoneAsync();
        Assert.True(File.Exists(phone.PathOf("f")));

        await phone.PromptAsync(session, "run: rm f");
        asked = await phone.AskedAsync();
        Assert.Contains(asked.Risk!.Consequences, c => c.Kind == ConsequenceKind.NotUndoable);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        Assert.False((await phone.BecameAsync(ApprovalState.Finished)).Approval.Execution!.Undoable);
        await phone.DoneAsync();
        Assert.False(File.Exists(phone.PathOf("f")));

        await phone.PromptAsync(session, "run: echo y > g");
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        Assert.Contains("can't be undone", (await phone.Device.NextEventAsync<NoticeEvent>(e => e.Level == NoticeLevel.Warning)).Text,
            StringComparison.Ordinal);
        await phone.DoneAsync();
        Assert.True(File.Exists(phone.PathOf("g")));
    }

    [Fact]
    public async Task What_was_refused_at_the_last_look_has_nothing_to_undo()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await File.WriteAllTextAsync(phone.PathOf("note.txt"), "old");
        await phone.StartAsync("write: note.txt | new");
        var asked = await phone.AskedAsync();
        await File.WriteAllTextAsync(phone.PathOf("note.txt"), "somebody");
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await phone.BecameAsync(ApprovalState.Withdrawn);
        await phone.DoneAsync();
        await PocketCoder.Testing.Wait.UntilAsync(async () => await HasNoneAsync(), "its snapshot is forgotten");

        async Task<bool> HasNoneAsync()
        {
            try
            {
                await LookAsync(phone, new UndoTarget(UndoKind.Approval, asked.ApprovalId));
                return false;
            }
            catch (WireErrorException e) when (e.Error.Code == ErrorCode.SnapshotNotFound)
            {
                return true;
            }
        }
    }

    internal static async Task<ApprovalInfo> RunAsync(Phone phone, string prompt)
    {
        await phone.StartAsync(prompt);
        var asked = await phone.AskedAsync();
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await phone.DoneAsync();
        return asked;
    }

    internal static Task<SnapshotDiffResponse> LookAsync(Phone phone, UndoTarget target) => phone.Device.AskAsync(
        MessageTypes.SnapshotDiff, new SnapshotDiffRequest(target), ProtocolJson.Default.SnapshotDiffRequest,
        ProtocolJson.Default.SnapshotDiffResponse);

    internal static async Task<UndoInfo> UndoAsync(Phone phone, SnapshotUndoRequest request) => (await phone.Device.AskAsync(
        MessageTypes.SnapshotUndo, request, ProtocolJson.Default.SnapshotUndoRequest, ProtocolJson.Default.SnapshotUndoResponse)).Undo;

    internal static SnapshotUndoRequest Request(Phone phone, UndoTarget target, string digest, bool force = false)
    {
        var id = Guid.CreateVersion7();
        var signature = phone.Device.Identity.Sign(
            "pocketcoder-undo-v1", phone.Device.MachineId, id.ToString(), target.Kind.ToString().ToLowerInvariant(), target.Id.ToString(),
            digest, force ? "true" : "false");
        return new SnapshotUndoRequest(id, target, digest, Base64Url.EncodeToString(signature), force);
    }
}
