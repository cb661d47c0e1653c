using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Local;

// The shapes of the local port (docs/feishu.md).

/// <param name="UserId">Who asks, by the sender's own word: it is taken, and means nothing.</param>
/// <param name="Project">Name or id; null: the only one that there is.</param>
/// <param name="RequestId">The same again makes no second task.</param>
internal sealed record CommandBody(string Text, string? UserId = null, string? Project = null, string? RequestId = null)
{
    public override string ToString() => nameof(CommandBody); // never what was written
}

/// <param name="Code">Of the approval that is meant, as the task shows it.</param>
internal sealed record DecisionBody(string? Code = null);

internal sealed record CommandAnswer(
    bool Ok, string Mode, string ResponseText, string? TaskId, string? DispatchAction, TaskRow? Task);

internal sealed record DecisionAnswer(bool Ok, string Mode, string ResponseText, TaskRow Task);

internal sealed record TaskList(IReadOnlyList<TaskRow> Tasks);

/// <summary>A prompt and what became of it.</summary>
/// <param name="Source"><c>demo</c>: it came this way; <c>machine</c>: another way.</param>
/// <param name="Status">created, queued, running, waiting_for_confirmation, completed, failed or cancelled.</param>
/// <param name="LiveOutput">What the agent finished saying, while the task runs; null in a list.</param>
/// <param name="RawResult">The same when it is over; null in a list.</param>
/// <param name="Approvals">What waits for a decision.</param>
internal sealed record TaskRow(
    string Id, string Source, string? RequesterId, string Prompt, string AgentBackend, string? EffectiveModel, string EffectiveSandbox,
    string ProjectId, string SessionId, string? EffectiveWorkdir, string Platform, string Status, string? AwaitingConfirmationReason,
    string? LiveOutput, string? RawResult, string? ResultSummary, TokenRow? LastTokenUsage, TokenRow? TotalTokenUsage,
    string? ActivityHint, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, IReadOnlyList<TaskEventRow> Events,
    IReadOnlyList<TaskApprovalRow> Approvals)
{
    public override string ToString() => Id;
}

internal sealed record TokenRow(long InputTokens, long CachedInputTokens, long OutputTokens, long TotalTokens);

internal sealed record TaskEventRow(string Kind, string Message, DateTimeOffset CreatedAt);

/// <param name="What">All that is decided on.</param>
/// <param name="Code">Names this approval and what it is about; to be sent with a decision.</param>
internal sealed record TaskApprovalRow(
    string Id, string Kind, string Risk, string What, string Digest, string Code, DateTimeOffset ExpiresAt);

internal sealed record HealthAnswer(
    string Status, string Mode, bool FeishuEnabled, string FeishuDeliveryMode, bool FeishuVerificationEnabled, bool FeishuSignatureEnabled,
    bool FeishuListenerReady, string? FeishuListenerDetail, bool SlackEnabled, string StateBackend, string? StateDbPath,
    string? AgentBackend, bool AgentReady, string AgentDetail, IReadOnlyList<string> Missing, IReadOnlyList<string> Warnings);

internal sealed record EnvAnswer(string Note, IReadOnlyList<EnvCategory> Categories);

internal sealed record EnvCategory(string Name, IReadOnlyList<EnvVariable> Variables);

internal sealed record EnvVariable(string Key, bool Present);

internal sealed record BotAnswer(
    IReadOnlyList<InboundRow> InboundEvents, IReadOnlyList<OutboundRow> OutboundAttempts, IReadOnlyList<ErrorRow> Errors,
    ListenerRow Listener);

internal sealed record InboundRow(
    DateTimeOffset RecordedAt, string EventId, string Kind, string? UserId, string? ReplyReceiveId, string? ReplySurface);

internal sealed record OutboundRow(DateTimeOffset RecordedAt, string Source, string? Error);

internal sealed record ErrorRow(DateTimeOffset RecordedAt, string Stage, string Message);

internal sealed record ListenerRow(
    bool Enabled, string DeliveryMode, bool Ready, string? Detail, bool StartAttempted, DateTimeOffset? Since, DateTimeOffset? LastEventAt,
    string? LastError);

internal sealed record CardsAnswer(string Mode, CardInstruction Instruction, JsonNode? Card, CardToast? Toast);

/// <summary>How the older bot would have shown a card.</summary>
internal sealed record CardInstruction(string Surface, string RenderTarget, string RefreshMode, string TemplateKey);

internal sealed record CardToast(string Type, string Content);

/// <param name="Detail">What is wrong, for people.</param>
internal sealed record LocalProblem(string Detail, ErrorCode Code, int Status);

/// <summary>A request that came once.</summary>
internal sealed record RequestNote(DateTimeOffset At);

/// <summary>Which session a task belongs to.</summary>
internal sealed record TaskNote(Guid Session);

/// <summary>Which agent was chosen with a new project.</summary>
internal sealed record AgentNote(string Agent);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    MaxDepth = 16)]
[JsonSerializable(typeof(CommandBody))]
[JsonSerializable(typeof(DecisionBody))]
[JsonSerializable(typeof(CommandAnswer))]
[JsonSerializable(typeof(DecisionAnswer))]
[JsonSerializable(typeof(TaskList))]
[JsonSerializable(typeof(HealthAnswer))]
[JsonSerializable(typeof(EnvAnswer))]
[JsonSerializable(typeof(BotAnswer))]
[JsonSerializable(typeof(LocalProblem))]
[JsonSerializable(typeof(RequestNote))]
[JsonSerializable(typeof(TaskNote))]
[JsonSerializable(typeof(AgentNote))]
internal sealed partial class LocalJson : JsonSerializerContext;

/// <summary>Cards are deeper than any request.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(CardsAnswer))]
internal sealed partial class LocalCardJson : JsonSerializerContext;
