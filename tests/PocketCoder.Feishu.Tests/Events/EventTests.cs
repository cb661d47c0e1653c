using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using PocketCoder.Feishu.Events;
using PocketCoder.Testing.Feishu;

namespace PocketCoder.Feishu.Tests.Events;

public sealed class EventTests
{
    private static readonly TimeSpan s_budget = TimeSpan.FromSeconds(3);
    private static readonly FeishuApp s_app = new(FakeFeishu.AppId, FakeFeishu.AppSecret, new Uri("https://open.feishu.cn"));

    [Fact]
    public void A_message_is_read_with_who_and_where()
    {
        var delivery = Read(Samples.Message());
        Assert.Equal(("ev_1", "im.message.receive_v1", "tenant", false), (delivery.EventId, delivery.Type, delivery.TenantKey, delivery.IsCallback));
        var message = Assert.IsType<MessageReceived>(delivery.Event);
        Assert.Equal(("om_of_ev_1", "oc_1", FeishuChatKind.Group, "ou_ann", FeishuSenderKind.Person),
            (message.MessageId, message.ChatId, message.ChatKind, message.SenderOpenId, message.SenderKind));
        Assert.Null(message.RootId);
        Assert.Equal(DateTimeOffset.FromUnixTimeMilliseconds(1700000000123), message.SentAt);
        Assert.Equal(new FeishuMention("@_user_1", FakeFeishu.BotOpenId, "PocketCoder"), Assert.Single(message.Mentions));
        Assert.Equal(new TextContent("@_user_1 hello"), message.Content);
    }

    [Theory]
    [InlineData("p2p", FeishuChatKind.Direct)]
    [InlineData("group", FeishuChatKind.Group)]
    [InlineData("topic_group", FeishuChatKind.Topics)]
    [InlineData("something new", FeishuChatKind.Other)]
    public void The_kind_of_chat_is_the_platforms_word(string word, FeishuChatKind kind)
        => Assert.Equal(kind, Assert.IsType<MessageReceived>(Read(Samples.Message(chat: word)).Event).ChatKind);

    [Fact]
    public void Images_files_and_other_kinds_have_their_own_shape()
    {
        Assert.Equal(new ImageContent("img_v2_1-a"), Content("image", """{"image_key":"img_v2_1-a"}"""));
        Assert.Equal(new FileContent("file_v2_1", "../../etc/pass wd"), Content("file", """{"file_key":"file_v2_1","file_name":"../../etc/pass wd"}"""));
        Assert.Equal(new OtherContent("sticker"), Content("sticker", "not even JSON"));
    }

    [Fact]
    public void Rich_text_becomes_text_and_keeps_its_images()
    {
        const string Post = """
            {"title":"Plan","content":[
              [{"tag":"text","text":"see "},{"tag":"a","href":"https://example.org/","text":"this"},{"tag":"at","user_id":"@_user_1","user_name":"PocketCoder"}],
              [{"tag":"img","image_key":"img_1"}],
              [{"tag":"code_block","language":"sh","text":"ls"}],
              [{"tag":"something_new","weight":7},{"tag":"text","text":"end"}]]}
            """;
        var content = Assert.IsType<PostContent>(Content("post", Post));
        Assert.Equal("Plan", content.Title);
        Assert.Equal("see this (https://example.org/)@_user_1\n\n```sh\nls\n```\nend", content.Text);
        Assert.Equal(["img_1"], content.ImageKeys);
        var inLanguage = Assert.IsType<PostContent>(Content("post", $$"""{"zh_cn":{{Post}}}"""));
        Assert.Equal((content.Title, content.Text), (inLanguage.Title, inLanguage.Text));
    }

    [Fact]
    public void A_cards_action_is_read_with_what_was_filled_in()
    {
        var delivery = Read(Samples.Click());
        Assert.True(delivery.IsCallback);
        var action = Assert.IsType<CardAction>(delivery.Event);
        Assert.Equal(("ou_ann", "c-token", "om_card", "oc_1", "button", "go"),
            (action.OperatorOpenId, action.Token, action.MessageId, action.ChatId, action.Tag, action.Name));
        Assert.Equal([("count", "3"), ("nonce", "n1"), ("sure", "true")],
            action.Value.Select(v => (v.Key, v.Value)).OrderBy(v => v.Key, StringComparer.Ordinal));
        Assert.Equal(["demo"], action.Form["name"]);
        Assert.Equal(["a", "b"], action.Form["several"]);
        Assert.Empty(action.Form["none"]);
        Assert.Null(action.Checked);
    }

    [Fact]
    public void What_is_shown_of_an_event_holds_no_content_and_no_token()
    {
        foreach (var text in (string[])[Read(Samples.Message()).ToString(), Read(Samples.Click()).ToString(), Content("text", """{"text":"hush"}""").ToString()])
        {
            Assert.DoesNotContain("hello", text);
            Assert.DoesNotContain("hush", text);
            Assert.DoesNotContain("c-token", text);
            Assert.DoesNotContain("n1", text);
        }
    }

