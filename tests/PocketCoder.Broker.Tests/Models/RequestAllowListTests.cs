using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PocketCoder.Broker.Models;

namespace PocketCoder.Broker.Tests.Models;

/// <summary>What of a request reaches a provider for a sandboxed session: what is known to be harmless, and nothing else.</summary>
public sealed class RequestAllowListTests : IAsyncDisposable
{
    /// <summary>Below these a request holds data of tools, schemas or labels: any names.</summary>
    private static readonly string[] s_free =
        ["input_schema", "parameters", "parametersJsonSchema", "input", "args", "response", "client_metadata", "arguments"];

    private readonly List<IAsyncDisposable> _owned = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Names => [.. CapturedRequest.All.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task What_the_real_agents_send_passes_to_the_byte_with_what_they_say_of_themselves(string name)
    {
        var capture = CapturedRequest.All.Single(c => c.Name == name);
        var (upstream, client) = await OpenAsync(capture.Dialect);
        using var request = new HttpRequestMessage(HttpMethod.Post, capture.Target)
        { Content = new StringContent(capture.Body.ToJsonString(), Encoding.UTF8, "application/json") };
        foreach (var (header, value) in capture.Headers)
        {
            request.Headers.TryAddWithoutValidation(header, value);
        }

        using var answer = await client.SendAsync(request, Token);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Token));
        Assert.True(upstream.Requests.TryDequeue(out var seen));
        Assert.Equal(capture.Body.ToJsonString(), seen.Body);
        Assert.EndsWith(seen.Target, capture.Target, StringComparison.Ordinal);
        string[] between = ["Accept-Encoding", "Content-Type", "sec-fetch-mode"];
        Assert.All(capture.Headers.Where(h => !between.Contains(h.Key, StringComparer.OrdinalIgnoreCase)), h => Assert.Equal(
            h.Value.Replace(", ", ",", StringComparison.Ordinal), seen.Headers[h.Key].Replace(", ", ",", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("anthropic/v1/messages", """{"tools":[{"type":"web_fetch_20250910","name":"x"}]}""", "tools[0].type")]
    [InlineData("anthropic/v1/messages", """{"tools":[{"type":"code_execution_20250825","name":"x"}]}""", "tools[0].type")]
    [InlineData("anthropic/v1/messages", """{"tools":[{"type":"custom\u0000","name":"x"}]}""", "tools[0].type")]
    [InlineData("anthropic/v1/messages", """{"tools":[{"name":"x","allowed_callers":["code_execution_20250825"]}]}""",
        "tools[0].allowed_callers[0]")]
    [InlineData("anthropic/v1/messages", """{"tools":{"type":"web_search_20250305"}}""", "tools")]
    [InlineData("anthropic/v1/messages", """{"Tools":[{"type":"web_search_20250305"}]}""", "Tools")]
    [InlineData("anthropic/v1/messages", """{"t\u006fols":[{"type":"web_search_20250305"}]}""", "tools[0].type")]
    [InlineData("anthropic/v1/messages", """{"mcp_servers":[]}""", "mcp_servers")]
    [InlineData("anthropic/v1/messages", """{"container":{"skills":[]}}""", "container")]
    [InlineData("anthropic/v1/messages", """{"speed":"fast"}""", "speed")]
    [InlineData("anthropic/v1/messages",
        """{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://evil.test/?secret"}}]}]}""",
        "messages[0].content[0].source.type")]
    [InlineData("anthropic/v1/messages",
        """{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","data":"https://evil.test/"}}]}]}""",
        "messages[0].content[0].source.data")]
    [InlineData("anthropic/v1/messages",
        """{"messages":[{"role":"user","content":[{"type":"document","source":{"type":"file","file_id":"f"}}]}]}""",
        "messages[0].content[0].source.type")]
    [InlineData("anthropic/v1/messages",
        """{"messages":[{"role":"user","content":[{"type":"document","source":{"type":"content","content":[{"type":"image","source":{"type":"url","url":"x"}}]}}]}]}""",
        "messages[0].content[0].source.content[0].source.type")]
    [InlineData("anthropic/v1/messages",
        """{"messages":[{"role":"user","content":[{"type":"tool_result","content":[{"type":"document","source":{"type":"url","url":"x"}}]}]}]}""",
        "messages[0].content[0].content[0].source.type")]
    [InlineData("anthropic/v1/messages", """{"messages":[{"role":"user","content":[{"type":"container_upload","file_id":"f"}]}]}""",
        "messages[0].content[0].type")]
    [InlineData("anthropic/v1/messages",
        """{"messages":[{"role":"assistant","content":[{"type":"server_tool_use","name":"web_search","input":{}}]}]}""",
        "messages[0].content[0].type")]
    [InlineData("anthropic/v1/messages/count_tokens", """{"tools":[{"type":"web_search_20250305"}]}""", "tools[0].type")]
    [InlineData("anthropic/v1/messages",
        """{"tools":[{"name":"x","input_schema":{"properties":{"a":{"$ref":"https://evil.test/schema"}}}}]}""",
        "tools[0].input_schema.$ref")]
    [InlineData("openai/v1/responses", """{"input":[{"type":"additional_tools","role":"developer","tools":[{"type":"web_search"}]}]}""",
        "input[0].tools[0].type")]
    [InlineData("openai/v1/responses",
        """{"input":[{"type":"tool_search_output","execution":"client","tools":[{"type":"mcp","server_url":"https://evil.test"}]}]}""",
        "input[0].tools[0].type")]
    [InlineData("openai/v1/responses", """{"tools":[{"type":"namespace","name":"n","tools":[{"type":"web_search"}]}]}""",
        "tools[0].tools[0].type")]
    [InlineData("openai/v1/responses", """{"tools":[{"type":"shell","environment":{"type":"container_auto"}}]}""", "tools[0].type")]
    [InlineData("openai/v1/responses", """{"tools":[{"type":"tool_search"},{"type":"tool_search","execution":"server"}]}""",
        "tools[1].execution")]
    [InlineData("openai/v1/responses", """{"tools":[{"name":"no type"}]}""", "tools[0].type")]
    [InlineData("openai/v1/responses", """{"tool_choice":{"type":"web_search_preview"}}""", "tool_choice.type")]
    [InlineData("openai/v1/responses", """{"prompt":{"id":"pmpt_1"}}""", "prompt")]
    [InlineData("openai/v1/responses", """{"previous_response_id":"resp_1"}""", "previous_response_id")]
    [InlineData("openai/v1/responses", """{"conversation":"conv_1"}""", "conversation")]
    [InlineData("openai/v1/responses", """{"background":true,"store":true}""", "background")]
    [InlineData("openai/v1/responses", """{"store":true}""", "store")]
    [InlineData("openai/v1/responses", """{"service_tier":"priority"}""", "service_tier")]
    [InlineData("openai/v1/responses", """{"include":["web_search_call.action.sources"]}""", "include[0]")]
    [InlineData("openai/v1/responses", """{"input":[{"type":"item_reference","id":"msg_1"}]}""", "input[0].type")]
    [InlineData("openai/v1/responses", """{"input":[{"type":"mcp_approval_response","approve":true}]}""", "input[0].type")]
    [InlineData("openai/v1/responses",
        """{"input":[{"role":"user","content":[{"type":"input_image","image_url":"https://evil.test/?secret"}]}]}""",
        "input[0].content[0].image_url")]
    [InlineData("openai/v1/responses", """{"input":[{"role":"user","content":[{"type":"input_image","file_id":"f"}]}]}""",
        "input[0].content[0].file_id")]
    [InlineData("openai/v1/responses", """{"input":[{"role":"user","content":[{"type":"input_file","file_url":"https://evil.test/"}]}]}""",
        "input[0].content[0].file_url")]
    [InlineData("openai/v1/responses",
        """{"input":[{"type":"function_call_output","call_id":"c","output":[{"type":"input_file","file_url":"https://evil.test/"}]}]}""",
        "input[0].output[0].file_url")]
    [InlineData("openai/v1/chat/completions",
        """{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://evil.test/"}}]}]}""",
        "messages[0].content[0].image_url.url")]
    [InlineData("openai/v1/chat/completions", """{"messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"f"}}]}]}""",
        "messages[0].content[0].file.file_id")]
    [InlineData("openai/v1/chat/completions", """{"web_search_options":{}}""", "web_search_options")]
    [InlineData("openai/v1/chat/completions", """{"plugins":[{"id":"web"}]}""", "plugins")]
    [InlineData("openai/v1/chat/completions", """{"models":["a:online"]}""", "models")]
    [InlineData("openai/v1/chat/completions", """{"search_parameters":{"mode":"on"}}""", "search_parameters")]
    [InlineData("gemini/v1beta/models/m:generateContent", """{"tools":[{"google_search":{}}]}""", "tools[0].googleSearch")]
    [InlineData("gemini/v1beta/models/m:generateContent", """{"tools":[{"functionDeclarations":[],"codeExecution":{}}]}""",
        "tools[0].codeExecution")]
    [InlineData("gemini/v1beta/models/m:generateContent", """{"tools":{"urlContext":{}}}""", "tools")]
    [InlineData("gemini/v1beta/models/m:generateContent", """{"cachedContent":"cachedContents/1"}""", "cachedContent")]
    [InlineData("gemini/v1beta/models/m:generateContent", """{"cached_content":"cachedContents/1"}""", "cachedContent")]
    [InlineData("gemini/v1beta/models/m:generateContent", """{"contents":[{"parts":[{"fileData":{"fileUri":"https://evil.test/"}}]}]}""",
        "contents[0].parts[0].fileData")]
    [InlineData("gemini/v1beta/models/m:generateContent", """{"contents":[{"parts":[{"file_data":{"file_uri":"https://evil.test/"}}]}]}""",
        "contents[0].parts[0].fileData")]
    [InlineData("gemini/v1beta/models/m:generateContent", """{"contents":[],"generationConfig":{},"generation_config":{}}""",
        "generationConfig")]
    [InlineData("gemini/v1beta/models/m:generateContent", """{"model":"models/other"}""", "model")]
    [InlineData("gemini/v1beta/models/m:countTokens", """{"generateContentRequest":{"tools":[{"urlContext":{}}]}}""",
        "generateContentRequest.tools[0].urlContext")]
    public async Task What_the_provider_would_run_fetch_or_keep_is_refused_by_its_place_and_never_by_its_value(
        string path, string body, string place)
    {
        var (upstream, client) = await OpenAsync(Enum.Parse<ModelDialect>(path.Split('/')[0], ignoreCase: true));
        using var answer = await client.PostAsync(path, Json(body), Token);
        var text = await answer.Content.ReadAsStringAsync(Token);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Contains($"'{place}'", text.Replace("\\u0027", "'", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain("evil", text, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", text, StringComparison.Ordinal);
        Assert.Empty(upstream.Requests);
    }

    [Theory]
    [InlineData("openai/v1/responses", "gpt-4o-search-preview")]
    [InlineData("openai/v1/chat/completions", "gpt-4o-mini-search-preview-2025-03-11")]
    [InlineData("openai/v1/responses", "gpt-5-search-api")]
    [InlineData("openai/v1/responses", "o3-deep-research")]
    [InlineData("openai/v1/chat/completions", "perplexity/sonar-pro")]
    [InlineData("openai/v1/chat/completions", "vendor/model:online")]
    [InlineData("openai/v1/chat/completions", "groq/compound-mini")]
    [InlineData("gemini/v1beta/models/deep-research-pro-preview-12-2025:generateContent", "")]
    [InlineData("gemini/v1beta/models/aqa:generateContent", "")]
    public async Task A_model_that_searches_by_itself_is_refused(string path, string model)
    {
        var (upstream, client) = await OpenAsync(Enum.Parse<ModelDialect>(path.Split('/')[0], ignoreCase: true));
        using var answer = await client.PostAsync(path, Json(model.Length == 0 ? "{}" : $$"""{"model":"{{model}}"}"""), Token);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Contains("searches the web by itself", await answer.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
        Assert.Empty(upstream.Requests);
    }

    [Fact]
    public void The_models_of_the_price_table_are_none_that_search()
        => Assert.All(PriceTable.BuiltIn.Models.Select(m => m.Model), m => Assert.False(SearchModels.Has(m), m));

    [Theory]
    [InlineData("""{"model":"a","model":"b"}""")]
    [InlineData("""{"model":"a","mod\u0065l":"b"}""")]
    [InlineData("""{"messages":[{"role":"user","role":"user","content":"x"}]}""")]
    [InlineData("""{"tools":[{"name":"x","input_schema":{"a":1,"a":2}}]}""")]
    [InlineData("""{"\ud800":1}""")]
    [InlineData("""{"model":"a",}""")]
    [InlineData("""{"model":"a"/**/}""")]
    [InlineData("\uFEFF{}")]
    [InlineData("[]")]
    [InlineData("{} {}")]
    public async Task JSON_with_two_readings_is_refused(string body)
    {
        var (upstream, client) = await OpenAsync(ModelDialect.Anthropic);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.PostAsync("anthropic/v1/messages", Json(body), Token)).StatusCode);
        using var latin = new ByteArrayContent([.. "{\"model\":\""u8, 0xe9, .. "\"}"u8]);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.PostAsync("anthropic/v1/messages", latin, Token)).StatusCode);
        Assert.Empty(upstream.Requests);
    }

    [Fact]
    public async Task No_header_and_no_query_that_could_name_another_address_method_or_sender_reaches_the_provider()
    {
        var (upstream, client) = await OpenAsync(ModelDialect.Gemini);
        string[] hostile =
        [
            "x-original-url", "x-rewrite-url", "x-http-method-override", "x-http-method", "x-method-override", "x-forwarded-for",
            "x-forwarded-host", "forwarded", "x-real-ip", "x-envoy-original-path",
            "x-goog-user-project", "x-goog-request-params", "x-server-timeout", "x-amz-target", "x-ms-client-principal", "x-anything",
            "x-stainless-anything", "openai-beta", "openai-organization",
            "Content-Encoding-X", "Range", "If-Match", "Upgrade-Insecure-Requests", "X-Codexlike",
        ];
        using var request = new HttpRequestMessage(HttpMethod.Post,
            "gemini/v1beta/models/m:generateContent?alt=sse&$httpMethod=DELETE&$alt=x&callback=y&fields=z&key=k&alt=json&%61lt=proto&upload_protocol=raw&pageSize=1%00")
        {
            Content = new StringContent("{}", Encoding.UTF8, "text/plain"),
        };
        foreach (var name in hostile)
        {
            Assert.True(request.Headers.TryAddWithoutValidation(name, "hostile"), name);
        }

        request.Headers.TryAddWithoutValidation("anthropic-beta",
            "mcp-client-2025-04-04, interleaved-thinking-2025-05-14,web-fetch-2025-09-10,code-execution-2025-08-25,files-api-2025-04-14,skills-2025-10-02");
        (await client.SendAsync(request, Token)).EnsureSuccessStatusCode();
        Assert.True(upstream.Requests.TryDequeue(out var seen));
        Assert.DoesNotContain(seen.Headers, h => h.Value.Contains("hostile", StringComparison.Ordinal));
        Assert.Equal("/v1beta/models/m:generateContent?alt=sse", seen.Target);
        Assert.Equal(("application/json", "interleaved-thinking-2025-05-14"),
            (seen.Headers["Content-Type"], seen.Headers["anthropic-beta"]));
    }

    [Fact]
    public async Task Without_a_sandbox_the_providers_tools_pass_and_uncounted_work_does_not()
    {
        var (upstream, client) = await OpenAsync(ModelDialect.Openai, providerTools: true);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync(
            "openai/v1/responses", Json("""{"model":"gpt-5","tools":[{"type":"web_search"}]}"""), Token)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden,
            (await client.PostAsync("openai/v1/responses", Json("""{"model":"gpt-5","background":true}"""), Token)).StatusCode);
        Assert.Single(upstream.Requests);
    }

    [Fact]
    public void A_member_that_nobody_knows_is_refused_wherever_it_stands()
    {
        var places = 0;
        foreach (var capture in CapturedRequest.All)
        {
            foreach (var count in Enumerable.Range(0, Objects(capture.Body).Count()))
            {
                var body = capture.Body.DeepClone();
                var (place, free) = Objects(body).ElementAt(count);
                place["newly_invented"] = "https://evil.test/";
                Assert.Equal(free, Reads(capture, body.ToJsonString()));
                places++;
            }
        }

        Assert.True(places > 100);
    }

    [Fact]
    public void Whatever_passes_holds_nothing_but_what_is_known()
    {
        // Real requests, with pieces put in, swapped and retyped. The second look below knows nothing of the first one's lists.
        string[] names = ["type", "tools", "source", "url", "image_url", "file_url", "file_id", "fileData", "file_uri", "uri", "server_url",
            "mcp_servers", "container", "prompt", "id", "background", "store",
            "previous_response_id", "cachedContent", "googleSearch", "google_search", "urlContext", "codeExecution", "environment",
            "content", "parts", "data", "search_result", "web_search_options", "execution", "conversation"];
        string[] values = ["\"web_search\"", "\"web_search_20250305\"", "\"url\"", "\"file\"", "\"mcp\"", "\"https://evil.test/\"",
            "\"HTTPS://evil.test/\"", "\"shell\"", "\"container_auto\"", "\"server\"",
            "{\"type\":\"url\",\"url\":\"https://evil.test/\"}", "[{\"type\":\"web_search\"}]", "{\"googleSearch\":{}}", "true", "null",
            "{}", "[]", "\"additional_tools\"", "\"input_file\"", "\"image\"", "\"base64\"", "\"custom\"", "\"function\""];
        const int Rounds = 8_000;
        var passed = 0;
        for (var seed = 1; seed <= Rounds; seed++)
        {
            var random = new Random(seed);
            var capture = CapturedRequest.All[random.Next(CapturedRequest.All.Count)];
            var body = capture.Body.DeepClone();
            for (var n = random.Next(1, 4); n > 0; n--)
            {
                var objects = Objects(body).Where(o => !o.Free).ToList();
                var place = objects[random.Next(objects.Count)].Object;
                var name = random.Next(2) == 0
                    && place.Count > 0 ? place.ElementAt(random.Next(place.Count)).Key : names[random.Next(names.Length)];
                place[name] = random.Next(5) == 0 ? objects[random.Next(objects.Count)].Object.DeepClone()
                    : JsonNode.Parse(values[random.Next(values.Length)]);
            }

            var text = body.ToJsonString();
            if (Reads(capture, text))
            {
                passed++;
                Assert.True(IsHarmless(body), $"seed {seed}: {text}");
            }
        }

        Assert.InRange(passed, 20, Rounds - 1);

        static bool IsHarmless(JsonNode? node, string name = "") => node switch
        {
            JsonObject o => o.All(m => IsData(m.Key, name) || (Known(m.Key, m.Value) && IsHarmless(m.Value, m.Key))),
            JsonArray a => a.All(e => IsHarmless(e, name)),
            _ => true,
        };

        // Data of a tool or of an answer that was given; "input" at the top is the conversation.
        static bool IsData(string key, string within) => key is "annotations"
            || (s_free.Contains(key, StringComparer.Ordinal) && (key is not "input" || within.Length > 0));

        static bool Known(string name, JsonNode? value) => name switch
        {
            "mcp_servers" or "container" or "web_search_options" or "fileData" or "file_data" or "uri" or "server_url" or "googleSearch"
                or "google_search" or "urlContext" or "codeExecution" or "environment" => false,
            "file_id" or "file_url" or "previous_response_id" or "cachedContent" or "conversation" or "prompt" => value is null,
            "background" or "store" => value is null || value.ToJsonString() == "false",
            "execution" => value is null || value.ToJsonString() == "\"client\"",
            "image_url" or "data" => value is null || !value.ToJsonString().Contains("evil", StringComparison.Ordinal),
            "source" => value is null or JsonValue || value["type"]?.ToJsonString() is "\"base64\"" or "\"text\"" or "\"content\"",
            "type" => value?.ToJsonString() is not ("\"web_search\"" or "\"web_search_20250305\"" or "\"mcp\"" or "\"shell\""
                or "\"container_auto\"" or "\"url\"" or "\"file\""),
            _ => true,
        };
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var owned in Enumerable.Reverse(_owned))
        {
            await owned.DisposeAsync();
        }
    }

