using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Approvals;

/// <summary>The owner's rule that two people must allow what may destroy something.</summary>
public sealed class TwoPeopleTests
{
    private const string Destroys = "run: rm old.txt";

    [Fact]
    public async Task It_runs_once_two_people_allowed_it_and_not_before()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var ana = await PhoneAsync(daemon, "ana");
        await using var tablet = await PhoneAsync(daemon, "ana", "tablet");
        await using var bo = await PhoneAsync(daemon, "bo");
        await daemon.Daemon.AsOwner().TwoPeopleAsync(true);
        var file = Old(ana);
        await ana.StartAsync(Destroys);
        var asked = await ana.AskedAsync();
        Assert.Equal((true, null, null), (asked.TwoPeople, asked.Agreed, asked.Reach));

        var decision = Guid.CreateVersion7();
        var first = await ana.Device.DecideAsync(asked, DecisionVerdict.Allow, decisionId: decision);
        var again = await ana.Device.DecideAsync(asked, DecisionVerdict.Allow, decisionId: decision);
        Assert.Equal((ApprovalState.Pending, "ana", "phone of ana"), (first.State, first.Agreed!.Person, first.Agreed.By));
        Assert.Equal(first.Agreed, again.Agreed);
        Assert.Equal(first.Agreed, (await ana.AskedAsync()).Agreed); // told to everyone who follows
        foreach (var same in (Phone[])[ana, tablet])
        {
            var refused = await Assert.ThrowsAsync<WireErrorException>(() => same.Device.DecideAsync(asked, DecisionVerdict.Allow));
            Assert.Equal(ErrorCode.Unauthorized, refused.Error.Code);
            Assert.Contains("phone of ana allowed it already", refused.Error.Message, StringComparison.Ordinal);
        }

        Assert.True(File.Exists(file));
        Assert.Equal(["approval_requested", "approval_agreed"], await ana.LedgerAsync(asked.ApprovalId));

        await bo.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await ana.DoneAsync();

