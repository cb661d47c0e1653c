using System.Globalization;
using System.Text.Json;

namespace PocketCoder.Feishu.Events;

/// <summary>
/// Reads events: strict and bounded. A kind that it does not know is an <see cref="UnknownEvent"/>, anything else wrong is a typed error.
/// Pure functions.
/// </summary>
public static class EventParser
{
    /// <summary>The longest event, in bytes.</summary>
    public const int LongestEvent = 1024 * 1024;

    /// <summary>The longest text of a message, in characters; the platform's own limit is 150 KB.</summary>
    public const int LongestText = 200_000;

    /// <summary>The most mentions, images, form fields, options or values of an event.</summary>
    public const int MostParts = 100;

    private const int LongestName = 256;
    private const int LongestToken = 1024;
    private const int LongestValue = 8 * 1024;

    /// <summary>An event in the platform's envelope, version 2 or 1.</summary>
    /// <exception cref="FeishuException">It is none, or one for another app.</exception>
    public static FeishuDelivery Read(ReadOnlyMemory<byte> bytes, FeishuApp app)
        => bytes.Length > LongestEvent
            ? throw new FeishuException(FeishuError.TooLarge, $"An event of {bytes.Length} bytes is more than {LongestEvent}.")
            : Read(WireJson.Object(bytes, "the event"), app);

    internal static FeishuDelivery Read(JsonElement envelope, FeishuApp app)
        => WireJson.TextOrNull(envelope, "schema", LongestName) switch
        {
            "2.0" => Second(envelope, app),
            null => First(envelope, app),
            _ => throw WireJson.Wrong("the version of the event is not known"),
        };

    private static FeishuDelivery Second(JsonElement envelope, FeishuApp app)
    {
        var header = WireJson.NeededObject(envelope, "header");
        ForThisApp(header, app);
        var type = WireJson.Text(header, "event_type", LongestName);
        return new FeishuDelivery(
            WireJson.Id(header, "event_id"), type, WireJson.IdOrNull(header, "tenant_key"),
            type switch
            {
                "im.message.receive_v1" => Message(WireJson.NeededObject(envelope, "event")),
                "card.action.trigger" => Action(WireJson.NeededObject(envelope, "event")),
                _ => new UnknownEvent(),
            });
    }

    /// <summary>The old envelope: it has other events than those that are used here, which are told by their name only.</summary>
    private static FeishuDelivery First(JsonElement envelope, FeishuApp app)
    {
        if (WireJson.Text(envelope, "type", LongestName) != "event_callback")
        {
            throw WireJson.Wrong("it is neither an event nor a callback");
        }

        var inner = WireJson.NeededObject(envelope, "event");
        ForThisApp(inner, app);
        return new FeishuDelivery(
            WireJson.Id(envelope, "uuid"), WireJson.Text(inner, "type", LongestName), WireJson.IdOrNull(inner, "tenant_key"),
            new UnknownEvent());
    }

    private static void ForThisApp(JsonElement owner, FeishuApp app)
    {
        if (WireJson.IdOrNull(owner, "app_id") is { } id && id != app.Id)
        {
            throw WireJson.Wrong("it is for another app");
        }
    }

    private static MessageReceived Message(JsonElement body)
    {
        var message = WireJson.NeededObject(body, "message");
        var sender = WireJson.NeededObject(body, "sender");
        return new MessageReceived(
            WireJson.Id(message, "message_id"),
            WireJson.Id(message, "chat_id"),
            WireJson.TextOrNull(message, "chat_type", LongestName) switch
            {
                "p2p" => FeishuChatKind.Direct,
                "group" => FeishuChatKind.Group,
                "topic_group" => FeishuChatKind.Topics,
                _ => FeishuChatKind.Other,
            },
            WireJson.ObjectOrNull(sender, "sender_id") is { } id ? WireJson.IdOrNull(id, "open_id") : null,
            WireJson.TextOrNull(sender, "sender_type", LongestName) == "user" ? FeishuSenderKind.Person : FeishuSenderKind.Other,
            WireJson.IdOrNull(message, "root_id"),
            WireJson.IdOrNull(message, "parent_id"),
            WireJson.IdOrNull(message, "thread_id"),
            Time(WireJson.TextOrNull(message, "create_time", LongestName)),
            Content(WireJson.Text(message, "message_type", LongestName), WireJson.TextOrNull(message, "content", LongestEvent) ?? ""),
            [.. WireJson.Array(message, "mentions", MostParts).Select(Mention)]);
    }