    [Fact]
    public void A_kind_that_nothing_knows_is_named()
    {
        var delivery = Read(Samples.Envelope("ev", "im.chat.disbanded_v1", []));
        Assert.Equal((new UnknownEvent(), "im.chat.disbanded_v1"), (delivery.Event, delivery.Type));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"schema\":\"3.0\"}")]
    [InlineData("{\"schema\":\"2.0\"}")]
    [InlineData("{\"schema\":\"2.0\",\"schema\":\"2.0\",\"header\":{\"event_id\":\"e\",\"event_type\":\"x\"}}")]
    [InlineData("{\"schema\":\"2.0\",\"header\":{\"event_id\":\"a/../b\",\"event_type\":\"x\"}}")]
    [InlineData("{\"schema\":\"2.0\",\"header\":{\"event_id\":7,\"event_type\":\"x\"}}")]
    [InlineData("{\"schema\":\"2.0\",\"header\":{\"event_id\":\"e\",\"event_type\":\"\\ud800\"}}")]
    [InlineData("{\"schema\":\"2.0\",\"header\":{\"event_id\":\"e\",\"event_type\":\"card.action.trigger\"}}")]
    [InlineData("{\"schema\":\"2.0\",\"header\":{\"event_id\":\"e\",\"event_type\":\"card.action.trigger\"},\"event\":{\"action\":{\"value\":\"text\"}}}")]
    [InlineData("{\"schema\":\"2.0\",\"header\":{\"event_id\":\"e\",\"event_type\":\"card.action.trigger\"},\"event\":{\"action\":{\"value\":{\"a\":{}}}}}")]
    [InlineData("{\"schema\":\"2.0\",\"header\":{\"event_id\":\"e\",\"event_type\":\"card.action.trigger\"},\"event\":{\"action\":{\"value\":{\"\\ud800\":1}}}}")]
    [InlineData("{\"schema\":\"2.0\",\"header\":{\"event_id\":\"e\",\"event_type\":\"im.message.receive_v1\"},\"event\":{\"message\":{}}}")]
    public void Anything_else_is_a_typed_error(string json)
        => Assert.Equal(FeishuError.Malformed, Assert.Throws<FeishuException>(() => Read(json)).Error);

    [Fact]
    public void Everything_has_a_bound()
    {
        Assert.Equal(FeishuError.TooLarge, Assert.Throws<FeishuException>(
            () => EventParser.Read(new byte[EventParser.LongestEvent + 1], s_app)).Error);
        Assert.Throws<FeishuException>(() => Content("text", new JsonObject { ["text"] = new string('a', EventParser.LongestText + 1) }.ToJsonString()));
        var images = string.Join(',', Enumerable.Repeat("""[{"tag":"img","image_key":"i"}]""", EventParser.MostParts + 1));
        Assert.Throws<FeishuException>(() => Content("post", $$"""{"content":[{{images}}]}"""));
        Assert.Throws<FeishuException>(() => Read(string.Concat(Enumerable.Repeat("{\"a\":", 40)) + "1" + new string('}', 40)));
        var fields = new JsonObject(Enumerable.Range(0, EventParser.MostParts + 1).Select(i => KeyValuePair.Create($"f{i}", (JsonNode?)"v")));
        Assert.Throws<FeishuException>(
            () => Read(Samples.Envelope("e", "card.action.trigger", new JsonObject { ["action"] = new JsonObject { ["value"] = fields } })));
    }

    [Theory]
    [InlineData("@_user_1 run it", "run it")]
    [InlineData("  @_user_1  ", "")]
    [InlineData("ask @_user_2 and @_user_10, not @_user_3", "ask @Ann and @Ten, not @_user_3")]
    [InlineData("@_user_1@_user_2", "@Ann")]
    [InlineData("mail a@_b.example", "mail a@_b.example")]
    [InlineData("@_user_4", "@@_user_2")]
    [InlineData("🙂 @_user_1 \u202ex", "🙂 \u202ex")]
    public void Placeholders_become_names_and_the_bots_own_goes(string text, string plain)
    {
        FeishuMention[] mentions =
        [
            new("@_user_1", "ou_bot", "PocketCoder"), new("@_user_2", "ou_ann", "Ann"), new("@_user_10", null, "Ten"),
            new("@_user_4", "ou_bad", "@_user_2"),
        ];
        Assert.Equal(plain, Mentions.In(text, mentions, "ou_bot"));
    }

    [Fact]
    public void Without_knowing_the_bot_no_name_goes()
        => Assert.Equal("@Somebody hi", Mentions.In("@_user_1 hi", [new("@_user_1", null, "Somebody")], null));

    [Fact]
    public void No_event_does_more_than_fail_with_a_typed_error()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        string[] good =
        [
            Samples.Message(), Samples.Click(),
            Samples.Message(kind: "post", content: """{"title":"t","content":[[{"tag":"text","text":"a"},{"tag":"img","image_key":"i"}]]}"""),
        ];
        string[] pieces = ["null", "{}", "[]", "\"\"", "-1", "1e999", "true", "\"\\ud800\"", "\"\\u0000\"", "{\"a\":[[[]]]}"];
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < s_budget;)
        {
            var text = good[random.Next(good.Length)];
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                var at = random.Next(text.Length);
                if (random.Next(2) == 0)
                {
                    text = text[..at] + (char)random.Next(0x20, 0x7f) + text[(at + 1)..];
                }
                else
                {
                    // In the place of a value.
                    var colon = text.IndexOf(':', at);
                    var end = colon < 0 ? -1 : text.IndexOfAny([',', '}', ']'], colon);
                    text = end < 0 ? text[..at] : text[..(colon + 1)] + pieces[random.Next(pieces.Length)] + text[end..];
                }
            }

            var failure = Record.Exception(() => Read(text));
            Assert.True(failure is null or FeishuException, $"seed {seed}: {text}: {failure}");
        }
    }

    private static FeishuDelivery Read(string json) => EventParser.Read(Encoding.UTF8.GetBytes(json), s_app);

    private static MessageContent Content(string kind, string content)
        => Assert.IsType<MessageReceived>(Read(Samples.Message(kind: kind, content: content)).Event).Content;
}
