using System.Runtime.Versioning;
using System.Text;
using PocketCoder.Feishu.Api;
using PocketCoder.Testing;
using PocketCoder.Testing.Feishu;

namespace PocketCoder.Feishu.Tests.Api;

/// <summary>The operations against the fake server; the client's clock stands still until the test moves it.</summary>
public sealed class ClientTests : IAsyncLifetime
{
    private const string Tokens = "/open-apis/auth";
    private const string Messages = "/open-apis/im/v1/messages";
    private const string Card = """{"schema":"2.0","config":{"update_multi":true},"body":{"elements":[]}}""";

    private readonly ManualTime _time = new();
    private readonly CancellationToken _ct = TestContext.Current.CancellationToken;
    private FakeFeishu _fake = null!;
    private FeishuClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _fake = await FakeFeishu.StartAsync();
        _client = new FeishuClient(_fake.App, _time);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _fake.DisposeAsync();
    }

    [Fact]
    public async Task Many_at_once_ask_for_one_token()
    {
        var sent = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => _client.SendTextAsync(FeishuReceiver.Chat, "oc_1", "hi", $"u{i}", _ct)));
        Assert.Equal(20, sent.Distinct().Count());
        Assert.Equal(1, _fake.Count("POST", Tokens));
    }

    [Fact]
    public async Task A_token_is_asked_for_again_ten_minutes_before_its_end()
    {
        await SendAsync();
        _time.Advance(TimeSpan.FromSeconds(_fake.TokenLife) - TimeSpan.FromMinutes(10) - TimeSpan.FromSeconds(1));
        await SendAsync();
        Assert.Equal(1, _fake.Count("POST", Tokens));
        _time.Advance(TimeSpan.FromSeconds(1));
        await SendAsync();
        Assert.Equal(2, _fake.Count("POST", Tokens));
    }

    [Fact]
    public async Task While_the_old_token_is_good_nobody_notices_that_the_next_can_not_be_had()
    {
        await SendAsync();
        _time.Advance(TimeSpan.FromSeconds(_fake.TokenLife) - TimeSpan.FromMinutes(5));
        _fake.NextCode(Tokens, 1, 500);
        await SendAsync();
        Assert.Equal((2, 2), (_fake.Count("POST", Tokens), _fake.Messages.Count));
    }

    [Fact]
    public async Task A_token_that_is_refused_is_dropped_and_the_request_sent_once_more()
    {
        await SendAsync();
        _fake.RevokeTokens();
        await SendAsync();
        Assert.Equal((2, 2), (_fake.Count("POST", Tokens), _fake.Messages.Count));
    }

    [Theory]
    [InlineData(99991661)]
    [InlineData(99991663)]
    [InlineData(99991668)]
    public async Task A_new_token_that_is_refused_too_is_the_end(long code)
    {
        _fake.NextCode(Messages, code);
        _fake.NextCode(Messages, code);
        var error = await Assert.ThrowsAsync<FeishuException>(SendAsync);
        Assert.Equal((FeishuError.Unauthorised, code, false), (error.Error, error.Code, error.Retryable));
        Assert.Equal((2, 2), (_fake.Count("POST", Tokens), _fake.Count("POST", Messages)));
    }

    [Fact]
    public async Task A_wrong_secret_is_said_and_not_shown()
    {
        using var wrong = new FeishuClient(new FeishuApp(FakeFeishu.AppId, "another-s3cret", _fake.Address), _time);
        _fake.Next(Tokens, new FakeFault(Body: """{"code":10014,"msg":"the secret another-s3cret is wrong"}"""));
        var error = await Assert.ThrowsAsync<FeishuException>(() => wrong.SendTextAsync(FeishuReceiver.Chat, "oc_1", "hi", "u", _ct));
        Assert.Equal((FeishuError.Unauthorised, 10014L, false), (error.Error, error.Code, error.Retryable));
        Assert.DoesNotContain("another-s3cret", error.ToString());
        _fake.NextCode(Messages, 1);
        _fake.Next(Messages, new FakeFault(Body: $$"""{"code":5,"msg":"{{FakeFeishu.AppSecret}} and\n{{new string('x', 5000)}}"}"""));
        await Assert.ThrowsAsync<FeishuException>(SendAsync);
        error = await Assert.ThrowsAsync<FeishuException>(SendAsync);
        Assert.DoesNotContain(FakeFeishu.AppSecret, error.ToString());
        Assert.DoesNotContain('\n', error.Message);
        Assert.True(error.Message.Length < 500);
        Assert.DoesNotContain(FakeFeishu.AppSecret, $"{_fake.App}");
    }

    [Fact]
    public async Task A_refusal_has_its_code_its_name_and_whether_trying_again_helps()
    {
        _fake.NextCode(Messages, 230002);
        var error = await Assert.ThrowsAsync<FeishuException>(SendAsync);
        Assert.Equal((FeishuError.Refused, 230002L, 200, false), (error.Error, error.Code, error.HttpStatus, error.Retryable));
        Assert.StartsWith("log_", error.LogId);
        Assert.Equal(1, _fake.Count("POST", Messages));
    }

    [Theory]
    [InlineData(200, 99991400)]
    [InlineData(400, 99991400)]
    [InlineData(429, 99991400)]
    [InlineData(429, 5)]
    [InlineData(200, 11232)]
    [InlineData(200, 230020)]
    public async Task The_platforms_limit_is_waited_for_as_long_as_it_asks(int status, long code)
    {
        await SendAsync();
        _fake.NextCode(Messages, code, status, ("x-ogw-ratelimit-reset", "7"));
        var sending = SendAsync();
        await WaitsAsync(TimeSpan.FromSeconds(7));
        _time.Advance(TimeSpan.FromSeconds(6.9));
        Assert.Equal(2, _fake.Count("POST", Messages));
        Assert.False(sending.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.2));
        await sending.WaitAsync(Wait.Limit, _ct);
        Assert.Equal((3, 2), (_fake.Count("POST", Messages), _fake.Messages.Count));
    }

    [Fact]
    public async Task A_pause_that_is_too_long_is_told_and_held_by_those_that_follow()
    {
        await SendAsync();
        _fake.NextCode(Messages, 99991400, 429, ("x-ogw-ratelimit-reset", "9999"));
        var error = await Assert.ThrowsAsync<FeishuException>(SendAsync);
        Assert.Equal((FeishuError.RateLimited, TimeSpan.FromMinutes(5), true), (error.Error, error.RetryAfter, error.Retryable));
        error = await Assert.ThrowsAsync<FeishuException>(SendAsync);
        Assert.Equal(FeishuError.RateLimited, error.Error);
        Assert.Equal(2, _fake.Count("POST", Messages));
        _time.Advance(TimeSpan.FromMinutes(5));
        await SendAsync();
    }

    [Theory]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("-1")]
    [InlineData("1e9")]
    [InlineData("soon")]
    public async Task A_pause_that_is_no_time_is_none(string reset)
    {
        await SendAsync();
        _fake.NextCode(Messages, 99991400, 429, ("x-ogw-ratelimit-reset", reset));
        var sending = SendAsync();
        await WaitsAsync(TimeSpan.FromSeconds(1)); // as if it had asked for none
        _time.Advance(TimeSpan.FromSeconds(1));
        await sending.WaitAsync(Wait.Limit, _ct);
        Assert.Equal(2, _fake.Messages.Count);
    }

    [Fact]
    public async Task A_lost_answer_makes_no_second_message()
    {
        await SendAsync();
        _fake.Next(Messages, new FakeFault(Hangs: true, Does: true));
        _fake.Next(Messages, new FakeFault(502, "<html>", Does: true));
        var sending = _client.SendTextAsync(FeishuReceiver.Chat, "oc_1", "once", "the-uuid", _ct);
        await MoveUntilAsync(() => sending.IsCompleted);
        Assert.Equal("once", _fake.Messages[await sending].Content.Split('"')[3]);
        Assert.Equal((4, 2), (_fake.Count("POST", Messages), _fake.Messages.Count));
    }

    [Fact]
    public async Task Four_tries_are_the_most()
    {
        await SendAsync();
        for (var i = 0; i < 6; i++)
        {
            _fake.Next(Messages, new FakeFault(500, "in trouble"));
        }

        var sending = SendAsync();
        await MoveUntilAsync(() => sending.IsCompleted);
        var error = await Assert.ThrowsAsync<FeishuException>(() => sending);
        Assert.Equal((FeishuError.Unreachable, 500, true), (error.Error, error.HttpStatus, error.Retryable));
        Assert.Equal(5, _fake.Count("POST", Messages));
    }

    [Theory]
    [InlineData("no JSON")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"code\":\"0\"}")]
    [InlineData("{\"code\":0}")]
    [InlineData("{\"code\":0,\"data\":{\"message_id\":\"../x\"}}")]
    [InlineData("{\"code\":0,\"code\":0,\"data\":{\"message_id\":\"om_1\"}}")]
    public async Task An_answer_that_is_none_is_a_typed_error(string body)
    {
        _fake.Next(Messages, new FakeFault(Body: body));
        Assert.Equal(FeishuError.Malformed, (await Assert.ThrowsAsync<FeishuException>(SendAsync)).Error);
    }

    [Fact]
    public async Task An_answer_that_is_too_long_is_not_read_to_its_end()
    {
        _fake.Next(Messages, new FakeFault(Body: new string(' ', FeishuHttp.LongestAnswer + 1)));
        Assert.Equal(FeishuError.TooLarge, (await Assert.ThrowsAsync<FeishuException>(SendAsync)).Error);
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        _fake.Next(Messages, new FakeFault(302, "{}", Headers: ("Location", new Uri(_fake.Address, "/open-apis/elsewhere").ToString())));
        await Assert.ThrowsAsync<FeishuException>(SendAsync);
        Assert.Equal(0, _fake.Count("GET", "/open-apis/elsewhere") + _fake.Count("POST", "/open-apis/elsewhere"));
    }

    [Fact]
    public async Task Who_gives_up_gets_a_cancellation_and_the_others_their_token()
    {
        _fake.Next(Tokens, new FakeFault(Hangs: true));
        using var stop = new CancellationTokenSource();
        var first = _client.SendTextAsync(FeishuReceiver.Chat, "oc_1", "a", "u1", stop.Token);
        await Wait.UntilAsync(() => _fake.Count("POST", Tokens) == 1, "the question for a token");
        var second = _client.SendTextAsync(FeishuReceiver.Chat, "oc_1", "b", "u2", _ct);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first.WaitAsync(Wait.Limit, _ct));
        await MoveUntilAsync(() => second.IsCompleted);
        Assert.Single(_fake.Messages);
        await second;
    }

    [Fact]
    public async Task Messages_cards_and_replies_arrive_as_they_were_meant()
    {
        var text = await _client.SendTextAsync(FeishuReceiver.Person, "ou_ann", "say \"hi\"\n🙂", "u1", _ct);
        Assert.Equal("?receive_id_type=open_id", _fake.Requests[^1].Query);
        Assert.Equal("say \"hi\"\n🙂", (string?)System.Text.Json.Nodes.JsonNode.Parse(_fake.Messages[text].Content)!["text"]);
        var card = await _client.SendCardAsync(FeishuReceiver.Chat, "oc_1", Card, "u2", _ct);
        Assert.Equal(("interactive", Card, "oc_1"), (_fake.Messages[card].Kind, _fake.Messages[card].Content, _fake.Messages[card].Receiver));
        var reply = await _client.ReplyTextAsync(card, "yes", thread: true, "u3", _ct);
        Assert.Equal((card, true), (_fake.Messages[reply].Parent, (bool)_fake.Requests[^1].Body!["reply_in_thread"]!));
        Assert.NotNull(_fake.Messages[reply].Thread);
        var kit = await _client.ReplyMadeCardAsync(reply, await _client.CreateCardAsync(Card, _ct), thread: true, "u5", _ct);
        Assert.Equal((reply, _fake.Messages[reply].Thread), (_fake.Messages[kit].Parent, _fake.Messages[kit].Thread));
        Assert.Equal(card, _fake.Messages[await _client.ReplyCardAsync(card, Card, thread: false, "u4", _ct)].Parent);
        await _client.ReplaceCardAsync(card, Card.Replace("[]", """[{"tag":"hr"}]""", StringComparison.Ordinal), _ct);
        Assert.Equal(2, _fake.Messages[card].Versions.Count);
        Assert.Equal(230099, (await Assert.ThrowsAsync<FeishuException>(() => _client.ReplaceCardAsync(card, "{}", _ct))).Code);
        Assert.Equal(FakeFeishu.BotOpenId, await _client.BotAsync(_ct));
    }

    [Fact]
    public async Task The_same_uuid_is_the_same_message_and_the_same_chat()
    {
        var first = await _client.SendTextAsync(FeishuReceiver.Chat, "oc_1", "a", "again", _ct);
        Assert.Equal(first, await _client.SendTextAsync(FeishuReceiver.Chat, "oc_1", "a", "again", _ct));
        var chat = await _client.CreateChatAsync("A project", "ou_ann", "chat-uuid", _ct);
        Assert.Equal(chat, await _client.CreateChatAsync("A project", "ou_ann", "chat-uuid", _ct));
        Assert.Single(_fake.Chats);
    }

    [Fact]
    public async Task All_pages_of_a_chats_members_are_read_and_a_list_without_end_is_refused()
    {
        var chat = await _client.CreateChatAsync("A project", "ou_ann", "u", _ct);
        await _client.AddMembersAsync(chat, ["ou_bob", "ou_cho", "ou_dan", "ou_eve"], _ct);
        var members = await _client.MembersAsync(chat, _ct);
        Assert.Equal(["ou_ann", "ou_bob", "ou_cho", "ou_dan", "ou_eve"], members.Select(m => m.OpenId));
        Assert.Equal(232006, (await Assert.ThrowsAsync<FeishuException>(() => _client.MembersAsync("oc_none", _ct))).Code);
        _fake.Next("/open-apis/im/v1/chats", new FakeFault(Body: """{"code":0,"data":{"items":[],"has_more":true,"page_token":"x"}}"""));
        Assert.Equal(FeishuError.TooLarge, (await Assert.ThrowsAsync<FeishuException>(() => _client.MembersAsync(chat, _ct))).Error);
    }

    [Fact]
    public async Task A_card_is_made_sent_streamed_to_and_ended()
    {
        var card = await _client.CreateCardAsync(Card, _ct);
        await _client.SendMadeCardAsync(FeishuReceiver.Chat, "oc_1", card, "u1", _ct);
        await _client.StreamAsync(card, "out", "a", 1, "u2", _ct);
        await _client.StreamAsync(card, "out", "ab", 2, "u3", _ct);
        await _client.StreamAsync(card, "out", "ab", 2, "u3", _ct); // the answer was lost
        Assert.Equal(300317, (await Assert.ThrowsAsync<FeishuException>(() => _client.StreamAsync(card, "out", "x", 2, "u4", _ct))).Code);
        await _client.SetCardAsync(card, """{"config":{"streaming_mode":false}}""", 3, "u5", _ct);
        await _client.ReplaceMadeCardAsync(card, """{"schema":"2.0","body":{"elements":[]}}""", 4, "u6", _ct);
        var made = _fake.Cards[card];
        Assert.Equal(("ab", 4L, """{"schema":"2.0","body":{"elements":[]}}"""), (made.Elements["out"], made.Sequence, made.Data));
        Assert.Equal(230099, (await Assert.ThrowsAsync<FeishuException>(
            () => _client.SendMadeCardAsync(FeishuReceiver.Chat, "oc_1", card, "u7", _ct))).Code);
    }

    [Fact]
    public async Task A_used_card_is_changed_twice_and_only_after_its_callback_was_answered()
    {
        await Assert.ThrowsAsync<FeishuException>(() => _client.UpdateUsedCardAsync("c-1", Card, _ct));
        _fake.CardTokens["c-1"] = 0;
        await _client.UpdateUsedCardAsync("c-1", Card, _ct);
        _fake.Next("/open-apis/interactive", new FakeFault(502, "<html>", Does: true));
        Assert.Equal(FeishuError.Unreachable, (await Assert.ThrowsAsync<FeishuException>(() => _client.UpdateUsedCardAsync("c-1", Card, _ct))).Error);
        Assert.Equal(2, _fake.CardTokens["c-1"]); // a try that may have counted is not made again
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("a?b")]
    [InlineData("a%2fb")]
    [InlineData("om_ü")]
    public async Task An_id_that_is_none_is_never_part_of_an_address(string id)
    {
        Func<Task>[] calls =
        [
            () => _client.SendTextAsync(FeishuReceiver.Chat, id, "x", "u", _ct), () => _client.ReplaceCardAsync(id, Card, _ct),
            () => _client.ReplyTextAsync(id, "x", false, "u", _ct), () => _client.MembersAsync(id, _ct),
            () => _client.CreateChatAsync("n", id, "u", _ct), () => _client.CreateChatAsync("n", "ou_ann", id, _ct),
            () => _client.StreamAsync(id, "e", "x", 1, "u", _ct), () => _client.StreamAsync("7400", id, "x", 1, "u", _ct),
            () => _client.SetCardAsync(id, "{}", 1, "u", _ct), () => _client.AddMembersAsync("oc_1", [id], _ct),
            () => _client.DownloadAsync("om_1", id, FeishuResource.File, "never", 1, _ct),
        ];
        foreach (var call in calls)
        {
            Assert.Equal(FeishuError.Invalid, (await Assert.ThrowsAsync<FeishuException>(call)).Error);
        }

        Assert.Empty(_fake.Requests);
    }

    [Fact]
    public async Task Cards_and_texts_that_the_platform_would_refuse_are_not_sent()
    {
        var long_ = $$"""{"a":"{{new string('x', FeishuClient.LongestCard)}}"}""";
        Assert.Equal(FeishuError.TooLarge, (await Assert.ThrowsAsync<FeishuException>(
            () => _client.SendCardAsync(FeishuReceiver.Chat, "oc_1", long_, "u", _ct))).Error);
        Assert.Equal(FeishuError.Invalid, (await Assert.ThrowsAsync<FeishuException>(
            () => _client.SendCardAsync(FeishuReceiver.Chat, "oc_1", "{} {}", "u", _ct))).Error);
        Assert.Equal(FeishuError.TooLarge, (await Assert.ThrowsAsync<FeishuException>(
            () => _client.SendTextAsync(FeishuReceiver.Chat, "oc_1", new string('ü', FeishuClient.LongestText / 2 + 1), "u", _ct))).Error);
        Assert.Empty(_fake.Requests);
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task A_file_comes_whole_and_private_or_not_at_all()
    {
        var folder = Directory.CreateTempSubdirectory("feishu-");
        try
        {
            var path = Path.Combine(folder.FullName, "got");
            _fake.Files["file_1"] = Encoding.UTF8.GetBytes(new string('z', 200_000));
            Assert.Equal(200_000, await _client.DownloadAsync("om_1", "file_1", FeishuResource.File, path, 200_000, _ct));
            Assert.Equal(_fake.Files["file_1"], await File.ReadAllBytesAsync(path, _ct));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            await Assert.ThrowsAsync<IOException>(() => _client.DownloadAsync("om_1", "file_1", FeishuResource.File, path, 200_000, _ct));
            Assert.Equal(200_000, new FileInfo(path).Length);

            var other = Path.Combine(folder.FullName, "other");
            Assert.Equal(FeishuError.TooLarge, (await Assert.ThrowsAsync<FeishuException>(
                () => _client.DownloadAsync("om_1", "file_1", FeishuResource.File, other, 199_999, _ct))).Error);
            Assert.Equal(FeishuError.Refused, (await Assert.ThrowsAsync<FeishuException>(
                () => _client.DownloadAsync("om_1", "none", FeishuResource.Image, other, 1, _ct))).Error);
            _fake.RevokeTokens();
            Assert.Equal(200_000, await _client.DownloadAsync("om_1", "file_1", FeishuResource.File, other, 200_000, _ct));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("http://open.feishu.cn")]
    [InlineData("https://open.feishu.cn/path")]
    [InlineData("https://user@open.feishu.cn")]
    [InlineData("https://open.feishu.cn/#x")]
    [InlineData("ftp://127.0.0.1")]
    public void The_secret_goes_to_an_encrypted_address_or_to_this_computer(string domain)
    {
        Assert.Equal(FeishuError.Invalid, Assert.Throws<FeishuException>(() => new FeishuApp("cli_1", "secret", new Uri(domain))).Error);
        Assert.NotNull(new FeishuApp("cli_1", "secret", new Uri("https://open.larksuite.com")));
        Assert.Throws<FeishuException>(() => new FeishuApp("cli 1", "secret", new Uri("https://open.feishu.cn")));
        Assert.Throws<FeishuException>(() => new FeishuApp("cli_1", "sec\nret", new Uri("https://open.feishu.cn")));
    }

    private Task SendAsync() => _client.SendTextAsync(FeishuReceiver.Chat, "oc_1", "hi", Guid.CreateVersion7().ToString("N"), _ct);

    /// <summary>Until the client waits so long. That a request came says less: its own limit runs until its answer was read.</summary>
    private Task<TimeSpan?> WaitsAsync(TimeSpan pause) => Wait.SeeAsync(() => _time.NextDue, due => due == pause, "the client's wait");

    /// <summary>
    /// Ends one wait of the client after the other until it holds. A request's own limit ends only those that the fake does not answer, so
    /// that it makes no difference how slow this machine is.
    /// </summary>
    private Task MoveUntilAsync(Func<bool> holds)
    {
        var left = 0;
        return Wait.UntilAsync(
            () =>
            {
                var due = holds() ? null : _time.NextDue;
                if (due < FeishuHttp.Limit || (due == FeishuHttp.Limit && _fake.Hung > left))
                {
                    left += due == FeishuHttp.Limit ? 1 : 0;
                    _time.Advance(due.Value);
                }

                return holds();
            },
            "what time brings");
    }
}
