using PocketCoder.Broker.Egress;
using PocketCoder.Broker.Models;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.SessionLinks;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.SessionLinks;

/// <summary>How the parts below sessions reach one, and what happens when it is gone.</summary>
public sealed class LiveSessionsTests
{
    [Fact]
    public void A_session_is_found_as_long_as_it_lives()
    {
        var sessions = new LiveSessions();
        var (idle, working) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        sessions.Add(idle, new Session(false));
        Assert.False(sessions.AnyWorks);
        sessions.Add(working, new Session(true));
        Assert.True(sessions.AnyWorks);
        Assert.True(sessions.Find(working)!.IsWorking);
        sessions.Remove(working);
        Assert.Null(sessions.Find(working));
        Assert.False(sessions.AnyWorks);
    }

    [Fact]
    public async Task A_decision_on_what_no_session_waits_for_any_more_closes_it_and_says_why()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("say: hello", SandboxKind.None);
        await phone.DoneAsync();
        var turn = (await phone.GetAsync(session)).Turns[0].TurnId;
        await daemon.Daemon.SessionDirectory.CloseProjectAsync(phone.Project.ProjectId);
        var asked = await daemon.Daemon.Approvals.RequestAsync(new ApprovalDraft(
            session, turn, phone.Project.ProjectId, "stub", null, ApprovalKind.Command,
            new CommandSubject("true", phone.Project.Path, "bash", "{}"),
            new Dictionary<string, string>(StringComparer.Ordinal) { ["input"] = "{}" }, null, null, null, SandboxKind.None));
        await daemon.Daemon.Approvals.DecideAsync(null, new DecisionRequest(
            asked.ApprovalId, Guid.CreateVersion7(), DecisionVerdict.Allow, DecisionScope.Once, asked.Digest, ""));
        await Wait.UntilAsync(
            async () => (await daemon.Daemon.Approvals.FindAsync(asked.ApprovalId))!.State == ApprovalState.Withdrawn,
            "the end of what nobody waits for");
        Assert.Equal("its session is gone", (await daemon.Daemon.Approvals.FindAsync(asked.ApprovalId))!.NotDone);
    }

    private sealed class Session(bool isWorking) : ILiveSession
    {
        public bool IsWorking => isWorking;

        public ValueTask<EgressVerdict> MayReachAsync(EgressRequest wanted, CancellationToken cancellationToken)
            => throw new NotSupportedException();

        public Task<bool> AskBudgetAsync(BudgetSpent spent, CancellationToken ct) => throw new NotSupportedException();

        public void KeyRefused(int status) => throw new NotSupportedException();

        public void TerminalLeft() => throw new NotSupportedException();
    }
}
