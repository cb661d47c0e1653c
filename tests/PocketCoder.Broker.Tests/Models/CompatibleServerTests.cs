using System.Collections.Concurrent;
using System.Net;
using System.Text;
using PocketCoder.Broker.Models;
using PocketCoder.Testing;

namespace PocketCoder.Broker.Tests.Models;

/// <summary>Another server than the provider's own that speaks its dialect, as docs/models.md says how to name it.</summary>
public sealed class CompatibleServerTests
{
    private const string Key = "key-of-another-server";
    private const string Anthropic = """{"model":"{0}","usage":{"input_tokens":1000,"output_tokens":100}}""";
    private const string Chat = """{"model":"{0}","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":100}}""";
    private const string Responses = """{"model":"{0}","usage":{"input_tokens":1000,"output_tokens":100}}""";
    private const string Gemini = """{"modelVersion":"{0}","usageMetadata":{"promptTokenCount":1000,"candidatesTokenCount":100}}""";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("anthropic/v1/messages", Anthropic, "x-api-key", Key)]
    [InlineData("openai/v1/chat/completions", Chat, "Authorization", "Bearer " + Key)]
    [InlineData("openai/v1/responses", Responses, "Authorization", "Bearer " + Key)]
    [InlineData("gemini/v1beta/models/local:generateContent", Gemini, "x-goog-api-key", Key)]
    public async Task Its_address_may_have_a_path_and_ends_where_the_providers_would(
        string path, string answer, string header, string value)
    {
        foreach (var given in (string[])["api", "api/"])
        {
            var (target, headers, _) = await AskAsync(path, given, "local", answer);
            Assert.Equal("/api" + path[path.IndexOf('/', StringComparison.Ordinal)..], target);
            Assert.Equal(value, headers[header]);
        }

        // said in the docs: a version at its end is not taken off, so it stands there twice
        var (twice, _, _) = await AskAsync(path, "api/v1", "local", answer);
        Assert.Equal("/api/v1" + path[path.IndexOf('/', StringComparison.Ordinal)..], twice);
    }

    [Fact]
    public async Task A_models_price_is_that_of_its_name_whoever_serves_it()
    {
        var (_, _, known) = await AskAsync("anthropic/v1/messages", "api", "claude-sonnet-4", Anthropic);
        Assert.Equal(PriceTable.BuiltIn.Cost("claude-sonnet-4", known.Tokens), known.Cost);
        Assert.True(known.Cost > 0);
        var (_, _, unknown) = await AskAsync("anthropic/v1/messages", "api", "local", Anthropic);
        Assert.Equal(("local", new TokenCount(1000, 0, 0, 100)), (unknown.Model, unknown.Tokens));
        Assert.Null(unknown.Cost);
    }

    private static async Task<(string Target, Dictionary<string, string> Headers, ModelUsage Usage)> AskAsync(
        string path, string basePath, string model, string answer)
    {
        var used = new ConcurrentQueue<ModelUsage>();
        await using var server = await Upstream.StartAsync(Upstream.Json(answer.Replace("{0}", model, StringComparison.Ordinal)));
        var dialect = Enum.Parse<ModelDialect>(path.Split('/')[0], ignoreCase: true);
        await using var broker = new ModelBroker(
            new ModelBrokerOptions
            {
                Upstreams = [new ModelUpstream(dialect, new Uri(server.Address, basePath), _ => ValueTask.FromResult(Key))],
                Used = used.Enqueue,
            },
            TimeProvider.System);
        await using var endpoint = await broker.OpenAsync(new ModelEndpointOptions(Guid.CreateVersion7(), Guid.CreateVersion7()), Token);
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{endpoint.Port}/") };
        client.DefaultRequestHeaders.TryAddWithoutValidation("x-api-key", endpoint.Token);
        using var body = new StringContent($$"""{"model":"{{model}}"}""", Encoding.UTF8, "application/json");
        using var response = await client.PostAsync(path, body, Token);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await Wait.UntilAsync(() => !used.IsEmpty, "usage");
        var (target, headers, _) = Assert.Single(server.Requests);
        return (target, headers, Assert.Single(used));
    }
}
