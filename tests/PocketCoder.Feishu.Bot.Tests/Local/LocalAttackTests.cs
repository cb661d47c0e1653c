using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Entry;
using PocketCoder.Feishu.Bot.Local;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Feishu.Bot.Tests.Local;

/// <summary>Other users of the computer, web pages and broken programs at the local port.</summary>
public sealed class LocalAttackTests
{
    private const string NoTask = "0123456789abcdef0123456789abcdef";

    /// <summary>Every route, and whether it may change something. A new one fails here until somebody has thought about it.</summary>
    private static readonly (string Method, string Pattern, bool Changes)[] s_routes =
    [
        ("GET", "/health", false), ("GET", "/debug/feishu", false), ("GET", "/debug/env", false), ("GET", "/tasks", false),
        ("GET", "/tasks/{id}", false), ("POST", "/demo/command", true), ("POST", "/demo/tasks/{id}/approve", true),
        ("POST", "/demo/tasks/{id}/reject", true), ("GET", "/demo/cards/dm/projects", false), ("POST", "/demo/card-actions", true),
    ];

    [Fact]
    public async Task Every_route_is_known_documented_and_answers_nobody_without_the_token()
    {
        await using var local = await TestLocal.StartAsync();
        await using var people = new PeopleHere(new NoMachine());
        var routes = local.Local.Routes(new NoMachine(), people);
        Assert.Equal(s_routes, routes.Select(r => (r.Method, r.Pattern, r.Changes)));
        var docs = await File.ReadAllTextAsync(Repository.PathOf("docs/feishu.md"));
        foreach (var (method, pattern, changes) in s_routes)
        {
            Assert.Contains($"`{method} {pattern}`", docs, StringComparison.Ordinal);
            var path = pattern.Replace("{id}", NoTask, StringComparison.Ordinal);
            var (verb, body) = (new HttpMethod(method), method == "POST" ? """{"text":"/run run: touch owned.txt"}""" : null);
            (string Case, int Status, Action<HttpRequestMessage> Change)[] refused =
            [
                ("no token", 401, r => r.Headers.Authorization = null),
                ("a wrong token", 401, r => r.Headers.Authorization = new("Bearer", new string('0', 64))),
                ("another scheme", 401, r => r.Headers.Authorization = new("Basic", local.Token)),
                ("two tokens", 401, r => Assert.True(r.Headers.TryAddWithoutValidation("Authorization", $"Bearer {local.Token}"))),
                ("the token in the address", 401, r => (r.RequestUri, r.Headers.Authorization) = (new Uri($"{r.RequestUri}?token={local.Token}"), null)),
                ("another name", 421, r => r.Headers.Host = $"evil.example:{local.Endpoint.Port}"),
                ("another port", 421, r => r.Headers.Host = "127.0.0.1:1"),
                ("a name that begins so", 421, r => r.Headers.Host = $"127.0.0.1.evil.example:{local.Endpoint.Port}"),
                ("a page", 403, r => r.Headers.Add("Origin", "https://evil.example")),
                ("a page of this computer", 403, r => r.Headers.Add("Origin", $"http://{local.Endpoint}")),
                ("a page without a name", 403, r => r.Headers.Add("Origin", "null")),
                ("what a browser adds", 403, r => r.Headers.Add("Sec-Fetch-Site", "same-origin")),
            ];
            foreach (var (name, status, change) in refused)
            {
                var reply = await local.SendAsync(verb, path, body, change);
                Assert.True(reply.Status == status, $"{method} {path} with {name}: {reply.Status} {reply.Json}");
                Assert.Equal("UNAUTHORIZED", reply.Text("code"));
                Assert.Equal(status == 401 ? "Bearer" : "", reply.Authenticate);
            }

            var other = (await local.SendAsync(method == "GET" ? HttpMethod.Post : HttpMethod.Get, path, null)).Is(405);
            Assert.NotEqual("", other.Text("detail"));
            Assert.NotEqual(401, (await local.SendAsync(verb, path, method == "POST" ? "{}" : null)).Status);
            _ = changes;
        }

        Assert.False(File.Exists(Path.Combine(local.Folder, "owned.txt")));
        Assert.Empty((await local.GetAsync("/tasks")).Is(200).Json.GetProperty("tasks").EnumerateArray());
        Assert.DoesNotContain(local.Token, local.Log, StringComparison.Ordinal);
        Assert.InRange(local.Log.Split("requests to the local port were refused").Length - 1, 1, 3); // once a minute
        (await local.SendAsync(HttpMethod.Options, "/demo/command", null)).Is(405); // nothing for a page's question before
    }

