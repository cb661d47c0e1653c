using System.Text.Json.Serialization;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane.Loopback;

// The shapes of the HTTP control plane (docs/cli.md).

/// <param name="MachineKey">The machine's public id; no key.</param>
/// <param name="LoggedIn">Always false: there are no accounts. Whether a remote gateway is connected is <c>relay.connected</c>.</param>
internal sealed record LoopbackStatus(string Version, string MachineKey, bool LoggedIn, LoopbackRelay Relay,
    LoopbackCapabilities Capabilities, IReadOnlyList<LoopbackProject> Projects);

/// <param name="LastHeartbeatAt">Always null: answers to pings are not told apart from silence that is no longer than they allow.</param>
internal sealed record LoopbackRelay(bool Connected, DateTimeOffset? LastConnectedAt, DateTimeOffset? LastHeartbeatAt);

internal sealed record LoopbackCapabilities(bool HasGit, bool HasClaude, bool ClaudeStoreFound, IReadOnlyList<string> Warnings);

/// <param name="WatcherRunning">While somebody follows the project's files.</param>
/// <param name="LastFsSeq">The number of the last <c>fs_changed</c>; 0 before the first.</param>
internal sealed record LoopbackProject(Guid ProjectId, string Name, string Path, bool WatcherRunning, long LastFsSeq);

internal sealed record LoopbackLabel(string Label);

internal sealed record LoopbackReason(string? Reason = null);

internal sealed record LoopbackAdd(string Path, string? Name = null, bool Force = false);

/// <summary>RFC 9457.</summary>
internal sealed record LoopbackProblem(string Type, string Title, int Status, string Detail, ErrorCode Code);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    MaxDepth = 8)]
[JsonSerializable(typeof(LoopbackStatus))]
[JsonSerializable(typeof(LoopbackLabel))]
[JsonSerializable(typeof(LoopbackReason))]
[JsonSerializable(typeof(LoopbackAdd))]
[JsonSerializable(typeof(LoopbackProblem))]
[JsonSerializable(typeof(ProjectInfo))]
[JsonSerializable(typeof(IReadOnlyList<ProjectInfo>))]
internal sealed partial class LoopbackJson : JsonSerializerContext;
