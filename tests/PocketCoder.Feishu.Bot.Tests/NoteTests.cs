using PocketCoder.Entry;
using PocketCoder.Feishu.Api;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Tests;

/// <summary>What the bot keeps can be read again, whatever of it is not there.</summary>
public sealed class NoteTests
{
    private static readonly DateTimeOffset s_at = new(2026, 11, 26, 7, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Each_kind_of_note_is_read_as_it_was_written()
    {
        var message = new MessageItem("om_1", true, null, [new FileItem("k", "", true)], null);
        var card = new CardItem("om_2", new Dictionary<string, string> { ["a"] = "stop" }, new Dictionary<string, IReadOnlyList<string>>());
        await SameAsync(Note.In, new InboxItem("m", s_at, "ou", "oc", message, null));
        await SameAsync(Note.In, new InboxItem("m", s_at, "ou", "oc", message with { Text = "你好 \"\u0001", Other = "sticker" }, null));
        await SameAsync(Note.In, new InboxItem("e", s_at, "ou", "oc", null, card));
        await SameAsync(Note.In, new InboxItem("m", s_at, "ou", "oc", message with { Named = [new NamedItem("ou_b", "Bo")] }, null));
        await SameAsync(Note.In, new InboxItem("m", s_at, "ou", "oc", message with { IsReply = true, InThread = true }, null));
        await SameAsync(Note.Thread, new FeishuReply("om", InThread: true));
        await SameAsync(Note.Done, new Mark(s_at));
        await SameAsync(Note.Nonce, new NonceNote("oc"));
        await SameAsync(Note.Nonce, new NonceNote("oc", "om", "d", "e"));
        await SameAsync(Note.Key, new KeyNote("k"));
        await SameAsync(Note.Place, new Place(Guid.CreateVersion7(), "oc", "ou", s_at));
        await SameAsync(Note.Place, new Place(
            Guid.CreateVersion7(), "oc", "ou", s_at, Guid.CreateVersion7(), "a", "m", "ou_b", [Scope.View],
            new Dictionary<string, RoleItem> { ["ou_c"] = new("Cy", [Scope.View, Scope.Decide]) }));
        await SameAsync(Note.Follow, new FollowMark("epoch", 7));
        await SameAsync(Note.Turn, new TurnNote("oc", "n", "om", null, IsText: true));
        await SameAsync(Note.Approval, new ApprovalNote("oc", "om", "Pending"));
        await SameAsync(Note.Files, new FilesNote([Guid.CreateVersion7()]));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("""{"chat":null}""")]
    [InlineData("""{"message":"om"}""")]
    public async Task A_note_that_cannot_be_read_is_as_none(string text)
    {
        var kept = new Kept();
        await kept.SetAsync(Note.Nonce.Prefix + "x", text, TimeSpan.FromDays(1), CancellationToken.None);
        Assert.Null(await new BotNotes(kept).FindAsync(Note.Nonce, "x", CancellationToken.None));
        Assert.Empty(await new BotNotes(kept).ListAsync(Note.Nonce, CancellationToken.None));
    }

    private static async Task SameAsync<T>(NoteKind<T> kind, T value)
        where T : class
    {
        var kept = new Kept();
        await new BotNotes(kept).SetAsync(kind, "key", value, CancellationToken.None);
        var read = await new BotNotes(kept).FindAsync(kind, "key", CancellationToken.None);
        Assert.Equivalent(value, read, strict: true);
        Assert.Equal("key", Assert.Single(await new BotNotes(kept).ListAsync(kind, CancellationToken.None)).Key);
    }

    private sealed class Kept : IEntryNotes
    {
        private readonly Dictionary<string, string> _all = new(StringComparer.Ordinal);

        public Task<bool> AddAsync(string key, string value, TimeSpan keep, CancellationToken cancellationToken)
            => Task.FromResult(_all.TryAdd(key, value));

        public Task SetAsync(string key, string value, TimeSpan keep, CancellationToken cancellationToken)
        {
            _all[key] = value;
            return Task.CompletedTask;
        }

        public Task<string?> FindAsync(string key, CancellationToken cancellationToken) => Task.FromResult(_all.GetValueOrDefault(key));

        public Task<string?> TakeAsync(string key, CancellationToken cancellationToken)
            => Task.FromResult(_all.Remove(key, out var value) ? value : null);

        public Task<IReadOnlyList<KeyValuePair<string, string>>> ListAsync(string prefix, int most, CancellationToken cancellationToken)
            => Task.FromResult<IReadOnlyList<KeyValuePair<string, string>>>(
                [.. _all.Where(n => n.Key.StartsWith(prefix, StringComparison.Ordinal)).Take(most)]);
    }
}
