using System.Buffers.Text;
using System.Net;
using System.Net.WebSockets;
using System.Runtime.Versioning;
using Microsoft.AspNetCore.Routing;
using PocketCoder.Channels;
using PocketCoder.Gateway.Hosting;
using PocketCoder.Gateway.Relay.Machines;
using PocketCoder.Link;
using PocketCoder.Testing;

namespace PocketCoder.Gateway.Tests.Machines;

/// <summary>A remote machine: what it must prove, and what its devices get.</summary>
public sealed class MachineRouteTests : IDisposable
{
    private readonly ChannelIdentity _identity = ChannelIdentity.Create();

    public void Dispose() => _identity.Dispose();

    [Fact]
    public async Task Frames_go_both_ways_and_ends_are_told()
    {
        await using var gateway = await RemoteGateway.StartAsync();
        await using var machine = await gateway.KnownAsync(_identity);
        Assert.Equal(_identity.Id, Assert.Single(gateway.Machines.Now).MachineId);

        using var first = await gateway.DeviceAsync(_identity.Id);
        var one = await machine.OpenedAsync();
        using var second = await gateway.DeviceAsync(_identity.Id);
        var two = await machine.OpenedAsync();
        Assert.NotEqual(one, two);

        await first.SendFrameAsync(RelayFrame.HandshakeRequest, 7);
        var up = await machine.NextAsync();
        Assert.Equal((LinkKind.Frame, one), (up.Kind, up.Connection));
        Assert.Equal([RelayFrame.HandshakeRequest, 7], up.Rest.ToArray());
        await machine.SendAsync(LinkKind.Frame, two, RelayFrame.Sealed, 2);
        await machine.SendAsync(LinkKind.Frame, one, RelayFrame.Sealed, 1);
        Assert.Equal([RelayFrame.Sealed, 2], await second.ReceiveFrameAsync());
        Assert.Equal([RelayFrame.Sealed, 1], await first.ReceiveFrameAsync());

        // The machine ends one, after what it still had to say.
        await machine.SendAsync(LinkKind.Frame, two, RelayFrame.Close, 9);
        await machine.EndAsync(two, 4000, "revoked");
        Assert.Equal([RelayFrame.Close, 9], await second.ReceiveFrameAsync());
        Assert.Equal((4000, "revoked"), await second.ReceiveCloseAsync());

        // A device leaves.
        await first.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        var gone = await machine.NextAsync();
        Assert.Equal((LinkKind.Gone, one), (gone.Kind, gone.Connection));
        await machine.SendAsync(LinkKind.Frame, one, RelayFrame.Sealed, 1); // was under way
        using var third = await gateway.DeviceAsync(_identity.Id);
        var three = await machine.OpenedAsync();
        await machine.EndAsync(three, RelayClose.MachineFailed, "");
        Assert.Equal(RelayClose.MachineFailed, (await third.ReceiveCloseAsync()).Code);
    }

    [Fact]
    public async Task Without_the_machine_its_devices_are_told_and_find_it_when_it_is_back()
    {
        await using var gateway = await RemoteGateway.StartAsync();
        var machine = await gateway.KnownAsync(_identity);
        using var device = await gateway.DeviceAsync(_identity.Id);
        await machine.OpenedAsync();
        await machine.DisposeAsync();
        Assert.Equal(RelayClose.UnknownMachine, (await device.ReceiveCloseAsync()).Code);
        await Wait.UntilAsync(() => gateway.Machines.Now.Count == 0, "the gateway to notice");
        using var early = await gateway.DeviceAsync(_identity.Id);
        Assert.Equal(RelayClose.UnknownMachine, (await early.ReceiveCloseAsync()).Code);

        await using var again = await gateway.MachineAsync(_identity); // known: no code
        using var late = await gateway.DeviceAsync(_identity.Id);
        await again.OpenedAsync();
    }

    [Fact]
    public async Task The_newest_connection_of_a_machine_wins()
    {
        await using var gateway = await RemoteGateway.StartAsync();
        await using var old = await gateway.KnownAsync(_identity);
        using var device = await gateway.DeviceAsync(_identity.Id);
        await old.OpenedAsync();
        await using var newest = await gateway.MachineAsync(_identity);
        Assert.Equal("replaced", (await old.RefusedAsync()).Code);
        Assert.Equal(RelayClose.UnknownMachine, (await device.ReceiveCloseAsync()).Code);
        using var next = await gateway.DeviceAsync(_identity.Id);
        await newest.OpenedAsync();
        await old.DisposeAsync();
        using var another = await gateway.DeviceAsync(_identity.Id);
        await newest.OpenedAsync(); // the end of the old one took nothing along
    }

