using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using PocketCoder.Agents;
using PocketCoder.Agents.Shared.Mcp;
using PocketCoder.Testing;

namespace PocketCoder.Agents.Tests.Shared.Mcp;

/// <summary>The tool endpoint over real connections.</summary>
public sealed class McpToolEndpointTests
{
    [Fact]
    public async Task A_client_is_greeted_told_the_tools_and_refused_what_there_is_not()
    {
        await using var client = await McpTestClient.StartAsync();
        using var hello = await client.SendAsync(client.Request(
            """{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{}}}"""));
        Assert.Equal(32, Assert.Single(hello.Headers.GetValues("Mcp-Session-Id")).Length);
        using var greeting = JsonDocument.Parse(await hello.Content.ReadAsStringAsync());
        Assert.Equal("2025-06-18", greeting.RootElement.GetProperty("result").GetProperty("protocolVersion").GetString());
        Assert.Equal("pocketcoder", greeting.RootElement.GetProperty("result").GetProperty("serverInfo").GetProperty("name").GetString());
        Assert.Contains("2025-11-25",
            (await client.PostAsync("""{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"1999-01-01"}}""")).Body,
            StringComparison.Ordinal);

        Assert.Equal((HttpStatusCode.Accepted, ""), await client.PostAsync("""{"jsonrpc":"2.0","method":"notifications/initialized"}"""));
        Assert.Equal("""{"jsonrpc":"2.0","id":"p","result":{}}""",
            (await client.PostAsync("""{"jsonrpc":"2.0","id":"p","method":"ping"}""")).Body);
        Assert.False(client.Endpoint.ToolsListed.IsCompleted);
        using var list = JsonDocument.Parse((await client.PostAsync("""{"jsonrpc":"2.0","id":1,"method":"tools/list"}""")).Body);
        var tool = list.RootElement.GetProperty("result").GetProperty("tools").EnumerateArray().Single();
        Assert.Equal(("bash", "string"), (tool.GetProperty("name").GetString(),
            tool.GetProperty("inputSchema").GetProperty("properties").GetProperty("command").GetProperty("type").GetString()));
        await client.Endpoint.ToolsListed.WaitAsync(Wait.Limit);

        Assert.Contains("-32601", (await client.PostAsync("""{"jsonrpc":"2.0","id":2,"method":"resources/list"}""")).Body,
            StringComparison.Ordinal);
        foreach (var call in (string[])["""{"name":"rm","arguments":{}}""", """{"name":"bash","arguments":[]}""", """{"arguments":{}}""",
            "[]"])
        {
            Assert.Contains("-32602", (await client.PostAsync(
                $$"""{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{{call}}}""")).Body, StringComparison.Ordinal);
        }

        Assert.Empty(client.Called);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("null")]
    [InlineData("""[{"jsonrpc":"2.0","id":1,"method":"ping"}]""")]
    [InlineData("""{"jsonrpc":"2.0","id":{},"method":"ping"}""")]
    [InlineData("""{"jsonrpc":"2.0","id":null,"method":"ping"}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":7}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"bash","arguments":{"command":"ls","command":"rm"}}}""")]
    public async Task What_is_no_message_or_has_a_member_twice_is_a_bad_request(string body)
    {
        await using var client = await McpTestClient.StartAsync();
        Assert.Equal(HttpStatusCode.BadRequest, (await client.PostAsync(body)).Status);
        Assert.Empty(client.Called);
    }

