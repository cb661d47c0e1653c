using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using PocketCoder.Broker.Models;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Broker.Tests.Models;

public sealed class ModelBrokerTests : IAsyncDisposable
{
    private const string Priced = """{"model":"claude-sonnet-4"}""";
    private const string RealKey = "real-provider-key";
    private readonly ConcurrentQueue<ModelUsage> _used = new();
    private readonly List<IAsyncDisposable> _owned = [];
    private readonly Guid _session = Guid.CreateVersion7();
    private readonly Guid _project = Guid.CreateVersion7();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_Anthropic_stream_passes_as_it_is_with_the_real_key_and_is_counted()
    {
        var model = await ScriptedModelServer.StartAsync();
        _owned.Add(model);
        var endpoint = await OpenAsync(ModelDialect.Anthropic, new Uri(model.Address));
        using var client = Client(endpoint);
        var answer = await client.PostAsync(
            "anthropic/v1/messages?beta=true&key=leak", Anthropic("SAY: one two three", stream: true), Token);
        var text = await answer.Content.ReadAsStringAsync(Token);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Contains("event: message_stop", text, StringComparison.Ordinal);
        var request = Assert.Single(model.Requests);
        Assert.Equal((RealKey, "/v1/messages?beta=true"), (request.Key, request.Path));
        var usage = await UsageAsync();
        Assert.Equal(new TokenCount(100, 30, 40, 20), usage.Tokens);
        Assert.Equal(0.000759m, usage.Cost);
        Assert.True(usage is { Counted: true, Complete: true, PassedThrough: false, Status: 200, Model: "claude-sonnet-4-5" });
        Assert.Equal((_session, _project), (usage.SessionId, usage.ProjectId));
    }

    [Theory]
    [InlineData("openai/v1/responses", """{"model":"gpt-5"}""",
        """{"type":"response.completed","response":{"model":"gpt-5-2025","usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":60},"output_tokens":30,"output_tokens_details":{"reasoning_tokens":10}}}}""",
            40, 60, 30)]
    [InlineData("openai/v1/chat/completions", """{"model":"gpt-5"}""",
        """{"model":"gpt-5","choices":[],"usage":{"prompt_tokens":100,"completion_tokens":30,"prompt_tokens_details":{"cached_tokens":60}}}""",
            40, 60, 30)]
    [InlineData("gemini/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse", "{}",
        """{"modelVersion":"gemini-2.5-pro","usageMetadata":{"promptTokenCount":100,"cachedContentTokenCount":60,"candidatesTokenCount":20,"thoughtsTokenCount":10}}""",
            40, 60, 30)]
    public async Task The_other_dialects_are_counted_in_streams_and_in_whole_answers(
        string path, string body, string last, long input, long cache, long output)
    {
        var dialect = Enum.Parse<ModelDialect>(path.Split('/')[0], ignoreCase: true);
        foreach (var events in (bool[])[true, false])
        {
            var whole = last.StartsWith("{\"type\":\"response", StringComparison.Ordinal)
                ? last[(last.IndexOf("\"response\":", StringComparison.Ordinal) + 11)..^1] : last;
            var upstream = await UpstreamAsync(
                events ? Upstream.Events("""{"delta":"x \"usage\" y"}""", last, "[DONE]") : Upstream.Json(whole));
            var endpoint = await OpenAsync(dialect, upstream.Address);
            using var client = Client(endpoint);
            using var answer = await client.PostAsync(path, Text(body), Token);
            var text = await answer.Content.ReadAsStringAsync(Token);
            Assert.Contains(events ? last : whole, text, StringComparison.Ordinal);
            var usage = await UsageAsync();
            Assert.Equal(new TokenCount(input, cache, 0, output), usage.Tokens);
            Assert.True(usage.Counted && usage.Cost > 0);
            Assert.True(upstream.Requests.TryDequeue(out var request));
            Assert.Equal(path[path.IndexOf('/', StringComparison.Ordinal)..], request.Target);
            Assert.Equal(RealKey, dialect == ModelDialect.Openai ? request.Headers["Authorization"]["Bearer ".Length..]
                : request.Headers["x-goog-api-key"]);
            _used.Clear();
        }
    }

