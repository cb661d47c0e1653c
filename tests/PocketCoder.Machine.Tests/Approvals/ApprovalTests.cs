using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Approvals;

public sealed class ApprovalTests
{
    [Fact]
    public async Task A_denied_command_does_not_run_and_the_agent_reads_the_reason()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync("run: touch denied.txt");
        var asked = await phone.AskedAsync();

        var decided = await phone.Device.DecideAsync(asked, DecisionVerdict.Deny, reason: "not this one");

        Assert.Equal(ApprovalState.Denied, decided.State);
        var result = await phone.Device.NextEventAsync<ToolResultEvent>();
        Assert.True(result.Failed);
        Assert.Contains("not this one", result.Output, StringComparison.Ordinal);
        await phone.DoneAsync();
        Assert.False(File.Exists(phone.PathOf("denied.txt")));
        Assert.Equal(["approval_requested", "approval_decided"], await phone.LedgerAsync(asked.ApprovalId));
    }

    [Theory]
    [InlineData("\u624b\u673a")]
    [InlineData("J\u00fcrgens Handy")]
    public async Task A_device_decides_whatever_script_its_name_is_in(string name)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync(name);
        await phone.StartAsync("run: touch here.txt");
        var decided = await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        await phone.DoneAsync();
        Assert.Equal(name, decided.Decision!.By);
        Assert.True(File.Exists(phone.PathOf("here.txt")));
        Assert.True((await phone.VerifyAsync()).Intact);
    }

    [Fact]
    public async Task Nobody_decides_in_time_and_it_is_denied_with_that_reason()
    {
        var time = new ManualTime();
        await using var daemon = await TestDaemon.StartAsync(time, TimeSpan.FromMinutes(10));
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync("run: touch late.txt");
        var asked = await phone.AskedAsync();

        time.Advance(TimeSpan.FromMinutes(10));

        var expired = await phone.BecameAsync(ApprovalState.Expired);
        Assert.Equal("time-out", expired.Approval.Decision!.By);
        var result = await phone.Device.NextEventAsync<ToolResultEvent>();
        Assert.Contains("Nobody decided in time", result.Output, StringComparison.Ordinal);
        await phone.DoneAsync();
        Assert.False(File.Exists(phone.PathOf("late.txt")));
        var late = await Assert.ThrowsAsync<WireErrorException>(() => phone.Device.DecideAsync(asked, DecisionVerdict.Allow));
        Assert.Equal(ErrorCode.AlreadyDecided, late.Error.Code);
        Assert.Equal(["approval_requested", "approval_expired"], await phone.LedgerAsync(asked.ApprovalId));
    }

    [Fact]
    public async Task Of_two_decisions_the_first_wins_and_the_second_is_told_who_won()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync("phone");
        await using var tablet = await daemon.PhoneAsync("tablet");
        await phone.StartAsync("run: true");
        var asked = await phone.AskedAsync();

        var outcomes = await Task.WhenAll(TryAsync(phone, DecisionVerdict.Allow), TryAsync(tablet, DecisionVerdict.Deny));

        var lost = Assert.Single(outcomes, o => o is not null)!;
        Assert.Equal(ErrorCode.AlreadyDecided, lost.Error.Code);
        Assert.Matches("^(phone|tablet) decided first", lost.Error.Message);

        async Task<WireErrorException?> TryAsync(Phone who, DecisionVerdict verdict)
        {
            try
            {
                await who.Device.DecideAsync(asked, verdict);
                return null;
            }
            catch (WireErrorException e)
            {
                return e;
            }
        }
    }

    [Fact]
    public async Task The_same_decision_sent_twice_is_one_decision()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync("run: echo once >> count.txt");
        var asked = await phone.AskedAsync();
        var id = Guid.CreateVersion7();

        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow, decisionId: id);
        await phone.DoneAsync();
        var again = await phone.Device.DecideAsync(asked, DecisionVerdict.Allow, decisionId: id);

        Assert.Equal(ApprovalState.Finished, again.State);
        Assert.Equal("once\n", await File.ReadAllTextAsync(phone.PathOf("count.txt")));
        Assert.Equal(["approval_requested", "approval_decided", "execution_started", "execution_finished"],
            await phone.LedgerAsync(asked.ApprovalId));
    }

    [Fact]
    public async Task A_decision_with_another_digest_a_foreign_signature_or_a_changed_verdict_changes_nothing()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var stranger = await daemon.PhoneAsync("stranger");
        await phone.StartAsync("run: touch forged.txt");
        var asked = await phone.AskedAsync();

        await RefusedAsync(ErrorCode.DigestMismatch, phone.Device.Decision(
            asked with { Digest = new string('0', 64) }, DecisionVerdict.Allow, DecisionScope.Once, null, null, Guid.CreateVersion7()));
        await RefusedAsync(ErrorCode.BadSignature,
            stranger.Device.Decision(asked, DecisionVerdict.Allow, DecisionScope.Once, null, null, Guid.CreateVersion7()));
        await RefusedAsync(ErrorCode.BadSignature, phone.Device.Decision(
            asked, DecisionVerdict.Deny, DecisionScope.Once, null, null, Guid.CreateVersion7()) with
        { Verdict = DecisionVerdict.Allow });
        await RefusedAsync(ErrorCode.BadSignature, phone.Device.Decision(
            asked, DecisionVerdict.Allow, DecisionScope.Once, null, null, Guid.CreateVersion7()) with
        { Scope = DecisionScope.Session });
        await RefusedAsync(ErrorCode.BadSignature, phone.Device.Decision(
            asked, DecisionVerdict.Allow, DecisionScope.Once, null, null, Guid.CreateVersion7()) with
        { Signature = "not base64!" });
        await RefusedAsync(ErrorCode.ApprovalNotFound, phone.Device.Decision(asked with { ApprovalId = Guid.CreateVersion7() },
            DecisionVerdict.Allow, DecisionScope.Once, null, null, Guid.CreateVersion7()));

        Assert.Equal(["approval_requested"], await phone.LedgerAsync(asked.ApprovalId));
        Assert.False(File.Exists(phone.PathOf("forged.txt")));

        async Task RefusedAsync(ErrorCode code, DecisionRequest decision)
        {
            var refused = await Assert.ThrowsAsync<WireErrorException>(() => phone.Device.AskAsync(
                MessageTypes.AgentPromptResponse, decision, ProtocolJson.Default.DecisionRequest, ProtocolJson.Default.DecisionResponse));
            Assert.Equal(code, refused.Error.Code);
        }
    }

    [Fact]
    public async Task Allow_for_this_session_covers_exactly_the_same_command_and_nothing_else()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("run: echo same >> log.txt");
        var first = await phone.AskedAsync();
        await phone.Device.DecideAsync(first, DecisionVerdict.Allow, DecisionScope.Session);
        await phone.DoneAsync();

        await phone.PromptAsync(session, "run: echo same >> log.txt");
        var covered = await phone.BecameAsync(ApprovalState.Finished);
        Assert.NotEqual(first.ApprovalId, covered.Approval.ApprovalId);
        Assert.Equal(["approval_requested", "approval_decided", "execution_started", "execution_finished"],
            await phone.LedgerAsync(covered.Approval.ApprovalId));
        await phone.DoneAsync();

        await phone.PromptAsync(session, "run: echo same  >> log.txt");
        var other = await phone.AskedAsync();
        Assert.Equal(ApprovalState.Pending, other.State);
        await phone.Device.DecideAsync(other, DecisionVerdict.Deny);
        await phone.DoneAsync();

        var elsewhere = await phone.StartAsync("run: echo same >> log.txt");
        Assert.Equal(elsewhere, (await phone.AskedAsync()).AgentSessionId);
        Assert.Equal("same\nsame\n", await File.ReadAllTextAsync(phone.PathOf("log.txt")));
    }

    [Fact]
    public async Task What_a_person_decided_on_exactly_the_same_before_is_told()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("run: echo same >> log.txt");
        var first = await phone.AskedAsync();
        Assert.Empty(await SameAsync(first));
        await phone.Device.DecideAsync(first, DecisionVerdict.Deny);
        await phone.DoneAsync();

        // In another session: what is the same is the thing, wherever it is asked.
        await phone.StartAsync("run: echo same >> log.txt");
        var second = await phone.AskedAsync();
        var told = Assert.Single(await SameAsync(second));
        Assert.Equal((first.ApprovalId, DecisionVerdict.Deny), (told.ApprovalId, told.Decision!.Verdict));
        await phone.Device.DecideAsync(second, DecisionVerdict.Allow, DecisionScope.Session);
        await phone.DoneAsync();

        // Covered by that allowance: nobody decided, so it is none; and another command is another thing.
        await phone.PromptAsync(second.AgentSessionId!.Value, "run: echo same >> log.txt");
        var covered = await phone.BecameAsync(ApprovalState.Finished);
        await phone.DoneAsync();
        Assert.Equal([second.ApprovalId, first.ApprovalId], (await SameAsync(covered.Approval)).Select(a => a.ApprovalId));
        await phone.PromptAsync(session, "run: echo other >> log.txt");
        Assert.Empty(await SameAsync(await phone.AskedAsync()));

        async Task<IReadOnlyList<ApprovalInfo>> SameAsync(ApprovalInfo approval) => (await phone.Device.AskAsync(
            MessageTypes.ApprovalsList, new ApprovalsListRequest(SameAs: approval.ApprovalId),
            ProtocolJson.Default.ApprovalsListRequest, ProtocolJson.Default.ApprovalsListResponse)).Approvals;
    }

    [Fact]
    public async Task A_wider_allowance_of_something_destructive_covers_exactly_that_again_and_nothing_like_it()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("run: rm -rf build");
        var asked = await phone.AskedAsync();
        Assert.Equal(RiskTier.Destructive, asked.Risk!.Tier);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow, DecisionScope.Session);
        await phone.DoneAsync();

        await phone.PromptAsync(session, "run: rm -rf build");
        await phone.BecameAsync(ApprovalState.Finished);
        await phone.DoneAsync();

        await phone.PromptAsync(session, "run: rm -rf build dist");
        Assert.Equal(ApprovalState.Pending, (await phone.AskedAsync()).State);
    }

    [Fact]
    public async Task An_allowance_given_when_it_destroyed_nothing_does_not_cover_it_once_it_does()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await File.WriteAllTextAsync(phone.PathOf("a.txt"), "ours");
        Directory.CreateDirectory(phone.PathOf("out"));
        const string Prompt = "run: cp a.txt out/b.txt";
        var session = await phone.StartAsync(Prompt);
        var asked = await phone.AskedAsync();
        Assert.NotEqual(RiskTier.Destructive, asked.Risk!.Tier);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow, DecisionScope.Session);
        await phone.DoneAsync();

        var outside = Directory.CreateTempSubdirectory("pc-").FullName;
        await File.WriteAllTextAsync(Path.Combine(outside, "b.txt"), "theirs");
        Directory.Delete(phone.PathOf("out"), recursive: true);
        Directory.CreateSymbolicLink(phone.PathOf("out"), outside);
        await phone.PromptAsync(session, Prompt);

        var again = await phone.AskedAsync();
        Assert.Equal(RiskTier.Destructive, again.Risk!.Tier);
        Assert.Equal("theirs", await File.ReadAllTextAsync(Path.Combine(outside, "b.txt")));
    }

    [Fact]
    public async Task An_allowance_ends_with_the_device_that_gave_it()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var tablet = await daemon.PairAsync();
        const string Prompt = "run: echo t >> turn.txt";
        var session = await phone.StartAsync(Prompt);
        await tablet.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow, DecisionScope.Session);
        await phone.DoneAsync();
        await phone.PromptAsync(session, Prompt);
        await phone.DoneAsync();
        Assert.Equal("t\nt\n", await File.ReadAllTextAsync(phone.PathOf("turn.txt")));

        await phone.Device.AskAsync(MessageTypes.DeviceRevoke, new DeviceRevokeRequest(tablet.Hello.DeviceId),
            ProtocolJson.Default.DeviceRevokeRequest, ProtocolJson.Default.DeviceRevokeResponse);
        await phone.PromptAsync(session, Prompt);
        Assert.Equal(ApprovalState.Pending, (await phone.AskedAsync()).State);
        Assert.Equal("t\nt\n", await File.ReadAllTextAsync(phone.PathOf("turn.txt")));
    }

    [Fact]
    public async Task Allow_for_this_turn_ends_with_the_turn()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("run: echo t >> turn.txt\nrun: echo t >> turn.txt");
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow, DecisionScope.Turn);
        await phone.DoneAsync();
        Assert.Equal("t\nt\n", await File.ReadAllTextAsync(phone.PathOf("turn.txt")));

        await phone.PromptAsync(session, "run: echo t >> turn.txt");
        Assert.Equal(ApprovalState.Pending, (await phone.AskedAsync()).State);
    }

    [Fact]
    public async Task A_write_shows_its_whole_diff_and_is_refused_when_the_file_changed_meanwhile()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await File.WriteAllTextAsync(phone.PathOf("note.txt"), "old\n");
        await phone.StartAsync("write: note.txt | new");
        var asked = await phone.AskedAsync();
        var edit = Assert.IsType<EditSubject>(asked.Subject);
        Assert.False(edit.Creates);
        Assert.Equal(1, edit.Diff!.Removed);
        Assert.Equal(1, edit.Diff.Added);

        await File.WriteAllTextAsync(phone.PathOf("note.txt"), "someone else was here\n");
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);

        await phone.BecameAsync(ApprovalState.Withdrawn);
        await phone.DoneAsync();
        Assert.Equal("someone else was here\n", await File.ReadAllTextAsync(phone.PathOf("note.txt")));
        Assert.Equal(["approval_requested", "approval_decided", "alarm_raised", "execution_refused"],
            await phone.LedgerAsync(asked.ApprovalId));
        Assert.True((await phone.VerifyAsync()).Intact);
    }

    [Fact]
    public async Task A_question_is_answered_and_a_plan_accepted_or_sent_back()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("ask: Which colour? | red | blue");
        var question = await phone.AskedAsync();
        var text = Assert.Single(Assert.IsType<QuestionSubject>(question.Subject).Questions).Text;

        var open = await Assert.ThrowsAsync<WireErrorException>(() => phone.Device.DecideAsync(question, DecisionVerdict.Allow));
        Assert.Equal(ErrorCode.InvalidRequest, open.Error.Code);
        await phone.Device.DecideAsync(question, DecisionVerdict.Allow, answers: $$"""{"{{text}}":"blue"}""");
        Assert.Contains("blue", (await phone.Device.NextEventAsync<TextEvent>(e => e.Text.Contains("blue", StringComparison.Ordinal))).Text,
            StringComparison.Ordinal);
        await phone.DoneAsync();

        await phone.PromptAsync(session, "plan: 1. look 2. write");
        var plan = await phone.AskedAsync();
        Assert.Contains("1. look", Assert.IsType<PlanSubject>(plan.Subject).Plan, StringComparison.Ordinal);
        await phone.Device.DecideAsync(plan, DecisionVerdict.Deny, reason: "look twice");
        Assert.Equal(TurnState.Completed, (await phone.DoneAsync()).Outcome);
    }

    [Fact]
    public async Task A_device_without_the_scope_to_decide_can_look_and_not_decide()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var guest = await daemon.PhoneAsync("guest", Scope.View);
        await phone.StartAsync("run: true");
        var asked = await phone.AskedAsync();

        var seen = await guest.Device.AskAsync(MessageTypes.ApprovalsList, new ApprovalsListRequest(),
            ProtocolJson.Default.ApprovalsListRequest, ProtocolJson.Default.ApprovalsListResponse);
        Assert.Equal(asked.ApprovalId, Assert.Single(seen.Approvals).ApprovalId);
        var refused = await Assert.ThrowsAsync<WireErrorException>(() => guest.Device.DecideAsync(asked, DecisionVerdict.Allow));
        Assert.Equal(ErrorCode.Unauthorized, refused.Error.Code);
        Assert.Equal(["approval_requested"], await phone.LedgerAsync(asked.ApprovalId));
    }
}
