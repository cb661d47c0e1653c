using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using PocketCoder.Testing;
using PocketCoder.Testing.Push;

namespace PocketCoder.Push.Tests;

/// <summary>What the owner's own receivers get, by real requests.</summary>
public sealed class HookTests
{
    private const string Key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";

    [Fact]
    public async Task An_ntfy_server_gets_the_topic_and_words_and_the_token()
    {
        await using var service = await PushService.StartAsync();
        service.Listen("/base/");
        var topic = NtfyTopic.Of($"{service.Origin}/base/my-topic_1", "tk_secret");
        var outcome = await SendAsync(service, topic, Message("{}", new PushText("Approval needed — ü", "git push\n日本", new Uri("https://g.example/m/x/"))));
        Assert.Equal((PushResult.Accepted, 201), (outcome.Result, outcome.Status));
        var got = Assert.Single(service.Received);
        Assert.Equal("/base/", got.Path);
        Assert.Equal("Bearer tk_secret", got.Headers["Authorization"]);
        using var json = JsonDocument.Parse(got.Text);
        var members = json.RootElement.EnumerateObject().ToDictionary(m => m.Name, m => m.Value.ToString());
        Assert.Equal(
            new Dictionary<string, string>
            {
                ["topic"] = "my-topic_1",
                ["title"] = "Approval needed — ü",
                ["message"] = "git push\n日本",
                ["priority"] = "4",
                ["click"] = "https://g.example/m/x/",
            },
            members);
    }

    [Fact]
    public async Task A_webhook_gets_the_notice_signed_and_the_same_id_each_time()
    {
        await using var service = await PushService.StartAsync();
        var hook = Webhook.Of(service.Listen("/hook") + "?a=b", Key);
        await SendAsync(service, hook, Message("{\"kind\":\"permission\"}"));
        await SendAsync(service, hook, Message("{\"kind\":\"permission\"}"));
        await SendAsync(service, hook, Message("{\"kind\":\"question\"}"));
        Assert.Equal(3, service.Received.Count);
        var ids = service.Received.Select(r => r.Headers["webhook-id"]).ToList();
        Assert.Equal(ids[0], ids[1]);
        Assert.NotEqual(ids[0], ids[2]);
        Assert.All(service.Received, r =>
        {
            var signed = $"{r.Headers["webhook-id"]}.{r.Headers["webhook-timestamp"]}.{r.Text}";
            var key = Convert.FromBase64String(Key["whsec_".Length..]);
            Assert.Equal(
                $"v1,{Convert.ToBase64String(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(signed)))}", r.Headers["webhook-signature"]);
            Assert.Equal("application/json", r.Headers["Content-Type"]);
        });
    }

    /// <summary>Made with the package standardwebhooks 1.0.0 from npm, which takes it as its own.</summary>
    [Fact]
    public async Task The_signature_is_that_of_the_specification()
    {
        var hook = Webhook.Of("https://hook.example/", Key);
        using var request = hook.Request(Message("{\"kind\":\"test\"}"), DateTimeOffset.FromUnixTimeSeconds(1_764_000_000));
        Assert.Equal("msg_12aaed84d588265b7ffe1b482a573a47", request.Headers.GetValues("webhook-id").Single());
        Assert.Equal("1764000000", request.Headers.GetValues("webhook-timestamp").Single());
        Assert.Equal("v1,shPCgh4k3vYBFLPeFPzPvrNL3/rsmLVzEhK/0Y8t2Lo=", request.Headers.GetValues("webhook-signature").Single());
        Assert.Equal("{\"kind\":\"test\"}", await request.Content!.ReadAsStringAsync());
    }

    [Theory]
    [InlineData(200, PushResult.Accepted)]
    [InlineData(302, PushResult.Refused)]
    [InlineData(401, PushResult.Refused)]
    [InlineData(404, PushResult.Refused)]
    [InlineData(410, PushResult.Refused)]
    [InlineData(429, PushResult.TryLater)]
    [InlineData(503, PushResult.TryLater)]
    public async Task No_answer_ends_a_receiver_and_none_tells_its_path(int status, PushResult result)
    {
        await using var service = await PushService.StartAsync();
        service.Answer = context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.Location = service.Origin + "/elsewhere";
            return Task.CompletedTask;
        };
        var outcome = await SendAsync(service, Webhook.Of(service.Origin + "/secret-path", Key), Message("{}"));
        Assert.Equal(result, outcome.Result);
        Assert.DoesNotContain("secret-path", outcome.Words, StringComparison.Ordinal);
        Assert.Equal(1, service.Requests);
    }

    [Theory]
    [InlineData("")]
    [InlineData("ntfy.example/topic")]
    [InlineData("ftp://ntfy.example/topic")]
    [InlineData("http://ntfy.example/topic")]
    [InlineData("http://localhost.example/topic")]
    [InlineData("http://localhost/topic")]
    [InlineData("https://me@ntfy.example/topic")]
    [InlineData("https://ntfy.example/topic#a")]
    [InlineData("https://ntfy.example/to pic")]
    [InlineData("https:\\ntfy.example\topic")]
    [InlineData("https://ntfy.example/top\u0130c")]
    public void What_is_no_address_is_neither_a_topic_nor_a_webhook(string address)
    {
        Assert.Throws<PushException>(() => NtfyTopic.Of(address, null));
        Assert.Throws<PushException>(() => Webhook.Of(address, Key));
    }

    [Theory]
    [InlineData("https://ntfy.example/")]
    [InlineData("https://ntfy.example/topic/")]
    [InlineData("https://ntfy.example/topic?a=b")]
    [InlineData("https://ntfy.example/to%20pic")]
    public void What_ends_with_no_topic_is_none(string address) => Assert.Throws<PushException>(() => NtfyTopic.Of(address, null));

    [Theory]
    [InlineData("")]
    [InlineData("two words")]
    [InlineData("line\nbreak")]
    public void What_is_no_token_is_not_sent(string token)
        => Assert.Throws<PushException>(() => NtfyTopic.Of("https://ntfy.example/topic", token));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("whsec_")]
    [InlineData("whsec_QUJD")]
    [InlineData("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")]
    public void What_is_no_signing_key_is_refused(string? key) => Assert.Throws<PushException>(() => Webhook.Of("https://hook.example/", key));

    [Fact]
    public void A_new_key_is_one_and_another_each_time()
    {
        Assert.NotNull(Webhook.Of("https://hook.example/", Webhook.NewKey()));
        Assert.NotEqual(Webhook.NewKey(), Webhook.NewKey());
    }

    [Fact]
    public async Task A_server_that_does_not_answer_is_tried_later()
    {
        await using var service = await PushService.StartAsync();
        service.Answer = context => Wait.ForeverAsync(context.RequestAborted);
        using var sender = new HookSender(
            new PushWays { Certificate = service.Certificate, Limit = TimeSpan.FromMilliseconds(200) }, TimeProvider.System);
        var outcome = await sender.SendAsync(Webhook.Of(service.Origin + "/x", Key), Message("{}"), CancellationToken.None);
        Assert.Equal(PushResult.TryLater, outcome.Result);
    }

    private static PushMessage Message(string payload, PushText? text = null)
        => new(Encoding.UTF8.GetBytes(payload), TimeSpan.FromMinutes(1), PushUrgency.High, "topic-1", text);

    private static async Task<PushOutcome> SendAsync(PushService service, PushTarget to, PushMessage message)
    {
        using var sender = new HookSender(new PushWays { Certificate = service.Certificate, Limit = Wait.Limit }, TimeProvider.System);
        return await sender.SendAsync(to, message, CancellationToken.None);
    }
}