        Assert.False(File.Exists(file));
        Assert.Equal(
            ["approval_requested", "approval_agreed", "approval_decided", "execution_started", "execution_finished"],
            await ana.LedgerAsync(asked.ApprovalId));
        Assert.True((await ana.VerifyAsync()).Intact);
    }

    [Fact]
    public async Task One_denial_counts_also_after_the_first_yes()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var ana = await PhoneAsync(daemon, "ana");
        await using var nobody = await daemon.PhoneAsync("tablet");
        await daemon.Daemon.AsOwner().TwoPeopleAsync(true);
        var file = Old(ana);
        await ana.StartAsync(Destroys);
        var asked = await ana.AskedAsync();
        await ana.Device.DecideAsync(asked, DecisionVerdict.Allow);

        await nobody.Device.DecideAsync(asked, DecisionVerdict.Deny);

        Assert.Equal(ApprovalState.Denied, (await ana.BecameAsync(ApprovalState.Denied)).Approval.State);
        await ana.DoneAsync();
        Assert.True(File.Exists(file));
        Assert.True((await ana.VerifyAsync()).Intact);
    }

    [Fact]
    public async Task The_owner_is_one_person_at_the_machine_and_on_their_own_devices()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var own = await PhoneAsync(daemon, "owner");
        await using var bo = await PhoneAsync(daemon, "bo");
        var owner = daemon.Daemon.AsOwner();
        await owner.TwoPeopleAsync(true);
        var file = Old(own);
        await own.StartAsync(Destroys);
        var asked = await own.AskedAsync();

        Assert.Equal(("owner", null), await owner.Sessions.DecideAsync(ByOwner(asked)) is { Agreed: { } first } ? (first.Person, first.DeviceId) : default);
        Assert.Equal(
            ErrorCode.Unauthorized,
            (await Assert.ThrowsAsync<WireErrorException>(() => own.Device.DecideAsync(asked, DecisionVerdict.Allow))).Error.Code);
        Assert.True(File.Exists(file));
        await bo.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await own.DoneAsync();

        Assert.False(File.Exists(file));
        Assert.True((await own.VerifyAsync()).Intact);
    }

    /// <summary>Whoever lost a phone does not want its yes; a device that is somebody else's now speaks for nobody before.</summary>
    [Theory]
    [InlineData("revoked")]
    [InlineData("of another person")]
    [InlineData("of nobody")]
    public async Task A_first_yes_of_a_device_that_changed_meanwhile_is_none(string change)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var ana = await PhoneAsync(daemon, "ana");
        await using var bo = await PhoneAsync(daemon, "bo");
        await using var cy = await PhoneAsync(daemon, "cy");
        var owner = daemon.Daemon.AsOwner();
        await owner.TwoPeopleAsync(true);
        var file = Old(bo);
        await bo.StartAsync(Destroys);
        var asked = await bo.AskedAsync();
        await ana.Device.DecideAsync(asked, DecisionVerdict.Allow);

        var id = ana.Device.Identity.Id;
        await (change switch
        {
            "revoked" => owner.RevokeDeviceAsync(id, CancellationToken.None),
            "of nobody" => owner.LimitDeviceAsync(id, person: ""),
            _ => owner.LimitDeviceAsync(id, person: "dora"),
        });

        Assert.Equal((ApprovalState.Pending, "bo"), await bo.Device.DecideAsync(asked, DecisionVerdict.Allow) is var now ? (now.State, now.Agreed!.Person) : default);
        Assert.True(File.Exists(file));
        await cy.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await bo.DoneAsync();
        Assert.False(File.Exists(file));
        Assert.True((await bo.VerifyAsync()).Intact);
    }

    [Fact]
    public async Task A_device_of_nobody_is_none_of_the_two_and_one_device_is_not_two_people()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var ana = await PhoneAsync(daemon, "ana");
        await using var nobody = await daemon.PhoneAsync("tablet");
        var owner = daemon.Daemon.AsOwner();
        await owner.TwoPeopleAsync(true);
        await ana.StartAsync(Destroys);
        var asked = await ana.AskedAsync();

        var refused = await Assert.ThrowsAsync<WireErrorException>(() => nobody.Device.DecideAsync(asked, DecisionVerdict.Allow));
        Assert.Equal(ErrorCode.Unauthorized, refused.Error.Code);
        Assert.Contains("devices limit", refused.Error.Message, StringComparison.Ordinal);
        await ana.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await owner.LimitDeviceAsync(ana.Device.Identity.Id, person: "eve");
        await owner.LimitDeviceAsync(ana.Device.Identity.Id, person: "ana");
        Assert.Equal(
            ErrorCode.Unauthorized,
            (await Assert.ThrowsAsync<WireErrorException>(() => ana.Device.DecideAsync(asked, DecisionVerdict.Allow))).Error.Code);
        Assert.Equal(["approval_requested", "approval_agreed"], await ana.LedgerAsync(asked.ApprovalId));
        await ana.Device.DecideAsync(asked, DecisionVerdict.Deny);
    }

    [Fact]
    public async Task What_destroys_nothing_needs_one_person_and_an_allowance_from_before_covers_nothing_that_needs_two()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var ana = await PhoneAsync(daemon, "ana");
        var file = Old(ana);
        var session = await ana.StartAsync(Destroys, SandboxKind.Bubblewrap);
        await ana.Device.DecideAsync(await ana.AskedAsync(), DecisionVerdict.Allow, DecisionScope.Session);
        await ana.DoneAsync();
        Assert.False(File.Exists(file));
        await daemon.Daemon.AsOwner().TwoPeopleAsync(true);
        file = Old(ana);

        await ana.PromptAsync(session, Destroys);
        var asked = await ana.AskedAsync();
        Assert.True(asked.TwoPeople);
        await ana.Device.DecideAsync(asked, DecisionVerdict.Deny);
        await ana.DoneAsync();
        Assert.True(File.Exists(file));

        await ana.PromptAsync(session, "run: echo hi > new.txt");
        var harmless = await ana.AskedAsync();
        Assert.False(harmless.TwoPeople);
        await ana.Device.DecideAsync(harmless, DecisionVerdict.Allow);
        await ana.DoneAsync();
        Assert.True(File.Exists(ana.PathOf("new.txt")));
    }

    [Fact]
    public async Task The_rule_is_the_owners_stays_over_a_restart_and_is_not_turned_on_while_nobody_else_could_decide()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using (var own = await PhoneAsync(daemon, "owner"))
        await using (await daemon.PhoneAsync("tablet"))
        {
            var owner = daemon.Daemon.AsOwner();
            var refused = await Assert.ThrowsAsync<ControlException>(() => owner.TwoPeopleAsync(true));
            Assert.Equal(ErrorCode.InvalidRequest, refused.Code);
            Assert.False(await owner.TwoPeopleAsync(null));
            await owner.LimitDeviceAsync("tablet", person: "bo");
            await owner.TwoPeopleAsync(true);
            await owner.TwoPeopleAsync(true); // no second row
            Assert.True((await own.VerifyAsync()).Intact);
        }

        await daemon.RestartAsync();

        var after = daemon.Daemon.AsOwner();
        Assert.True(await after.TwoPeopleAsync(null));
        Assert.Equal("bo", (await after.ListDevicesAsync(CancellationToken.None)).Single(d => d.Name == "tablet").Person);
        Assert.False(await after.TwoPeopleAsync(false));
        var rows = await after.ListLedgerAsync(new LedgerListRequest(Limit: 200), CancellationToken.None);
        Assert.Equal(2, rows.Rows.Count(r => r.Body.Contains("\"two_person\"", StringComparison.Ordinal)));
    }

    /// <summary>A new verb that devices prompt or decide with belongs to these words, or to what goes on.</summary>
    [Fact]
    public async Task While_it_is_on_devices_do_nothing_without_an_approval()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var ana = await PhoneAsync(daemon, "ana");
        string[] alone = ["command_exec", "command_favourites_set", "fs_", "git_", "project_defaults_set", "session_worktree", "snapshot_undo", "terminal_"];
        string[] fits = ["git_fetch", "git_pull", "git_push", "git_remote_delete", "git_transfer_cancel", "terminal_close"];
        var device = daemon.Daemon.Devices.Find(ana.Device.Identity.Id)!;
        var limited = device with { OnlyApprovals = true };
        Assert.False(device.OnlyApprovals);
        foreach (var route in daemon.Daemon.Table.Routes.Where(r => r.Scope is not null))
        {
            var refused = route.Scope is Scope.Prompt or Scope.Decide && !fits.Contains(route.Type)
                && alone.Any(w => route.Type.StartsWith(w, StringComparison.Ordinal));
            Assert.Equal((route.Type, refused), (route.Type, route.Refusal(new DeviceCaller(limited, null!)) is not null));
            Assert.Null(route.Refusal(new DeviceCaller(device, null!)));
        }

        await daemon.Daemon.AsOwner().TwoPeopleAsync(true);
        var told = await Assert.ThrowsAsync<WireErrorException>(() => ana.Device.AskAsync(
            MessageTypes.TerminalOpen, new TerminalOpenRequest(Guid.CreateVersion7(), "main"), ProtocolJson.Default.TerminalOpenRequest,
            ProtocolJson.Default.TerminalOpenResponse));
        Assert.Equal(ErrorCode.Unauthorized, told.Error.Code);
        Assert.Contains("without an approval", told.Error.Message, StringComparison.Ordinal);
    }

    private static async Task<Phone> PhoneAsync(TestDaemon daemon, string person, string kind = "phone")
    {
        var name = $"{kind} of {person}";
        var phone = await daemon.PhoneAsync(name);
        await daemon.Daemon.AsOwner().LimitDeviceAsync(name, person: person);
        return phone;
    }

    /// <summary>A file that <see cref="Destroys"/> removes.</summary>
    private static string Old(Phone phone)
    {
        var file = phone.PathOf("old.txt");
        File.WriteAllText(file, "old\n");
        return file;
    }

    private static DecisionRequest ByOwner(ApprovalInfo asked)
        => new(asked.ApprovalId, Guid.CreateVersion7(), DecisionVerdict.Allow, DecisionScope.Once, asked.Digest, "");
}
