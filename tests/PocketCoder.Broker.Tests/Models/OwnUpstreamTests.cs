using System.Collections.Concurrent;
using System.Net;
using System.Text;
using PocketCoder.Broker.Models;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Broker.Tests.Models;

/// <summary>An upstream with a name: a server of the owner's own.</summary>
public sealed class OwnUpstreamTests
{
    private const string Answer = """{"model":"m","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":100}}""";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("openai/v1/chat/completions", "api/v1", "/api/v1/chat/completions")]
    [InlineData("openai/v1/chat/completions", "api/v1/", "/api/v1/chat/completions")]
    [InlineData("openai/v1/responses", "api/paas/v4", "/api/paas/v4/responses")]
    [InlineData("openai/v1/chat/completions", "", "/chat/completions")]
    [InlineData("anthropic/v1/messages", "api", "/api/v1/messages")]
    [InlineData("gemini/v1beta/models/m:generateContent", "api", "/api/v1beta/models/m:generateContent")]
    public async Task It_is_asked_at_the_address_that_its_dialects_libraries_take(string path, string basePath, string target)
    {
        await using var server = await Upstream.StartAsync(Upstream.Json("{}"));
        await using var asked = await AskAsync(
            server, path, u => u with { BaseUrl = new Uri(server.Address, basePath), Versioned = true });
        Assert.Equal(HttpStatusCode.OK, asked.Status);
        Assert.Equal(target, Assert.Single(server.Requests).Target);
    }

    [Fact]
    public async Task Its_use_has_its_name_and_its_own_prices_whatever_a_model_of_that_name_costs_elsewhere()
    {
        await using var server = await Upstream.StartAsync(
            Upstream.Json(Answer.Replace("\"m\"", "\"claude-sonnet-4\"", StringComparison.Ordinal)));
        await using (var asked = await AskAsync(server, model: "claude-sonnet-4"))
        {
            Assert.Equal(("lan/claude-sonnet-4", (decimal?)null), (asked.Used!.Model, asked.Used.Cost));
        }

        var prices = new PriceTable("", [new ModelPrice("claude-sonnet-4", 1, 1, 1, 10)]);
        await using (var asked = await AskAsync(server, change: u => u with { Prices = prices }, model: "claude-sonnet-4"))
        {
            Assert.Equal(0.002m, asked.Used!.Cost);
        }
    }

    [Fact]
    public async Task Without_a_key_it_gets_no_credential_and_with_one_that_alone()
    {
        await using var server = await Upstream.StartAsync(Upstream.Json(Answer));
        await using (await AskAsync(server))
        {
            Assert.DoesNotContain(
                server.Requests.Single().Headers.Keys, h => h is "Authorization" or "x-api-key" or "x-goog-api-key");
        }

        await using (await AskAsync(server, change: u => u with { Key = _ => ValueTask.FromResult("of-mine") }))
        {
            Assert.Equal("Bearer of-mine", server.Requests.Last().Headers["Authorization"]);
        }
    }

    [Fact]
    public async Task A_budget_in_dollars_goes_by_its_prices_and_refuses_what_has_none_by_its_whole_name()
    {
        await using var server = await Upstream.StartAsync(Upstream.Json(Answer));
        ModelBudget[] budgets = [new(BudgetScope.Session, BudgetAction.Stop, Dollars: 3)];
        await using (var asked = await AskAsync(server, model: "claude-sonnet-4", budgets: budgets))
        {
            Assert.Equal(HttpStatusCode.BadRequest, asked.Status);
            Assert.Contains("no price for 'lan/claude-sonnet-4'", asked.Text, StringComparison.Ordinal);
        }

        Assert.Empty(server.Requests);
        var prices = new PriceTable("", [new ModelPrice("m", 1, 1, 1, 10)]);
        await using (var asked = await AskAsync(server, change: u => u with { Prices = prices }, budgets: budgets))
        {
            Assert.Equal(HttpStatusCode.OK, asked.Status);
        }
    }

    [Fact]
    public async Task Once_it_was_changed_nothing_goes_there()
    {
        await using var server = await Upstream.StartAsync(Upstream.Json(Answer));
        await using var asked = await AskAsync(
            server, change: u => u with { IsCurrent = () => false, Key = _ => throw new InvalidOperationException("it was asked for") });
        Assert.Equal(HttpStatusCode.Forbidden, asked.Status);
        Assert.Contains("'lan' was changed or removed", asked.Text, StringComparison.Ordinal);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task Its_models_search_no_more_of_the_web_than_others()
    {
        await using var server = await Upstream.StartAsync(Upstream.Json(Answer));
        await using var asked = await AskAsync(server, model: "sonar-pro");
        Assert.Equal(HttpStatusCode.Forbidden, asked.Status);
        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData("openai/v1/chat/completions", "m", true)]
    [InlineData("openai/v1/chat/completions", "m-large", false)] // the beginning of a name is none
    [InlineData("openai/v1/responses", "other", false)]
    [InlineData("anthropic/v1/messages", "M", false)]
    [InlineData("anthropic/v1/messages/count_tokens", "other", false)]
    [InlineData("anthropic/v1/messages", "", false)]
    [InlineData("gemini/v1beta/models/m2:generateContent", "", false)]
    public async Task A_model_that_the_provider_was_not_given_is_refused_and_nothing_is_asked(string path, string model, bool passes)
    {
        await using var server = await Upstream.StartAsync(Upstream.Json("{}"));
        await using var asked = await AskAsync(server, path, model: model, only: ["m", "n"]);
        Assert.Equal(passes ? HttpStatusCode.OK : HttpStatusCode.Forbidden, asked.Status);
        Assert.Equal(passes ? 1 : 0, server.Requests.Count);
        Assert.True(passes || asked.Text.Contains("is none of lan's on this machine", StringComparison.Ordinal), asked.Text);
    }

    [Theory]
    [InlineData("""{"data":[{"id":"a"},{"id":"b"},{"id":7},{},null]}""", "a b")]
    [InlineData("""{"models":[{"name":"models/gemini-x"}]}""", "gemini-x")]
    [InlineData("""{"data":[]}""", "")]
    [InlineData("""{"data":{"id":"a"}}""", null)]
    [InlineData("""{"data":[{"id":"\ud800"}]}""", null)]
    [InlineData("[]", null)]
    [InlineData("<html>", null)]
    [InlineData("", null)]
    public async Task A_list_of_models_is_read_or_is_none(string body, string? ids)
    {
        await using var server = await Upstream.StartAsync(Upstream.Json(body));
        await using var broker = new ModelBroker(new ModelBrokerOptions(), TimeProvider.System);
        var answer = await broker.ListModelsAsync(Of(server), Token);
        Assert.Equal((ProviderKeyVerdict.Works, 200), (answer.Verdict, answer.Status));
        Assert.Equal(ids, answer.Models is null ? null : string.Join(' ', answer.Models));
        Assert.Equal("/v1/models", Assert.Single(server.Requests).Target);
    }

    [Fact]
    public async Task A_list_that_never_ends_or_never_comes_is_none()
    {
        await using var endless = await Upstream.StartAsync(async context =>
        {
            context.Response.ContentType = "application/json";
            var piece = new byte[256 * 1024];
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.Body.WriteAsync(piece, context.RequestAborted);
            }
        });
        var time = new ManualTime();
        await using var broker = new ModelBroker(new ModelBrokerOptions(), time);
        Assert.Null((await broker.ListModelsAsync(Of(endless), Token)).Models);

        var came = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var silent = await Upstream.StartAsync(context =>
        {
            came.TrySetResult();
            return Wait.ForeverAsync(context.RequestAborted);
        });
        var asking = broker.ListModelsAsync(Of(silent), Token);
        await came.Task.WaitAsync(Wait.Limit, Token);
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(new ModelsAnswer(ProviderKeyVerdict.Unreachable, null, null), await asking.WaitAsync(Wait.Limit, Token));
    }

    private static ModelUpstream Of(Upstream server, ModelDialect dialect = ModelDialect.Openai)
        => new(dialect, server.Address, null) { Name = "lan", Prices = new PriceTable("", []), KeyOptional = true };

    private static async Task<Asked> AskAsync(
        Upstream server, string path = "openai/v1/chat/completions", Func<ModelUpstream, ModelUpstream>? change = null, string model = "m",
        IReadOnlyList<ModelBudget>? budgets = null, IReadOnlyList<string>? only = null)
    {
        var used = new ConcurrentQueue<ModelUsage>();
        var upstream = Of(server, Enum.Parse<ModelDialect>(path.Split('/')[0], ignoreCase: true));
        var broker = new ModelBroker(
            new ModelBrokerOptions { Upstreams = [change?.Invoke(upstream) ?? upstream], Used = used.Enqueue, Budgets = budgets ?? [] },
            TimeProvider.System);
        await using var endpoint = await broker.OpenAsync(
            new ModelEndpointOptions(Guid.CreateVersion7(), Guid.CreateVersion7()) { Models = only ?? [] }, Token);
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{endpoint.Port}/") };
        client.DefaultRequestHeaders.TryAddWithoutValidation("x-api-key", endpoint.Token);
        var text = path.StartsWith("gemini", StringComparison.Ordinal) ? """{"contents":[]}""" : $$"""{"model":"{{model}}"}""";
        using var content = new StringContent(text, Encoding.UTF8, "application/json");
        using var response = await client.PostAsync(path, content, Token);
        if (response.IsSuccessStatusCode)
        {
            await Wait.UntilAsync(() => !used.IsEmpty, "usage");
        }

        var told = (await response.Content.ReadAsStringAsync(Token)).Replace("\\u0027", "'", StringComparison.Ordinal);
        return new Asked(broker, response.StatusCode, told, used.FirstOrDefault());
    }

    private sealed record Asked(ModelBroker Broker, HttpStatusCode Status, string Text, ModelUsage? Used) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Broker.DisposeAsync();
    }
}
