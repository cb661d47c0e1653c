using PocketCoder.Entry;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Entries;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Entries;

/// <summary>Who is let in: whoever has a code of the owner, once, in time, on the platform that it is for.</summary>
public sealed class ChatPairingTests
{
    [Fact]
    public async Task A_code_counts_once_and_for_its_platform_only()
    {
        var (here, there) = (new ChatRoom("chat"), new ChatRoom("other"));
        await using var daemon = await TestDaemon.StartAsync(more: o => o with { EntryPoints = [here, there] });
        var (machine, elsewhere) = (await here.MachineAsync(), await there.MachineAsync());
        Assert.Null(await machine.OpenAsync("ou_ada", CancellationToken.None));

        var code = (await OfferAsync(daemon)).Code;
        await RefusedAsync(elsewhere, "ou_ada", code, ErrorCode.InvalidRequest);
        Assert.Equal("Ada", await machine.PairAsync("ou_ada", "Ada", $" {code.ToLowerInvariant().Replace('-', ' ')} ", CancellationToken.None));
        await RefusedAsync(machine, "ou_eve", code, ErrorCode.InvalidRequest);

        Assert.Null(await machine.OpenAsync("ou_eve", CancellationToken.None));
        Assert.Null(await elsewhere.OpenAsync("ou_ada", CancellationToken.None)); // the same id on another platform is somebody else
        await using var ada = await machine.OpenAsync("ou_ada", CancellationToken.None);
        Assert.Equal([Scope.View, Scope.Prompt, Scope.Decide], ada!.Scopes);
    }

    [Fact]
    public async Task A_code_ends_after_ten_minutes_and_with_the_sixth()
    {
        var (room, time) = (new ChatRoom(), new ManualTime());
        await using var daemon = await room.StartAsync(time);
        var machine = await room.MachineAsync();
        var first = (await OfferAsync(daemon)).Code;
        var codes = new List<string>();
        for (var more = 0; more < ChatPairing.MostOpen; more++)
        {
            codes.Add((await OfferAsync(daemon)).Code);
        }

        await RefusedAsync(machine, "ou_ada", first, ErrorCode.InvalidRequest);
        await machine.PairAsync("ou_ada", "Ada", codes[0], CancellationToken.None);
        time.Advance(ChatPairing.Lifetime + TimeSpan.FromSeconds(1));
        await RefusedAsync(machine, "ou_bo", codes[1], ErrorCode.InvalidRequest);
    }

    [Fact]
    public async Task Whoever_guesses_is_stopped_and_nobody_else_is_by_that()
    {
        var (room, time) = (new ChatRoom(), new ManualTime());
        await using var daemon = await room.StartAsync(time);
        var machine = await room.MachineAsync();
        var code = (await OfferAsync(daemon)).Code;
        for (var wrong = 0; wrong < ChatPairing.WrongOfOne; wrong++)
        {
            await RefusedAsync(machine, "ou_eve", "0000-0000", ErrorCode.InvalidRequest);
        }

        await RefusedAsync(machine, "ou_eve", code, ErrorCode.RateLimited); // also the right one
        Assert.Equal("Ada", await machine.PairAsync("ou_ada", "Ada", code, CancellationToken.None));

        // Many accounts of one person: the platform as a whole has a limit too.
        for (var wrong = ChatPairing.WrongOfOne; wrong < ChatPairing.WrongOfAll; wrong++)
        {
            await RefusedAsync(machine, $"ou_{wrong}", "no code", ErrorCode.InvalidRequest);
        }

        await RefusedAsync(machine, "ou_new", "no code", ErrorCode.RateLimited);
        time.Advance(ChatPairing.Lifetime + TimeSpan.FromSeconds(1));
        await RefusedAsync(machine, "ou_new", "no code", ErrorCode.InvalidRequest);
    }

    [Theory]
    [InlineData("Ada", null, "Ada")]
    [InlineData("the owner", null, "A person in chat")]
    [InlineData("a\u202eb", null, "A person in chat")]
    [InlineData(null, null, "A person in chat")]
    [InlineData("Ada", "Ada of the office", "Ada of the office")]
    public async Task A_person_has_a_name_that_nobody_else_has(string? platforms, string? owners, string expected)
    {
        var room = new ChatRoom();
        await using var daemon = await room.StartAsync();
        var machine = await room.MachineAsync();
        var code = (await OfferAsync(daemon, owners)).Code;
        Assert.Equal(expected, await machine.PairAsync("ou_1", platforms, code, CancellationToken.None));
        code = (await OfferAsync(daemon)).Code;
        Assert.NotEqual(expected, await machine.PairAsync("ou_2", expected, code, CancellationToken.None));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("ou_\u00e9")]
    public async Task An_account_that_can_not_be_one_is_refused(string account)
    {
        var room = new ChatRoom();
        await using var daemon = await room.StartAsync();
        var machine = await room.MachineAsync();
        await RefusedAsync(machine, account, "0000-0000", ErrorCode.InvalidRequest);
        await RefusedAsync(machine, new string('a', 129), "0000-0000", ErrorCode.InvalidRequest);
        await Assert.ThrowsAsync<EntryRefusal>(() => machine.OpenAsync(account, CancellationToken.None));
    }

    [Fact]
    public async Task No_code_is_made_for_a_platform_that_is_not_there_or_without_scopes()
    {
        await using var daemon = await new ChatRoom().StartAsync();
        var owner = daemon.Daemon.AsOwner();
        foreach (var request in (ChatPairingOfferRequest[])[new("elsewhere"), new("chat", []), new("chat", null, "the owner")])
        {
            Assert.Equal(ErrorCode.InvalidRequest, (await Assert.ThrowsAsync<ControlException>(
                () => owner.OfferChatAsync(request, CancellationToken.None))).Code);
        }
    }