    private static bool Reads(CapturedRequest capture, string body)
    {
        try
        {
            RequestBody.Read(capture.Dialect, Encoding.UTF8.GetBytes(body), capture.Path, providerTools: false);
            return true;
        }
        catch (Exception e) when (e is RequestShapeException or JsonException)
        {
            return false;
        }
    }

    /// <summary>All objects of a request, and whether any member may stand in them.</summary>
    private static IEnumerable<(JsonObject Object, bool Free)> Objects(JsonNode? node, bool free = false)
    {
        if (node is JsonObject o)
        {
            yield return (o, free);
            foreach (var (name, value) in o)
            {
                // A list of that name is the conversation, and an object a tool's data.
                foreach (var inner in Objects(value, free || (s_free.Contains(name, StringComparer.Ordinal) && value is JsonObject)))
                {
                    yield return inner;
                }
            }
        }
        else if (node is JsonArray a)
        {
            foreach (var inner in a.SelectMany(e => Objects(e, free)))
            {
                yield return inner;
            }
        }
    }

    private async Task<(Upstream Upstream, HttpClient Client)> OpenAsync(ModelDialect dialect, bool providerTools = false)
    {
        var upstream = await Upstream.StartAsync(Upstream.Json("{}"));
        var broker = new ModelBroker(
            new ModelBrokerOptions
            {
                Upstreams = [new ModelUpstream(
                dialect, upstream.Address, _ => ValueTask.FromResult("key"), AllowProviderTools: providerTools)]
            }, TimeProvider.System);
        var endpoint = await broker.OpenAsync(new ModelEndpointOptions(Guid.CreateVersion7(), Guid.CreateVersion7()), Token);
        _owned.AddRange([upstream, broker, endpoint]);
        var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{endpoint.Port}/") };
        client.DefaultRequestHeaders.TryAddWithoutValidation("x-api-key", endpoint.Token);
        return (upstream, client);
    }

    private static StringContent Json(string json) => new(json, Encoding.UTF8, "application/json");
}
