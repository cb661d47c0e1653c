using System.Text.Json.Serialization;
using PocketCoder.Feishu.Api;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Keeping;

/// <summary>Something that a paired person did, kept until it is done.</summary>
/// <param name="Id">Of the message or the event: the same when the platform delivers it again.</param>
/// <param name="At">When it was taken.</param>
internal sealed record InboxItem(string Id, DateTimeOffset At, string Account, string Chat, MessageItem? Message, CardItem? Card)
{
    public override string ToString() => Id; // never what was written
}

/// <param name="Text">Null: it is longer than what is kept.</param>
/// <param name="Files">Its images and files.</param>
/// <param name="Other">A kind that nothing is done for, in the platform's word; null: it is none.</param>
/// <param name="Named">Whom it names beside the bot, at most <see cref="MostNamed"/>; null: nobody.</param>
/// <param name="IsReply">It answers a message, so what it brings about stands below it.</param>
/// <param name="InThread">It is in a thread, and so is what it brings about.</param>
internal sealed record MessageItem(
    string MessageId, bool IsDirect, string? Text, IReadOnlyList<FileItem> Files, string? Other, IReadOnlyList<NamedItem>? Named = null,
    bool IsReply = false, bool InThread = false)
{
    public const int MostNamed = 20;

    /// <summary>Where what it brings about belongs; null: in the chat.</summary>
    [JsonIgnore]
    public FeishuReply? Reply => IsReply || InThread ? new FeishuReply(MessageId, InThread) : null;

    public override string ToString() => MessageId;
}

/// <param name="Account">The platform's word, and nobody's who is not known to it.</param>
/// <param name="Name">As it stands in the text, behind an @.</param>
internal sealed record NamedItem(string Account, string Name)
{
    public const int LongestName = 200;

    public override string ToString() => Account;
}

/// <param name="Name">As the sender's computer named it; may be empty.</param>
internal sealed record FileItem(string Key, string Name, bool IsImage);

internal sealed record CardItem(
    string MessageId, IReadOnlyDictionary<string, string> Value, IReadOnlyDictionary<string, IReadOnlyList<string>> Form)
{
    public override string ToString() => MessageId;
}

/// <summary>What a card's buttons are good for.</summary>
/// <param name="Message">The card's message; null: it is being sent.</param>
/// <param name="Digest">Of what is decided with it.</param>
/// <param name="UsedBy">The event that used it up.</param>
internal sealed record NonceNote(string Chat, string? Message = null, string? Digest = null, string? UsedBy = null);

/// <summary>What nonces are made with.</summary>
internal sealed record KeyNote(string Key)
{
    public override string ToString() => nameof(KeyNote);
}

/// <summary>A project's group.</summary>
/// <param name="Account">Who began or chose its session: what is shown there is what they may see.</param>
/// <param name="Session">The one that goes on; null: the next prompt begins one.</param>
/// <param name="Agent">For the next session; null: the project's default.</param>
/// <param name="Since">Turns that ended before are not shown.</param>
/// <param name="BoundBy">Who bound the group; null: <paramref name="Account"/>, before this was kept.</param>
/// <param name="Everyone">What everybody may do there who has no role of their own; null: what they may do anyway.</param>
/// <param name="Roles">What single people may do there, by account; null: nobody has a role.</param>
/// <param name="Presets">Folders to choose from, as the protocol has them; null: none.</param>
/// <param name="Mode">For the next session of <paramref name="Agent"/>, as its model and effort; null: the project's default.</param>
/// <param name="Folder">That sessions begin in, beneath the project's root; null: the root.</param>
internal sealed record Place(
    Guid Project, string Chat, string Account, DateTimeOffset Since, Guid? Session = null, string? Agent = null, string? Model = null,
    string? BoundBy = null, IReadOnlyList<Scope>? Everyone = null, IReadOnlyDictionary<string, RoleItem>? Roles = null,
    string? Folder = null, IReadOnlyList<string>? Presets = null, string? Mode = null, string? Effort = null)
{
    public string Owner => BoundBy ?? Account;

    /// <summary>What somebody may do there at most; null: what they may do anyway, as who bound it.</summary>
    public IReadOnlyList<Scope>? ScopesOf(string account)
        => account == Owner ? null : Roles?.GetValueOrDefault(account)?.Scopes ?? Everyone;
}

/// <summary>Somebody's role in a group.</summary>
/// <param name="Name">As they were called when it was given.</param>
internal sealed record RoleItem(string Name, IReadOnlyList<Scope> Scopes);

/// <summary>How far a session was shown.</summary>
/// <param name="After">All up to it was shown and need not be read again.</param>
internal sealed record FollowMark(string Epoch, long After);

/// <summary>The card of a turn.</summary>
/// <param name="MessageId">Empty: the card is made and may have been sent.</param>
/// <param name="Nonce">Of its buttons.</param>
internal sealed record TurnNote(
    string Chat, string Nonce, string MessageId, string? CardId, bool IsText, bool IsFinished = false);

/// <summary>A workspace card that is kept as its session stands.</summary>
/// <param name="Project">As cards name it.</param>
/// <param name="Nonce">Of its buttons.</param>
internal sealed record WorkspaceNote(string Project, string MessageId, string Nonce);

/// <summary>The card of an approval.</summary>
/// <param name="Shown">The outcome that it shows.</param>
internal sealed record ApprovalNote(string Chat, string MessageId, string Shown);

/// <summary>Attachments that wait for somebody's next prompt.</summary>
internal sealed record FilesNote(IReadOnlyList<Guid> Attachments);

/// <summary>A mark without more.</summary>
internal sealed record Mark(DateTimeOffset At);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(InboxItem))]
[JsonSerializable(typeof(NonceNote))]
[JsonSerializable(typeof(KeyNote))]
[JsonSerializable(typeof(Place))]
[JsonSerializable(typeof(FollowMark))]
[JsonSerializable(typeof(TurnNote))]
[JsonSerializable(typeof(WorkspaceNote))]
[JsonSerializable(typeof(ApprovalNote))]
[JsonSerializable(typeof(FilesNote))]
[JsonSerializable(typeof(FeishuReply))]
[JsonSerializable(typeof(Mark))]
internal sealed partial class BotJson : JsonSerializerContext;