    [Fact]
    public async Task What_is_broken_too_long_or_not_there_is_refused_by_its_own_status_and_changes_nothing()
    {
        await using var local = await TestLocal.StartAsync();
        foreach (var body in (string[])
        [
            "", "{", "[]", "null", "{}", """{"text":null}""", """{"text":1}""", """{"text":"/help","text":"/run x"}""",
            """{"text":"/help","more":1}""", """{"text":"/run x","request_id":"a b"}""", """{"text":"/run x","request_id":""}""",
        ])
        {
            var reply = await local.PostAsync("/demo/command", body);
            Assert.True(reply.Status == 400, $"{body}: {reply.Status} {reply.Json}");
        }

        (await local.PostAsync("/demo/command", $$"""{"text":"{{new string('x', LocalDoor.LongestBody)}}"}""")).Is(413);
        (await local.PostAsync("/demo/command", null, r => r.Content = new StringContent("""{"text":"/run x"}""", Encoding.UTF8, "text/plain"))).Is(415);
        foreach (var id in (string[])[NoTask, "x", "..%2f..", new string('a', 500), "%00"])
        {
            Assert.Contains((await local.GetAsync($"/tasks/{id}")).Status, (int[])[400, 404]);
        }

        (await local.PostAsync($"/demo/tasks/{NoTask}/approve", """{"code":"x"}""")).Is(404);
        (await local.PostAsync($"/demo/tasks/{NoTask}/reject", null)).Is(404);
        (await local.CommandAsync($"/approve {NoTask} x")).Is(404);
        foreach (var path in (string[])["/", "/tasks/", "/v1/status", "/status", "/projects", "/demo", $"/tasks/{NoTask}/x", "/HEALTH"])
        {
            (await local.GetAsync(path)).Is(404);
        }

        foreach (var body in (string[])
        [
            "{}", """{"event":{}}""", """{"event":{"action":{"value":{"a":"home"}}}}""", """{"event":{"action":{"value":{"a":"home","n":1}}}}""",
            """{"event":{"action":{"value":{"intent_key":"task.submit"}}}}""",
            """{"event":{"action":{"value":{"intent_key":"project.delete_sure","project_id":"x"}}}}""",
            """{"event":{"action":{"value":{"intent_key":"project.create"},"form_value":{"name":"x"}}}}""",
        ])
        {
            var reply = await local.PostAsync("/demo/card-actions", body);
            Assert.True(reply.Status == 400, $"{body}: {reply.Status} {reply.Json}");
        }

        Assert.Empty((await local.GetAsync("/tasks")).Is(200).Json.GetProperty("tasks").EnumerateArray());
    }

