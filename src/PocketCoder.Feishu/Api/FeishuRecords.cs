using System.Text.Json.Serialization;

namespace PocketCoder.Feishu.Api;

/// <summary>How a receiver is named.</summary>
public enum FeishuReceiver
{
    /// <summary>A person, by their open id.</summary>
    Person,

    Chat,
}

/// <summary>Somebody in a chat.</summary>
/// <param name="Name">Untrusted text.</param>
public sealed record FeishuMember(string OpenId, string Name, string? TenantKey);

/// <summary>Which of a message's files is meant.</summary>
public enum FeishuResource
{
    Image,

    /// <summary>A file, audio or video.</summary>
    File,
}

internal sealed record TokenRequest(string AppId, string AppSecret);

internal sealed record SendRequest(string ReceiveId, string MsgType, string Content, string Uuid);

internal sealed record ReplyRequest(string MsgType, string Content, bool ReplyInThread, string Uuid);

internal sealed record PatchRequest(string Content);

internal sealed record TextBody(string Text);

internal sealed record ChatRequest(
    string Name, string? Description, string OwnerId, IReadOnlyList<string> UserIdList, string ChatMode, string ChatType,
    string GroupMessageType, string MembershipApproval);

internal sealed record MembersRequest(IReadOnlyList<string> IdList);

internal sealed record CardRequest(string Type, string Data);

internal sealed record CardUpdateRequest(CardRequest Card, long Sequence, string Uuid);

internal sealed record StreamRequest(string Content, long Sequence, string Uuid);

internal sealed record SettingsRequest(string Settings, long Sequence, string Uuid);

internal sealed record CardMessage(string Type, CardReference Data);

internal sealed record CardReference(string CardId);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(TokenRequest))]
[JsonSerializable(typeof(SendRequest))]
[JsonSerializable(typeof(ReplyRequest))]
[JsonSerializable(typeof(PatchRequest))]
[JsonSerializable(typeof(TextBody))]
[JsonSerializable(typeof(ChatRequest))]
[JsonSerializable(typeof(MembersRequest))]
[JsonSerializable(typeof(CardRequest))]
[JsonSerializable(typeof(CardUpdateRequest))]
[JsonSerializable(typeof(StreamRequest))]
[JsonSerializable(typeof(SettingsRequest))]
[JsonSerializable(typeof(CardMessage))]
internal sealed partial class FeishuJson : JsonSerializerContext;