    [Fact]
    public void A_code_is_read_as_people_write_it_and_nothing_else_is()
    {
        var random = new Random(7);
        for (var round = 0; round < 2_000; round++)
        {
            var code = ChatCode.Make();
            Assert.Equal(code, ChatCode.Read(ChatCode.Show(code)));
            Assert.Equal(code, ChatCode.Read(ChatCode.Show(code).ToLowerInvariant().Replace('0', 'o').Replace('1', 'l')));
            var noise = string.Concat(Enumerable.Range(0, random.Next(0, 80)).Select(_ => (char)random.Next(0, 0x250)));
            Assert.True(ChatCode.Read(noise) is null or { Length: 8 });
        }

        Assert.Null(ChatCode.Read(null));
        Assert.Null(ChatCode.Read(new string(' ', 70)));
        Assert.Null(ChatCode.Read("7KQ2-M9X"));
        Assert.Null(ChatCode.Read("7KQ2-M9XU")); // no letter of a code
    }

    [Fact]
    public async Task A_device_that_manages_lets_people_in_with_no_more_than_it_has_itself()
    {
        var room = new ChatRoom();
        await using var daemon = await room.StartAsync();
        var machine = await room.MachineAsync();
        await using var phone = await daemon.PhoneAsync("phone", Scope.View, Scope.Prompt, Scope.Manage);
        await using var viewer = await daemon.PhoneAsync("viewer", Scope.View, Scope.Prompt, Scope.Decide);
        foreach (var wrong in (ChatPairingOfferRequest[])[
            new("chat", [Scope.Decide]), new("chat", [Scope.Manage]), new("chat", null, null, true), new("elsewhere"), new("chat", [])])
        {
            var refused = await Assert.ThrowsAsync<WireErrorException>(() => AskAsync(phone, wrong));
            Assert.True(refused.Error.Code is ErrorCode.Unauthorized or ErrorCode.InvalidRequest, refused.Error.Message);
        }

        Assert.Equal(
            ErrorCode.Unauthorized, (await Assert.ThrowsAsync<WireErrorException>(() => AskAsync(viewer, new("chat")))).Error.Code);

        await daemon.Daemon.AsOwner().LimitDeviceAsync(phone.Device.Identity.Id, tier: RiskTier.WorkspaceWrite);
        var offer = await AskAsync(phone, new ChatPairingOfferRequest("chat", null, "Ada"));
        Assert.Equal([Scope.View, Scope.Prompt], offer.Scopes);
        await machine.PairAsync("ou_ada", null, offer.Code, CancellationToken.None);
        var ada = (await daemon.Daemon.AsOwner().ListDevicesAsync(CancellationToken.None)).Single(d => d.Name == "Ada");
        Assert.Equal(("chat", RiskTier.WorkspaceWrite), (ada.Platform, ada.Tier));
        var rows = (await daemon.Daemon.AsOwner().ListLedgerAsync(new LedgerListRequest(Limit: 200), CancellationToken.None)).Rows;
        var row = rows.Single(r => r.Body.Contains("pairing_offered", StringComparison.Ordinal) && r.Body.Contains("chat-", StringComparison.Ordinal));
        Assert.Contains($"\"deviceId\":\"{phone.Device.Identity.Id}\",\"actor\":\"phone\"", row.Body, StringComparison.Ordinal);
        Assert.DoesNotContain(rows, r => r.Body.Contains(offer.Code, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Codes_of_a_device_are_few_and_end_with_it()
    {
        var room = new ChatRoom();
        await using var daemon = await room.StartAsync();
        var machine = await room.MachineAsync();
        await using var phone = await daemon.PhoneAsync();
        var owners = await OfferAsync(daemon, "Bo");
        var codes = new List<string>();
        for (var i = 0; i < ChatPairing.MostOfDevice; i++)
        {
            codes.Add((await AskAsync(phone, new ChatPairingOfferRequest("chat"))).Code);
        }

        Assert.Equal(
            ErrorCode.RateLimited, (await Assert.ThrowsAsync<WireErrorException>(() => AskAsync(phone, new("chat")))).Error.Code);
        await daemon.Daemon.AsOwner().RevokeDeviceAsync(phone.Device.Identity.Id, CancellationToken.None);

        foreach (var code in codes)
        {
            await RefusedAsync(machine, "ou_eve", code, ErrorCode.InvalidRequest);
        }

        await machine.PairAsync("ou_bo", null, owners.Code, CancellationToken.None);
    }

    private static Task<ChatPairingOfferResponse> AskAsync(Phone phone, ChatPairingOfferRequest request) => phone.Device.AskAsync(
        MessageTypes.ChatPairingOffer, request, ProtocolJson.Default.ChatPairingOfferRequest,
        ProtocolJson.Default.ChatPairingOfferResponse);

    private static Task<ChatPairingOfferResponse> OfferAsync(TestDaemon daemon, string? name = null)
        => daemon.Daemon.AsOwner().OfferChatAsync(new ChatPairingOfferRequest("chat", null, name), CancellationToken.None);

    private static async Task RefusedAsync(IEntryMachine machine, string account, string code, ErrorCode expected)
        => Assert.Equal(expected, (await Assert.ThrowsAsync<EntryRefusal>(
            () => machine.PairAsync(account, "Eve", code, CancellationToken.None))).Error.Code);
}