    [Fact]
    public async Task No_other_credential_reaches_the_provider_and_what_agents_say_of_themselves_does()
    {
        var upstream = await UpstreamAsync(Upstream.Json("{}"));
        var endpoint = await OpenAsync(ModelDialect.Anthropic, upstream.Address);
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{endpoint.Port}/s/{endpoint.Token}/") };
        using var request = new HttpRequestMessage(HttpMethod.Post, "anthropic/v1/messages?key=leak&access_token=leak&%6bey=leak&beta=true")
        { Content = Text("""{"model":"m"}""") };
        foreach (var (name, value) in ((string, string)[])[("Authorization", "Bearer leak"), ("x-api-key", "leak"), ("api-key", "leak"),
            ("x-goog-api-key", "leak"), ("Cookie", "a=leak"), ("X-Forwarded-For", "leak"), ("Forwarded", "leak"), ("Connection", "X-Odd"),
            ("X-Odd", "leak"), ("openai-organization", "leak"), ("anthropic-beta", "kept"), ("x-stainless-os", "kept")])
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        (await client.SendAsync(request, Token)).EnsureSuccessStatusCode();
        Assert.True(upstream.Requests.TryDequeue(out var seen));
        Assert.DoesNotContain("leak", string.Join('\n', seen.Headers.Values) + seen.Target, StringComparison.Ordinal);
        Assert.DoesNotContain(endpoint.Token!, string.Join('\n', seen.Headers.Values) + seen.Target, StringComparison.Ordinal);
        Assert.Equal(("kept", "kept", RealKey, "/v1/messages?beta=true"),
            (seen.Headers["anthropic-beta"], seen.Headers["x-stainless-os"], seen.Headers["x-api-key"], seen.Target));
    }

    [Fact]
    public async Task A_login_of_the_agents_own_passes_only_when_that_is_set_and_is_marked()
    {
        var upstream = await UpstreamAsync(Upstream.Json("""{"model":"m","usage":{"input_tokens":1,"output_tokens":1}}"""));
        var endpoint = await OpenAsync(
            ModelDialect.Anthropic, upstream.Address, o => o with { Upstreams = [o.Upstreams[0] with { PassThrough = true }] });
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{endpoint.Port}/s/{endpoint.Token}/") };
        using var request = new HttpRequestMessage(HttpMethod.Post, "anthropic/v1/messages") { Content = Text("{}") };
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer subscription");
        request.Headers.TryAddWithoutValidation("Cookie", "a=b");
        (await client.SendAsync(request, Token)).EnsureSuccessStatusCode();
        Assert.True(upstream.Requests.TryDequeue(out var seen));
        Assert.Equal("Bearer subscription", seen.Headers["Authorization"]);
        Assert.False(seen.Headers.ContainsKey("x-api-key") || seen.Headers.ContainsKey("Cookie"));
        Assert.True((await UsageAsync()).PassedThrough);
    }

