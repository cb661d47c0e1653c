using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using PocketCoder.Feishu.Events;
using PocketCoder.Testing.Feishu;

namespace PocketCoder.Feishu.Tests;

/// <summary>Events as the platform sends them.</summary>
internal static class Samples
{
    public static string Message(string eventId = "ev_1", string kind = "text", string content = """{"text":"@_user_1 hello"}""", string chat = "group")
        => Envelope(eventId, "im.message.receive_v1", new JsonObject
        {
            ["sender"] = new JsonObject
            {
                ["sender_id"] = new JsonObject { ["open_id"] = "ou_ann", ["union_id"] = "on_ann", ["user_id"] = null },
                ["sender_type"] = "user",
                ["tenant_key"] = "tenant",
            },
            ["message"] = new JsonObject
            {
                ["message_id"] = $"om_of_{eventId}",
                ["root_id"] = "",
                ["chat_id"] = "oc_1",
                ["chat_type"] = chat,
                ["create_time"] = "1700000000123",
                ["message_type"] = kind,
                ["content"] = content,
                ["mentions"] = new JsonArray(new JsonObject
                {
                    ["key"] = "@_user_1",
                    ["id"] = new JsonObject { ["open_id"] = FakeFeishu.BotOpenId },
                    ["name"] = "PocketCoder",
                    ["tenant_key"] = "tenant",
                }),
            },
        });

    public static string Click(string eventId = "ev_click", string token = "c-token") => Envelope(eventId, "card.action.trigger", new JsonObject
    {
        ["operator"] = new JsonObject { ["open_id"] = "ou_ann", ["tenant_key"] = "tenant" },
        ["token"] = token,
        ["action"] = new JsonObject
        {
            ["tag"] = "button",
            ["name"] = "go",
            ["value"] = new JsonObject { ["nonce"] = "n1", ["count"] = 3, ["sure"] = true },
            ["form_value"] = new JsonObject { ["name"] = "demo", ["several"] = new JsonArray("a", "b"), ["none"] = null },
            ["timezone"] = "Europe/Berlin",
        },
        ["host"] = "im_message",
        ["context"] = new JsonObject { ["open_message_id"] = "om_card", ["open_chat_id"] = "oc_1" },
    });

    public static string Envelope(string eventId, string type, JsonObject body, string app = FakeFeishu.AppId) => new JsonObject
    {
        ["schema"] = "2.0",
        ["header"] = new JsonObject
        {
            ["event_id"] = eventId,
            ["token"] = "verify-me",
            ["create_time"] = "1700000000123",
            ["event_type"] = type,
            ["tenant_key"] = "tenant",
            ["app_id"] = app,
        },
        ["event"] = body,
    }.ToJsonString();
}

/// <summary>Keeps what it was given; a test may let it wait, fail or answer.</summary>
internal sealed class RecordingHandler : IFeishuHandler
{
    public ConcurrentQueue<FeishuDelivery> Taken { get; } = new();

    public Func<FeishuDelivery, CancellationToken, Task<ReadOnlyMemory<byte>?>> Does { get; set; }
        = (_, _) => Task.FromResult<ReadOnlyMemory<byte>?>(null);

    public async Task<ReadOnlyMemory<byte>?> TakeAsync(FeishuDelivery delivery, CancellationToken cancellationToken)
    {
        var answer = await Does(delivery, cancellationToken);
        Taken.Enqueue(delivery);
        return answer;
    }
}
