using System.Net;
using PocketCoder.Channels;
using PocketCoder.Gateway.Relay.Machines;
using PocketCoder.Gateway.Tests.Machines;
using PocketCoder.Link;
using PocketCoder.Testing;

namespace PocketCoder.Gateway.Tests.Accounts;

/// <summary>A machine asks to be let in, a person decides: over the real routes of both.</summary>
public sealed class MachineLoginTests : IDisposable
{
    private readonly ChannelIdentity _identity = ChannelIdentity.Create();

    public void Dispose() => _identity.Dispose();

    [Fact]
    public async Task An_admin_lets_a_machine_in_sees_who_it_is_and_takes_it_away_again()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        using var owner = await AccountBrowser.OwnerAsync(gateway);
        using var admin = await owner.InviteAsync("admin", "grace");
        var asked = await AskAsync(gateway, _identity, LinkAsks.Add);
        Assert.Equal(LinkAsks.Pending, asked!.Code);
        Assert.Empty(gateway.Enrolments.Machines);

        var found = await admin.DoneAsync("machines/find", Body("code", asked.Login!.Code));
        Assert.Equal(_identity.Id, found.GetProperty("machineId").GetString());
        Assert.Equal("desk", found.GetProperty("label").GetString());
        Assert.Equal("127.0.0.1", found.GetProperty("remote").GetString());
        var key = System.Buffers.Text.Base64Url.EncodeToString(_identity.SigningPublicKey);
        Assert.Equal(LinkFingerprint.Of(_identity.Id, key), found.GetProperty("fingerprint").GetString());
        await admin.DoneAsync("machines/add", Body("id", found.GetProperty("id").GetString()!));
        Assert.Equal(("desk", key, "grace"), gateway.Enrolments.Machines.Select(m => (m.Label, m.SigningKey, m.AddedBy)).Single());

        // A yes is good once; what comes after is what was known before.
        Assert.Equal("not_found", AccountBrowser.CodeOf(
            await admin.PostAsync("machines/add", Body("id", found.GetProperty("id").GetString()!))));
        Assert.Equal("not_found", AccountBrowser.CodeOf(await admin.PostAsync("machines/find", Body("code", asked.Login.Code))));
        await using var machine = await TestMachine.OpenAsync(gateway.Base);
        await ProveAsync(gateway, machine, _identity, LinkAsks.Wait);
        var welcome = LinkJson.Read(await machine.NextAsync(), LinkKind.Welcome, LinkTypes.Default.LinkWelcome);
        Assert.Equal("grace", welcome.AddedBy);
        await Wait.UntilAsync(() => gateway.Machines.Now.Count == 1, "the machine to be connected");
        var listed = (await owner.DoneAsync("machines")).GetProperty("machines")[0];
        Assert.Equal(("grace", true), (listed.GetProperty("addedBy").GetString(), listed.GetProperty("connected").GetBoolean()));
        Assert.NotEqual(default, listed.GetProperty("since").GetDateTimeOffset());

