using System.Text.Json.Nodes;
using PocketCoder.Feishu.Api;
using PocketCoder.Feishu.Cards;
using PocketCoder.Feishu.Live;
using PocketCoder.Feishu.Tests.Cards;
using PocketCoder.Testing;
using PocketCoder.Testing.Feishu;

namespace PocketCoder.Feishu.Tests.Live;

/// <summary>A card that follows a turn, against the fake platform; the clock stands still until the test moves it.</summary>
public sealed class LiveCardTests : IAsyncLifetime
{
    private const string Kit = "/open-apis/cardkit/v1/cards";
    private const string Messages = "/open-apis/im/v1/messages";
    private static readonly LivePlace s_place = new(FeishuReceiver.Chat, "oc_1", "live-1");

    private readonly ManualTime _time = new();
    private readonly List<string> _kept = []; // cards that were made
    private readonly CancellationToken _ct = TestContext.Current.CancellationToken;
    private FakeFeishu _fake = null!;
    private FeishuClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _fake = await FakeFeishu.StartAsync();
        _client = new FeishuClient(_fake.App, TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _fake.DisposeAsync();
    }

    [Fact]
    public async Task Output_is_streamed_the_latest_wins_and_the_end_is_a_whole_card()
    {
        await using var live = await BeginAsync();
        var card = _fake.Cards[live.Handle.CardId!];
        Assert.True((bool?)JsonNode.Parse(card.Data)!["config"]!["streaming_mode"]);
        live.Update(Card("one"));
        await Wait.UntilAsync(() => Streamed(card) == "one" && _time.ArmedTimers == 1, "the first output");
        for (var i = 0; i < 100; i++)
        {
            live.Update(Card($"n{i}"));
        }

        Assert.Equal("one", Streamed(card));
        _time.Advance(TimeSpan.FromMilliseconds(250));
        await Wait.UntilAsync(() => Streamed(card) == "n99", "the latest output");
        Assert.Equal(2, _fake.Count("PUT", Kit));
        var end = await live.FinishAsync(Card("done", CardState.Complete), _ct);
        Assert.Equal(live.Handle, end);
        Assert.Contains("done", card.Data);
        Assert.Null(JsonNode.Parse(card.Data)!["config"]!["streaming_mode"]);
        Assert.Equal("""{"config":{"streaming_mode":false}}""", Assert.Single(card.Settings));
        Assert.Single(_fake.Messages);
    }

    [Fact]
    public async Task A_card_that_looks_otherwise_is_replaced()
    {
        await using var live = await BeginAsync();
        var card = _fake.Cards[live.Handle.CardId!];
        live.Update(Card("one", CardState.Waiting));
        await Wait.UntilAsync(() => card.Data.Contains("Waiting", StringComparison.Ordinal), "the other state");
        Assert.Empty(card.Elements);
    }

    [Fact]
    public async Task Without_CardKit_the_whole_card_is_replaced()
    {
        _fake.NextCode(Kit, 99991672); // no such right
        await using var live = await BeginAsync();
        Assert.Null(live.Handle.CardId);
        live.Update(Card("two"));
        await Wait.UntilAsync(() => _fake.Messages[live.Handle.MessageId].Content.Contains("two", StringComparison.Ordinal), "the output");
        await live.FinishAsync(Card("done", CardState.Complete), _ct);
        Assert.Contains("done", Assert.Single(_fake.Messages.Values).Content);
    }

    [Fact]
    public async Task Without_any_card_the_text_is_sent_and_at_the_end_once_more()
    {
        _fake.NextCode(Kit, 99991672);
        _fake.NextCode(Messages, 230099);
        await using var live = await BeginAsync();
        Assert.True(live.Handle.IsText);
        Assert.Equal("text", _fake.Messages[live.Handle.MessageId].Kind);
        live.Update(Card("two"));
        await live.FinishAsync(Card("done", CardState.Complete), _ct);
        Assert.Equal(2, _fake.Messages.Count);
        Assert.Contains("done", _fake.Messages[live.Handle.MessageId].Content);
    }

    [Fact]
    public async Task A_message_that_can_not_be_changed_any_more_gets_a_new_one_at_the_end()
    {
        await using var live = await BeginAsync();
        var first = live.Handle.MessageId;
        _fake.NextCode(Kit, 300309);
        _fake.NextCode(Messages, 230031);
        live.Update(Card("two"));
        await Wait.UntilAsync(() => _fake.Count("PUT", Kit) == 1 && _time.ArmedTimers == 1, "the refused change");
        _time.Advance(TimeSpan.FromMilliseconds(250));
        await Wait.UntilAsync(() => _fake.Count("PATCH", Messages) == 1, "the refused replacement");
        var end = await live.FinishAsync(Card("done", CardState.Complete), _ct);
        Assert.NotEqual(first, end.MessageId);
        Assert.Contains("done", _fake.Messages[end.MessageId].Content);
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(0.0)] // it starts again within the same quarter of a second
    [InlineData(-1.0)]
    [InlineData(-60 * 60.0)] // the clock was set back meanwhile
    [InlineData(-18 * 60 * 60.0)]
    public async Task After_a_restart_the_same_message_goes_on_with_a_sequence_that_grows(double later)
    {
        LiveHandle handle;
        await using (var before = await BeginAsync())
        {
            handle = before.Handle;
            before.Update(Card("one"));
            await Wait.UntilAsync(() => Streamed(_fake.Cards[handle.CardId!]) == "one", "the first output");
        }

        _time.JumpWall(TimeSpan.FromSeconds(later));
        await using var live = LiveCard.TakeOver(_client, _time, s_place, handle);
        live.Update(Card("two"));
        await Wait.UntilAsync(() => _fake.Cards[handle.CardId!].Data.Contains("two", StringComparison.Ordinal), "the output after the restart");
        await live.FinishAsync(Card("done", CardState.Complete), _ct);
        Assert.Contains("done", _fake.Cards[handle.CardId!].Data);
        Assert.Single(_fake.Messages);
    }

    [Fact]
    public async Task A_card_that_was_sent_before_that_was_known_goes_on_in_the_message_that_shows_it()
    {
        await using var before = await BeginAsync();
        await using var live = await BeginAsync(Assert.Single(_kept)); // the answer was lost, or the daemon was killed
        Assert.Equal(before.Handle, live.Handle);
        Assert.Single(_kept);
        live.Update(Card("two"));
        await live.FinishAsync(Card("done", CardState.Complete), _ct);
        Assert.Contains("done", SeenCard.Of(_fake, Assert.Single(_fake.Messages.Values), "oc_1").Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_shown_to_its_end_is_shown_so_again_in_the_same_message()
    {
        await using var before = await BeginAsync();
        var handle = await before.FinishAsync(Card("done", CardState.Complete), _ct);
        await using var live = LiveCard.TakeOver(_client, _time, s_place, handle); // the daemon was killed before it kept that
        Assert.Equal(handle, await live.FinishAsync(Card("done", CardState.Complete), _ct));
        Assert.Single(_fake.Messages);
    }

    private static FeishuCard Card(string output, CardState state = CardState.Running)
        => CardRenderer.Render(new TurnView("ses-1", "trn-1", state, "codex", null, "/srv", output), CardSamples.Context());

    private static string? Streamed(FakeCard card) => card.Elements.GetValueOrDefault("live");

    private Task<LiveCard> BeginAsync(string? made = null) => LiveCard.BeginAsync(
        _client, _time, s_place, Card("start"), made,
        card =>
        {
            _kept.Add(card);
            return Task.CompletedTask;
        },
        _ct);
}
