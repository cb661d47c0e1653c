using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PocketCoder.Entry;
using PocketCoder.Feishu.Api;

namespace PocketCoder.Feishu.Bot.Keeping;

/// <summary>A kind of note: where its keys begin, how it is written and how long it is kept.</summary>
internal sealed record NoteKind<T>(string Prefix, JsonTypeInfo<T> Json, TimeSpan Keep)
    where T : class;

/// <summary>The kinds that there are.</summary>
internal static class Note
{
    /// <summary>Text in other letters than ASCII takes no more room than it has; it is in no page.</summary>
    private static readonly BotJson s_json = new(new JsonSerializerOptions(BotJson.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    /// <summary>The platform delivers again for some hours, and changes cards for 14 days.</summary>
    private static readonly TimeSpan s_days2 = TimeSpan.FromDays(2);
    private static readonly TimeSpan s_days14 = TimeSpan.FromDays(14);
    private static readonly TimeSpan s_year = TimeSpan.FromDays(400);

    public static NoteKind<InboxItem> In { get; } = new("in/", s_json.InboxItem, s_days14);

    public static NoteKind<Mark> Done { get; } = new("done/", s_json.Mark, s_days2);

    public static NoteKind<NonceNote> Nonce { get; } = new("n/", s_json.NonceNote, s_days14);

    public static NoteKind<KeyNote> Key { get; } = new("key/", s_json.KeyNote, s_year);

    public static NoteKind<Place> Place { get; } = new("place/", s_json.Place, s_year);

    /// <summary>Chat → the note of its place.</summary>
    public static NoteKind<Place> Chat { get; } = new("chat/", s_json.Place, s_year);

    public static NoteKind<FollowMark> Follow { get; } = new("follow/", s_json.FollowMark, s_year);

    public static NoteKind<TurnNote> Turn { get; } = new("turn/", s_json.TurnNote, s_days14);

    /// <summary>Chat → its newest workspace card.</summary>
    public static NoteKind<WorkspaceNote> Workspace { get; } = new("ws/", s_json.WorkspaceNote, s_days14);

    public static NoteKind<ApprovalNote> Approval { get; } = new("ask/", s_json.ApprovalNote, s_days14);

    /// <summary>Which message a turn or a message of ours belongs to.</summary>
    public static NoteKind<FeishuReply> Thread { get; } = new("at/", s_json.FeishuReply, s_days14);

    /// <summary>The machine forgets attachments that went with no prompt after a day.</summary>
    public static NoteKind<FilesNote> Files { get; } = new("files/", s_json.FilesNote, TimeSpan.FromDays(1));

    public static NoteKind<Mark> Hidden { get; } = new("hidden/", s_json.Mark, s_year);

    public static NoteKind<Mark> Archived { get; } = new("archived/", s_json.Mark, s_year);
}

/// <summary>The bot's notes as records. A note that can't be read (by an older version) is as none. Thread-safe.</summary>
internal sealed class BotNotes(IEntryNotes notes)
{
    private const int MostListed = 1_000;

    /// <summary>The longest note, in bytes.</summary>
    public const int MostBytes = 60 * 1024;

    /// <summary>Whether a value can be kept.</summary>
    public static bool Fits<T>(NoteKind<T> kind, T value)
        where T : class
        => JsonSerializer.SerializeToUtf8Bytes(value, kind.Json).Length <= MostBytes;

    public Task<bool> AddAsync<T>(NoteKind<T> kind, string key, T value, CancellationToken cancellationToken)
        where T : class
        => notes.AddAsync(kind.Prefix + key, JsonSerializer.Serialize(value, kind.Json), kind.Keep, cancellationToken);

    public Task SetAsync<T>(NoteKind<T> kind, string key, T value, CancellationToken cancellationToken)
        where T : class
        => notes.SetAsync(kind.Prefix + key, JsonSerializer.Serialize(value, kind.Json), kind.Keep, cancellationToken);

    public async Task<T?> FindAsync<T>(NoteKind<T> kind, string key, CancellationToken cancellationToken)
        where T : class
        => await notes.FindAsync(kind.Prefix + key, cancellationToken) is { } text ? Read(kind, text) : null;

    public async Task<bool> TakeAsync<T>(NoteKind<T> kind, string key, CancellationToken cancellationToken)
        where T : class
        => await notes.TakeAsync(kind.Prefix + key, cancellationToken) is not null;

    /// <summary>The first thousand of a kind.</summary>
    public async Task<IReadOnlyList<KeyValuePair<string, T>>> ListAsync<T>(
        NoteKind<T> kind, CancellationToken cancellationToken, string prefix = "")
        where T : class
    {
        var all = await notes.ListAsync(kind.Prefix + prefix, MostListed, cancellationToken);
        return [.. from note in all
                   let value = Read(kind, note.Value)
                   where value is not null
                   select KeyValuePair.Create(note.Key[kind.Prefix.Length..], value)];
    }

    private static T? Read<T>(NoteKind<T> kind, string text)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(text, kind.Json);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
