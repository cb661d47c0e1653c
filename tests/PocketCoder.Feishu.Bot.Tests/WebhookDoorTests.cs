using System.Net;
using System.Net.Sockets;
using System.Text;
using PocketCoder.Entry;
using PocketCoder.Feishu.Webhooks;
using PocketCoder.Testing;
using PocketCoder.Testing.Feishu;

namespace PocketCoder.Feishu.Bot.Tests;

/// <summary>Events that arrive at a webhook, and what anybody may send there.</summary>
public sealed class WebhookDoorTests
{
    private readonly IPEndPoint _endpoint = new(IPAddress.Loopback, Ports.Free());

    [Fact]
    public async Task A_person_pairs_prompts_and_decides_over_the_webhook_and_no_long_connection_is_opened()
    {
        await using var bot = await TestBot.StartAsync(_endpoint, []);
        var group = await bot.GroupAsync();
        var sent = await bot.MessageAsync("run: echo hi >> said.txt", chat: group);
        for (var i = 0; i < 20; i++)
        {
            await bot.DeliverAsync(sent); // the platform's second delivery has another nonce
        }

        await bot.PressAsync(await bot.CardAsync(group, "Approval", c => c.Has("approval.allow")), "approval.allow");
        await bot.CardAsync(group, "Complete");
        Assert.Equal("hi\n", await File.ReadAllTextAsync(Path.Combine(bot.Folder, "said.txt")));
        var stranger = await bot.DeliverAsync(
            FakeEvents.Click("ev_eve", "ou_eve", group, bot.Cards(group)[0].Message, bot.Cards(group)[0].Buttons[0], null), "card");
        Assert.Contains("not paired", stranger.Data!.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal(0, bot.Platform.Connections.Opened);
        Assert.Contains("waited for at", (await bot.Owner.TestEntryAsync("feishu", CancellationToken.None))[^1], StringComparison.Ordinal);

        await bot.RestartAsync();
        await bot.MessageAsync("hello", chat: group);
        await Wait.UntilAsync(() => bot.Cards(group).Count(c => c.Title.Contains("Complete", StringComparison.Ordinal)) == 2, "two turns");
    }

    [Fact]
    public async Task Nothing_but_what_the_platform_signed_now_is_answered()
    {
        await using var bot = await TestBot.StartAsync(_endpoint, []);
        var webhook = bot.Webhook!;
        var payload = FakeEvents.Message("ev_x", "ou_eve", "oc_direct_ou_eve", isDirect: true, "hi", "text");
        var now = TimeProvider.System.GetUtcNow();
        Assert.Equal(401, (await FakeWebhook.SendAsync(webhook.Plain(payload))).Code);
        Assert.Equal(401, (await FakeWebhook.SendAsync(webhook.Plain("""{"encrypt":"AAAA"}"""))).Code);
        Assert.Equal(401, (await webhook.DeliverAsync(payload, at: now.AddMinutes(-6))).Code);
        using (var changed = webhook.Signed(payload, "event", "n1", now))
        {
            changed.Content = new StringContent(await changed.Content!.ReadAsStringAsync() + " ", Encoding.UTF8, "application/json");
            Assert.Equal(401, (await FakeWebhook.SendAsync(changed)).Code);
        }

        Assert.Equal(200, (await webhook.DeliverAsync(payload, nonce: "n2")).Code);
        var again = await webhook.DeliverAsync(payload, nonce: "n2");
        Assert.Equal((401, null), (again.Code, again.Data)); // nothing that says more

        var question = await FakeWebhook.SendAsync(webhook.Plain(
            $$"""{"encrypt":"{{FakeWebhook.Encrypted("""{"challenge":"abc","token":"t","type":"url_verification"}""")}}"}"""));
        Assert.Equal((200, """{"challenge":"abc"}"""), (question.Code, question.Data!.ToJsonString()));

        using var get = new HttpRequestMessage(HttpMethod.Get, $"http://{_endpoint}/feishu/events");
        Assert.Equal(404, (await FakeWebhook.SendAsync(get)).Code);
        using var other = new HttpRequestMessage(HttpMethod.Post, $"http://{_endpoint}/v1/relay");
        Assert.Equal(404, (await FakeWebhook.SendAsync(other)).Code);
        using var tooLong = webhook.Plain(new string('x', WebhookIntake.LongestBody + 1));
        tooLong.Headers.ExpectContinue = true; // else the answer may close what the body is still written to
        Assert.Equal(413, (await FakeWebhook.SendAsync(tooLong)).Code);
        Assert.DoesNotContain(FakeWebhook.Key, bot.Log, StringComparison.Ordinal);
        Assert.Equal(1, bot.Log.Split("requests to the webhook were refused").Length - 1); // once a minute
    }

    [Fact]
    public async Task What_could_not_be_taken_is_taken_when_the_same_request_comes_again()
    {
        await using var bot = await TestBot.StartAsync(_endpoint, []);
        var group = await bot.GroupAsync();
        var payload = FakeEvents.Message("ev_y", "ou_ada", group, isDirect: false, "/status", "text");
        bot.Platform.Messages["om_of_ev_y"] = new FakeMessage("om_of_ev_y", "ou_ada", "text", "/status", null);
        bot.Notes.IsFull = true;
        Assert.Equal(500, (await bot.Webhook!.DeliverAsync(payload, nonce: "n3")).Code);
        bot.Notes.IsFull = false;
        Assert.Equal(200, (await bot.Webhook!.DeliverAsync(payload, nonce: "n3")).Code);
        await Wait.UntilAsync(() => bot.Cards(group).Count(c => c.Title.Contains("Workspace", StringComparison.Ordinal)) == 2, "it is done");
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Who_sends_half_a_request_and_waits_is_closed_and_keeps_nobody_out()
    {
        await using var bot = await TestBot.StartAsync(_endpoint, []);
        using var headers = new TcpClient();
        await headers.ConnectAsync(_endpoint);
        await headers.GetStream().WriteAsync("POST /feishu/events HTTP/1.1\r\nHost: x\r\n"u8.ToArray());
        using var body = new TcpClient();
        await body.ConnectAsync(_endpoint);
        await body.GetStream().WriteAsync("POST /feishu/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"u8.ToArray());

        Assert.Equal(200, (await bot.Webhook!.DeliverAsync(
            FakeEvents.Message("ev_z", "ou_eve", "oc_direct_ou_eve", isDirect: true, "hi", "text"))).Code);
        await EndAsync(headers);
        await EndAsync(body);

        static async Task EndAsync(TcpClient client)
        {
            var read = new byte[1024];
            using var limit = new CancellationTokenSource(Wait.Limit);
            try
            {
                while (await client.GetStream().ReadAsync(read, limit.Token) > 0)
                {
                    // what it says of the request
                }
            }
            catch (IOException)
            {
                // closed so
            }
        }
    }

    [Fact]
    public async Task Where_somebody_listens_already_the_status_says_what_to_do()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        await using var bot = await TestBot.BeginAsync((IPEndPoint)taken.LocalEndpoint);
        var status = await Wait.SeeAsync(() => bot.Bot.Status, s => s.State == EntryState.Failed, "the refusal");
        Assert.Contains("feishu config --webhook", status.Reason, StringComparison.Ordinal);
    }
}
