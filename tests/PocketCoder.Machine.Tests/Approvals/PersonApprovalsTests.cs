using System.Text.Json;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Approvals;

/// <summary>What a person asks for in a project, outside of any session.</summary>
public sealed class PersonApprovalsTests
{
    [Fact]
    public async Task What_is_allowed_is_done_once_by_the_machine_and_every_step_is_in_the_ledger()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var times = 0;
        var ask = Ask(phone, Owner(daemon, phone.Device),
            _ => Task.FromResult(Interlocked.Increment(ref times) == 1 ? ProjectOutcome.Done : ProjectOutcome.Failed("twice")));
        var asked = await daemon.Daemon.Asks.AskAsync(ask);
        Assert.Equal((null, "person", "phone", ApprovalState.Pending), (asked.AgentSessionId, asked.Agent, asked.RequestedBy, asked.State));
        Assert.Equal(asked.ApprovalId, (await daemon.Daemon.Asks.AskAsync(ask)).ApprovalId); // the same that waits is not asked twice

        Assert.Equal(0, times);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        var done = await FinishedAsync(phone.Device, asked.ApprovalId);
        Assert.Equal((ApprovalState.Finished, false, 0, 1),
            (done.State, done.Execution!.Failed!.Value, done.Execution.ExitCode!.Value, times));
        var rows = (await RowsAsync(phone.Device)).Where(r => r.Body.Contains(asked.ApprovalId.ToString(), StringComparison.Ordinal))
            .OrderBy(r => r.Seq).Select(r => JsonDocument.Parse(r.Body).RootElement.GetProperty("kind").GetString()).ToList();
        Assert.Equal(["approval_requested", "approval_decided", "execution_started", "execution_finished"], rows);
    }

    [Fact]
    public async Task What_is_denied_or_has_changed_meanwhile_is_not_done()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var device = Owner(daemon, phone.Device);
        var ran = false;
        Task<ProjectOutcome> Run(CancellationToken _)
        {
            ran = true;
            return Task.FromResult(ProjectOutcome.Done);
        }

        var denied = await daemon.Daemon.Asks.AskAsync(Ask(phone, device, Run));
        Assert.Equal(ApprovalState.Denied, (await phone.Device.DecideAsync(denied, DecisionVerdict.Deny)).State);
        var drifted = await daemon.Daemon.Asks.AskAsync(
            Ask(phone, device, Run, "other") with { Drift = _ => Task.FromResult<string?>("the branch moved") });
        await phone.Device.DecideAsync(drifted, DecisionVerdict.Allow);
        await Wait.UntilAsync(async () => (await ApprovalAsync(phone.Device, drifted.ApprovalId)).State == ApprovalState.Withdrawn,
            "the refusal");
        Assert.Contains(await RowsAsync(phone.Device), r => r.Body.Contains("\"alarm_raised\"", StringComparison.Ordinal)
            && r.Body.Contains("the branch moved", StringComparison.Ordinal));

        var unread = await daemon.Daemon.Asks.AskAsync(
            Ask(phone, device, Run, "third") with { Drift = _ => throw new IOException("the disk is gone") });
        await phone.Device.DecideAsync(unread, DecisionVerdict.Allow);
        await Wait.UntilAsync(async () => (await ApprovalAsync(phone.Device, unread.ApprovalId)).State == ApprovalState.Withdrawn,
            "the refusal of what can't be compared");
        Assert.Contains(await RowsAsync(phone.Device), r => r.Body.Contains("the disk is gone", StringComparison.Ordinal));
        Assert.False(ran);
    }

    [Fact]
    public async Task What_fails_says_why_and_what_waits_expires_with_a_restart()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var device = Owner(daemon, phone.Device);
        var failing = await daemon.Daemon.Asks.AskAsync(
            Ask(phone, device, _ => throw new RequestFailure(ErrorCode.GitError, "remote: no")));
        await phone.Device.DecideAsync(failing, DecisionVerdict.Allow);
        var failed = await FinishedAsync(phone.Device, failing.ApprovalId);
        Assert.Equal((true, "remote: no"), (failed.Execution!.Failed!.Value, failed.Execution.Error));

        var faulty = await daemon.Daemon.Asks.AskAsync(Ask(phone, device, _ => throw new InvalidOperationException("a bug"), "faulty"));
        await phone.Device.DecideAsync(faulty, DecisionVerdict.Allow);
        Assert.Equal("a bug", (await FinishedAsync(phone.Device, faulty.ApprovalId)).Execution!.Error);

        var waits = await daemon.Daemon.Asks.AskAsync(Ask(phone, device, _ => Task.FromResult(ProjectOutcome.Done), "waits"));
        await daemon.RestartAsync();
        await using var again = await phone.Device.AgainAsync(daemon.Url);
        Assert.Equal(ApprovalState.Expired, (await ApprovalAsync(again, waits.ApprovalId)).State);
    }

    [Fact]
    public async Task Reading_what_was_withheld_is_for_the_device_that_asked_for_what_was_allowed_and_for_ten_minutes()
    {
        var time = new ManualTime();
        await using var daemon = await TestDaemon.StartAsync(time: time);
        await using var phone = await daemon.PhoneAsync();
        await using var other = await daemon.PairAsync("other");
        var device = Owner(daemon, phone.Device);
        var ask = Ask(phone, device, null);
        var failure = await daemon.Daemon.Asks.RequiredAsync(ask);
        Assert.Equal(ErrorCode.ApprovalRequired, failure.Error.Code);
        var id = Guid.Parse(failure.Error.Details!["approvalId"]);
        Assert.Equal(ErrorCode.Unauthorized, await CodeAsync(id, ask.Exactly, device)); // not decided yet
        await other.DecideAsync(await ApprovalAsync(phone.Device, id), DecisionVerdict.Allow);

        await daemon.Daemon.Asks.RequireAllowedAsync(id, ask.ProjectId, ask.Exactly, device);
        Assert.Equal(ErrorCode.Unauthorized, await CodeAsync(id, ask.Exactly, Owner(daemon, other)));
        Assert.Equal(ErrorCode.DigestMismatch, await CodeAsync(id, ApprovalDigest.OfProject(ask.ProjectId, "file", "other"), device));
        Assert.Equal(ErrorCode.ApprovalNotFound, await CodeAsync(Guid.CreateVersion7(), ask.Exactly, device));
        time.Advance(PersonApprovals.ReadableFor + TimeSpan.FromSeconds(1));
        Assert.Equal(ErrorCode.Unauthorized, await CodeAsync(id, ask.Exactly, device));

        async Task<ErrorCode> CodeAsync(Guid approval, IReadOnlyDictionary<string, string> exactly, Device by)
            => (await Assert.ThrowsAsync<RequestFailure>(
                () => daemon.Daemon.Asks.RequireAllowedAsync(approval, ask.ProjectId, exactly, by))).Error.Code;
    }

    [Fact]
    public async Task More_than_what_fits_is_refused_and_leaves_what_waits_alone()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var device = Owner(daemon, phone.Device);
        await using var other = await daemon.PairAsync("other");
        static Task<ProjectOutcome> Run(CancellationToken _) => Task.FromResult(ProjectOutcome.Done);
        for (var i = 0; i < PersonApprovals.Bounds.Changes; i++)
        {
            await daemon.Daemon.Asks.AskAsync(Ask(phone, device, Run, $"{i}"));
        }

        Assert.Equal(ErrorCode.DaemonBusy,
            (await Assert.ThrowsAsync<RequestFailure>(() => daemon.Daemon.Asks.AskAsync(Ask(phone, device, Run, "one more")))).Error.Code);
        var waiting = await phone.Device.AskAsync(MessageTypes.ApprovalsList, new ApprovalsListRequest(),
            ProtocolJson.Default.ApprovalsListRequest, ProtocolJson.Default.ApprovalsListResponse);
        Assert.Equal(PersonApprovals.Bounds.Changes, waiting.Approvals.Count);

        // Bounds are each device's own; what two ask for alike is each one's own too, and asked once.
        var first = await daemon.Daemon.Asks.AskAsync(Ask(phone, Owner(daemon, other), Run, "0"));
        Assert.Equal(first.ApprovalId, (await daemon.Daemon.Asks.AskAsync(Ask(phone, Owner(daemon, other), Run, "0"))).ApprovalId);
    }

    private static ProjectAsk Ask(Phone phone, Device device, Func<CancellationToken, Task<ProjectOutcome>>? run, string path = ".env")
        => new(
            phone.Project.ProjectId,
            device,
            ApprovalKind.File,
            new FileSubject(run is null ? FileOperation.Read : FileOperation.Delete, path, "It may hold secrets."),
            ApprovalDigest.OfProject(phone.Project.ProjectId, "file", path),
            run);

    private static Device Owner(TestDaemon daemon, TestDevice device) => daemon.Daemon.Devices.Find(device.Identity.Id)!;

    private static async Task<ApprovalInfo> FinishedAsync(TestDevice phone, Guid approval)
    {
        await Wait.UntilAsync(async () => (await ApprovalAsync(phone, approval)).State == ApprovalState.Finished, "the end");
        return await ApprovalAsync(phone, approval);
    }

    private static async Task<ApprovalInfo> ApprovalAsync(TestDevice phone, Guid approval)
    {
        var all = await phone.AskAsync(MessageTypes.ApprovalsList, new ApprovalsListRequest(Pending: false),
            ProtocolJson.Default.ApprovalsListRequest, ProtocolJson.Default.ApprovalsListResponse);
        return all.Approvals.Single(a => a.ApprovalId == approval);
    }

    private static async Task<IReadOnlyList<LedgerRowInfo>> RowsAsync(TestDevice phone)
        => (await phone.AskAsync(MessageTypes.LedgerList, new LedgerListRequest(Limit: 100), ProtocolJson.Default.LedgerListRequest,
            ProtocolJson.Default.LedgerListResponse)).Rows;
}
