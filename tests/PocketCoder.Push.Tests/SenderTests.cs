using System.Net;
using Microsoft.AspNetCore.Http;
using PocketCoder.Testing;
using PocketCoder.Testing.Push;

namespace PocketCoder.Push.Tests;

/// <summary>A real request to a push service that opens what it gets.</summary>
public sealed class SenderTests
{
    private const string Contact = "mailto:owner@example.org";

    [Fact]
    public async Task A_message_arrives_sealed_for_the_device_with_what_the_push_service_needs()
    {
        await using var service = await PushService.StartAsync();
        using var one = new Sending(service);
        var outcome = await one.SendAsync("{\"kind\":\"permission\"}");
        Assert.Equal((PushResult.Accepted, 201), (outcome.Result, outcome.Status));
        var got = Assert.Single(service.Received);
        Assert.Equal("{\"kind\":\"permission\"}", got.Text);
        Assert.Equal("90", got.Headers["TTL"]);
        Assert.Equal("high", got.Headers["Urgency"]);
        Assert.Equal("topic-1", got.Headers["Topic"]);
        Assert.Equal("aes128gcm", got.Headers["Content-Encoding"]);
        Assert.StartsWith("vapid t=", got.Headers["Authorization"], StringComparison.Ordinal);
        Assert.DoesNotContain("permission", System.Text.Encoding.Latin1.GetString(got.Body), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_messages_of_different_lengths_look_alike_to_the_push_service()
    {
        await using var service = await PushService.StartAsync();
        using var one = new Sending(service);
        await one.SendAsync("short");
        await one.SendAsync(new string('x', 1_000));
        Assert.Equal(service.Received[0].Length, service.Received[1].Length);
        Assert.NotEqual(service.Received[0].Body[..86], service.Received[1].Body[..86]); // another salt, another key
    }

    [Theory]
    [InlineData(201, PushResult.Accepted)]
    [InlineData(202, PushResult.Accepted)]
    [InlineData(301, PushResult.Refused)]
    [InlineData(307, PushResult.Refused)]
    [InlineData(400, PushResult.Refused)]
    [InlineData(401, PushResult.Refused)]
    [InlineData(403, PushResult.Refused)]
    [InlineData(404, PushResult.Gone)]
    [InlineData(410, PushResult.Gone)]
    [InlineData(413, PushResult.Refused)]
    [InlineData(429, PushResult.TryLater)]
    [InlineData(500, PushResult.TryLater)]
    [InlineData(503, PushResult.TryLater)]
    public async Task Each_answer_has_its_meaning_and_tells_no_path(int status, PushResult result)
    {
        await using var service = await PushService.StartAsync();
        service.Answer = context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.Location = service.Origin + "/elsewhere";
            return context.Response.WriteAsync(new string('z', 100_000));
        };
        using var one = new Sending(service);
        var outcome = await one.SendAsync("x");
        Assert.Equal((result, status), (outcome.Result, outcome.Status));
        Assert.DoesNotContain("/push/", outcome.Words, StringComparison.Ordinal);
        Assert.Equal(1, service.Requests); // no redirect was followed
    }

    [Theory]
    [InlineData("7", 7)]
    [InlineData("0", 0)]
    [InlineData("999999999", 3600)]
    [InlineData("-5", null)]
    [InlineData("soon", null)]
    public async Task The_pause_that_a_push_service_asks_for_is_taken_within_bounds(string header, int? seconds)
    {
        await using var service = await PushService.StartAsync();
        service.Answer = context =>
        {
            context.Response.StatusCode = 429;
            context.Response.Headers.RetryAfter = header;
            return Task.CompletedTask;
        };
        using var one = new Sending(service);
        Assert.Equal(seconds is { } s ? TimeSpan.FromSeconds(s) : null, (await one.SendAsync("x")).RetryAfter);
    }

    [Fact]
    public async Task A_push_service_that_does_not_answer_is_given_up()
    {
        await using var service = await PushService.StartAsync();
        service.Answer = context => Wait.ForeverAsync(context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        using var one = new Sending(service, TimeSpan.FromMilliseconds(300));
        var outcome = await one.SendAsync("x");
        Assert.Equal(PushResult.TryLater, outcome.Result);
        Assert.Null(outcome.Status);
    }

    [Fact]
    public async Task Half_an_answer_and_one_without_end_do_no_harm()
    {
        await using var service = await PushService.StartAsync();
        using var one = new Sending(service);
        service.Answer = context =>
        {
            context.Abort();
            return Task.CompletedTask;
        };
        Assert.Equal(PushResult.TryLater, (await one.SendAsync("x")).Result);
        service.Answer = context =>
        {
            context.Response.Headers["X-Long"] = new string('x', 30_000);
            return Task.CompletedTask;
        };
        Assert.Equal(PushResult.TryLater, (await one.SendAsync("x")).Result);
    }

    [Fact]
    public async Task Another_certificate_is_not_taken()
    {
        await using var service = await PushService.StartAsync();
        using var one = new Sending(service, trust: false);
        Assert.Equal(PushResult.TryLater, (await one.SendAsync("x")).Result);
        Assert.Equal(0, service.Requests);
    }

    [Fact]
    public async Task A_private_address_that_nobody_allowed_is_not_reached_at_all()
    {
        await using var service = await PushService.StartAsync();
        using var folder = new TemporaryFolder();
        using var key = PushKey.LoadOrCreate(Path.Combine(folder.Path, "push.key"));
        using var receiver = new PushReceiver("https://push.example.net/x");
        var ways = new PushWays
        {
            Resolve = (_, _) => ValueTask.FromResult<IReadOnlyList<IPAddress>>([IPAddress.Loopback]),
            Certificate = service.Certificate,
        };
        using var sender = new PushSender(key, Contact, ways, TimeProvider.System);
        var to = PushSubscription.Of(receiver.Endpoint, receiver.PublicKey, receiver.Auth, PushAllowed.None);
        Assert.Equal(PushResult.Refused, (await sender.SendAsync(to, Sending.Message("x"), CancellationToken.None)).Result);
        Assert.Equal(0, service.Requests);
    }

    private sealed class Sending : IDisposable
    {
        private readonly TemporaryFolder _folder = new();
        private readonly PushKey _key;
        private readonly PushSender _sender;
        private readonly PushSubscription _to;

        public Sending(PushService service, TimeSpan? limit = null, bool trust = true)
        {
            var ways = new PushWays
            {
                Allowed = new PushAllowed([service.Origin]),
                Certificate = trust ? service.Certificate : null,
                Limit = limit ?? TimeSpan.FromSeconds(60),
            };
            _key = PushKey.LoadOrCreate(Path.Combine(_folder.Path, "push.key"));
            _sender = new PushSender(_key, Contact, ways, TimeProvider.System);
            var receiver = service.Subscribe();
            _to = PushSubscription.Of(receiver.Endpoint, receiver.PublicKey, receiver.Auth, ways.Allowed);
        }

        public static PushMessage Message(string text)
            => new(System.Text.Encoding.UTF8.GetBytes(text), TimeSpan.FromSeconds(90), PushUrgency.High, "topic-1");

        public Task<PushOutcome> SendAsync(string text) => _sender.SendAsync(_to, Message(text), CancellationToken.None);

        public void Dispose()
        {
            _sender.Dispose();
            _key.Dispose();
            _folder.Dispose();
        }
    }
}
