using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using PocketCoder.Broker.Models;
using PocketCoder.Protocol;

namespace PocketCoder.Broker.Tests.Models;

/// <summary>Budgets against requests that say themselves that they cost more than what is left.</summary>
public sealed class BudgetSizeTests : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _owned = [];
    private readonly ConcurrentQueue<ModelUsage> _used = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("anthropic/v1/messages", "\"messages\":[{\"role\":\"user\",\"content\":\"LONG\"}]", 16_000)] // a prompt
    [InlineData("anthropic/v1/messages", "\"max_tokens\":64000", 0)]
    [InlineData("anthropic/v1/messages", "\"max_tokens\":1e300", 0)]
    [InlineData("openai/v1/responses", "\"max_output_tokens\":64000", 0)]
    [InlineData("openai/v1/chat/completions", "\"max_completion_tokens\":600,\"n\":10", 0)]
    [InlineData("gemini/v1beta/models/gemini-2.5-flash:generateContent",
        "\"generationConfig\":{\"maxOutputTokens\":600,\"candidateCount\":10}", 0)]
    [InlineData("gemini/v1beta/models/gemini-2.5-flash:generateContent", "\"generation_config\":{\"max_output_tokens\":60000}", 0)]
    public async Task One_that_needs_more_than_what_is_left_does_not_go_out(string path, string members, int longer)
    {
        var (upstream, client) = await OpenAsync(path, [new ModelBudget(BudgetScope.Session, BudgetAction.Stop, Tokens: 5_000)]);
        var body = "{" + members.Replace("LONG", new string('x', longer), StringComparison.Ordinal) + "}";
        using var answer = await client.PostAsync(path, Json(body), Token);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("this request may need ", await answer.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
        Assert.Empty(upstream.Requests);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync(path, Json("{}"), Token)).StatusCode);
    }

    [Fact]
    public async Task In_dollars_it_is_the_prompt_at_its_dearest_and_the_longest_answer()
    {
        const string Path = "anthropic/v1/messages";

        // claude-sonnet-4: $3.75 a million tokens that are written to the cache, $15 for what it answers.
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("""{"model":"claude-sonnet-4","max_tokens":6600}"""));
        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync("""{"model":"claude-sonnet-4","max_tokens":6700}"""));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync($$"""{"model":"claude-sonnet-4","system":"{{new string('x', 75_000)}}"}"""));
        Assert.Equal(HttpStatusCode.BadRequest,
            await StatusAsync($$"""{"model":"claude-sonnet-4","system":"{{new string('x', 85_000)}}"}"""));

        async Task<HttpStatusCode> StatusAsync(string body)
        {
            var (_, client) = await OpenAsync(Path, [new ModelBudget(BudgetScope.Day, BudgetAction.Stop, Dollars: 0.10m)]);
            return (await client.PostAsync(Path, Json(body), Token)).StatusCode;
        }
    }

    [Fact]
    public async Task A_picture_is_not_counted_as_if_it_were_text()
    {
        const string Path = "anthropic/v1/messages";
        var (_, client) = await OpenAsync(Path, [new ModelBudget(BudgetScope.Session, BudgetAction.Stop, Tokens: 20_000)]);
        var picture = $$$"""{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"{{{new string('A', 4_000_000)}}}"}}]}]}""";
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync(Path, Json(picture), Token)).StatusCode);
        var document = picture.Replace("\"image\"", "\"document\"", StringComparison.Ordinal)
            .Replace("image/png", "application/pdf", StringComparison.Ordinal).Replace("\"AAAAAAA", "\"JVBERi0", StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, (await client.PostAsync(Path, Json(document), Token)).StatusCode);
    }

    [Fact]
    public async Task A_budget_that_asks_tells_the_size_and_a_yes_lets_this_request_out()
    {
        const string Path = "anthropic/v1/messages";
        var asked = new ConcurrentQueue<BudgetSpent>();
        var yes = false;
        var (upstream, client) = await OpenAsync(
            Path, [new ModelBudget(BudgetScope.Session, BudgetAction.Ask, Tokens: 5_000)], (spent, _) =>
        {
            asked.Enqueue(spent);
            return ValueTask.FromResult(yes);
        });
        Assert.Equal(HttpStatusCode.BadRequest, (await client.PostAsync(Path, Json("""{"max_tokens":64000}"""), Token)).StatusCode);
        Assert.Empty(upstream.Requests);
        yes = true;
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync(Path, Json("""{"max_tokens":64000}"""), Token)).StatusCode);
        Assert.All(asked, a => Assert.InRange(a.Needs!.Value.Tokens, 8_192, 8_292));
        Assert.Equal(2, asked.Count);
    }

    [Fact]
    public async Task Whatever_runs_at_one_time_requests_that_name_their_longest_answer_overshoot_nothing()
    {
        const string Path = "anthropic/v1/messages";
        const int Limit = 20_000;
        var (_, client) = await OpenAsync(Path, [new ModelBudget(BudgetScope.Session, BudgetAction.Stop, Tokens: Limit)]);
        var random = new Random(7);
        var bodies = Enumerable.Range(0, 120).Select(_ => string.Create(CultureInfo.InvariantCulture,
            $$"""{"max_tokens":{{random.Next(1, 4_000)}},"system":"{{new string('x', random.Next(3_000))}}"}""")).ToList();
        var answers = await Task.WhenAll(bodies.Select(async b => (await client.PostAsync(Path, Json(b), Token)).StatusCode));
        Assert.Contains(HttpStatusCode.OK, answers);
        Assert.Contains(HttpStatusCode.BadRequest, answers);
        Assert.InRange(_used.Sum(u => u.Tokens.Total), Limit / 2, Limit);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var owned in Enumerable.Reverse(_owned))
        {
            await owned.DisposeAsync();
        }
    }

    /// <summary>Its provider uses what it is asked for: four bytes of the prompt a token, and the longest answer.</summary>
    private async Task<(Upstream Upstream, HttpClient Client)> OpenAsync(
        string path, IReadOnlyList<ModelBudget> budgets, Func<BudgetSpent, CancellationToken, ValueTask<bool>>? ask = null)
    {
        var upstream = await Upstream.StartAsync(UseAllAsync);
        var dialect = Enum.Parse<ModelDialect>(path.Split('/')[0], ignoreCase: true);
        var broker = new ModelBroker(
            new ModelBrokerOptions
            {
                Upstreams = [new ModelUpstream(dialect, upstream.Address, _ => ValueTask.FromResult("key"))],
                Budgets = budgets,
                AskBudget = ask,
                Used = _used.Enqueue
            }, TimeProvider.System);
        var endpoint = await broker.OpenAsync(new ModelEndpointOptions(Guid.CreateVersion7(), Guid.CreateVersion7()), Token);
        _owned.AddRange([upstream, broker, endpoint]);
        var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{endpoint.Port}/") };
        client.DefaultRequestHeaders.TryAddWithoutValidation("x-api-key", endpoint.Token);
        return (upstream, client);
    }

    private static async Task UseAllAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        context.Request.Body.Position = 0;
        var text = await reader.ReadToEndAsync(Token);
        using var body = JsonDocument.Parse(text);
        var output = body.RootElement.TryGetProperty("max_tokens", out var most) && most.TryGetInt64(out var number) ? number : 0;
        await Upstream.Json(string.Create(CultureInfo.InvariantCulture,
            $$$"""{"model":"m","usage":{"input_tokens":{{{text.Length / 4}}},"output_tokens":{{{output}}}},"usageMetadata":{"promptTokenCount":1}}"""))(context);
    }

    private static StringContent Json(string json) => new(json, Encoding.UTF8, "application/json");
}
