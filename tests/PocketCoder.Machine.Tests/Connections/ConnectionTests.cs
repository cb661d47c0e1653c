using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using PocketCoder.Channels;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Connections;

public sealed class ConnectionTests
{
    [Fact]
    public async Task Revoking_a_device_ends_its_live_connection_and_it_never_gets_in_again()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var tablet = await daemon.PairAsync("tablet");

        await phone.Device.AskAsync(
            MessageTypes.DeviceRevoke, new DeviceRevokeRequest(tablet.Identity.Id), ProtocolJson.Default.DeviceRevokeRequest,
            ProtocolJson.Default.DeviceRevokeResponse);

        await tablet.Over.WaitAsync(Wait.Limit);
        var last = await tablet.NextAsync(e => e.Type == MessageTypes.Error, "the reason, through the channel");
        Assert.Equal(ErrorCode.Unauthorized, last.Error?.Code);
        var refused = await Assert.ThrowsAsync<ChannelException>(() => tablet.AgainAsync(daemon.Url));
        Assert.Equal("revoked_device", refused.PeerReason?.Code);
    }

    [Fact]
    public async Task A_device_may_revoke_itself_and_is_gone()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PairAsync();
        _ = phone.AskRawAsync(MessageTypes.DeviceRevoke, JsonSerializer.SerializeToElement(new DeviceRevokeRequest(phone.Identity.Id),
            ProtocolJson.Default.DeviceRevokeRequest)).ContinueWith(t => t.Exception, TaskScheduler.Default);
        await phone.Over.WaitAsync(Wait.Limit);
        await Assert.ThrowsAsync<ChannelException>(() => phone.AgainAsync(daemon.Url));
    }

    [Fact]
    public async Task A_pairing_link_works_once()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var link = await daemon.LinkAsync();
        await using var first = await TestDevice.PairAsync(link, "first");
        var refused = await Assert.ThrowsAsync<ChannelException>(() => TestDevice.PairAsync(link, "second"));
        Assert.Equal("pairing_refused", refused.PeerReason?.Code);
        Assert.Single(await daemon.Daemon.AsOwner().ListDevicesAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_pairing_link_expires_after_ten_minutes()
    {
        var time = new ManualTime();
        await using var daemon = await TestDaemon.StartAsync(time);
        var link = await daemon.LinkAsync();
        time.Advance(TimeSpan.FromMinutes(10));
        var refused = await Assert.ThrowsAsync<ChannelException>(() => TestDevice.PairAsync(link));
        Assert.Equal("pairing_refused", refused.PeerReason?.Code);
    }

    [Fact]
    public async Task An_unknown_key_is_refused_before_it_learns_anything()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PairAsync();
        using var stranger = ChannelIdentity.Create();
        var refused = await Assert.ThrowsAsync<ChannelException>(() => TestDevice.ConnectAsync(daemon.Url, stranger, phone.MachineKey));
        Assert.Equal("unknown_device", refused.PeerReason?.Code);
    }

    [Fact]
    public async Task Broken_payloads_get_a_typed_error_and_the_connection_lives_on()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        foreach (var (type, payload, code) in new[]
        {
            ("no_such_message", "{}", ErrorCode.InvalidRequest),
            (MessageTypes.AgentSessionNew, "{}", ErrorCode.InvalidRequest),
            (MessageTypes.AgentSessionNew, "[]", ErrorCode.InvalidRequest),
            (MessageTypes.AgentMessage, """{"agentSessionId":"not-a-guid","promptId":1,"content":null}""", ErrorCode.InvalidRequest),
            (MessageTypes.AgentMessage,
                $$"""{"agentSessionId":"{{Guid.CreateVersion7()}}","promptId":"{{Guid.CreateVersion7()}}","content":"x"}""",
                ErrorCode.SessionNotFound),
            (MessageTypes.Subscribe, """{"stream":"session/../../etc/passwd"}""", ErrorCode.SessionNotFound),
            (MessageTypes.Subscribe, """{"stream":"machine","after":-1}""", ErrorCode.InvalidRequest),
            (MessageTypes.LedgerList, """{"limit":100000}""", ErrorCode.InvalidRequest),
            (MessageTypes.DeviceRename, """{"deviceId":"x","name":"a\u0007b"}""", ErrorCode.InvalidRequest),
            (MessageTypes.DeviceRevoke, """{"deviceId":"x"}""", ErrorCode.DeviceNotFound),
        })
        {
            using var document = JsonDocument.Parse(payload);
            var refused = await Assert.ThrowsAsync<WireErrorException>(() => phone.Device.AskRawAsync(type, document.RootElement));
            Assert.Equal((type, code), (type, refused.Error.Code));
        }

        await phone.Device.AskAsync(
            MessageTypes.Ping, new PingRequest(), ProtocolJson.Default.PingRequest, ProtocolJson.Default.PingResponse);
    }

    [Fact]
    public async Task Whatever_a_paired_device_sends_never_costs_more_than_its_own_connection()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var seed = Environment.TickCount;
        var random = new Random(seed);
        byte[][] shapes =
        [
            "{}"u8.ToArray(),
            "null"u8.ToArray(),
            """{"type":"ping","requestId":"x","payload":{}}"""u8.ToArray(),
            """{"type":"subscribe","requestId":"y","payload":{"stream":"machine","after":0}}"""u8.ToArray(),
            """{"type":"agent_session_new","requestId":"z","payload":{"agentSessionId":"00000000-0000-0000-0000-000000000000"}}"""u8.ToArray(),
        ];
        for (var i = 0; i < 60; i++)
        {
            await using var device = await phone.Device.AgainAsync(daemon.Url);
            var message = shapes[random.Next(shapes.Length)].ToArray();
            for (var flips = random.Next(4); flips > 0 && message.Length > 0; flips--)
            {
                message[random.Next(message.Length)] = (byte)random.Next(256);
            }

            await device.SendAsync(message);
        }

        await phone.Device.AskAsync(
            MessageTypes.Ping, new PingRequest(), ProtocolJson.Default.PingRequest, ProtocolJson.Default.PingResponse);
        Assert.DoesNotContain(daemon.Log.Lines, l => l.StartsWith("Error", StringComparison.Ordinal)
            || l.StartsWith("Critical", StringComparison.Ordinal));
        Assert.True((await phone.VerifyAsync()).Intact, $"seed {seed}");
    }

    [Fact]
    public async Task A_tampered_frame_ends_the_connection_with_its_reason_and_changes_nothing()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PairAsync();
        await phone.SendFrameAsync(new byte[] { 0x03, 0, 0, 0, 0, 0, 0, 0, 99, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17 });
        await phone.Over.WaitAsync(Wait.Limit);
        Assert.Equal("out_of_order", phone.Closed?.Code);
    }

    [Fact]
    public async Task What_passes_the_gateway_has_no_plaintext_of_a_session_in_it()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var wire = new Wiretap(new Uri(daemon.Url).Port);
        await using var phone = await TestDevice.PairAsync(await daemon.LinkAsync(), "Marker-Name-7f3a");
        await using var tapped = await TestDevice.ConnectAsync(daemon.Url, phone.Identity, phone.MachineKey, wire.Port);
        var project = (await tapped.AskAsync(MessageTypes.ProjectsList, new ProjectsListRequest(), ProtocolJson.Default.ProjectsListRequest,
            ProtocolJson.Default.ProjectsListResponse)).Projects[0];
        var session = Guid.CreateVersion7();
        await tapped.AskAsync(
            MessageTypes.AgentSessionNew,
            new AgentSessionNewRequest(
                session, Guid.CreateVersion7(), project.ProjectId, "stub", "Marker-Prompt-91bc\nrun: echo Marker-Output-55de"),
            ProtocolJson.Default.AgentSessionNewRequest,
            ProtocolJson.Default.AgentSessionNewResponse);
        await tapped.SubscribeAsync($"session/{session}");
        var asked = (await tapped.NextEventAsync<ApprovalEvent>(e => e.Approval.State == ApprovalState.Pending)).Approval;
        await tapped.DecideAsync(asked, DecisionVerdict.Allow, reason: "Marker-Reason-c0de");
        await tapped.NextEventAsync<DoneEvent>();

        var seen = wire.Seen();
        Assert.True(seen.Length > 2_000, "the tap saw the traffic");
        Assert.Contains("/v1/relay?machine=" + phone.MachineId, seen, StringComparison.Ordinal);
        foreach (var secret in new[] { "Marker-", "agent_session_new", "approval", "payload", session.ToString(), project.Path })
        {
            Assert.DoesNotContain(secret, seen, StringComparison.OrdinalIgnoreCase);
        }
    }

    /// <summary>A TCP proxy that keeps what passes, as the middle would.</summary>
    private sealed class Wiretap : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly MemoryStream _seen = new();
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _serving;

        public Wiretap(int target)
        {
            _listener.Start();
            _serving = ServeAsync(target);
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public string Seen()
        {
            lock (_seen)
            {
                return Encoding.Latin1.GetString(_seen.ToArray());
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            _listener.Stop();
            await _serving;
            _stop.Dispose();
        }

        private async Task ServeAsync(int target)
        {
            try
            {
                while (true)
                {
                    var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                    var server = new TcpClient();
                    await server.ConnectAsync(IPAddress.Loopback, target, _stop.Token);
                    _ = CopyAsync(client, server);
                    _ = CopyAsync(server, client);
                }
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException)
            {
                // The test is over.
            }
        }

        private async Task CopyAsync(TcpClient from, TcpClient to)
        {
            var buffer = new byte[16 * 1024];
            try
            {
                int read;
                while ((read = await from.GetStream().ReadAsync(buffer, _stop.Token)) > 0)
                {
                    lock (_seen)
                    {
                        _seen.Write(buffer, 0, read);
                    }

                    await to.GetStream().WriteAsync(buffer.AsMemory(0, read), _stop.Token);
                }
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException
                or InvalidOperationException)
            {
                // One end went.
            }
            finally
            {
                to.Dispose();
            }
        }
    }
}
