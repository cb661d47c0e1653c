using System.Globalization;
using System.Net;
using System.Net.Sockets;
using PocketCoder.Gateway.Throttling;
using PocketCoder.Platform;
using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.Gateway.Tests;

/// <summary>On loopback a user is counted, not the address that all share.</summary>
public sealed class LocalUserTests
{
    /// <summary>A user without an account, of whom nothing else runs.</summary>
    private const uint Other = 209_998;

    private readonly ManualTime _time = new();

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("127.0.0.1", "127.0.0.77")]
    [InlineData("::1", "::1")]
    [InlineData("::ffff:127.0.0.1", "::ffff:127.0.0.1")]
    public async Task The_kernel_tells_whose_the_other_end_is(string listen, string from)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && (!listen.Contains(':', StringComparison.Ordinal) || Socket.OSSupportsIPv6),
            "this computer has no IPv6 loopback");
        using var listener = new Socket(IPAddress.Parse(listen).AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        Dual(listener);
        listener.Bind(new IPEndPoint(IPAddress.Parse(listen), 0));
        listener.Listen();
        using var client = new Socket(IPAddress.Parse(from).AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        Dual(client);
        client.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        await client.ConnectAsync(listener.LocalEndPoint!);
        using var accepted = await listener.AcceptAsync();

        Assert.Equal(LocalPeers.Owner, LocalPeers.Find((IPEndPoint)accepted.RemoteEndPoint!, (IPEndPoint)accepted.LocalEndPoint!));
        Assert.Null(LocalPeers.Find(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 1), (IPEndPoint)accepted.LocalEndPoint!));

        static void Dual(Socket socket)
        {
            if (socket.AddressFamily == AddressFamily.InterNetworkV6)
            {
                socket.DualMode = true;
            }
        }
    }

    /// <summary>The quick way tells the same as the table of all sockets.</summary>
    [Fact]
    public async Task Another_users_socket_is_that_users()
    {
        Assert.SkipUnless(LocalPeers.Owner == 0 && OperatingSystem.IsLinux(), "only root can act as another user");
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        var connect = string.Create(CultureInfo.InvariantCulture, $"exec 3<>/dev/tcp/127.0.0.1/{port}; cat <&3");
        await using var process = OwnedProcess.Start(As(Other, connect), TimeProvider.System);
        using var limit = new CancellationTokenSource(Wait.Limit);
        using var accepted = await listener.AcceptAsync(limit.Token);
        var (peer, local) = ((IPEndPoint)accepted.RemoteEndPoint!, (IPEndPoint)accepted.LocalEndPoint!);
        Assert.True(SocketOwner.TryFind(peer, local, out var user));
        Assert.Equal(Other, user);
        Assert.Equal(Other, LocalPeers.Find(await File.ReadAllLinesAsync("/proc/net/tcp", limit.Token), peer, local));
        Assert.Equal(Other, LocalPeers.Find(peer, local));
    }

    [Fact]
    public void A_socket_that_was_closed_already_is_nobodys_and_other_lines_do_not_count()
    {
        var (peer, local) = (new IPEndPoint(IPAddress.Loopback, 0xC350), new IPEndPoint(IPAddress.Loopback, 0x1F9A));
        const string head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
        const string ours =
            "   1: 0100007F:1F9A 0100007F:C350 01 00000000:00000000 00:00000000 00000000     7        0 5551 1 0 20 4 30 10 -1";
        const string other =
            "   2: 0100007F:C351 0100007F:1F9A 01 00000000:00000000 00:00000000 00000000     8        0 5552 1 0 20 4 30 10 -1";
        const string closed =
            "   3: 0100007F:C350 0100007F:1F9A 05 00000000:00000000 00:00000000 00000000     0        0 0 1 0 20 4 30 10 -1";
        const string open =
            "   3: 0100007F:C350 0100007F:1F9A 01 00000000:00000000 00:00000000 00000000  1001        0 5553 1 0 20 4 30 10 -1";
        Assert.SkipUnless(BitConverter.IsLittleEndian, "the lines are of a little-endian machine");
        Assert.Null(LocalPeers.Find([head, ours, other], peer, local));
        Assert.Null(LocalPeers.Find([head, ours, other, closed], peer, local));
        Assert.Equal(1001u, LocalPeers.Find([head, ours, other, open], peer, local));
    }

    [Fact]
    public void Whatever_other_local_users_do_the_owner_gets_in()
    {
        var options = GatewayOptions.Default;
        var throttle = new Throttle(options, _time);
        var gate = new ConnectionGate(options, Microsoft.Extensions.Logging.Abstractions.NullLogger<ConnectionGate>.Instance);
        var owner = new Caller(IPAddress.Loopback, LocalPeers.Owner);
        var random = new Random(16);
        var entered = new List<Caller>();
        for (var step = 0; step < 50_000; step++)
        {
            // Any number of users (a range of subordinate ids), addresses that a forged header names, and users that could not be found.
            uint? user = random.Next(10) == 0 ? null : LocalPeers.Owner + 1 + (uint)random.Next(2_000);
            var address = random.Next(2) == 0 ? IPAddress.Loopback : new IPAddress(0x0A000000u + (uint)random.Next(20_000));
            var caller = new Caller(address, user);
            switch (random.Next(3))
            {
                case 0:
                    throttle.ReportFailure(caller);
                    break;
                case 1:
                    _ = throttle.Admit(caller).Lease; // and never given back
                    break;
                default:
                    if (gate.TryEnter(caller.Counted))
                    {
                        entered.Add(caller.Counted);
                    }

                    break;
            }
        }

        Assert.True(throttle.Open >= options.MaxConnections);
        Assert.Equal(ConnectionGate.MostOfOthers(options), entered.Count);
        var admission = throttle.Admit(owner);
        Assert.True(admission.Lease is not null, admission.Reason);
        Assert.True(gate.TryEnter(owner.Counted));
        Assert.Null(throttle.Admit(IPAddress.Parse("192.0.2.9")).Lease); // all others have to wait
        entered.ForEach(gate.Leave);
        Assert.True(gate.TryEnter(new Caller(IPAddress.Parse("192.0.2.9"), null)));
    }

    [Fact]
    public void A_local_user_who_names_a_phones_address_shuts_out_only_itself()
    {
        var throttle = new Throttle(GatewayOptions.Default with { BehindProxy = true }, _time);
        var phone = IPAddress.Parse("203.0.113.9");
        var (proxy, attacker) = (LocalPeers.Owner + 1, LocalPeers.Owner + 2);
        for (var i = 0; i < 5; i++)
        {
            throttle.ReportFailure(new Caller(phone, attacker));
        }

        Assert.Equal(60, throttle.Admit(new Caller(phone, attacker)).RetryAfter);
        Assert.NotNull(throttle.Admit(new Caller(phone, proxy)).Lease);
    }

    [Fact]
    public async Task Another_user_of_this_computer_shuts_itself_out_and_not_the_owner()
    {
        Assert.SkipUnless(LocalPeers.Owner == 0 && OperatingSystem.IsLinux(), "only root can act as another user");
        await using var gateway = await GatewayUnderTest.StartAsync(
            (link, _) =>
            {
                link.ReportFailedHandshake();
                return Task.CompletedTask;
            },
            time: _time);

        // Six tries, one after the other, and the first line of each answer. A masked close frame goes along, so that each ends by itself.
        var request = RawHttp.Upgrade($"127.0.0.1:{gateway.Port}");
        const string tries =
            "for i in 1 2 3 4 5 6; do exec 3<>/dev/tcp/127.0.0.1/$1; printf '%s' \"$2\" >&3; printf '\\210\\200\\0\\0\\0\\0' >&3; cat <&3 | sed -n 1p; exec 3>&-; done";
        await using var attacker = OwnedProcess.Start(
            As(Other, tries, "tries", gateway.Port.ToString(CultureInfo.InvariantCulture), request), TimeProvider.System);
        using var reader = new StreamReader(attacker.StandardOutput);
        var answers = (await reader.ReadToEndAsync().WaitAsync(Wait.Limit)).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(a => RawHttp.StatusOf(a)).ToList();

        Assert.Equal([101, 101, 101, 101, 101, 429], answers);
        Assert.Equal(HttpStatusCode.SwitchingProtocols, (await gateway.TryConnectAsync()).Status);
    }

    /// <summary>Lines of a shell, as another user.</summary>
    private static ProcessStart As(uint user, string lines, params string[] arguments)
    {
        var id = user.ToString(CultureInfo.InvariantCulture);
        return new ProcessStart
        {
            Program = "/usr/bin/setpriv",
            Arguments = ["--reuid", id, "--regid", id, "--clear-groups", "/bin/bash", "-c", lines, .. arguments],
            WorkingDirectory = "/",
            Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["PATH"] = "/usr/bin:/bin" },
        };
    }
}
