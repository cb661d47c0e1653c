using PocketCoder.Channels;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Network;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Approvals;

/// <summary>What holds for a time ends by the stricter of both clocks: a machine that slept, a clock that was set ahead or back.</summary>
public sealed class DeadlineTests
{
    [Fact]
    public void A_deadline_has_come_when_either_clock_says_so_whatever_the_clocks_did()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        for (var round = 0; round < 500; round++)
        {
            var time = new ManualTime();
            var span = TimeSpan.FromSeconds(random.Next(1, 600));
            var began = time.GetUtcNow();
            var ends = random.Next(2) == 0 ? Deadline.After(time, span) : Deadline.Until(time, began + span);
            var elapsed = TimeSpan.Zero;
            for (var step = 0; step < 8; step++)
            {
                var by = TimeSpan.FromSeconds(random.Next(-900, 900));
                if (by > TimeSpan.Zero && random.Next(2) == 0)
                {
                    time.Advance(by);
                    elapsed += by;
                }
                else
                {
                    time.JumpWall(by);
                }

                var passed = elapsed >= span || time.GetUtcNow() >= began + span;
                Assert.True(passed == ends.HasPassed(time) && passed == ends.Left(time) <= TimeSpan.Zero,
                    $"seed {seed}, round {round}, step {step}");
            }
        }
    }

    [Fact]
    public async Task A_decision_after_the_machine_slept_is_too_late_and_nothing_runs()
    {
        var time = new ManualTime();
        await using var daemon = await TestDaemon.StartAsync(time, TimeSpan.FromMinutes(10));
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync("run: touch late.txt");
        var asked = await phone.AskedAsync();

        time.JumpWall(TimeSpan.FromHours(1)); // the monotonic clock, and with it every timer, stood still
        var late = await Assert.ThrowsAsync<WireErrorException>(() => phone.Device.DecideAsync(asked, DecisionVerdict.Allow));

        Assert.Equal((ErrorCode.AlreadyDecided, "expired"), (late.Error.Code, late.Error.Details!["state"]));
        Assert.Equal("time-out", (await phone.BecameAsync(ApprovalState.Expired)).Approval.Decision!.By);
        Assert.Contains("Nobody decided in time", (await phone.Device.NextEventAsync<ToolResultEvent>()).Output, StringComparison.Ordinal);
        await phone.DoneAsync();
        Assert.False(File.Exists(phone.PathOf("late.txt")));
        Assert.Equal(["approval_requested", "approval_expired"], await phone.LedgerAsync(asked.ApprovalId));
    }

    [Fact]
    public async Task What_waited_while_the_machine_slept_expires_soon_after_it_woke()
    {
        var time = new ManualTime();
        await using var daemon = await TestDaemon.StartAsync(time, TimeSpan.FromMinutes(10));
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync("run: touch late.txt");
        await phone.AskedAsync();
        time.JumpWall(TimeSpan.FromHours(8));
        time.Advance(TimeSpan.FromSeconds(15));
        await phone.BecameAsync(ApprovalState.Expired);
        await phone.DoneAsync();
        Assert.False(File.Exists(phone.PathOf("late.txt")));
    }

    [Fact]
    public async Task A_wall_clock_that_is_set_back_prolongs_no_request()
    {
        var time = new ManualTime();
        await using var daemon = await TestDaemon.StartAsync(time, TimeSpan.FromMinutes(10));
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync("run: touch late.txt");
        var asked = await phone.AskedAsync();
        time.JumpWall(-TimeSpan.FromHours(2));
        time.Advance(TimeSpan.FromMinutes(10));
        await phone.BecameAsync(ApprovalState.Expired);
        Assert.Equal(ErrorCode.AlreadyDecided,
            (await Assert.ThrowsAsync<WireErrorException>(() => phone.Device.DecideAsync(asked, DecisionVerdict.Allow))).Error.Code);
        await phone.DoneAsync();
        Assert.False(File.Exists(phone.PathOf("late.txt")));
    }

    [Fact]
    public async Task What_was_allowed_and_could_not_begin_before_the_machine_slept_does_not_begin_afterwards()
    {
        var time = new ManualTime();
        await using var daemon = await TestDaemon.StartAsync(time, TimeSpan.FromMinutes(10));
        await using var phone = await daemon.PhoneAsync();
        var ran = false;
        var ask = new ProjectAsk(
            phone.Project.ProjectId,
            daemon.Daemon.Devices.Find(phone.Device.Identity.Id)!,
            ApprovalKind.File,
            new FileSubject(FileOperation.Delete, "a.txt", "a file"),
            ApprovalDigest.OfProject(phone.Project.ProjectId, "file", "a.txt"),
            _ =>
            {
                ran = true;
                return Task.FromResult(ProjectOutcome.Done);
            },
            _ =>
            {
                time.JumpWall(TimeSpan.FromMinutes(11)); // between the decision and its beginning
                return Task.FromResult<string?>(null);
            });
        var asked = await daemon.Daemon.Asks.AskAsync(ask);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await Wait.UntilAsync(async () => (await phone.LedgerAsync(asked.ApprovalId)).Count == 3, "it is recorded that it did not begin");
        Assert.False(ran);
        Assert.Equal(["approval_requested", "approval_decided", "execution_refused"], await phone.LedgerAsync(asked.ApprovalId));
    }

    [Theory]
    [InlineData(11, 0)]
    [InlineData(-120, 10)]
    public async Task A_secret_that_may_be_read_for_ten_minutes_is_closed_by_either_clock(int jump, int passes)
    {
        var time = new ManualTime();
        await using var daemon = await TestDaemon.StartAsync(time);
        await using var phone = await daemon.PhoneAsync();
        var device = daemon.Daemon.Devices.Find(phone.Device.Identity.Id)!;
        var ask = new ProjectAsk(
            phone.Project.ProjectId, device, ApprovalKind.File, new FileSubject(FileOperation.Read, ".env", "keys"),
            ApprovalDigest.OfProject(phone.Project.ProjectId, "file_read", ".env"));
        var asked = await daemon.Daemon.Asks.AskAsync(ask);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await daemon.Daemon.Asks.RequireAllowedAsync(asked.ApprovalId, ask.ProjectId, ask.Exactly, device);
        time.JumpWall(TimeSpan.FromMinutes(jump));
        time.Advance(TimeSpan.FromMinutes(passes));
        var refused = await Assert.ThrowsAsync<RequestFailure>(
            () => daemon.Daemon.Asks.RequireAllowedAsync(asked.ApprovalId, ask.ProjectId, ask.Exactly, device));
        Assert.Equal(ErrorCode.Unauthorized, refused.Error.Code);
    }

    [Theory]
    [InlineData(11, 0)]
    [InlineData(-120, 10)]
    public async Task A_pairing_link_is_closed_by_either_clock(int jump, int passes)
    {
        var time = new ManualTime();
        await using var daemon = await TestDaemon.StartAsync(time);
        var link = await daemon.LinkAsync();
        time.JumpWall(TimeSpan.FromMinutes(jump));
        time.Advance(TimeSpan.FromMinutes(passes));
        await Assert.ThrowsAsync<ChannelException>(() => TestDevice.PairAsync(link));
        await using var fresh = await daemon.PairAsync(); // a new one works
    }

    [Theory]
    [InlineData(2, 0)]
    [InlineData(-30, 1)]
    public async Task A_network_rule_with_an_end_is_closed_by_either_clock(int jump, int passes)
    {
        var time = new ManualTime();
        await using var daemon = await TestDaemon.StartAsync(time);
        await using var phone = await daemon.PhoneAsync();
        var target = daemon.Daemon.AsOwner();
        await target.AddNetworkRuleAsync(phone.Project.ProjectId, "one.test:443", 1, CancellationToken.None);
        await target.AddNetworkRuleAsync(phone.Project.ProjectId, "two.test:443", null, CancellationToken.None);
        time.JumpWall(TimeSpan.FromDays(jump));
        time.Advance(TimeSpan.FromDays(passes));
        Assert.Equal("two.test:443",
            Assert.Single(await target.ListNetworkRulesAsync(phone.Project.ProjectId, CancellationToken.None)).Pattern);
    }
}
