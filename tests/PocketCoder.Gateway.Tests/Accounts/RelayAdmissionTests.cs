using System.Net.WebSockets;
using PocketCoder.Accounts;
using PocketCoder.Channels;
using PocketCoder.Gateway.Tests.Machines;
using PocketCoder.Testing;

namespace PocketCoder.Gateway.Tests.Accounts;

/// <summary>Who reaches a machine at a gateway with accounts, and until when.</summary>
public sealed class RelayAdmissionTests : IDisposable
{
    private readonly ChannelIdentity _identity = ChannelIdentity.Create();

    public void Dispose() => _identity.Dispose();

    [Fact]
    public async Task A_device_reaches_a_machine_with_a_ticket_once()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        await using var machine = await gateway.KnownAsync(_identity);
        using var owner = await AccountBrowser.OwnerAsync(gateway);
        var ticket = await owner.TicketAsync(_identity.Id);
        using var device = await gateway.DeviceAsync(_identity.Id, ticket);
        Assert.Equal(RelayFrame.Subprotocol, device.SubProtocol); // the ticket is not said again
        var number = await machine.OpenedAsync();
        await machine.SendAsync(PocketCoder.Link.LinkKind.Frame, number, RelayFrame.Sealed, 1);
        Assert.Equal([RelayFrame.Sealed, 1], await device.ReceiveFrameAsync());

        foreach (var offered in (string[][])[
            [], [ticket], ["pocketcoder.ticket."], ["pocketcoder.ticket." + new string('A', 43)],
            [await owner.TicketAsync(_identity.Id), await owner.TicketAsync(_identity.Id)]])
        {
            using var stranger = await gateway.DeviceAsync(_identity.Id, offered);
            Assert.Equal(RelayClose.SignInNeeded, (await stranger.ReceiveCloseAsync()).Code);
        }