    [Theory]
    [InlineData("POST", "anthropic/v1/files")]
    [InlineData("POST", "anthropic/v1/messages/batches")]
    [InlineData("DELETE", "anthropic/v1/messages")]
    [InlineData("GET", "anthropic/v1/organizations/x")]
    [InlineData("GET", "anthropic/v1/models/a/b")]
    [InlineData("POST", "openai/v1/files")]
    [InlineData("POST", "openai/v1/embeddings")]
    [InlineData("POST", "gemini/v1beta/models/x/y:generateContent")]
    [InlineData("POST", "gemini/v1beta/cachedContents")]
    [InlineData("POST", "gemini/upload/v1beta/files")]
    public async Task Calls_that_agents_do_not_make_are_refused(string method, string path)
    {
        var upstream = await UpstreamAsync(Upstream.Json("{}"));
        var endpoint = await OpenAsync(Enum.Parse<ModelDialect>(path.Split('/')[0], ignoreCase: true), upstream.Address);
        using var client = Client(endpoint);
        using var answer = await client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path) { Content = Text("{}") }, Token);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Empty(upstream.Requests);
    }

    [Theory]
    [InlineData("POST /anthropic/v1/%6dessages HTTP/1.1")]
    [InlineData("POST /anthropic/v1/../v1/messages HTTP/1.1")]
    [InlineData("POST /anthropic//v1/messages HTTP/1.1")]
    [InlineData("POST /anthropic/v1/messages;x HTTP/1.1")]
    [InlineData("POST http://169.254.169.254/anthropic/v1/messages HTTP/1.1")]
    [InlineData("CONNECT evil.test:443 HTTP/1.1")]
    public async Task Paths_with_two_readings_are_refused(string line)
    {
        var upstream = await UpstreamAsync(Upstream.Json("{}"));
        var endpoint = await OpenAsync(ModelDialect.Anthropic, upstream.Address);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, endpoint.Port, Token);
        var host = line.StartsWith("CONNECT", StringComparison.Ordinal) ? "evil.test:443"
            : line.Contains("169.254", StringComparison.Ordinal) ? "169.254.169.254" : "localhost";
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            $"{line}\r\nHost: {host}\r\nx-api-key: {endpoint.Token}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"),
            SocketFlags.None, Token);
        var buffer = new byte[64];
        var read = await socket.ReceiveAsync(buffer, SocketFlags.None, Token);
        Assert.StartsWith("HTTP/1.1 4", Encoding.ASCII.GetString(buffer, 0, read), StringComparison.Ordinal);
        Assert.Empty(upstream.Requests);
    }

    [Fact]
    public async Task A_port_asks_for_the_sessions_token_and_a_socket_is_the_session()
    {
        var upstream = await UpstreamAsync(Upstream.Json("{}"));
        var first = await OpenAsync(ModelDialect.Anthropic, upstream.Address);
        var second = await OpenAsync(ModelDialect.Anthropic, upstream.Address);
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{first.Port}/") };
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.PostAsync("anthropic/v1/messages", Text("{}"), Token)).StatusCode);
        client.DefaultRequestHeaders.TryAddWithoutValidation("x-api-key", second.Token);
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.PostAsync("anthropic/v1/messages", Text("{}"), Token)).StatusCode);
        Assert.Empty(upstream.Requests);

        var folder = Directory.CreateTempSubdirectory("broker-").FullName;
        var path = Path.Combine(folder, "model.sock");
        await using (var endpoint = await OpenAsync(ModelDialect.Anthropic, upstream.Address, socket: path))
        {
            Assert.Null(endpoint.Token);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            using var unix = new HttpClient(new SocketsHttpHandler
            {
                ConnectCallback = async (_, ct) =>
                {
                    var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), ct);
                    return new NetworkStream(socket, true);
                },
            })
            { BaseAddress = new Uri("http://model/") };
            Assert.Equal(HttpStatusCode.OK, (await unix.PostAsync("v1/messages", Text("{}"), Token)).StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await unix.SendAsync(new HttpRequestMessage(HttpMethod.Head, "anthropic"), Token)).StatusCode);
        }

        Assert.False(File.Exists(path));
        Directory.Delete(folder);
        Assert.Single(upstream.Requests);
    }

    [Theory]
    [InlineData(401)]
    [InlineData(429)]
    [InlineData(529)]
    public async Task A_providers_error_passes_with_its_status_headers_and_body(int status)
    {
        var model = await ScriptedModelServer.StartAsync();
        _owned.Add(model);
        var endpoint = await OpenAsync(ModelDialect.Anthropic, new Uri(model.Address));
        using var client = Client(endpoint);
        using var answer = await client.PostAsync("anthropic/v1/messages", Anthropic($"HTTP: {status}", stream: true), Token);
        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Contains($"scripted {status}", await answer.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
        Assert.Equal(status == 429, answer.Headers.Contains("Retry-After"));
        Assert.Empty(_used);
    }

    [Fact]
    public async Task A_stream_that_is_cut_stays_cut_and_is_counted_as_not_complete()
    {
        var seen = new TaskCompletionSource();
        var upstream = await UpstreamAsync(async context =>
        {
            await Upstream.Events("""{"type":"message_start","message":{"model":"m","usage":{"input_tokens":100,"output_tokens":20}}}""")(
                context);
            await seen.Task;
            context.Abort();
        });
        var endpoint = await OpenAsync(ModelDialect.Anthropic, upstream.Address);
        using var client = Client(endpoint);
        using var request = new HttpRequestMessage(HttpMethod.Post, "anthropic/v1/messages") { Content = Text("{}") };
        using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(Token));
        Assert.NotNull(await reader.ReadLineAsync(Token));
        seen.SetResult();
        await Assert.ThrowsAnyAsync<IOException>(() => reader.ReadToEndAsync(Token));
        var usage = await UsageAsync();
        Assert.True(usage is { Complete: false, Counted: false, Tokens.Input: 100 });
        Assert.True(usage.Tokens.Output >= 20);
    }

    [Fact]
    public async Task Each_piece_of_a_slow_stream_arrives_before_the_next_is_made_and_a_client_that_leaves_stops_it()
    {
        var next = new SemaphoreSlim(0);
        var stopped = new TaskCompletionSource();
        var upstream = await UpstreamAsync(async context =>
        {
            context.Response.ContentType = "text/event-stream";
            context.RequestAborted.Register(() => stopped.TrySetResult());
            for (var i = 0; ; i++)
            {
                await context.Response.Body.WriteAsync(Encoding.ASCII.GetBytes($"data: {i}\n\n"), context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
                await next.WaitAsync(context.RequestAborted);
            }
        });
        var endpoint = await OpenAsync(ModelDialect.Anthropic, upstream.Address);
        using (var client = Client(endpoint))
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "anthropic/v1/messages") { Content = Text("{}") };
            using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
            using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(Token));
            for (var i = 0; i < 5; i++)
            {
                Assert.Equal($"data: {i}", await reader.ReadLineAsync(Token).AsTask().WaitAsync(Wait.Limit, Token));
                await reader.ReadLineAsync(Token);
                next.Release();
            }
        }

        await stopped.Task.WaitAsync(Wait.Limit, Token);
        Assert.False((await UsageAsync()).Complete);
    }

    [Fact]
    public async Task A_hundred_requests_at_one_time_are_each_answered_and_counted()
    {
        var model = await ScriptedModelServer.StartAsync();
        _owned.Add(model);
        var endpoint = await OpenAsync(ModelDialect.Anthropic, new Uri(model.Address));
        using var client = Client(endpoint);
        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(async i =>
        {
            using var answer = await client.PostAsync("anthropic/v1/messages", Anthropic($"SAY: number {i}", stream: true), Token);
            return await answer.Content.ReadAsStringAsync(Token);
        }));
        for (var i = 0; i < answers.Length; i++)
        {
            Assert.Contains($"{i}", answers[i], StringComparison.Ordinal);
            Assert.Contains("message_stop", answers[i], StringComparison.Ordinal);
        }

        await Wait.UntilAsync(() => _used.Count == 100, "all counted");
        Assert.All(_used, u => Assert.True(u.Counted));
    }

    [Theory]
    [InlineData("anthropic/v1/messages", "error.message", "invalid_request_error", "error.type")]
    [InlineData("openai/v1/responses", "error.message", "insufficient_quota", "error.code")]
    [InlineData("gemini/v1beta/models/m:generateContent", "error.message", "FAILED_PRECONDITION", "error.status")]
    public async Task A_spent_budget_stops_the_next_request_with_a_reason_in_the_agents_dialect(
        string path, string message, string kind, string at)
    {
        var dialect = Enum.Parse<ModelDialect>(path.Split('/')[0], ignoreCase: true);
        var upstream = await UpstreamAsync(Upstream.Json(
            """{"usage":{"input_tokens":50,"output_tokens":60},"usageMetadata":{"promptTokenCount":50,"candidatesTokenCount":60}}"""));
        var endpoint = await OpenAsync(
            dialect, upstream.Address, o => o with { Budgets = [new ModelBudget(BudgetScope.Session, BudgetAction.Stop, Tokens: 100)] });
        using var client = Client(endpoint);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync(path, Text("{}"), Token)).StatusCode);
        await UsageAsync();
        using var answer = await client.PostAsync(path, Text("{}"), Token);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        var json = await answer.Content.ReadFromJsonAsync<JsonElement>(Token);
        Assert.Contains("the budget of 100 tokens for this session is spent", Member(json, message), StringComparison.Ordinal);
        Assert.Equal(kind, Member(json, at));
        Assert.Single(upstream.Requests);

        static string Member(JsonElement json, string path) => path.Split('.').Aggregate(json, (e, n) => e.GetProperty(n)).GetString()!;
    }

    [Fact]
    public async Task A_budget_that_asks_goes_on_with_a_yes_and_counts_by_day_in_dollars()
    {
        var upstream = await UpstreamAsync(
            Upstream.Json("""{"model":"claude-sonnet-4","usage":{"input_tokens":1000000,"output_tokens":0}}"""));
        var asked = new ConcurrentQueue<BudgetSpent>();
        var answer = true;
        var endpoint = await OpenAsync(ModelDialect.Anthropic, upstream.Address, o => o with
        {
            Budgets = [new ModelBudget(BudgetScope.Day, BudgetAction.Ask, Dollars: 3)],
            AskBudget = (spent, _) =>
            {
                asked.Enqueue(spent);
                return ValueTask.FromResult(answer);
            },
        });
        using var client = Client(endpoint);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("anthropic/v1/messages", Text(Priced), Token)).StatusCode);
        await Wait.UntilAsync(() => _used.Count == 1, "counted");
        Assert.Empty(asked);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("anthropic/v1/messages", Text(Priced), Token)).StatusCode);
        await Wait.UntilAsync(() => _used.Count == 2, "counted");
        Assert.Equal(3m, Assert.Single(asked).Spent.Dollars);
        answer = false;
        Assert.Equal(HttpStatusCode.BadRequest, (await client.PostAsync("anthropic/v1/messages", Text(Priced), Token)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("anthropic/v1/messages/count_tokens", Text("{}"), Token)).StatusCode);
    }

    [Theory]
    [InlineData(BudgetAction.Stop, 1, "for this day is spent; raise it with ")]
    [InlineData(BudgetAction.Ask, 2, "")]
    public async Task The_owners_budget_and_a_devices_hold_both_and_a_yes_is_for_one(BudgetAction owners, int questions, string why)
    {
        var upstream = await UpstreamAsync(
            Upstream.Json("""{"model":"claude-sonnet-4","usage":{"input_tokens":1000000,"output_tokens":0}}"""));
        var asked = new ConcurrentQueue<bool>();
        var endpoint = await OpenAsync(ModelDialect.Anthropic, upstream.Address, o => o with
        {
            Budgets =
            [
                new ModelBudget(BudgetScope.Day, BudgetAction.Ask, Tokens: 900_000) { OfDevice = true },
                new ModelBudget(BudgetScope.Day, owners, Dollars: 3),
            ],
            AskBudget = (spent, _) =>
            {
                asked.Enqueue(spent.Budget.OfDevice);
                return ValueTask.FromResult(true);
            },
        });
        using var client = Client(endpoint);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync("anthropic/v1/messages", Text(Priced), Token)).StatusCode);
        await Wait.UntilAsync(() => _used.Count == 1, "counted");
        Assert.Empty(asked);
        using var second = await client.PostAsync("anthropic/v1/messages", Text(Priced), Token);
        Assert.Equal(((bool[])[true, false]).Take(questions), asked);
        Assert.Equal(owners == BudgetAction.Ask, second.IsSuccessStatusCode);
        Assert.Contains(why, await second.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1000000000", true)]
    [InlineData("1000000001", false)]
    [InlineData("9223372036854775807", false)]
    [InlineData("-1", false)]
    public async Task A_number_of_tokens_that_no_answer_has_is_estimated_and_spoils_no_sum(string claimed, bool counted)
    {
        var upstream = await UpstreamAsync(
            Upstream.Json($$$"""{"model":"claude-sonnet-4","usage":{"input_tokens":{{{claimed}}},"output_tokens":1}}"""));
        var endpoint = await OpenAsync(ModelDialect.Anthropic, upstream.Address);
        using var client = Client(endpoint);
        await client.PostAsync("anthropic/v1/messages", Text(Priced), Token);
        var usage = await UsageAsync();
        Assert.Equal((counted, counted ? 1_000_000_000 : Priced.Length / 4), (usage.Counted, usage.Tokens.Input));
        Assert.True(usage.Tokens.Output is > 0 and < 1_000, $"{usage}");
    }

    [Fact]
    public async Task Requests_at_one_time_overshoot_a_budget_by_one_at_most()
    {
        var running = 0;
        var most = 0;
        var upstream = await UpstreamAsync(async context =>
        {
            most = Math.Max(most, Interlocked.Increment(ref running));
            await Task.Yield();
            Interlocked.Decrement(ref running);
            await Upstream.Json("""{"model":"claude-sonnet-4","usage":{"input_tokens":1500,"output_tokens":500}}""")(context);
        });

        // Room for five such answers, with what is reserved for each being about as much.
        var endpoint = await OpenAsync(ModelDialect.Anthropic, upstream.Address,
            o => o with { Budgets = [new ModelBudget(BudgetScope.Session, BudgetAction.Stop, Tokens: 10_000)] });
        using var client = Client(endpoint);
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 40).Select(async _ => (await client.PostAsync("anthropic/v1/messages", Text(Priced), Token)).StatusCode));
        Assert.Equal(5, answers.Count(s => s == HttpStatusCode.OK));
        Assert.Equal(35, answers.Count(s => s == HttpStatusCode.BadRequest));
        Assert.Equal(5, upstream.Requests.Count);
        Assert.True(most <= 5);
    }

    [Fact]
    public async Task A_budget_in_dollars_does_not_let_through_what_it_can_not_count()
    {
        var upstream = await UpstreamAsync(Upstream.Json("""{"model":"claude-unheard-of","usage":{"input_tokens":1,"output_tokens":1}}"""));
        var endpoint = await OpenAsync(ModelDialect.Anthropic, upstream.Address,
            o => o with { Budgets = [new ModelBudget(BudgetScope.Session, BudgetAction.Stop, Dollars: 3)] });
        using var client = Client(endpoint);
        using var answer = await client.PostAsync("anthropic/v1/messages", Text("""{"model":"claude-unheard-of"}"""), Token);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("but there is no price for ", await answer.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
        Assert.Empty(upstream.Requests);
    }

    [Theory]
    [InlineData("claude-opus-4-5", 5.0)]
    [InlineData("claude-opus-4-5-20251101", 5.0)]
    [InlineData("claude-opus-4-20250514", 15.0)]
    [InlineData("claude-sonnet-5-5[1m]", 2.0)]
    [InlineData("gpt-5-2025-08-07", 1.25)]
    [InlineData("gemini-2.5-flash-001", 0.3)]
    [InlineData("claude-opus-4-9", null)]
    [InlineData("claude-opus", null)]
    [InlineData("gpt-5.6", null)]
    [InlineData("", null)]
    public void A_price_is_for_the_model_itself_and_not_for_its_relatives(string model, double? input)
    {
        Assert.Equal((decimal?)input, PriceTable.BuiltIn.Cost(model, new TokenCount(100_000, 0, 0, 0)) * 10);
        Assert.Equal(input is not null, PriceTable.BuiltIn.Knows(model));
    }

    [Fact]
    public void A_long_prompt_has_its_own_price_where_there_is_one()
    {
        Assert.Equal(0.01m, PriceTable.BuiltIn.Cost("claude-haiku-5-5", new TokenCount(50_000, 50_000, 0, 9_000)));
        Assert.Equal(0.0755m, PriceTable.BuiltIn.Cost("claude-haiku-5-5", new TokenCount(100_000, 1_000, 0, 10_180)));
    }

    [Theory]
    [InlineData("anthropic/v1/messages", """{"tools":[{"type":"web_search_20250305","name":"web_search"}]}""")]
    [InlineData("anthropic/v1/messages", """{"tools":[{"name":"x","type":"custom","type":"web_fetch_20250910"}]}""")]
    [InlineData("anthropic/v1/messages", """{"mcp_servers":[{"url":"https://evil.test"}]}""")]
    [InlineData("openai/v1/responses", """{"tools":[{"type":"function","name":"f"},{"type":"web_search"}]}""")]
    [InlineData("openai/v1/responses", """{"tools":[{"type":"mcp","server_url":"https://evil.test"}]}""")]
    [InlineData("openai/v1/chat/completions", """{"web_search_options":{}}""")]
    [InlineData("gemini/v1beta/models/m:generateContent", """{"tools":[{"functionDeclarations":[]},{"urlContext":{}}]}""")]
    [InlineData("openai/v1/responses", """{"model":"a","model":"b"}""")]
    [InlineData("openai/v1/responses", """{"model":"a"} {}""")]
    [InlineData("openai/v1/responses", "not json")]
    public async Task Tools_that_the_provider_runs_and_bodies_with_two_readings_are_refused(string path, string body)
    {
        var upstream = await UpstreamAsync(Upstream.Json("{}"));
        var endpoint = await OpenAsync(Enum.Parse<ModelDialect>(path.Split('/')[0], ignoreCase: true), upstream.Address);
        using var client = Client(endpoint);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.PostAsync(path, Text(body), Token)).StatusCode);
        Assert.Empty(upstream.Requests);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync(path, Text("""{"model":"m","tools":[]}"""), Token)).StatusCode);
    }

    [Fact]
    public async Task Redirects_a_dead_provider_a_missing_key_and_too_large_a_body_are_told_apart()
    {
        var upstream = await UpstreamAsync(context =>
        {
            context.Response.Redirect("http://127.0.0.1:1/");
            return Task.CompletedTask;
        });
        Assert.Equal(HttpStatusCode.BadGateway, await StatusAsync(upstream.Address, o => o));
        Assert.Equal(HttpStatusCode.BadGateway, await StatusAsync(new Uri("http://127.0.0.1:1/"), o => o));
        Assert.Equal(HttpStatusCode.Forbidden,
            await StatusAsync(upstream.Address, o => o with { Upstreams = [o.Upstreams[0] with { Key = null }] }));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, await StatusAsync(upstream.Address, o => o with { MaxRequestBytes = 8 }));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(upstream.Address, o => o with { Upstreams = [] }));

        async Task<HttpStatusCode> StatusAsync(Uri address, Func<ModelBrokerOptions, ModelBrokerOptions> change)
        {
            var endpoint = await OpenAsync(ModelDialect.Anthropic, address, change);
            using var client = Client(endpoint);
            return (await client.PostAsync("anthropic/v1/messages", Text("""{"model":"m","system":"y"}"""), Token)).StatusCode;
        }
    }

    [Fact]
    public void Numbers_are_found_wherever_the_pieces_end()
    {
        var stream = Encoding.UTF8.GetBytes(
            "event: message_start\ndata: {\"message\":{\"model\":\"m\",\"usage\":{\"input_tokens\":7,\"cache_read_input_tokens\":8}}}\n\ndata: {\"text\":\"\\\"usage\\\" é\"}\r\n\r\ndata: {\"usage\":{\"output_tokens\":9}}");
        for (var size = 1; size < stream.Length; size++)
        {
            var tap = new UsageTap(ModelDialect.Anthropic, events: true);
            for (var at = 0; at < stream.Length; at += size)
            {
                tap.Feed(stream.AsSpan(at, Math.Min(size, stream.Length - at)));
            }

            tap.End();
            Assert.Equal((new TokenCount(7, 8, 0, 9), true, "m"), (tap.Tokens, tap.IsCounted, tap.Model));
        }
    }

    [Fact]
    public void Any_bytes_pass_the_counter_without_harm()
    {
        for (var seed = 0; seed < 3_000; seed++)
        {
            var random = new Random(seed);
            string[] pieces = ["data:", " {\"usage\":", "{\"input_tokens\":", "-1", "1e99", "\"x\"", "null", "}", "}}", "\n", "[", "]",
                "{\"response\":", "{\"message\":3}", "\"usageMetadata\":[]", "\u00ff"];
            var bytes = Encoding.Latin1.GetBytes(string.Concat(Enumerable.Range(0, 20).Select(_ => pieces[random.Next(pieces.Length)])));
            foreach (var dialect in Enum.GetValues<ModelDialect>())
            {
                var tap = new UsageTap(dialect, events: random.Next(2) == 0);
                tap.Feed(bytes);
                tap.End();
                Assert.True(tap.Tokens is { Input: >= 0, Output: >= 0, CacheRead: >= 0, CacheWrite: >= 0 }, $"seed {seed}");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var owned in Enumerable.Reverse(_owned))
        {
            await owned.DisposeAsync();
        }
    }

    private async Task<Upstream> UpstreamAsync(Func<HttpContext, Task> answer)
    {
        var upstream = await Upstream.StartAsync(answer);
        _owned.Add(upstream);
        return upstream;
    }

    private async Task<ModelEndpoint> OpenAsync(
        ModelDialect dialect, Uri address, Func<ModelBrokerOptions, ModelBrokerOptions>? change = null, string? socket = null)
    {
        var options = new ModelBrokerOptions
        { Upstreams = [new ModelUpstream(dialect, address, _ => ValueTask.FromResult(RealKey))], Used = _used.Enqueue };
        var broker = new ModelBroker(change?.Invoke(options) ?? options, TimeProvider.System);
        _owned.Add(broker);
        var endpoint = await broker.OpenAsync(new ModelEndpointOptions(_session, _project, socket), Token);
        if (socket is null)
        {
            _owned.Add(endpoint);
        }

        return endpoint;
    }

    private async Task<ModelUsage> UsageAsync()
    {
        await Wait.UntilAsync(() => !_used.IsEmpty, "usage");
        return _used.Last();
    }

    private static HttpClient Client(ModelEndpoint endpoint)
    {
        var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{endpoint.Port}/") };
        client.DefaultRequestHeaders.TryAddWithoutValidation("x-api-key", endpoint.Token);
        return client;
    }

    private static StringContent Text(string json) => new(json, Encoding.UTF8, "application/json");

    private static StringContent Anthropic(string prompt, bool stream) => Text(JsonSerializer.Serialize(new
    {
        model = "claude-sonnet-4-5",
        stream,
        messages = new[] { new { role = "user", content = prompt } },
    }));
}