    [Fact]
    public async Task A_person_may_take_ten_minutes_and_the_connection_is_kept_alive_meanwhile()
    {
        var time = new ManualTime();
        await using var client = await McpTestClient.StartAsync(time);
        using var answer = new StreamReader(await client.CallAsync("1", "make"));
        await Wait.UntilAsync(() => client.Called.Count == 1, "the call");
        Assert.Equal(("bash", """{"command":"make" }"""), (client.Called[0].ToolName, client.Called[0].InputJson));
        for (var waited = TimeSpan.Zero; waited < TimeSpan.FromMinutes(10); waited += McpRequestHandler.PingEvery)
        {
            await Wait.UntilAsync(() => time.ArmedTimers == 1, "the next ping to be due");
            time.Advance(McpRequestHandler.PingEvery);
            Assert.Equal(": ping", await LineAsync(answer));
        }

        Assert.True(client.Endpoint.Answer(client.Called[0].RequestId, new AgentAnswer.HostResult("made\n\"it\"", IsError: false)));
        Assert.False(client.Endpoint.Answer(client.Called[0].RequestId, new AgentAnswer.HostResult("twice", IsError: false)));
        Assert.Equal("event: message", await LineAsync(answer));
        Assert.Equal(
            """data: {"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"made\n\u0022it\u0022"}],"isError":false}}""",
            await LineAsync(answer));
        Assert.Empty(client.Withdrawn);
    }

    [Fact]
    public async Task Who_counts_from_progress_is_told_of_some()
    {
        var time = new ManualTime();
        await using var client = await McpTestClient.StartAsync(time);
        using var response = await client.SendAsync(
            client.Request(McpTestClient.CallBody("1", "make", """{"progressToken":"p\"1","claudecode/toolUseId":"toolu_1"}""")));
        using var answer = new StreamReader(await response.Content.ReadAsStreamAsync());
        await Wait.UntilAsync(() => client.Called.Count == 1 && time.ArmedTimers == 1, "the call");
        Assert.Contains("toolu_1", client.Called[0].MetaJson, StringComparison.Ordinal);
        time.Advance(McpRequestHandler.PingEvery);
        Assert.Equal("event: message", await LineAsync(answer));
        Assert.Equal("""data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p\"1","progress":1}}""",
            await LineAsync(answer));
    }