        // An address is written into logs: what stands there opens nothing.
        var fresh = await owner.TicketAsync(_identity.Id);
        using var asked = await gateway.DeviceAsync($"{_identity.Id}&ticket={fresh["pocketcoder.ticket.".Length..]}");
        Assert.Equal(RelayClose.SignInNeeded, (await asked.ReceiveCloseAsync()).Code);
        using var last = await gateway.DeviceAsync(_identity.Id, fresh);
        Assert.Equal(number + 1, await machine.OpenedAsync()); // nobody in between reached the machine
    }

    [Fact]
    public async Task A_machine_that_is_not_theirs_is_not_there()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        await using var machine = await gateway.KnownAsync(_identity);
        using var owner = await AccountBrowser.OwnerAsync(gateway);
        using var viewer = await owner.InviteAsync("viewer", "grace", "another");
        var forbidden = await viewer.PostAsync("ticket", $$"""{"machine":"{{_identity.Id}}"}""");
        var unknown = await viewer.PostAsync("ticket", """{"machine":"another"}""");
        var strange = await viewer.PostAsync("ticket", """{"machine":"../x"}""");
        Assert.Equal("not_found", AccountBrowser.CodeOf(forbidden));
        Assert.Equal(forbidden.Answer.GetRawText(), unknown.Answer.GetRawText());
        Assert.Equal(forbidden.Answer.GetRawText(), strange.Answer.GetRawText());
        Assert.Equal(0, (await viewer.DoneAsync("machines")).GetProperty("machines").GetArrayLength());
        var listed = (await owner.DoneAsync("machines")).GetProperty("machines")[0];
        Assert.Equal((_identity.Id, true), (listed.GetProperty("machineId").GetString(), listed.GetProperty("connected").GetBoolean()));
    }

    public static TheoryData<string> Ends =>
        ["sign-out", "sign-ins/end", "password", "users/sign-out", "users/remove", "users/change", "reuse", "second sign-in"];

    [Theory]
    [MemberData(nameof(Ends))]
    public async Task A_connection_ends_at_once_with_the_right_to_have_it(string how)
    {
        await using var gateway = await RemoteGateway.StartAsync(new ManualTime(), accounts: true); // no watch helps
        await using var machine = await gateway.KnownAsync(_identity);
        using var owner = await ManualOwnerAsync(gateway);
        using var grace = await owner.InviteAsync("operator", "grace");
        using var device = await gateway.DeviceAsync(_identity.Id, await grace.TicketAsync(_identity.Id));
        await machine.OpenedAsync();
        using var stays = await gateway.DeviceAsync(_identity.Id, await owner.TicketAsync(_identity.Id));
        var number = await machine.OpenedAsync();
        switch (how)
        {
            case "sign-out":
                await grace.DoneAsync("sign-out");
                break;
            case "sign-ins/end":
                var id = (await grace.DoneAsync("me")).GetProperty("signIns")[0].GetProperty("id").GetString();
                await grace.DoneAsync("sign-ins/end", $$"""{"id":"{{id}}"}""");
                break;
            case "password":
                using (var other = new AccountBrowser(gateway))
                {
                    await other.SignInAsync("grace");
                    await other.DoneAsync("password", $$"""{"old":"{{AccountBrowser.Password}}","new":"another horse battery"}""");
                }

                break;
            case "users/change":
                await owner.DoneAsync(how, """{"name":"grace","role":"operator","machines":["another"]}""");
                break;
            case "reuse":
                var old = grace.Refresh;
                await grace.RefreshAsync();
                await grace.RefreshAsync();
                Assert.Equal("not_signed_in", AccountBrowser.CodeOf(await grace.PostAsync("refresh", $$"""{"refresh":"{{old}}"}""")));
                break;
            case "second sign-in":
                using (var other = new AccountBrowser(gateway))
                {
                    await other.SignInAsync("grace"); // ends nothing by itself; then the first is ended from the second
                    var first = (await other.DoneAsync("me")).GetProperty("signIns").EnumerateArray()
                        .Single(s => !s.GetProperty("current").GetBoolean()).GetProperty("id").GetString();
                    await other.DoneAsync("sign-ins/end", $$"""{"id":"{{first}}"}""");
                }

                break;
            default:
                await owner.DoneAsync(how, """{"name":"grace"}""");
                break;
        }

        Assert.Equal(RelayClose.SignInNeeded, (await device.ReceiveCloseAsync()).Code);
        await device.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None); // else it is cut a little later
        Assert.Equal(PocketCoder.Link.LinkKind.Gone, (await machine.NextAsync()).Kind);
        await machine.SendAsync(PocketCoder.Link.LinkKind.Frame, number, RelayFrame.Sealed, 1); // others stay
        Assert.Equal([RelayFrame.Sealed, 1], await stays.ReceiveFrameAsync());
    }

    [Fact]
    public async Task What_the_command_line_removes_and_what_ends_by_itself_is_cut_within_a_second()
    {
        var time = new ManualTime();
        await using var gateway = await RemoteGateway.StartAsync(time, accounts: true);
        await using var machine = await gateway.KnownAsync(_identity);
        using var owner = await ManualOwnerAsync(gateway);
        using var grace = await owner.InviteAsync("viewer", "grace");
        using var removed = await gateway.DeviceAsync(_identity.Id, await grace.TicketAsync(_identity.Id));
        await machine.OpenedAsync();
        await new AccountAdministration(new AccountStore(gateway.People, time), time).RemoveAsync("grace", CancellationToken.None);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(RelayClose.SignInNeeded, (await removed.ReceiveCloseAsync()).Code);
    }

    [Fact]
    public async Task Who_may_not_meet_the_machine_any_more_when_the_ticket_is_used_is_refused()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        await using var machine = await gateway.KnownAsync(_identity);
        using var owner = await AccountBrowser.OwnerAsync(gateway);
        using var grace = await owner.InviteAsync("viewer", "grace");
        var ticket = await grace.TicketAsync(_identity.Id);
        await owner.DoneAsync("users/remove", """{"name":"grace"}""");
        using var device = await gateway.DeviceAsync(_identity.Id, ticket);
        Assert.Equal(RelayClose.SignInNeeded, (await device.ReceiveCloseAsync()).Code);
    }

    [Fact]
    public async Task A_list_that_can_not_be_read_lets_nobody_new_in_and_keeps_who_is_there()
    {
        var time = new ManualTime();
        await using var gateway = await RemoteGateway.StartAsync(time, accounts: true);
        await using var machine = await gateway.KnownAsync(_identity);
        using var owner = await ManualOwnerAsync(gateway);
        using var there = await gateway.DeviceAsync(_identity.Id, await owner.TicketAsync(_identity.Id));
        var number = await machine.OpenedAsync();
        var ticket = await owner.TicketAsync(_identity.Id);
        await File.WriteAllTextAsync(gateway.People, "{");
        time.Advance(TimeSpan.FromSeconds(1));
        using var late = await gateway.DeviceAsync(_identity.Id, ticket);
        Assert.Equal(RelayClose.MachineFailed, (await late.ReceiveCloseAsync()).Code);
        await machine.SendAsync(PocketCoder.Link.LinkKind.Frame, number, RelayFrame.Sealed, 1);
        Assert.Equal([RelayFrame.Sealed, 1], await there.ReceiveFrameAsync());
    }

    /// <summary>The gateway's clock stands still, and so do its links' ends: the owner's comes by that clock.</summary>
    private static async Task<AccountBrowser> ManualOwnerAsync(RemoteGateway gateway)
    {
        var time = new ManualTime();
        var browser = new AccountBrowser(gateway);
        await browser.WelcomeAsync(await new AccountAdministration(new AccountStore(gateway.People, time), time)
            .NewOwnerLinkAsync(CancellationToken.None), "ada");
        return browser;
    }
}