    public static TheoryData<string, string> Wrong => new()
    {
        { "unknown_machine", "another machine" },
        { "bad_code", "another machine with a code that is none" },
        { "bad_proof", "for another gateway" },
        { "bad_proof", "for another connection" },
        { "bad_proof", "another machine's id" },
        { "bad_proof", "no signature" },
        { "bad_proof", "no key" },
        { "bad_proof", "no id" },
        { "other_key", "another key" },
        { "unsupported_version", "another version" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task A_machine_that_is_not_known_or_proves_nothing_is_refused(string code, string what)
    {
        await using var gateway = await RemoteGateway.StartAsync();
        using var other = ChannelIdentity.Create();
        await using (await gateway.KnownAsync(_identity))
        {
        }

        await Wait.UntilAsync(() => gateway.Machines.Now.Count == 0, "the first connection to end");
        await using var machine = await TestMachine.OpenAsync(gateway.Base);
        var challenge = LinkJson.Read(await machine.NextAsync(), LinkKind.Challenge, LinkTypes.Default.LinkChallenge);
        var (origin, nonce) = (LinkProofs.OriginOf(gateway.Base), challenge.Nonce);
        await machine.SendAsync(what switch
        {
            "another machine" => TestMachine.Proof(other, origin, nonce, null),
            "another machine with a code that is none" => TestMachine.Proof(other, origin, nonce, "not-a-code"),
            "for another gateway" => TestMachine.Proof(_identity, "https://evil.example", nonce, null),
            "for another connection" => TestMachine.Proof(_identity, origin, $"{nonce[1..]}A", null),
            "another machine's id" => TestMachine.Proof(other, origin, nonce, null) with { MachineId = _identity.Id },
            "no signature" => TestMachine.Proof(_identity, origin, nonce, null) with { Signature = "" },
            "no key" => TestMachine.Proof(_identity, origin, nonce, null) with { SigningKey = new string('A', 87) },
            "no id" => TestMachine.Proof(_identity, origin, nonce, null) with { MachineId = "../x" },
            "another version" => TestMachine.Proof(_identity, origin, nonce, null) with { V = 2 },
            _ => Claiming(_identity.Id, other, origin, nonce),
        });
        Assert.Equal(code, (await machine.RefusedAsync()).Code);
        Assert.Empty(gateway.Machines.Now);
        Assert.Equal(_identity.Id, Assert.Single(gateway.Enrolments.Machines).MachineId);
    }

    /// <summary>
    /// What is wrong at the gateway is said, to the machine in general; and it does not count against the machine's address.
    /// </summary>
    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task A_gateway_that_can_not_use_its_list_or_has_no_room_says_so()
    {
        await using var gateway = await RemoteGateway.StartAsync();
        await File.WriteAllTextAsync(gateway.List, """{"v":1,"machines":[],"codes":[]}""");
        File.SetUnixFileMode(gateway.List, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        for (var i = 0; i < 10; i++)
        {
            var exposed = await RefusedAsync(gateway, null);
            Assert.Equal(("unavailable", false), (exposed.Code, exposed.IsFinal));
            Assert.DoesNotContain(gateway.List, exposed.Message, StringComparison.Ordinal);
        }

        var all = string.Join(',', Enumerable.Range(0, Enrolments.MostMachines).Select(
            i => $$"""{"machineId":"{{i:x32}}","signingKey":"k","label":"m","enrolledAt":"2026-11-25T00:00:00Z"}"""));
        await File.WriteAllTextAsync(gateway.List, $$"""{"v":1,"machines":[{{all}}],"codes":[]}""");
        File.SetUnixFileMode(gateway.List, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var full = await RefusedAsync(gateway, await gateway.Enrolments.NewCodeAsync(CancellationToken.None));
        Assert.Equal(("too_many_machines", true), (full.Code, full.IsFinal));
        Assert.Equal(Enrolments.MostMachines, gateway.Enrolments.Machines.Count);
    }

    private async Task<LinkRefusal> RefusedAsync(RemoteGateway gateway, string? code)
    {
        await using var machine = await TestMachine.OpenAsync(gateway.Base);
        var challenge = LinkJson.Read(await machine.NextAsync(), LinkKind.Challenge, LinkTypes.Default.LinkChallenge);
        await machine.SendAsync(TestMachine.Proof(_identity, LinkProofs.OriginOf(gateway.Base), challenge.Nonce, code));
        return await machine.RefusedAsync();
    }

    [Fact]
    public async Task One_that_says_nothing_is_not_waited_for()
    {
        var time = new ManualTime();
        await using var gateway = await RemoteGateway.StartAsync(time);
        await using var machine = await TestMachine.OpenAsync(gateway.Base);
        LinkJson.Read(await machine.NextAsync(), LinkKind.Challenge, LinkTypes.Default.LinkChallenge);
        await Wait.UntilAsync(() => time.ArmedTimers > 0, "the limit");
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("too_slow", (await machine.RefusedAsync()).Code);
    }

    [Theory]
    [InlineData(LinkKind.Opened)]
    [InlineData(LinkKind.Gone)]
    public async Task What_a_machine_must_not_send_ends_its_link(LinkKind kind)
    {
        await using var gateway = await RemoteGateway.StartAsync();
        await using var machine = await gateway.KnownAsync(_identity);
        using var device = await gateway.DeviceAsync(_identity.Id);
        var number = await machine.OpenedAsync();
        await machine.SendAsync(kind, number);
        Assert.Equal("malformed", (await machine.RefusedAsync()).Code);
        Assert.Equal(RelayClose.UnknownMachine, (await device.ReceiveCloseAsync()).Code);
    }

    [Fact]
    public async Task More_than_a_device_takes_is_not_kept()
    {
        // No limits of time: on a slow computer the device that takes nothing would be cut first, and frames for it dropped, not refused.
        var patient = GatewayOptions.Default with { SendLimit = TimeSpan.FromHours(1), PingInterval = TimeSpan.FromHours(1) };
        var log = new TestLog();
        await using var gateway = await RemoteGateway.StartAsync(options: patient, log: log);
        await using var machine = await gateway.KnownAsync(_identity);
        using var silent = await gateway.DeviceAsync(_identity.Id); // takes nothing
        var one = await machine.OpenedAsync();
        using var device = await gateway.DeviceAsync(_identity.Id);
        var two = await machine.OpenedAsync();
        var frame = new byte[RelayFrame.MaxBytes];
        frame[0] = RelayFrame.Sealed;
        var window = LinkWindow.Bytes / frame.Length;
        for (var i = 0; i < window; i++)
        {
            await machine.SendAsync(LinkKind.Frame, one, frame);
        }

        // The other one is served meanwhile.
        await machine.SendAsync(LinkKind.Frame, two, RelayFrame.Sealed, 5);
        Assert.Equal([RelayFrame.Sealed, 5], await device.ReceiveFrameAsync());

        // What the network and the queue took was given back; to send on without that is against the rules.
        try
        {
            for (var i = 0; i < 10_000; i++)
            {
                await machine.SendAsync(LinkKind.Frame, one, frame);
            }
        }
        catch (LinkException)
        {
            // cut off
        }

        while (true)
        {
            try
            {
                if (await machine.NextAsync() is { Kind: LinkKind.Refused } refused)
                {
                    Assert.Equal("malformed", LinkJson.Read(refused, LinkKind.Refused, LinkTypes.Default.LinkRefusal).Code);
                    break;
                }
            }
            catch (Exception e) when (e is LinkException { Error: LinkError.Lost }
                || (e is OperationCanceledException && machine.Link.Over.IsCancellationRequested))
            {
                break; // it was cut while it still sent, before it read why
            }
            catch (OperationCanceledException e)
            {
                throw new TimeoutException($"The link was neither refused nor cut. The gateway's log:\n{log}", e);
            }
        }

        await Wait.UntilAsync(() => gateway.Machines.Now.Count == 0, "the link to end");
    }

    [Fact]
    public async Task Pages_and_plain_requests_are_not_machines()
    {
        await using var gateway = await RemoteGateway.StartAsync();
        await Assert.ThrowsAsync<WebSocketException>(
            () => TestMachine.OpenAsync(gateway.Base, ("Origin", gateway.Base.GetLeftPart(UriPartial.Authority))));
        using var http = new HttpClient();
        using var plain = await http.GetAsync(new Uri(gateway.Base, LinkFrame.Path));
        Assert.Equal(HttpStatusCode.UpgradeRequired, plain.StatusCode);
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol(RelayFrame.Subprotocol);
        await Assert.ThrowsAsync<WebSocketException>(
            () => socket.ConnectAsync(new Uri($"ws://{gateway.Base.Authority}{LinkFrame.Path}"), CancellationToken.None));
    }

    [Fact]
    public async Task Its_routes_are_known_and_say_who_may_use_them()
    {
        await using var gateway = await RemoteGateway.StartAsync();
        var routes = gateway.Endpoints.Cast<RouteEndpoint>()
            .Select(e => (e.RoutePattern.RawText, e.Metadata.GetMetadata<RouteAccess>())).Order().ToList();

        // A new route must be added here by somebody who thought about who may use it.
        Assert.Equal(
            [("/healthz", RouteAccess.Public), (LinkFrame.Path, RouteAccess.ProvenByMachine), ("/v1/relay", RouteAccess.ProvenOverChannel),
                ("/{**path}", RouteAccess.Public)],
            routes);
    }

    /// <summary>A key of its own, with another machine's id under its signature.</summary>
    private static LinkProof Claiming(string id, ChannelIdentity key, string origin, string nonce)
    {
        var text = Base64Url.EncodeToString(key.SigningPublicKey);
        var signature = key.Sign(LinkProofs.Domain, LinkProofs.Fields(origin, nonce, id, text));
        return new LinkProof(1, id, text, Base64Url.EncodeToString(signature), "1");
    }
}
