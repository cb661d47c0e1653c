using System.Text.Json;
using System.Text.Json.Nodes;
using PocketCoder.Entry;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Feishu.Bot.Sending;

namespace PocketCoder.Feishu.Bot.Inbox;

/// <param name="Now">What the platform shows at once; null: nothing.</param>
/// <param name="Later">What is sent; null: nothing.</param>
internal sealed record StrangersAnswer(ReadOnlyMemory<byte>? Now, Func<Task>? Later);

/// <summary>
/// People who are not paired: a code lets them in, everything else gets one answer in ten minutes, and only where nobody else reads it. A
/// thousand of them are remembered; while it is full, further ones get no answer. Thread-safe.
/// </summary>
internal sealed class Strangers(PeopleHere people, CardSender sender, TimeProvider time)
{
    private const string Word = "pair";
    private const int Most = 1_000;

    private static readonly TimeSpan s_quiet = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new(); // guards who was answered when
    private readonly Dictionary<string, long> _answered = new(StringComparer.Ordinal);

    /// <summary>The code in a message that asks to be paired; null: it does not.</summary>
    public static string? CodeIn(string text)
    {
        var words = text.Split((char[]?)null, 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return words is [var first, var code] && first.TrimStart('/').Equals(Word, StringComparison.OrdinalIgnoreCase) ? code : null;
    }

    public StrangersAnswer Answer(InboxItem item)
        => item.Message is not { } message ? new(Toast(sender.Say(BotWord.NotPairedShort)), null)
            : !message.IsDirect ? new(null, null)
            : message.Text is { } text && CodeIn(text) is { } code ? new(null, () => PairAsync(item, code))
            : IsDue(item.Account)
                ? new(null, () => sender.ReplyAsync(item, sender.Say(BotWord.NotPaired), "stranger", CancellationToken.None))
                : new(null, null);

    private async Task PairAsync(InboxItem item, string code)
    {
        string answer;
        try
        {
            answer = sender.Say(BotWord.Paired, await people.PairAsync(item.Account, code, CancellationToken.None));
        }
        catch (EntryRefusal e)
        {
            answer = $"⚠ {e.Message}";
        }

        await sender.ReplyAsync(item, answer, "paired", CancellationToken.None);
    }

    private bool IsDue(string account)
    {
        lock (_gate)
        {
            foreach (var past in _answered.Where(a => time.GetElapsedTime(a.Value) >= s_quiet).Select(a => a.Key).ToList())
            {
                _answered.Remove(past);
            }

            return _answered.Count < Most && _answered.TryAdd(account, time.GetTimestamp());
        }
    }

    private static ReadOnlyMemory<byte> Toast(string text) => JsonSerializer.SerializeToUtf8Bytes(
        new JsonObject { ["toast"] = new JsonObject { ["type"] = "warning", ["content"] = text } }, StrangersJson.Default.JsonObject);
}

[System.Text.Json.Serialization.JsonSerializable(typeof(JsonObject))]
internal sealed partial class StrangersJson : System.Text.Json.Serialization.JsonSerializerContext;