        // Removed: cut off at once, with its devices, and what let it in before lets nobody in again.
        using var device = await gateway.DeviceAsync(_identity.Id, await owner.TicketAsync(_identity.Id));
        await machine.OpenedAsync();
        await owner.DoneAsync("machines/remove", Body("machine", _identity.Id));
        Assert.Equal(RelayClose.UnknownMachine, (await device.ReceiveCloseAsync()).Code);
        await Wait.UntilAsync(() => gateway.Machines.Now.Count == 0, "the machine to be cut off");
        Assert.Equal("not_found", AccountBrowser.CodeOf(await owner.PostAsync("machines/remove", Body("machine", _identity.Id))));
        Assert.Equal("unknown_machine", (await AskAsync(gateway, _identity, null))!.Code);
        Assert.Equal(LinkAsks.Expired, (await AskAsync(gateway, _identity, LinkAsks.Wait))!.Code);
    }

    [Fact]
    public async Task A_yes_is_for_the_key_that_asked_and_for_no_other()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        using var owner = await AccountBrowser.OwnerAsync(gateway);
        using var thief = ChannelIdentity.Create();
        var asked = await AskAsync(gateway, _identity, LinkAsks.Add);

        // With the code in hand: it is no code of 'gateway invite', and waiting is for who asked.
        Assert.Equal("bad_code", (await AskAsync(gateway, thief, null, code: asked!.Login!.Code))!.Code);
        Assert.Equal(LinkAsks.Expired, (await AskAsync(gateway, thief, LinkAsks.Wait))!.Code);
        await AddAsync(owner, asked.Login.Code);
        Assert.Equal(LinkAsks.Expired, (await AskAsync(gateway, thief, LinkAsks.Wait))!.Code);
        Assert.Equal("unknown_machine", (await AskAsync(gateway, thief, null))!.Code);

        // In the name of the machine that was let in.
        Assert.Equal("other_key", (await AskAsync(gateway, thief, LinkAsks.Add, _identity.Id))!.Code);
        Assert.Equal("other_key", (await AskAsync(gateway, thief, LinkAsks.Leave, _identity.Id))!.Code);
        Assert.Equal("bad_proof", (await AskAsync(gateway, thief, LinkAsks.Add, _identity.Id, signed: false))!.Code);
        Assert.Null(await AskAsync(gateway, _identity, null));
    }

    [Fact]
    public async Task Whoever_came_first_with_an_id_keeps_it()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        using var owner = await AccountBrowser.OwnerAsync(gateway);
        using var other = ChannelIdentity.Create();
        var first = await AskAsync(gateway, _identity, LinkAsks.Add);
        var second = await AskAsync(gateway, other, LinkAsks.Add, _identity.Id);
        await AddAsync(owner, first!.Login!.Code);
        var found = await owner.DoneAsync("machines/find", Body("code", second!.Login!.Code));
        var answer = await owner.PostAsync("machines/add", Body("id", found.GetProperty("id").GetString()!));
        Assert.Equal("not_found", AccountBrowser.CodeOf(answer));
        Assert.Null(await AskAsync(gateway, _identity, null));
        Assert.Equal("other_key", (await AskAsync(gateway, other, LinkAsks.Wait, _identity.Id))!.Code);
    }

    [Fact]
    public async Task Who_may_not_let_machines_in_finds_none_and_changes_none()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        using var owner = await AccountBrowser.OwnerAsync(gateway);
        using var admin = await owner.InviteAsync("admin", "grace");
        using var operators = await owner.InviteAsync("operator", "edsger");
        using var viewer = await owner.InviteAsync("viewer", "alan");
        var code = (await AskAsync(gateway, _identity, LinkAsks.Add))!.Login!.Code;
        var id = (await owner.DoneAsync("machines/find", Body("code", code))).GetProperty("id").GetString()!;
        foreach (var browser in (AccountBrowser[])[operators, viewer])
        {
            foreach (var (path, body) in ((string, string)[])[("find", Body("code", code)), ("add", Body("id", id)), ("refuse", Body("id", id)),
                ("remove", Body("machine", _identity.Id))])
            {
                Assert.Equal("forbidden", AccountBrowser.CodeOf(await browser.PostAsync($"machines/{path}", body)));
            }
        }

        // Whoever was one when they looked and is not any more.
        await owner.DoneAsync("users/change", """{"name":"grace","role":"operator","machines":null}""");
        Assert.Equal("forbidden", AccountBrowser.CodeOf(await admin.PostAsync("machines/add", Body("id", id))));
        Assert.Empty(gateway.Enrolments.Machines);
        await owner.DoneAsync("machines/refuse", Body("id", id));
        Assert.Equal("not_found", AccountBrowser.CodeOf(await owner.PostAsync("machines/add", Body("id", id))));
        Assert.Equal(LinkAsks.Refused, (await AskAsync(gateway, _identity, LinkAsks.Wait))!.Code);
        Assert.Empty(gateway.Enrolments.Machines);
    }

    [Fact]
    public async Task Codes_are_not_guessed()
    {
        await using var gateway = await RemoteGateway.StartAsync(new ManualTime(), accounts: true);
        using var owner = await AccountBrowser.OwnerAsync(gateway, time: new ManualTime());
        var code = (await AskAsync(gateway, _identity, LinkAsks.Add))!.Login!.Code;
        for (var i = 0; i < 10; i++)
        {
            await owner.DoneAsync("machines/find", Body("code", code)); // what is right does not count
            Assert.Equal("not_found", AccountBrowser.CodeOf(await owner.PostAsync("machines/find", Body("code", "AAAA-AAAA"))));
        }

        var refused = await owner.PostAsync("machines/find", Body("code", code));
        Assert.Equal(("too_fast", HttpStatusCode.TooManyRequests), (AccountBrowser.CodeOf(refused), refused.Status));
        Assert.Equal(HttpStatusCode.OK, (await owner.PostAsync("me")).Status);
    }

    [Fact]
    public async Task A_machine_leaves_and_strangers_change_nothing_by_leaving()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        await using var machine = await gateway.KnownAsync(_identity);
        using var stranger = ChannelIdentity.Create();
        var before = File.GetLastWriteTimeUtc(gateway.List);
        Assert.Equal(LinkAsks.Left, (await AskAsync(gateway, stranger, LinkAsks.Leave))!.Code);
        Assert.Equal(before, File.GetLastWriteTimeUtc(gateway.List));
        Assert.Single(gateway.Enrolments.Machines);
        Assert.Equal(LinkAsks.Left, (await AskAsync(gateway, _identity, LinkAsks.Leave))!.Code);
        Assert.Empty(gateway.Enrolments.Machines);
        await Wait.UntilAsync(() => gateway.Machines.Now.Count == 0, "the connection to end");

        // What waited for a person ends with it, too.
        var code = (await AskAsync(gateway, _identity, LinkAsks.Add))!.Login!.Code;
        await AskAsync(gateway, _identity, LinkAsks.Leave);
        using var owner = await AccountBrowser.OwnerAsync(gateway);
        Assert.Equal("not_found", AccountBrowser.CodeOf(await owner.PostAsync("machines/find", Body("code", code))));
    }

    [Fact]
    public async Task Without_accounts_nobody_waits()
    {
        await using var gateway = await RemoteGateway.StartAsync();
        foreach (var ask in (string[])[LinkAsks.Add, LinkAsks.Wait, "something else"])
        {
            var refused = await AskAsync(gateway, _identity, ask);
            Assert.Equal(("unknown_machine", null), (refused!.Code, refused.Login));
        }
    }

    /// <summary>Asking is not failing: who waits for ten minutes must not be shut out for it.</summary>
    [Fact]
    public async Task Asking_and_waiting_do_not_count_as_failed_handshakes_and_what_is_no_proof_does()
    {
        await using var gateway = await RemoteGateway.StartAsync(accounts: true);
        for (var i = 0; i < 8; i++)
        {
            Assert.Equal(LinkAsks.Pending, (await AskAsync(gateway, _identity, LinkAsks.Add))!.Code);
            Assert.Equal(LinkAsks.SlowDown, (await AskAsync(gateway, _identity, LinkAsks.Wait))!.Code);
        }

        await using (var half = await TestMachine.OpenAsync(gateway.Base))
        {
            await half.NextAsync(); // and leaves in the middle
        }

        await using var odd = await TestMachine.OpenAsync(gateway.Base);
        await odd.NextAsync();
        await odd.SendAsync(LinkKind.Proof, 0, "{\"v\":1,\"ask\":"u8);
        Assert.Equal("malformed", (await odd.RefusedAsync()).Code);
        Assert.Equal(LinkAsks.Pending, (await AskAsync(gateway, _identity, LinkAsks.Add))!.Code);
    }

    private static string Body(string name, string value) => $$"""{"{{name}}":"{{value}}"}""";

    private static async Task AddAsync(AccountBrowser browser, string code)
    {
        var found = await browser.DoneAsync("machines/find", Body("code", code));
        await browser.DoneAsync("machines/add", Body("id", found.GetProperty("id").GetString()!));
    }

    /// <summary>What a machine is told; null: it is welcome.</summary>
    private static async Task<LinkRefusal?> AskAsync(
        RemoteGateway gateway, ChannelIdentity identity, string? ask, string? machineId = null, string? code = null, bool signed = true)
    {
        await using var machine = await TestMachine.OpenAsync(gateway.Base);
        await ProveAsync(gateway, machine, identity, ask, machineId, code, signed);
        var frame = await machine.NextAsync();
        return frame.Kind == LinkKind.Welcome ? null : LinkJson.Read(frame, LinkKind.Refused, LinkTypes.Default.LinkRefusal);
    }

    private static async Task ProveAsync(
        RemoteGateway gateway, TestMachine machine, ChannelIdentity identity, string? ask, string? machineId = null, string? code = null,
        bool signed = true)
    {
        var challenge = LinkJson.Read(await machine.NextAsync(), LinkKind.Challenge, LinkTypes.Default.LinkChallenge);
        var origin = LinkProofs.OriginOf(gateway.Base);
        var proof = TestMachine.Proof(identity, origin, challenge.Nonce, code) with { Ask = ask };
        if (machineId is not null)
        {
            var signature = identity.Sign(LinkProofs.Domain, LinkProofs.Fields(origin, challenge.Nonce, machineId, proof.SigningKey));
            proof = proof with
            {
                MachineId = machineId,
                Signature = signed ? System.Buffers.Text.Base64Url.EncodeToString(signature) : proof.Signature,
            };
        }

        await machine.SendAsync(proof);
    }
}