    [Fact]
    public async Task Calls_run_side_by_side_and_each_gets_its_own_answer()
    {
        await using var client = await McpTestClient.StartAsync();
        using var first = new StreamReader(await client.CallAsync("1", "one"));
        using var second = new StreamReader(await client.CallAsync("2", "two"));
        await Wait.UntilAsync(() => client.Called.Count == 2, "both calls");
        foreach (var call in client.Called.OrderByDescending(c => c.InputJson, StringComparer.Ordinal))
        {
            Assert.True(client.Endpoint.Answer(call.RequestId, new AgentAnswer.HostResult($"for {call.InputJson}", IsError: true)));
        }

        Assert.Contains("""for {\u0022command\u0022:\u0022one\u0022 }"}],"isError":true""", await first.ReadToEndAsync(),
            StringComparison.Ordinal);
        Assert.Contains("for {\\u0022command\\u0022:\\u0022two\\u0022 }", await second.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_denial_is_an_answer_and_no_failure()
    {
        await using var client = await McpTestClient.StartAsync();
        using var answer = new StreamReader(await client.CallAsync("1", "rm -rf /"));
        await Wait.UntilAsync(() => client.Called.Count == 1, "the call");
        Assert.Throws<ArgumentException>(() => client.Endpoint.Answer(client.Called[0].RequestId, new AgentAnswer.Allow("{}")));
        client.Endpoint.Answer(client.Called[0].RequestId, new AgentAnswer.Deny("The person said no."));
        Assert.Contains("""The person said no."}],"isError":false""", await answer.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancelled_call_is_withdrawn_and_only_that_of_the_same_client()
    {
        await using var client = await McpTestClient.StartAsync();
        using var other = await client.CallAsync("\"a\"", "one", "session-1");
        using var answer = new StreamReader(await client.CallAsync("\"a\"", "two", "session-2"));
        await Wait.UntilAsync(() => client.Called.Count == 2, "both calls");
        Assert.Equal(HttpStatusCode.Accepted, (await client.PostAsync(
            """{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"\u0061"}}""", "session-2")).Status);
        await Wait.UntilAsync(() => client.Withdrawn.Count == 1, "the withdrawal");
        var withdrawn = client.Called.Single(c => c.InputJson.Contains("two", StringComparison.Ordinal));
        Assert.Equal([withdrawn.RequestId], client.Withdrawn);
        Assert.False(client.Endpoint.Answer(withdrawn.RequestId, new AgentAnswer.HostResult("late", IsError: false)));
        Assert.DoesNotContain("data:", await answer.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.True(client.Called.Single(c => c != withdrawn).IsPending);
    }

    [Fact]
    public async Task A_call_whose_connection_is_gone_is_withdrawn()
    {
        await using var client = await McpTestClient.StartAsync();
        var answer = await client.CallAsync("1", "one");
        await Wait.UntilAsync(() => client.Called.Count == 1, "the call");
        await answer.DisposeAsync();
        await Wait.UntilAsync(() => client.Withdrawn.Count == 1, "the withdrawal");
        Assert.False(client.Endpoint.Answer(client.Called[0].RequestId, new AgentAnswer.HostResult("late", IsError: false)));
    }

    [Fact]
    public async Task Dropped_and_not_taken_calls_are_told_that_the_turn_was_stopped()
    {
        await using var client = await McpTestClient.StartAsync();
        using var dropped = new StreamReader(await client.CallAsync("1", "one"));
        await Wait.UntilAsync(() => client.Called.Count == 1, "the call");
        Assert.Equal([client.Called[0]], client.Endpoint.DropAll());
        Assert.Contains("The turn was stopped.", await dropped.ReadToEndAsync(), StringComparison.Ordinal);
        client.Takes = false;
        using var between = new StreamReader(await client.CallAsync("2", "two"));
        Assert.Contains("The turn was stopped.", await between.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.Empty(client.Withdrawn); // the driver says it itself, in the order of its turn's end
    }

    [Fact]
    public async Task After_the_end_what_waited_is_withdrawn_and_nobody_is_heard()
    {
        await using var client = await McpTestClient.StartAsync();
        using var answer = await client.CallAsync("1", "one");
        await Wait.UntilAsync(() => client.Called.Count == 1, "the call");
        await client.Endpoint.DisposeAsync();
        Assert.Equal([client.Called[0].RequestId], client.Withdrawn);
        Assert.False(client.Endpoint.Answer(client.Called[0].RequestId, new AgentAnswer.HostResult("late", IsError: false)));
        await Assert.ThrowsAsync<HttpRequestException>(() => client.PostAsync("""{"jsonrpc":"2.0","id":1,"method":"ping"}"""));
    }

    [Fact]
    public async Task No_more_calls_wait_than_there_is_room_for_and_no_id_waits_twice()
    {
        await using var client = await McpTestClient.StartAsync();
        var waiting = new List<Stream>();
        for (var i = 0; i < McpPendingCalls.Most; i++)
        {
            waiting.Add(await client.CallAsync($"{i}", "x"));
            if (i == 0)
            {
                Assert.Contains("-32000", (await client.PostAsync(McpTestClient.CallBody("0", "again"))).Body, StringComparison.Ordinal);
            }
        }

        Assert.Contains("-32000", (await client.PostAsync(McpTestClient.CallBody("99", "one too many"))).Body, StringComparison.Ordinal);
        waiting.ForEach(w => w.Dispose());
    }

    [Fact]
    public async Task Only_who_has_the_token_and_comes_the_given_way_is_heard()
    {
        await using var client = await McpTestClient.StartAsync();
        const string Ping = """{"jsonrpc":"2.0","id":1,"method":"ping"}""";
        async Task<HttpStatusCode> WithAsync(Action<HttpRequestMessage> change)
        {
            using var request = client.Request(Ping);
            change(request);
            using var response = await client.SendAsync(request);
            return response.StatusCode;
        }

        Assert.Equal(HttpStatusCode.OK, await WithAsync(_ => { }));
        Assert.Equal(HttpStatusCode.Unauthorized, await WithAsync(r => r.Headers.Authorization = null));
        Assert.Equal(HttpStatusCode.Unauthorized,
            await WithAsync(r => r.Headers.Authorization = new AuthenticationHeaderValue("Bearer", client.Endpoint.Token[..^1] + "x")));
        Assert.Equal(HttpStatusCode.Unauthorized,
            await WithAsync(r => r.Headers.Authorization = new AuthenticationHeaderValue("Basic", client.Endpoint.Token)));
        Assert.Equal(HttpStatusCode.Forbidden, await WithAsync(r => r.Headers.Host = $"localhost:{client.Url.Port}"));
        Assert.Equal(HttpStatusCode.Forbidden, await WithAsync(r => r.Headers.Host = "evil.example"));
        Assert.Equal(HttpStatusCode.Forbidden, await WithAsync(r => r.Headers.Add("Origin", "https://evil.example")));
        Assert.Equal(HttpStatusCode.Forbidden, await WithAsync(r => r.Headers.Add("Origin", "null")));
        Assert.Equal(HttpStatusCode.NotFound, await WithAsync(r => r.RequestUri = new Uri(client.Url, "/other")));
        Assert.Equal(HttpStatusCode.NotFound, await WithAsync(r => r.RequestUri = new Uri(client.Url + "?x=1")));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, await WithAsync(r => r.Method = HttpMethod.Get));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, await WithAsync(r => r.Method = HttpMethod.Delete));
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, await WithAsync(r => r.Content = new StringContent(Ping)));
        await using var another = await McpTestClient.StartAsync();
        Assert.NotEqual(client.Endpoint.Token, another.Endpoint.Token);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_too_long_is_not_read(bool chunked)
    {
        await using var client = await McpTestClient.StartAsync();
        using var request = client.Request("");
        request.Content = chunked ? new StreamContent(new Endless(McpRequestHandler.MaxBodyBytes + 1))
            : new ByteArrayContent(new byte[McpRequestHandler.MaxBodyBytes + 1]);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        try
        {
            using var response = await client.SendAsync(request);
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        }
        catch (HttpRequestException)
        {
            // it hung up on us while we still wrote
        }

        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("""{"jsonrpc":"2.0","id":1,"method":"ping"}""")).Status);
    }

    [Fact]
    public async Task It_listens_on_a_socket_too_and_takes_it_away()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("sockets of rooms");
        }

        var folder = Directory.CreateTempSubdirectory("pc-mcp-");
        var path = Path.Combine(folder.FullName, "t");
        await using (var client = await McpTestClient.StartAsync())
        await using (var endpoint = new McpToolEndpoint([McpTestClient.Bash], client, TimeProvider.System))
        {
            await endpoint.ListenAsync(path, UnixFileMode.UserRead | UnixFileMode.UserWrite, 8788, CancellationToken.None);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            using var connected = new HttpClient(new SocketsHttpHandler
            {
                ConnectCallback = async (_, ct) =>
                {
                    var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    await connection.ConnectAsync(new UnixDomainSocketEndPoint(path), ct);
                    return new NetworkStream(connection, ownsSocket: true);
                },
            });
            using var request = new HttpRequestMessage(HttpMethod.Post, McpToolEndpoint.UrlAt(8788))
            { Content = new StringContent("""{"jsonrpc":"2.0","id":1,"method":"ping"}""", Encoding.UTF8, "application/json") };
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", endpoint.Token);
            using var response = await connected.SendAsync(request);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        Assert.False(File.Exists(path));
        folder.Delete();
    }

    private static async Task<string?> LineAsync(StreamReader reader)
    {
        for (var line = await reader.ReadLineAsync().WaitAsync(Wait.Limit); ; line = await reader.ReadLineAsync().WaitAsync(Wait.Limit))
        {
            if (line != "")
            {
                return line;
            }
        }
    }

    private sealed class Endless(long length) : MemoryStream
    {
        private long _left = length;

        public override bool CanSeek => false;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var now = (int)Math.Min(_left, buffer.Length);
            buffer.Span[..now].Fill((byte)' ');
            _left -= now;
            return ValueTask.FromResult(now);
        }
    }
}
