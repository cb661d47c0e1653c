using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Devices;

/// <summary>What a device may allow at most, by the tier of what is asked.</summary>
public sealed class DeviceTierTests
{
    [Fact]
    public async Task A_device_allows_nothing_above_its_tier_and_denies_anything()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var other = await daemon.PhoneAsync("tablet");
        var device = await daemon.Daemon.AsOwner().LimitDeviceAsync(phone.Device.Identity.Id, tier: RiskTier.WorkspaceWrite);
        Assert.Equal((null, RiskTier.WorkspaceWrite), (device.Person, device.Tier));
        File.WriteAllText(phone.PathOf("old.txt"), "old");
        var session = await phone.StartAsync("run: rm old.txt");
        var asked = await phone.AskedAsync();

        var refused = await Assert.ThrowsAsync<WireErrorException>(() => phone.Device.DecideAsync(asked, DecisionVerdict.Allow));
        Assert.Equal(ErrorCode.Unauthorized, refused.Error.Code);
        Assert.Contains("at most 'workspace_write'", refused.Error.Message, StringComparison.Ordinal);
        Assert.Equal(["approval_requested"], await phone.LedgerAsync(asked.ApprovalId));
        await phone.Device.DecideAsync(asked, DecisionVerdict.Deny);
        await phone.DoneAsync();

        await phone.PromptAsync(session, "run: echo new > new.txt");
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        await phone.DoneAsync();
        Assert.True(File.Exists(phone.PathOf("new.txt")));

        // Nor by itself: there nobody would have looked at it.
        Assert.Equal(ErrorCode.Unauthorized, (await Assert.ThrowsAsync<WireErrorException>(() => phone.Device.AskAsync(
            MessageTypes.TerminalOpen, new TerminalOpenRequest(session, "main"), ProtocolJson.Default.TerminalOpenRequest,
            ProtocolJson.Default.TerminalOpenResponse))).Error.Code);
        await daemon.Daemon.AsOwner().LimitDeviceAsync(phone.Device.Identity.Id, anyTier: true);
        await phone.PromptAsync(session, "run: rm old.txt");
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        await phone.DoneAsync();
        Assert.False(File.Exists(phone.PathOf("old.txt")));
        Assert.True((await phone.VerifyAsync()).Intact);
    }

    [Fact]
    public async Task A_limit_comes_with_the_pairing_stays_over_a_restart_and_leaves_a_row()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var offer = await daemon.Daemon.AsOwner().PairAsync(
            new PairingRequest([Scope.View, Scope.Decide], null, "bo", RiskTier.Read), CancellationToken.None);
        await using (await TestDevice.PairAsync(offer.Links.First(l => l.Contains("127.0.0.1", StringComparison.Ordinal)), "phone"))
        {
            Assert.Equal(("bo", RiskTier.Read), await OfAsync());
        }

        await daemon.RestartAsync();
        Assert.Equal(("bo", RiskTier.Read), await OfAsync());
        await daemon.Daemon.AsOwner().LimitDeviceAsync("phone", tier: RiskTier.ReachesOut);
        await daemon.Daemon.AsOwner().LimitDeviceAsync("phone", tier: RiskTier.ReachesOut); // changes nothing
        Assert.Equal(("bo", RiskTier.ReachesOut), await OfAsync());
        var rows = (await daemon.Daemon.AsOwner().ListLedgerAsync(new LedgerListRequest(Limit: 200), CancellationToken.None)).Rows;
        Assert.Contains(
            "\"data\":{\"name\":\"phone\",\"person\":\"bo\",\"tier\":\"reaches_out\",\"by\":\"cli\"}",
            Assert.Single(rows, r => r.Body.Contains("device_limited", StringComparison.Ordinal)).Body, StringComparison.Ordinal);
        Assert.Contains(
            "\"person\":\"bo\",\"tier\":\"read\"",
            rows.Single(r => r.Body.Contains("device_paired", StringComparison.Ordinal)).Body, StringComparison.Ordinal);

        async Task<(string?, RiskTier?)> OfAsync()
        {
            var found = (await daemon.Daemon.AsOwner().ListDevicesAsync(CancellationToken.None)).Single();
            return (found.Person, found.Tier);
        }
    }

    [Theory]
    [InlineData("Ada")]
    [InlineData("a b")]
    [InlineData("\u0430na")] // Cyrillic
    [InlineData("a\u0007")]
    public async Task A_name_that_could_look_like_another_is_refused(string person)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var owner = daemon.Daemon.AsOwner();
        var wrong = await Assert.ThrowsAsync<ControlException>(() => owner.LimitDeviceAsync(phone.Device.Identity.Id, person));
        Assert.Equal(ErrorCode.InvalidRequest, wrong.Code);
        await Assert.ThrowsAsync<ControlException>(() => owner.PairAsync(new PairingRequest(null, null, person), CancellationToken.None));
        Assert.Null((await owner.ListDevicesAsync(CancellationToken.None)).Single().Person);
    }

    [Fact]
    public async Task A_device_is_told_that_it_acts_through_approvals_alone_when_it_changes_and_when_it_comes_back()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var tablet = await daemon.PhoneAsync("tablet");
        var owner = daemon.Daemon.AsOwner();
        Assert.Equal((null, false), (phone.Device.Hello.Tier, phone.Device.Hello.Machine.TwoPeople));
        await phone.Device.SubscribeAsync("machine", phone.Device.Hello.Instance);

        await owner.LimitDeviceAsync(phone.Device.Identity.Id, tier: RiskTier.ReachesOut);
        await ToldAsync("\"tier\":\"reaches_out\"");
        await owner.LimitDeviceAsync("tablet", person: "bo");
        await owner.TwoPeopleAsync(true);
        await ToldAsync("\"twoPeople\":true");
        await using (var back = await phone.Device.AgainAsync(daemon.Url))
        {
            Assert.Equal((RiskTier.ReachesOut, true), (back.Hello.Tier, back.Hello.Machine.TwoPeople));
        }

        await owner.TwoPeopleAsync(false);
        await ToldAsync("\"kind\":\"machine\"");
        await using var again = await tablet.Device.AgainAsync(daemon.Url);
        Assert.Equal((null, false), (again.Hello.Tier, again.Hello.Machine.TwoPeople));

        Task ToldAsync(string what)
            => phone.Device.NextAsync(e => e.Payload.ToString()!.Contains(what, StringComparison.Ordinal), $"an event with {what}");
    }

    [Fact]
    public async Task A_device_that_was_revoked_or_never_was_has_no_limits()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var owner = daemon.Daemon.AsOwner();
        await owner.RevokeDeviceAsync(phone.Device.Identity.Id, CancellationToken.None);
        Assert.Equal(ErrorCode.DeviceNotFound, (await Assert.ThrowsAsync<ControlException>(
            () => owner.LimitDeviceAsync(phone.Device.Identity.Id, "bo"))).Code);
    }

    /// <summary>What runs nothing, and what was never judged.</summary>
    [Fact]
    public void Every_kind_has_a_tier()
    {
        foreach (var kind in Enum.GetValues<ApprovalKind>())
        {
            var expected = kind switch
            {
                ApprovalKind.Question or ApprovalKind.Plan or ApprovalKind.Prompt => RiskTier.Read,
                ApprovalKind.Network => RiskTier.ReachesOut,
                _ => RiskTier.Destructive,
            };
            Assert.Equal((kind, expected), (kind, DecisionCheck.TierOf(kind, null)));
        }
    }
}
