using Microsoft.AspNetCore.Http;
using PocketCoder.Broker.Models;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Broker.Tests.Models;

/// <summary>A key tried at its provider: one call that costs nothing, and of the answer the status only.</summary>
public sealed class KeyCheckTests
{
    private const string Key = "sk-a-key-to-be-tried-0123456789";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(ModelDialect.Anthropic, "/v1/models?limit=1", "x-api-key", Key)]
    [InlineData(ModelDialect.Openai, "/v1/models", "Authorization", "Bearer " + Key)]
    [InlineData(ModelDialect.Gemini, "/v1beta/models?pageSize=1", "x-goog-api-key", Key)]
    public async Task Each_provider_is_asked_once_for_its_models_with_its_own_header(
        ModelDialect dialect, string target, string header, string value)
    {
        await using var provider = await Upstream.StartAsync(Upstream.Json("{}"));
        await using var broker = new ModelBroker(new ModelBrokerOptions(), TimeProvider.System);
        var answer = await broker.CheckKeyAsync(dialect, provider.Address, Key, Token);
        Assert.Equal(new KeyAnswer(ProviderKeyVerdict.Works, 200), answer);
        var asked = Assert.Single(provider.Requests);
        Assert.Equal((target, value), (asked.Target, asked.Headers[header]));
        Assert.Equal("", asked.Body);
    }

    [Theory]
    [InlineData(ModelDialect.Anthropic, 401, ProviderKeyVerdict.Refused)]
    [InlineData(ModelDialect.Openai, 401, ProviderKeyVerdict.Refused)]
    [InlineData(ModelDialect.Gemini, 401, ProviderKeyVerdict.Refused)]
    [InlineData(ModelDialect.Gemini, 400, ProviderKeyVerdict.Refused)]
    [InlineData(ModelDialect.Anthropic, 400, ProviderKeyVerdict.Unclear)]
    [InlineData(ModelDialect.Openai, 403, ProviderKeyVerdict.Unclear)]
    [InlineData(ModelDialect.Openai, 404, ProviderKeyVerdict.Unclear)]
    [InlineData(ModelDialect.Openai, 429, ProviderKeyVerdict.Unclear)]
    [InlineData(ModelDialect.Anthropic, 529, ProviderKeyVerdict.Unclear)]
    public async Task Only_what_says_that_the_key_is_unknown_refuses_it(ModelDialect dialect, int status, ProviderKeyVerdict verdict)
    {
        await using var provider = await Upstream.StartAsync(Upstream.Json("{}", status));
        await using var broker = new ModelBroker(new ModelBrokerOptions(), TimeProvider.System);
        Assert.Equal(new KeyAnswer(verdict, status), await broker.CheckKeyAsync(dialect, provider.Address, Key, Token));
    }

    [Fact]
    public async Task A_redirect_does_not_lead_the_key_elsewhere()
    {
        await using var other = await Upstream.StartAsync(Upstream.Json("{}"));
        await using var provider = await Upstream.StartAsync(context =>
        {
            context.Response.Redirect(other.Address.ToString());
            return Task.CompletedTask;
        });
        await using var broker = new ModelBroker(new ModelBrokerOptions(), TimeProvider.System);
        var answer = await broker.CheckKeyAsync(ModelDialect.Openai, provider.Address, Key, Token);
        Assert.Equal(new KeyAnswer(ProviderKeyVerdict.Unclear, 302), answer);
        Assert.Empty(other.Requests);
    }

    [Theory]
    [InlineData("")]
    [InlineData("two words of a key")]
    [InlineData("a-key\r\nX-Other: header")]
    [InlineData("schlüssel-0123456789")]
    public async Task A_key_that_no_header_carries_is_refused_unsent(string key)
    {
        await using var provider = await Upstream.StartAsync(Upstream.Json("{}"));
        await using var broker = new ModelBroker(new ModelBrokerOptions(), TimeProvider.System);
        Assert.Equal(
            new KeyAnswer(ProviderKeyVerdict.Refused, null),
            await broker.CheckKeyAsync(ModelDialect.Anthropic, provider.Address, key, Token));
        Assert.Empty(provider.Requests);
    }

    [Fact]
    public async Task A_provider_that_says_nothing_for_ten_seconds_or_is_not_there_is_unreachable()
    {
        var time = new ManualTime();
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var broker = new ModelBroker(new ModelBrokerOptions(), time);
        Uri gone;
        await using (var provider = await Upstream.StartAsync(context =>
        {
            asked.TrySetResult();
            return Wait.ForeverAsync(context.RequestAborted);
        }))
        {
            gone = provider.Address;
            var check = broker.CheckKeyAsync(ModelDialect.Gemini, gone, Key, Token);
            await asked.Task.WaitAsync(Wait.Limit, Token);
            time.Advance(TimeSpan.FromSeconds(9));
            Assert.False(check.IsCompleted);
            time.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(new KeyAnswer(ProviderKeyVerdict.Unreachable, null), await check.WaitAsync(Wait.Limit, Token));
        }

        Assert.Equal(
            new KeyAnswer(ProviderKeyVerdict.Unreachable, null), await broker.CheckKeyAsync(ModelDialect.Gemini, gone, Key, Token));
    }
}
