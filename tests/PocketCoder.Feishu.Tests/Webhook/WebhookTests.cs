using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using PocketCoder.Feishu.Events;
using PocketCoder.Feishu.Webhooks;
using PocketCoder.Testing.Feishu;

namespace PocketCoder.Feishu.Tests.Webhooks;

public sealed class WebhookTests
{
    private const string Key = "kudryavka";
    private const string Token = "verify-me";

    private const string EncryptedChallenge = "AAECAwQFBgcICQoLDA0OD0sTh5p2kxCxJ4Y4VGTqc3bvanB87bHb6DXd3qQG7MVNuYIzQ/mN+3WxYg3PWvkDkU9kyLUCXB3jeO+jKR5e4rE=";
    private const string VectorSignature = "20f2a502c3df2dfa9dad573ddea6703933c9ada916ab488e239e43629c351cbf";

    private static readonly DateTimeOffset s_now = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);
    private static readonly TimeSpan s_budget = TimeSpan.FromSeconds(2);
    private static readonly FeishuApp s_app = new(FakeFeishu.AppId, FakeFeishu.AppSecret, new Uri("https://open.feishu.cn"));

    [Fact]
    public void The_cipher_opens_what_the_platform_documents()
    {
        Assert.Equal("hello world", Encoding.UTF8.GetString(WebhookCipher.Open("test key"u8, "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=")));
        Assert.Equal("""{"challenge":"abc","token":"vt","type":"url_verification"}""", Encoding.UTF8.GetString(WebhookCipher.Open("kudryavka"u8, EncryptedChallenge)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("AAAA")]
    [InlineData("no base64!")]
    [InlineData("P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghg=")]
    [InlineData("P37w+VZImNgPEO1RBhJ6Rg==")]
    public void What_it_can_not_open_is_one_error_whatever_the_reason(string text)
        => Assert.Equal(
            "An encrypted body can't be opened with the app's key.",
            Assert.Throws<FeishuException>(() => WebhookCipher.Open("test key"u8, text)).Message);

    [Fact]
    public void The_question_about_the_address_is_answered_encrypted_and_plain()
    {
        Assert.Equal(new WebhookRequest.Challenge("abc"), Read(new WebhookIntake(s_app, Key, "vt"), Encrypted(EncryptedChallenge)));
        Assert.Equal(new WebhookRequest.Challenge("abc"), Read(new WebhookIntake(s_app, Key, null), Encrypted(EncryptedChallenge)));
        Assert.Equal(
            new WebhookRequest.Challenge("xyz"),
            Read(new WebhookIntake(s_app, null, Token), """{"challenge":"xyz","token":"verify-me","type":"url_verification"}"""));
    }

    [Fact]
    public void The_signature_of_the_platforms_example_is_accepted()
        => Assert.Equal(
            new WebhookRequest.Challenge("abc"),
            Read(new WebhookIntake(s_app, Key, "vt"), Encrypted(EncryptedChallenge), ("1700000000", "nonce1", VectorSignature)));

    [Fact]
    public void The_question_is_not_answered_for_another_token()
    {
        Refused(Read(new WebhookIntake(s_app, Key, "other"), Encrypted(EncryptedChallenge)), 401);
        Refused(Read(new WebhookIntake(s_app, null, Token), """{"challenge":"xyz","token":"verify-mf","type":"url_verification"}"""), 401);
        Refused(Read(new WebhookIntake(s_app, null, Token), """{"challenge":"xyz","type":"url_verification"}"""), 401);
    }

    [Fact]
    public void A_signed_event_is_taken_in_version_two_and_one()
    {
        var intake = new WebhookIntake(s_app, Key, Token);
        var taken = Assert.IsType<WebhookRequest.Event>(Signed(intake, Samples.Message(), "n1"));
        Assert.Equal("ev_1", taken.Delivery.EventId);
        Assert.IsType<MessageReceived>(taken.Delivery.Event);
        var old = Assert.IsType<WebhookRequest.Event>(Signed(
            intake, $$$"""{"uuid":"u1","token":"verify-me","ts":"1","type":"event_callback","event":{"type":"message","app_id":"{{{FakeFeishu.AppId}}}"}}""", "n2"));
        Assert.Equal(("u1", "message", 1L), (old.Delivery.EventId, old.Delivery.Type, intake.Unknown));
    }

    [Fact]
    public void The_same_request_again_is_refused_and_the_platforms_second_delivery_is_not()
    {
        var intake = new WebhookIntake(s_app, Key, Token);
        Assert.IsType<WebhookRequest.Event>(Signed(intake, Samples.Message(), "n1"));
        Assert.Contains("before", Refused(Signed(intake, Samples.Message(), "n1"), 401));
        Assert.IsType<WebhookRequest.Event>(Signed(intake, Samples.Message(), "n2"));
    }

    [Theory]
    [InlineData(-301, false)]
    [InlineData(-300, true)]
    [InlineData(300, true)]
    [InlineData(301, false)]
    public void The_time_of_a_request_is_now_or_it_is_refused(int seconds, bool taken)
        => Assert.Equal(taken, Signed(new WebhookIntake(s_app, Key, Token), Samples.Message(), "n1", s_now.AddSeconds(seconds)) is WebhookRequest.Event);

    [Fact]
    public void A_request_that_can_not_be_replayed_any_more_is_forgotten()
    {
        var store = new NonceStore(TimeSpan.FromMinutes(10));
        for (var i = 0; i < NonceStore.Most; i++)
        {
            Assert.Equal(NonceTaken.New, store.Take($"n{i}", s_now));
        }

        Assert.Equal(NonceTaken.NoRoom, store.Take("one more", s_now));
        Assert.Equal(NonceTaken.Before, store.Take("n0", s_now.AddMinutes(10)));
        Assert.Equal(NonceTaken.New, store.Take("one more", s_now.AddMinutes(10).AddSeconds(1)));
    }

    [Fact]
    public void A_changed_request_is_refused_before_it_is_opened()
    {
        var body = Body(Samples.Message());
        var good = Sign("1700000000", "n1", body);
        var intake = new WebhookIntake(s_app, Key, Token);
        Assert.Contains("signature", Refused(Read(intake, body + " ", ("1700000000", "n1", good)), 401));
        Assert.Contains("signature", Refused(Read(intake, body, ("1700000001", "n1", good)), 401));
        Assert.Contains("signature", Refused(Read(intake, body, ("1700000000", "n2", good)), 401));
        Assert.Contains("signature", Refused(Read(intake, body, ("1700000000", "n1", good[..^1])), 401));
        Assert.Contains("signature", Refused(Read(intake, body, ("1700000000", "n1", new string('z', 64))), 401));
        Assert.Contains("signature", Refused(Read(intake, body, ("1700000000", new string('n', 129), good)), 401));
        Assert.Contains("signature", Refused(Read(intake, body, ("1700000000", "", good)), 401));
        Assert.Contains("signature", Refused(Read(intake, body), 401));
        Assert.IsType<WebhookRequest.Event>(Read(intake, body, ("1700000000", "n1", good.ToUpperInvariant())));
    }

    [Fact]
    public void A_plain_body_is_refused_where_the_app_encrypts()
    {
        var body = Samples.Message();
        Refused(Read(new WebhookIntake(s_app, Key, Token), body), 401);
        Refused(Read(new WebhookIntake(s_app, Key, Token), body, ("1700000000", "n1", Sign("1700000000", "n1", body))), 401);
    }

    [Fact]
    public void The_token_counts_in_the_header_of_version_two_and_a_cards_own_token_is_another()
    {
        Assert.IsType<WebhookRequest.Event>(Read(new WebhookIntake(s_app, null, Token), Samples.Click()));
        Refused(Read(new WebhookIntake(s_app, null, "c-token"), Samples.Click()), 401);
        Refused(Read(new WebhookIntake(s_app, null, "other"), Samples.Message()), 401);
        Refused(Signed(new WebhookIntake(s_app, Key, "other"), Samples.Message(), "n1"), 401);
    }

    [Fact]
    public void Without_a_secret_there_is_no_webhook()
    {
        Assert.Equal(FeishuError.Invalid, Assert.Throws<FeishuException>(() => new WebhookIntake(s_app, null, "")).Error);
        Assert.Equal(FeishuError.Invalid, Assert.Throws<FeishuException>(() => new WebhookIntake(s_app, new string('k', 257), null)).Error);
    }

    [Fact]
    public void Too_much_is_refused_unread()
        => Refused(new WebhookIntake(s_app, null, Token).Read(_ => null, new byte[WebhookIntake.LongestBody + 1], s_now), 413);

    [Fact]
    public void An_event_for_another_app_is_refused()
        => Assert.Contains("another app", Refused(Signed(new WebhookIntake(s_app, Key, Token), Samples.Envelope("e", "x", [], app: "cli_other"), "n1"), 401));

    [Fact]
    public void Nothing_that_is_sent_does_more_than_be_refused()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        var plain = new WebhookIntake(s_app, null, Token);
        var encrypted = new WebhookIntake(s_app, Key, Token);
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < s_budget;)
        {
            var bytes = Encoding.UTF8.GetBytes(random.Next(2) == 0 ? Samples.Click() : Body(Samples.Message()));
            for (var changes = random.Next(1, 5); changes > 0; changes--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            string? Header(string name) => random.Next(3) == 0 ? null : name.EndsWith("Timestamp", StringComparison.Ordinal) ? "1700000000" : "00";
            var failure = Record.Exception(() => (plain.Read(Header, bytes, s_now), encrypted.Read(Header, bytes, s_now)));
            Assert.True(failure is null, $"seed {seed}: {Convert.ToHexString(bytes)}: {failure}");
        }
    }

    private static WebhookRequest Signed(WebhookIntake intake, string json, string nonce, DateTimeOffset? at = null)
    {
        var timestamp = (at ?? s_now).ToUnixTimeSeconds().ToString();
        var body = Body(json);
        return Read(intake, body, (timestamp, nonce, Sign(timestamp, nonce, body)));
    }

    private static string Body(string json)
    {
        using var aes = Aes.Create();
        aes.SetKey(SHA256.HashData(Encoding.UTF8.GetBytes(Key)));
        byte[] sealed_ = [.. aes.IV, .. aes.EncryptCbc(Encoding.UTF8.GetBytes(json), aes.IV)];
        return Encrypted(Convert.ToBase64String(sealed_));
    }

    private static string Encrypted(string text) => $$"""{"encrypt":"{{text}}"}""";

    private static string Sign(string timestamp, string nonce, string body)
        => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(timestamp + nonce + Key + body)));

    private static WebhookRequest Read(WebhookIntake intake, string body, (string Timestamp, string Nonce, string Signature)? signed = null)
        => intake.Read(
            name => signed is not { } s ? null : name.ToUpperInvariant() switch
            {
                "X-LARK-REQUEST-TIMESTAMP" => s.Timestamp,
                "X-LARK-REQUEST-NONCE" => s.Nonce,
                "X-LARK-SIGNATURE" => s.Signature,
                _ => null,
            },
            Encoding.UTF8.GetBytes(body), s_now);

    private static string Refused(WebhookRequest request, int status)
    {
        var refused = Assert.IsType<WebhookRequest.Refused>(request);
        Assert.Equal(status, refused.Status);
        return refused.Reason;
    }
}