    private static FeishuMention Mention(JsonElement mention)
    {
        var it = mention.ValueKind == JsonValueKind.Object ? mention : throw WireJson.Wrong("a mention is no object");
        var key = WireJson.Text(it, "key", LongestName);
        return new FeishuMention(
            key.Length > 1 && key[0] == '@' ? key : throw WireJson.Wrong("a mention has no placeholder"),
            WireJson.ObjectOrNull(it, "id") is { } id ? WireJson.IdOrNull(id, "open_id") : null,
            WireJson.TextOrNull(it, "name", LongestName) ?? "");
    }

    private static MessageContent Content(string kind, string json)
    {
        if (kind is not ("text" or "post" or "image" or "file"))
        {
            return new OtherContent(kind);
        }

        var content = WireJson.Object(System.Text.Encoding.UTF8.GetBytes(json), "the content of the message");
        return kind switch
        {
            "text" => new TextContent(WireJson.Text(content, "text", LongestText)),
            "post" => PostReader.Read(content),
            "image" => new ImageContent(WireJson.Id(content, "image_key")),
            _ => new FileContent(WireJson.Id(content, "file_key"), WireJson.TextOrNull(content, "file_name", LongestName) ?? ""),
        };
    }

    private static CardAction Action(JsonElement body)
    {
        var action = WireJson.NeededObject(body, "action");
        var place = WireJson.ObjectOrNull(body, "context");
        return new CardAction(
            WireJson.ObjectOrNull(body, "operator") is { } who ? WireJson.IdOrNull(who, "open_id") : null,
            WireJson.TextOrNull(body, "token", LongestToken),
            place is { } p ? WireJson.IdOrNull(p, "open_message_id") : null,
            place is { } c ? WireJson.IdOrNull(c, "open_chat_id") : null,
            WireJson.TextOrNull(action, "tag", LongestName),
            WireJson.TextOrNull(action, "name", LongestName),
            Values(action),
            Form(action),
            WireJson.TextOrNull(action, "input_value", LongestText),
            WireJson.TextOrNull(action, "option", LongestValue),
            [.. WireJson.Array(action, "options", MostParts).Select(o => Scalar(o, "an option"))],
            WireJson.FlagOrNull(action, "checked"));
    }

    private static Dictionary<string, string> Values(JsonElement action)
        => Fields(action, "value").ToDictionary(f => f.Name, f => Scalar(f.Value, "a value"), StringComparer.Ordinal);

    private static Dictionary<string, IReadOnlyList<string>> Form(JsonElement action)
        => Fields(action, "form_value").ToDictionary(f => f.Name, f => Several(f.Value), StringComparer.Ordinal);

    private static List<JsonProperty> Fields(JsonElement action, string name)
    {
        var fields = WireJson.ObjectOrNull(action, name) is { } it ? it.EnumerateObject().Take(MostParts + 1).ToList() : [];
        return fields.Count > MostParts || fields.Exists(f => NameOf(f).Length > LongestName)
            ? throw WireJson.Wrong($"{name} has too many fields, or one with too long a name") : fields;
    }

    private static string NameOf(JsonProperty field)
    {
        try
        {
            return field.Name;
        }
        catch (InvalidOperationException)
        {
            throw WireJson.Wrong("a name is no Unicode text");
        }
    }

    private static IReadOnlyList<string> Several(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => [],
        JsonValueKind.Array when value.GetArrayLength() <= MostParts => [.. value.EnumerateArray().Select(v => Scalar(v, "a field"))],
        _ => [WireJson.Bounded(Scalar(value, "a field"), "a field", LongestText)],
    };

    private static string Scalar(JsonElement value, string what) => value.ValueKind switch
    {
        JsonValueKind.String => WireJson.Bounded(WireJson.Decoded(value, what), what, LongestText),
        JsonValueKind.Number => WireJson.Bounded(value.GetRawText(), what, LongestName),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => throw WireJson.Wrong($"{what} is neither text nor number nor yes or no"),
    };

    /// <summary>Milliseconds since 1970 as text; null when it is none, since nothing is decided by it.</summary>
    private static DateTimeOffset? Time(string? text)
        => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
            && milliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) : null;
}
