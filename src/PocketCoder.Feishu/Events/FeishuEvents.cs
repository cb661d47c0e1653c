namespace PocketCoder.Feishu.Events;

/// <summary>
/// One thing that the platform told, over the long connection or a webhook. The platform delivers again what was not acknowledged in time:
/// who acts on it remembers <see cref="EventId"/> durably.
/// </summary>
/// <param name="EventId">The platform's own name for it; the same when it is delivered again.</param>
/// <param name="Type">The platform's name of its kind, like <c>im.message.receive_v1</c>.</param>
/// <param name="TenantKey">The organisation it comes from, or null.</param>
/// <param name="Event">What happened.</param>
public sealed record FeishuDelivery(string EventId, string Type, string? TenantKey, FeishuEvent Event)
{
    /// <summary>Whether the platform waits for an answer that a person sees at once (three seconds).</summary>
    public bool IsCallback => Event is CardAction;
}

public abstract record FeishuEvent;

/// <summary>A kind that nothing here knows: it is acknowledged and counted.</summary>
public sealed record UnknownEvent : FeishuEvent;

public enum FeishuChatKind
{
    /// <summary>Between one person and the bot.</summary>
    Direct,

    Group,

    /// <summary>A group in which every message belongs to a topic, which is a thread.</summary>
    Topics,

    /// <summary>Another kind than these: nothing is assumed about it.</summary>
    Other,
}

public enum FeishuSenderKind
{
    Person,

    /// <summary>A bot, an app, or a kind that is not known.</summary>
    Other,
}

/// <summary>Somebody is named in a message.</summary>
/// <param name="Key">The placeholder that stands in the text, like <c>@_user_1</c>.</param>
/// <param name="OpenId">Null: the platform did not say who.</param>
/// <param name="Name">As the sender's client showed it: untrusted text.</param>
public sealed record FeishuMention(string Key, string? OpenId, string Name);

/// <summary>A message arrived. Its text says who and where, never what.</summary>
/// <param name="SenderOpenId">Null: the platform did not say who; such a sender is nobody.</param>
/// <param name="RootId">The first message of the replies this one belongs to.</param>
/// <param name="ParentId">The message that this one answers.</param>
/// <param name="ThreadId">The thread that it is in; null: none, or the platform did not say.</param>
public sealed record MessageReceived(
    string MessageId, string ChatId, FeishuChatKind ChatKind, string? SenderOpenId, FeishuSenderKind SenderKind, string? RootId,
    string? ParentId, string? ThreadId, DateTimeOffset? SentAt, MessageContent Content, IReadOnlyList<FeishuMention> Mentions) : FeishuEvent
{
    /// <summary>It is in a thread.</summary>
    public bool IsInThread => ThreadId is not null || ChatKind == FeishuChatKind.Topics;

    /// <summary>It answers another message, in a thread or without one.</summary>
    public bool IsReply => (ParentId ?? RootId) is not null;

    public override string ToString() => $"message {MessageId} in {ChatId}";
}

/// <summary>What a message holds. Not shown as text: it is what a person wrote.</summary>
public abstract record MessageContent
{
    public sealed override string ToString() => GetType().Name;
}

/// <param name="Text">With the placeholders of mentions (<see cref="Mentions.In"/> takes them out).</param>
public sealed record TextContent(string Text) : MessageContent;

/// <summary>Rich text as plain text: paragraphs are lines, links keep their address in brackets.</summary>
/// <param name="ImageKeys">Its images, in order, at most <see cref="EventParser.MostParts"/>.</param>
public sealed record PostContent(string Title, string Text, IReadOnlyList<string> ImageKeys) : MessageContent;

public sealed record ImageContent(string ImageKey) : MessageContent;

/// <param name="Name">As the sender's computer named it: untrusted, no path to write to.</param>
public sealed record FileContent(string FileKey, string Name) : MessageContent;

/// <summary>Another kind: audio, a sticker, a card, …</summary>
/// <param name="Kind">The platform's name for it.</param>
public sealed record OtherContent(string Kind) : MessageContent;

/// <summary>
/// Somebody used a card. Its values come from the client and prove nothing; who did it and in which message and chat are the platform's
/// word. Its text shows neither.
/// </summary>
/// <param name="OperatorOpenId">Null: the platform did not say who; such a person is nobody.</param>
/// <param name="Token">With it the card can be changed twice, for 30 minutes after the callback was answered.</param>
/// <param name="MessageId">The message that holds the card.</param>
/// <param name="Tag">The element's kind, like <c>button</c>.</param>
/// <param name="Name">The element's name in its form.</param>
/// <param name="Value">What the card's author put behind the element.</param>
/// <param name="Form">What the person filled in: an input has one value, a choice of several may have more or none.</param>
public sealed record CardAction(
    string? OperatorOpenId, string? Token, string? MessageId, string? ChatId, string? Tag, string? Name,
    IReadOnlyDictionary<string, string> Value, IReadOnlyDictionary<string, IReadOnlyList<string>> Form, string? Input, string? Option,
    IReadOnlyList<string> Options, bool? Checked) : FeishuEvent
{
    public override string ToString() => $"action on {MessageId} in {ChatId}";
}
