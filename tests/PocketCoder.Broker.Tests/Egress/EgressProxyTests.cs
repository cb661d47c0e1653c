using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using PocketCoder.Broker.Egress;
using PocketCoder.Testing;

namespace PocketCoder.Broker.Tests.Egress;

public sealed class EgressProxyTests : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("egress-").FullName;
    private readonly ConcurrentQueue<EgressRecord> _records = new();
    private readonly List<IAsyncDisposable> _owned = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string SocketPath => Path.Combine(_folder, "proxy.sock");

    [Fact]
    public async Task A_tunnel_to_an_allowed_host_carries_bytes_both_ways_and_is_recorded()
    {
        var origin = Origin.Echo(this);
        Start(origin);
        using var client = await ConnectAsync();
        Assert.StartsWith("HTTP/1.1 200", await TunnelAsync(client, "allowed.test", origin.Port), StringComparison.Ordinal);
        await SendAsync(client, "hello");
        Assert.Equal("hello", await ReceiveAsync(client, 5));
        client.Shutdown(SocketShutdown.Both);
        var record = await RecordAsync();
        Assert.Equal((EgressOutcome.Done, "allowed.test", 5L, 5L), (record.Outcome, record.Host, record.Up, record.Down));
        Assert.Equal(IPAddress.Loopback, record.Address);
    }

    [Theory]
    [InlineData("evil.test")]
    [InlineData("allowed.test.evil.test")]
    [InlineData("xallowed.test")]
    public async Task A_host_that_no_rule_names_is_refused(string host)
    {
        var origin = Origin.Echo(this);
        Start(origin);
        using var client = await ConnectAsync();
        Assert.StartsWith("HTTP/1.1 403", await TunnelAsync(client, host, origin.Port), StringComparison.Ordinal);
        Assert.Equal(EgressOutcome.Refused, (await RecordAsync()).Outcome);
        Assert.Equal(0, origin.Accepted);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("169.254.169.254")]
    [InlineData("10.1.2.3")]
    [InlineData("::1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("fe80::1")]
    public async Task A_name_that_leads_to_a_private_address_is_refused_whatever_the_rules_say(string address)
    {
        var origin = Origin.Echo(this);
        Start(origin, o => o with
        {
            AllowedLoopback = [],
            Resolve = (_, _) => ValueTask.FromResult<IReadOnlyList<IPAddress>>([IPAddress.Parse("1.1.1.1"), IPAddress.Parse(address)])
        });
        using var client = await ConnectAsync();
        Assert.StartsWith("HTTP/1.1 403", await TunnelAsync(client, "allowed.test", origin.Port), StringComparison.Ordinal);
        Assert.Equal(EgressOutcome.PrivateAddress, (await RecordAsync()).Outcome);
        Assert.Equal(0, origin.Accepted);
    }

    [Fact]
    public async Task A_name_is_resolved_once_and_the_checked_address_is_the_one_connected_to()
    {
        var origin = Origin.Echo(this);
        var asked = 0;
        Start(origin, o => o with
        {
            Resolve = (_, _) => ValueTask.FromResult<IReadOnlyList<IPAddress>>(
            [++asked == 1 ? IPAddress.Loopback : IPAddress.Parse("169.254.169.254")])
        });
        using var client = await ConnectAsync();
        Assert.StartsWith("HTTP/1.1 200", await TunnelAsync(client, "allowed.test", origin.Port), StringComparison.Ordinal);
        Assert.Equal(1, asked);
    }

    [Fact]
    public async Task A_plain_request_reaches_the_server_in_its_own_form()
    {
        var origin = Origin.Http(this);
        Start(origin);
        using var client = await ConnectAsync();
        await SendAsync(client,
            $"POST http://allowed.test:{origin.Port}/a HTTP/1.1\r\nHost: allowed.test:{origin.Port}\r\nContent-Length: 4\r\nProxy-Authorization: x\r\n\r\nbodyGET http://evil.test/ HTTP/1.1\r\n\r\n");
        var answer = await ReceiveToEndAsync(client);
        Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
        Assert.EndsWith("answer", answer, StringComparison.Ordinal);
        await Wait.UntilAsync(() => origin.Requests.Count == 1, "the request");
        Assert.True(origin.Requests.TryDequeue(out var request));
        Assert.Equal($"POST /a HTTP/1.1\r\nHost: allowed.test:{origin.Port}\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody",
            request);
    }

    [Fact]
    public async Task Chunks_are_written_anew_and_end_where_they_end()
    {
        var origin = Origin.Http(this);
        Start(origin);
        using var client = await ConnectAsync();
        await SendAsync(client,
            $"POST http://allowed.test:{origin.Port}/ HTTP/1.1\r\nHost: allowed.test:{origin.Port}\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nbody\r\n0\r\nTrailer: z\r\n\r\nGET / HTTP/1.1\r\nHost: evil\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200", await ReceiveToEndAsync(client), StringComparison.Ordinal);
        Assert.True(origin.Requests.TryDequeue(out var request));
        Assert.EndsWith("\r\n\r\n4\r\nbody\r\n0\r\n\r\n", request, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n")]
    [InlineData("CONNECT 127.0.0.1:443 HTTP/1.1\r\nHost: 127.0.0.1:443\r\n\r\n")]
    [InlineData("CONNECT allowed.test:443 HTTP/1.1\nHost: allowed.test:443\n\n")]
    [InlineData("\u0005\u0001\0\r\n\r\n")]
    public async Task What_is_no_proxy_request_gets_an_answer_that_says_so(string request)
    {
        Start(Origin.Echo(this));
        using var client = await ConnectAsync();
        await SendAsync(client, request);
        Assert.StartsWith("HTTP/1.1 400", await ReceiveToEndAsync(client), StringComparison.Ordinal);
        Assert.Equal(EgressOutcome.BadRequest, (await RecordAsync()).Outcome);
    }

    [Fact]
    public async Task A_head_of_more_than_eight_kilobytes_is_refused()
    {
        Start(Origin.Echo(this));
        using var client = await ConnectAsync();
        await SendAsync(client, $"GET http://allowed.test/ HTTP/1.1\r\nHost: allowed.test\r\nX: {new string('a', 8200)}");
        Assert.StartsWith("HTTP/1.1 400", await ReceiveToEndAsync(client), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_host_waits_for_a_decision_that_counts_for_all_who_wait()
    {
        var origin = Origin.Echo(this);
        var answer = new TaskCompletionSource<EgressVerdict>();
        var asked = new ConcurrentQueue<EgressRequest>();
        Start(origin, o => o with
        {
            Decide = async (request, ct) =>
            {
                asked.Enqueue(request);
                return await answer.Task.WaitAsync(ct);
            },
        });
        var clients = new List<Socket>();
        for (var i = 0; i < 5; i++)
        {
            var client = await ConnectAsync();
            await SendAsync(client, Connect("unknown.test", origin.Port));
            clients.Add(client);
        }

        await Wait.UntilAsync(() => !asked.IsEmpty, "the question");
        answer.SetResult(EgressVerdict.Allow("a person"));
        foreach (var client in clients)
        {
            Assert.StartsWith("HTTP/1.1 200", await ReceiveHeadAsync(client), StringComparison.Ordinal);
            client.Dispose();
        }

        Assert.All(asked, r => Assert.Equal(new EgressRequest("unknown.test", origin.Port, "CONNECT"), r));
    }

    [Fact]
    public async Task A_refusal_says_why_and_a_client_that_gives_up_withdraws_the_question()
    {
        var origin = Origin.Echo(this);
        var withdrawn = new TaskCompletionSource();
        Start(origin, o => o with
        {
            Decide = async (request, ct) =>
            {
                if (request.Host == "no.test")
                {
                    return EgressVerdict.Refuse("Anna said no");
                }

                await using var registration = ct.Register(() => withdrawn.TrySetResult());
                await Wait.ForeverAsync(ct);
                return EgressVerdict.Allow("");
            },
        });
        using (var client = await ConnectAsync())
        {
            await SendAsync(client, Connect("no.test", origin.Port));
            Assert.Contains("Anna said no", await ReceiveToEndAsync(client), StringComparison.Ordinal);
        }

        using (var client = await ConnectAsync())
        {
            await SendAsync(client, Connect("later.test", origin.Port));
        }

        await withdrawn.Task.WaitAsync(Wait.Limit, Token);
    }

    [Fact]
    public async Task A_tunnel_to_one_host_that_asks_for_another_in_TLS_is_cut()
    {
        var origin = Origin.Echo(this);
        Start(origin);
        using var client = await ConnectAsync();
        await TunnelAsync(client, "allowed.test", origin.Port);
        await using var tls = new SslStream(new NetworkStream(client));
        await Assert.ThrowsAnyAsync<IOException>(
            () => tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "evil.test" }, Token));
        Assert.Equal(EgressOutcome.NameMismatch, (await RecordAsync()).Outcome);
        Assert.Equal("", origin.Received);
    }

    [Fact]
    public async Task A_real_TLS_handshake_for_the_allowed_host_passes()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=allowed.test", key, HashAlgorithmName.SHA256).CreateSelfSigned(
            DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        var origin = Origin.Tls(this, certificate);
        Start(origin);
        using var client = await ConnectAsync();
        await TunnelAsync(client, "allowed.test", origin.Port);
#pragma warning disable CA5359 // the certificate is this test's
        await using var tls = new SslStream(new NetworkStream(client), false, (_, _, _, _) => true);
#pragma warning restore CA5359
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "allowed.test" }, Token);
        await tls.WriteAsync("ping"u8.ToArray(), Token);
        var answer = new byte[4];
        await tls.ReadExactlyAsync(answer, Token);
        Assert.Equal("ping", Encoding.ASCII.GetString(answer));
    }

    [Fact]
    public async Task More_bytes_than_allowed_end_the_connection()
    {
        var origin = Origin.Echo(this);
        Start(origin, o => o with { MaxBytes = 1000 });
        using var client = await ConnectAsync();
        await TunnelAsync(client, "allowed.test", origin.Port);
        await SendAsync(client, new string('x', 2000));
        await ReceiveToEndAsync(client);
        Assert.Equal(EgressOutcome.LimitReached, (await RecordAsync()).Outcome);
    }

    [Fact]
    public async Task A_silent_tunnel_ends_at_the_idle_limit()
    {
        var origin = Origin.Echo(this);
        var time = new ManualTime();
        Start(origin, o => o with { IdleLimit = TimeSpan.FromMinutes(1) }, time);
        using var client = await ConnectAsync();
        await TunnelAsync(client, "allowed.test", origin.Port);
        await SendAsync(client, "x");
        Assert.Equal("x", await ReceiveAsync(client, 1));
        await Wait.UntilAsync(() => { time.Advance(TimeSpan.FromSeconds(20)); return !_records.IsEmpty; }, "the end");
        Assert.Equal(EgressOutcome.LimitReached, (await RecordAsync()).Outcome);
    }

    [Fact]
    public async Task The_socket_is_its_owners_and_a_file_that_is_none_is_left_alone()
    {
        await File.WriteAllTextAsync(SocketPath, "important", Token);
        Assert.Throws<IOException>(() => Start(Origin.Echo(this)));
        Assert.Equal("important", await File.ReadAllTextAsync(SocketPath, Token));
        File.Delete(SocketPath);
        Start(Origin.Echo(this));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(SocketPath));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var owned in _owned)
        {
            await owned.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private void Start(Origin origin, Func<EgressOptions, EgressOptions>? change = null, TimeProvider? time = null)
    {
        var options = new EgressOptions
        {
            SocketPath = SocketPath,
            Allowed = [EgressRule.Parse($"allowed.test:{origin.Port}")],
            Resolve = (_, _) => ValueTask.FromResult<IReadOnlyList<IPAddress>>([IPAddress.Loopback]),
            AllowedLoopback = [new IPEndPoint(IPAddress.Loopback, origin.Port)],
            Audit = _records.Enqueue,
        };
        _owned.Add(EgressProxy.Start(change?.Invoke(options) ?? options, time ?? TimeProvider.System));
    }

    private async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), Token);
        return socket;
    }

    private async Task<EgressRecord> RecordAsync()
    {
        await Wait.UntilAsync(() => !_records.IsEmpty, "a record");
        return _records.First();
    }

    private static string Connect(string host, int port) => $"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n";

    private static async Task<string> TunnelAsync(Socket client, string host, int port)
    {
        await SendAsync(client, Connect(host, port));
        return await ReceiveHeadAsync(client);
    }

    private static async Task SendAsync(Socket socket, string text)
        => await socket.SendAsync(Encoding.Latin1.GetBytes(text), SocketFlags.None, Token);

    private static async Task<string> ReceiveHeadAsync(Socket socket)
    {
        var text = new StringBuilder();
        while (!text.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            var one = await ReceiveAsync(socket, 1);
            if (one.Length == 0)
            {
                break;
            }

            text.Append(one);
        }

        return text.ToString();
    }

    private static async Task<string> ReceiveAsync(Socket socket, int count)
    {
        var bytes = new byte[count];
        var filled = 0;
        while (filled < count && await socket.ReceiveAsync(bytes.AsMemory(filled), SocketFlags.None, Token) is var read and > 0)
        {
            filled += read;
        }

        return Encoding.Latin1.GetString(bytes, 0, filled);
    }

    private static async Task<string> ReceiveToEndAsync(Socket socket)
    {
        var text = new StringBuilder();
        try
        {
            while (await ReceiveAsync(socket, 1) is { Length: > 0 } one)
            {
                text.Append(one);
            }
        }
        catch (SocketException)
        {
            // Cut rather than closed.
        }

        return text.ToString();
    }

    /// <summary>A server on loopback.</summary>
    private sealed class Origin : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly Task _serving;
        private int _accepted;

        private Origin(EgressProxyTests owner, Func<Origin, NetworkStream, Task> serve)
        {
            _listener.Start();
            _serving = Task.Run(async () =>
            {
                while (true)
                {
                    try
                    {
                        var client = await _listener.AcceptTcpClientAsync();
                        Interlocked.Increment(ref _accepted);
                        _ = Task.Run(async () =>
                        {
                            using (client)
                            {
                                try
                                {
                                    await serve(this, client.GetStream());
                                }
                                catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
                                {
                                    // The proxy cut it, which a test asserts elsewhere.
                                }
                            }
                        });
                    }
                    catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
                    {
                        return; // stopped, perhaps before it began
                    }
                }
            });
            owner._owned.Insert(0, this);
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public int Accepted => Volatile.Read(ref _accepted);

        public ConcurrentQueue<string> Requests { get; } = new();

        public string Received { get; private set; } = "";

        public static Origin Echo(EgressProxyTests owner) => new(owner, async (origin, stream) =>
        {
            var buffer = new byte[4096];
            while (await stream.ReadAsync(buffer) is var read and > 0)
            {
                origin.Received += Encoding.Latin1.GetString(buffer, 0, read);
                await stream.WriteAsync(buffer.AsMemory(0, read));
            }
        });

        public static Origin Tls(EgressProxyTests owner, X509Certificate2 certificate) => new(owner, async (_, stream) =>
        {
            await using var tls = new SslStream(stream);
            await tls.AuthenticateAsServerAsync(certificate);
            var buffer = new byte[4];
            await tls.ReadExactlyAsync(buffer);
            await tls.WriteAsync(buffer);
        });

        public static Origin Http(EgressProxyTests owner) => new(owner, async (origin, stream) =>
        {
            var text = "";
            var buffer = new byte[4096];
            while (!(text.EndsWith("0\r\n\r\n", StringComparison.Ordinal) || text.EndsWith("\r\n\r\nbody", StringComparison.Ordinal))
                && await stream.ReadAsync(buffer) is var read and > 0)
            {
                text += Encoding.Latin1.GetString(buffer, 0, read);
            }

            await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nanswer"u8.ToArray());
            origin.Requests.Enqueue(text);
        });

        public async ValueTask DisposeAsync()
        {
            _listener.Dispose();
            await _serving;
        }
    }
}