    [Fact]
    public async Task A_token_is_worth_what_it_was_made_for_and_ends_when_another_is_made_or_the_port_is_switched_off()
    {
        await using var local = await TestLocal.StartAsync();
        var all = local.Token;
        Assert.Matches("^[0-9a-f]{64}$", all);
        await local.GrantAsync(Scope.View);
        Assert.NotEqual(all, local.Token);
        (await local.GetAsync("/tasks", r => r.Headers.Authorization = new("Bearer", all))).Is(401);
        (await local.GetAsync("/health")).Is(200);
        (await local.CommandAsync("/run hello")).Is(403);
        (await local.PostAsync("/demo/card-actions", """{"event":{"action":{"value":{"a":"project.create","n":"x"},"form_value":{"name":"x","agent":"stub"}}}}"""))
            .Is(403);

        var device = Assert.Single(await local.Owner.ListPeopleAsync(EntryLocalHttp.Platform, CancellationToken.None));
        Assert.Equal(("Local HTTP", "http"), (device.Name, device.Platform));
        await local.Owner.RevokeDeviceAsync(device.DeviceId, CancellationToken.None);
        (await local.GetAsync("/health")).Is(401);

        await local.GrantAsync();
        (await local.GetAsync("/health")).Is(200);
        var off = await local.SetAsync(null, null);
        Assert.Null(off.LocalToken);
        Assert.Empty(await local.Owner.ListPeopleAsync(EntryLocalHttp.Platform, CancellationToken.None));
        (await local.GetAsync("/health")).Is(401); // before the restart that closes it
        var refused = await Assert.ThrowsAsync<ControlException>(() => local.SetAsync(null, [Scope.View]));
        Assert.Equal(ErrorCode.InvalidRequest, refused.Code);
        foreach (var address in (string[])["0.0.0.0:17341", "10.0.0.1:17341", "localhost:17341", "[::]:17341", "17341", "127.0.0.1:0"])
        {
            refused = await Assert.ThrowsAsync<ControlException>(() => local.SetAsync(address, [Scope.View]));
            Assert.Contains("on this computer alone", refused.Message, StringComparison.Ordinal);
        }

        foreach (var said in (string[])[local.Log, await File.ReadAllTextAsync(local.SettingFile)])
        {
            Assert.DoesNotContain(all, said, StringComparison.Ordinal);
        }
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Who_sends_half_a_request_and_waits_is_closed_and_keeps_nobody_out()
    {
        await using var local = await TestLocal.StartAsync();
        using var headers = new TcpClient();
        await headers.ConnectAsync(local.Endpoint);
        await headers.GetStream().WriteAsync("POST /demo/command HTTP/1.1\r\nHost: 127.0.0.1\r\n"u8.ToArray());
        using var body = new TcpClient();
        await body.ConnectAsync(local.Endpoint);
        await body.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /demo/command HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {local.Token}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{"));
        using var unknown = new TcpClient();
        await unknown.ConnectAsync(local.Endpoint);
        await unknown.GetStream().WriteAsync(
            "POST /demo/command HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"u8.ToArray());

        (await local.CommandAsync("/help")).Is(200);
        Assert.StartsWith("HTTP/1.1 401", await EndAsync(unknown), StringComparison.Ordinal); // its body is not waited for
        Assert.StartsWith("HTTP/1.1 408", await EndAsync(body), StringComparison.Ordinal);
        await EndAsync(headers);
    }

    [Fact]
    public async Task Of_more_requests_at_once_than_are_answered_the_last_are_told_so()
    {
        var endpoint = new IPEndPoint(IPAddress.Loopback, Ports.Free());
        var inside = 0;
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var people = new PeopleHere(new NoMachine());
        await using var door = await LocalDoor.OpenAsync(
            endpoint, [],
            async _ =>
            {
                Interlocked.Increment(ref inside);
                await go.Task;
                return "t";
            },
            people, TimeProvider.System, NullLogger.Instance, CancellationToken.None);
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var waiting = Enumerable.Range(0, 8).Select(_ => client.GetAsync(new Uri($"http://{endpoint}/health"))).ToList();
        await Wait.UntilAsync(() => Volatile.Read(ref inside) == 8, "eight are being answered");
        using (var ninth = await client.GetAsync(new Uri($"http://{endpoint}/health")))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, ninth.StatusCode);
            Assert.Contains("DAEMON_BUSY", await ninth.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        go.SetResult();
        foreach (var reply in await Task.WhenAll(waiting))
        {
            Assert.Equal(HttpStatusCode.Unauthorized, reply.StatusCode);
            reply.Dispose();
        }

        await Assert.ThrowsAsync<ArgumentException>(() => LocalDoor.OpenAsync(
            new IPEndPoint(IPAddress.Any, 1), [], _ => Task.FromResult<string?>(null), people, TimeProvider.System, NullLogger.Instance,
            CancellationToken.None));
        var busy = await Assert.ThrowsAsync<EntryRefusal>(() => LocalDoor.OpenAsync(
            endpoint, [], _ => Task.FromResult<string?>(null), people, TimeProvider.System, NullLogger.Instance, CancellationToken.None));
        Assert.Contains("feishu config --local-http", busy.Message, StringComparison.Ordinal);
    }

    /// <summary>Any bytes are an action or a typed refusal that quotes nothing.</summary>
    [Fact]
    public void Bodies_are_read_or_refused_whatever_they_are()
    {
        byte[][] seeds =
        [
            """{"event":{"action":{"value":{"a":"home","n":"x","g":"1"},"form_value":{}}}}"""u8.ToArray(),
            """{"header":{"event_id":"e"},"event":{"action":{"value":{"intent_key":"project.create","request_id":"r"},"form_value":{"name":"n","backend":"codex"}}}}"""u8.ToArray(),
            """{"text":"/run x","user_id":"u","project":"p","request_id":"r"}"""u8.ToArray(),
        ];
        var random = new Random(20260);
        var until = TimeProvider.System.GetTimestamp();
        var read = 0;
        while (TimeProvider.System.GetElapsedTime(until) < TimeSpan.FromSeconds(2))
        {
            var body = (byte[])seeds[random.Next(seeds.Length)].Clone();
            for (var i = random.Next(4); i > 0; i--)
            {
                body[random.Next(body.Length)] = random.Next(3) == 0 ? (byte)random.Next(256) : (byte)"{}[]\":,\\u0x"[random.Next(11)];
            }

            read += Reads(() => CardActionBody.Read(body)) + Reads(() => LocalCommands.Read(body, LocalJson.Default.CommandBody));
        }

        Assert.True(read > 100, $"{read}"); // some are left as they were

        static int Reads(Func<object> reading)
        {
            try
            {
                return reading() is null ? 0 : 1;
            }
            catch (LocalFailure e)
            {
                Assert.Equal(ErrorCode.InvalidRequest, e.Code);
                return 0;
            }
        }
    }

    /// <summary>What is said until the connection ends.</summary>
    private static async Task<string> EndAsync(TcpClient client)
    {
        var said = new StringBuilder();
        var read = new byte[1024];
        using var limit = new CancellationTokenSource(Wait.Limit);
        try
        {
            while (await client.GetStream().ReadAsync(read, limit.Token) is var length and > 0)
            {
                said.Append(Encoding.ASCII.GetString(read, 0, length));
            }
        }
        catch (IOException)
        {
            // closed so
        }

        return said.ToString();
    }

    /// <summary>For routes that are looked at and not asked.</summary>
    private sealed class NoMachine : IEntryMachine
    {
        public IEntryNotes Notes { get; } = new TestNotes();

        public Task<string?> SecretAsync(EntrySecretKind kind, CancellationToken cancellationToken) => Task.FromResult<string?>(null);

        public Task<string> PairAsync(string account, string? name, string code, CancellationToken cancellationToken)
            => throw new NotSupportedException();

        public Task<IEntryPerson?> OpenAsync(string account, CancellationToken cancellationToken) => Task.FromResult<IEntryPerson?>(null);
    }
}
