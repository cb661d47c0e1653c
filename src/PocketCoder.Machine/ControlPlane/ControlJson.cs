using System.Text.Json.Serialization;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

// The bodies that only the control plane's own wire has.

internal sealed record StopRequest(string? Reason);

/// <param name="Path">Absolute.</param>
/// <param name="Force">Also where it is usually a mistake: the root, the home directory, this program's own directory.</param>
internal sealed record ProjectAddRequest(string Path, string? Name, bool Force);

/// <param name="Project">Id, the beginning of an id, name or path.</param>
internal sealed record ProjectSelection(string Project);

/// <param name="Device">Id, the beginning of an id, or name.</param>
internal sealed record DeviceSelection(string Device, string? Name);

internal sealed record LabelBody(string Label);

/// <param name="Rule">Id, or the beginning of one.</param>
internal sealed record NetworkRuleSelection(string Rule);

internal sealed record Done(bool Ok);

/// <param name="Session">Id, the beginning of an id, or title.</param>
internal sealed record TerminalOpenBody(string Session, string Name, int Columns, int Rows);

/// <inheritdoc cref="TerminalOpenBody"/>
internal sealed record TerminalSelection(string Session, string Name);

/// <summary>What a CLI types, or its new size.</summary>
internal sealed record TerminalKeys(string? Data, int? Columns, int? Rows);

/// <param name="Job">Its name, its approval's id, or the beginning of that.</param>
internal sealed record JobSelection(string Job);

/// <param name="Approval">An approval's id, or the beginning of it.</param>
internal sealed record OutputSelection(string Approval, long Offset, int Limit);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    MaxDepth = 32)]
[JsonSerializable(typeof(WireError))]
[JsonSerializable(typeof(Done))]
[JsonSerializable(typeof(StopRequest))]
[JsonSerializable(typeof(ControlStatus))]
[JsonSerializable(typeof(IReadOnlyList<ProjectInfo>))]
[JsonSerializable(typeof(ProjectAddRequest))]
[JsonSerializable(typeof(ProjectSelection))]
[JsonSerializable(typeof(ProjectAdded))]
[JsonSerializable(typeof(PairingRequest))]
[JsonSerializable(typeof(PairingOffer))]
[JsonSerializable(typeof(PairingProgress))]
[JsonSerializable(typeof(IReadOnlyList<DeviceInfo>))]
[JsonSerializable(typeof(DeviceSelection))]
[JsonSerializable(typeof(LabelBody))]
[JsonSerializable(typeof(IReadOnlyList<NetworkRuleInfo>))]
[JsonSerializable(typeof(NetworkRuleInfo))]
[JsonSerializable(typeof(NetworkAllowRequest))]
[JsonSerializable(typeof(NetworkRuleSelection))]
[JsonSerializable(typeof(UndoSelection))]
[JsonSerializable(typeof(UndoRequest))]
[JsonSerializable(typeof(UndoInfo))]
[JsonSerializable(typeof(SnapshotDiffResponse))]
[JsonSerializable(typeof(LedgerHead))]
[JsonSerializable(typeof(LedgerListRequest))]
[JsonSerializable(typeof(LedgerListResponse))]
[JsonSerializable(typeof(LedgerVerifyResponse))]
[JsonSerializable(typeof(IReadOnlyList<SessionInfo>))]
[JsonSerializable(typeof(IReadOnlyList<TerminalInfo>))]
[JsonSerializable(typeof(TerminalInfo))]
[JsonSerializable(typeof(TerminalOpenBody))]
[JsonSerializable(typeof(TerminalSelection))]
[JsonSerializable(typeof(TerminalKeys))]
[JsonSerializable(typeof(IReadOnlyList<JobInfo>))]
[JsonSerializable(typeof(JobInfo))]
[JsonSerializable(typeof(JobSelection))]
[JsonSerializable(typeof(OutputSelection))]
[JsonSerializable(typeof(ExecutionOutputResponse))]
internal sealed partial class ControlJson : JsonSerializerContext;
