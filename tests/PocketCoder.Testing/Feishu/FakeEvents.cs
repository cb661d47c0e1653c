using System.Text.Json.Nodes;

namespace PocketCoder.Testing.Feishu;

/// <summary>Events as the platform sends them.</summary>
public static class FakeEvents
{
    public static string Message(
        string id, string account, string chat, bool isDirect, string text, string kind,
        params IReadOnlyList<(string Account, string Name)> named)
        => Message(id, account, chat, isDirect ? "p2p" : "group", text, kind, null, null, named);

    /// <param name="chatKind">The platform's word.</param>
    /// <param name="parent">The message that it answers.</param>
    public static string Message(
        string id, string account, string chat, string chatKind, string text, string kind, string? parent, string? thread,
        IReadOnlyList<(string Account, string Name)> named)
        => Envelope(id, "im.message.receive_v1", new JsonObject
        {
            ["sender"] = new JsonObject
            {
                ["sender_id"] = new JsonObject { ["open_id"] = account },
                ["sender_type"] = "user",
                ["tenant_key"] = "tenant",
            },
            ["message"] = new JsonObject
            {
                ["message_id"] = $"om_of_{id}",
                ["chat_id"] = chat,
                ["chat_type"] = chatKind,
                ["root_id"] = parent,
                ["parent_id"] = parent,
                ["thread_id"] = thread,
                ["create_time"] = "1700000000123",
                ["message_type"] = kind,
                ["mentions"] = new JsonArray(
                [
                    .. named.Select((n, i) => new JsonObject
                    {
                        ["key"] = $"@_user_{i + 1}",
                        ["id"] = new JsonObject { ["open_id"] = n.Account },
                        ["name"] = n.Name,
                    }),
                ]),
                ["content"] = kind == "text" ? new JsonObject { ["text"] = text }.ToJsonString() : text,
            },
        });

    public static string Click(string id, string account, string chat, string message, JsonObject value, JsonObject? form)
        => Envelope(id, "card.action.trigger", new JsonObject
        {
            ["operator"] = new JsonObject { ["open_id"] = account, ["tenant_key"] = "tenant" },
            ["token"] = $"c-{id}",
            ["action"] = new JsonObject { ["tag"] = "button", ["value"] = value.DeepClone(), ["form_value"] = form?.DeepClone() },
            ["host"] = "im_message",
            ["context"] = new JsonObject { ["open_message_id"] = message, ["open_chat_id"] = chat },
        });

    private static string Envelope(string id, string type, JsonObject body) => new JsonObject
    {
        ["schema"] = "2.0",
        ["header"] = new JsonObject
        {
            ["event_id"] = id,
            ["create_time"] = "1700000000123",
            ["event_type"] = type,
            ["tenant_key"] = "tenant",
            ["app_id"] = FakeFeishu.AppId,
        },
        ["event"] = body,
    }.ToJsonString();
}
