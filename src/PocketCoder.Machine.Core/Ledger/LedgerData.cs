using System.Text.Json;
using System.Text.Json.Serialization;
using PocketCoder.Ledger;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Ledger;

// What the data field of each kind of ledger row holds. Prompts and file contents are never in it; the exact command is, because
// that is what was decided on.

/// <summary>The data of a ledger row.</summary>
public interface ILedgerData;

public static class LedgerDataText
{
    /// <summary>The data as the JSON object that goes into the row.</summary>
    public static byte[] ToJson(this ILedgerData data) => JsonSerializer.SerializeToUtf8Bytes(data, data.GetType(), LedgerDataJson.Default);
}

public sealed record ProjectData(Guid ProjectId, string Name, string Path, string? From = null) : ILedgerData;

/// <summary>A device has keys; a person in a chat a platform and its id of the person.</summary>
public sealed record DeviceData(
    string Name, string App, IReadOnlyList<Scope> Scopes, string? StaticKey, string? DeviceSigningKey, string? Platform = null,
    string? Account = null, bool? Destructive = null, string? Person = null, RiskTier? Tier = null) : ILedgerData;

/// <summary>Both as they are from here on.</summary>
/// <param name="Person">Whose device it is; left out: nobody's.</param>
/// <param name="Tier">The highest tier that it may allow; left out: any.</param>
/// <param name="By"><c>cli</c>.</param>
public sealed record DeviceLimitedData(string Name, string? Person, RiskTier? Tier, string By) : ILedgerData;

public sealed record DeviceRevokedData(string Name, string By) : ILedgerData;

public sealed record PairingOfferedData(string OfferId, IReadOnlyList<Scope> Scopes, DateTimeOffset ExpiresAt) : ILedgerData;

public sealed record SessionData(string Agent, Guid ProjectId, string Path) : ILedgerData
{
    /// <summary>The session it began as a copy of.</summary>
    public Guid? ForkedFrom { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Folder { get; init; }

    /// <summary>
    /// The conversation begun in a terminal that it goes on with, itself or as a copy (the sandbox says which, docs/agents.md); left out:
    /// none.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Conversation { get; init; }
}

/// <param name="By">The device's name, or <c>cli</c>.</param>
/// <param name="Prompts">Prompts that it had.</param>
/// <param name="Events">Events that its transcript had.</param>
public sealed record SessionDeletedData(string Agent, Guid ProjectId, string Path, string By, long Prompts, long Events) : ILedgerData;

/// <param name="What">The command line, the file, or the tool's name.</param>
/// <param name="Covers">All that the row's digest covers, by name. What is private stands there as a SHA-256.</param>
public sealed record RequestedData(
    ApprovalKind Kind, string Agent, string? Tool, string What, string? Cwd, DateTimeOffset ExpiresAt,
    IReadOnlyDictionary<string, string>? Covers) : ILedgerData
{
    /// <summary>True: two people must allow it.</summary>
    public bool? TwoPeople { get; init; }
}

/// <param name="Signed">The exact text that the device signed.</param>
/// <param name="Grant">The approval whose turn or session allowance decided this one.</param>
/// <param name="Interrupt">Whether the denial also ends the turn, as a person said; null: a grant decided.</param>
public sealed record DecidedData(
    DecisionVerdict Decision,
    DecisionScope Scope,
    Guid DecisionId,
    string By,
    string? Reason,
    string? DeviceSigningKey,
    string? Signed,
    string? Signature,
    Guid? Grant,
    bool? Interrupt = null) : ILedgerData
{
    /// <summary>How it was proved: one of <see cref="DecisionProof"/>.</summary>
    public required string Proof { get; init; }

    /// <summary>The chat platform that vouches for who decided.</summary>
    public string? Platform { get; init; }

    /// <summary>Whose device decided; <c>owner</c>: the owner. Left out: nobody said whose it is.</summary>
    public string? Person { get; init; }
}

public sealed record ExpiredData(string Reason) : ILedgerData;

/// <param name="Snapshot">The snapshot before, by its commit.</param>
public sealed record StartedData(string What, string? Cwd, string? Snapshot = null) : ILedgerData;

/// <param name="StoppedBy">Who ended a job: a device's name, the agent, the machine.</param>
public sealed record FinishedData(
    int? ExitCode, bool Failed, long? DurationMs, long OutputBytes, string OutputSha256, string? StoppedBy = null) : ILedgerData;

/// <summary>It was allowed and did not run.</summary>
public sealed record NotRunData(string Reason) : ILedgerData;

/// <summary>Something a person must know.</summary>
public sealed record AlarmData(string Problem) : ILedgerData;

public sealed record UnknownData(string Reason) : ILedgerData;

/// <summary>Files go back to what they were before <paramref name="Target"/>.</summary>
/// <param name="Plan">SHA-256 of exactly what is done to exactly what is there.</param>
/// <param name="Signed">The exact text that the device signed; absent for the owner at the machine.</param>
public sealed record UndoStartedData(
    Guid UndoId, UndoKind Target, Guid TargetId, string By, string Plan, bool Force, int Files, string Snapshot, string? DeviceSigningKey,
    string? Signed, string? Signature) : ILedgerData
{
    /// <summary>How it was proved: one of <see cref="DecisionProof"/>.</summary>
    public required string Proof { get; init; }
}

public sealed record UndoFinishedData(Guid UndoId, int Files, int Failed, string? Snapshot) : ILedgerData;

/// <summary>A person changed something in a project.</summary>
/// <param name="To">Of a move.</param>
/// <param name="Failed">It was recorded, and then it could not be done: why.</param>
public sealed record FileChangedData(Guid ProjectId, FileAction Action, string Path, string? To, long? Bytes, string? Failed) : ILedgerData;

public sealed record InterruptedData(string Reason) : ILedgerData;

/// <param name="Pattern">The hosts and ports that need no question.</param>
/// <param name="Proof">Of a rule that the owner made: how that was proved. A decision's rule, and the end of one, have none.</param>
public sealed record NetworkRuleData(
    Guid RuleId, Guid ProjectId, string Pattern, DateTimeOffset? ExpiresAt, string? Proof = null) : ILedgerData;

/// <summary>Connections from a sandbox to one host with one outcome, summed over a few seconds.</summary>
/// <param name="Why">What let it through, or why it did not get through.</param>
/// <param name="Address">Where the first of them went; null when none was connected.</param>
/// <param name="ProjectId">When it was no session's sandbox but a project's.</param>
public sealed record NetworkData(string Host, int Port, string Outcome, string Why, string? Address, int Connections, long BytesUp,
    long BytesDown, Guid? ProjectId = null) : ILedgerData;

/// <param name="Settings">What the owner started it with, as far as it bears on protection.</param>
/// <param name="Digests">The domain of the digests from here on: each request says what its digest covers.</param>
/// <param name="Proofs"><see cref="DecisionProof.Domain"/>: from here on each decision says how it was proved.</param>
public sealed record StartedMachineData(
    string Version, IReadOnlyDictionary<string, string>? Settings = null, string? Digests = null, string? Proofs = null) : ILedgerData;

public sealed record TerminalOpenedData(string Terminal, int Columns, int Rows, string? Cwd) : ILedgerData;

/// <param name="Line">As typed, with editing keys applied; null when it was not echoed, so that a password is not kept.</param>
/// <param name="Exact">False: history, completion or a key that isn't followed took part, so <paramref name="Shown"/> has what the screen
/// showed.</param>
/// <param name="Length">Characters typed; null when the line is not kept: a password's length is nobody's business.</param>
/// <param name="AlsoTypedBy">Other devices that typed on the same line.</param>
public sealed record TerminalCommandData(string Terminal, string? Line, bool Exact, int? Length, bool Cut, string? Shown, string? NotKept,
    IReadOnlyList<string>? AlsoTypedBy) : ILedgerData;

public sealed record TerminalClosedData(string Terminal, string Reason) : ILedgerData;

/// <param name="Environment">The names of its variables.</param>
/// <param name="StdinSha256">Of what it is given to read; null: nothing.</param>
/// <param name="Rule">Which rule of the project let it; null: the project has none.</param>
public sealed record CommandStartedData(
    Guid RunId, Guid ProjectId, string What, string? Cwd, int TimeoutSeconds, IReadOnlyList<string>? Environment, string? StdinSha256,
    string? Rule = null) : ILedgerData;

public sealed record CommandRefusedData(Guid RunId, Guid ProjectId, string What, string Rule) : ILedgerData;

public sealed record CommandFinishedData(
    Guid RunId, CommandRunState State, int? ExitCode, string? Signal, long OutputBytes, string? OutputSha256, string? Reason) : ILedgerData;

/// <param name="What"><c>secret</c>, <c>budget</c>, <c>command_rules</c>, <c>project_defaults</c>, <c>session_sandbox</c>,
/// <c>device_name</c>, <c>machine_label</c>, <c>gateway</c>, <c>notifications</c> or <c>start</c>.</param>
/// <param name="Name">Which of them.</param>
/// <param name="Action"><c>set</c> or <c>removed</c>.</param>
/// <param name="Value">What it is now, in words. A secret's value is never here.</param>
/// <param name="Old">What it was before, in the same words; absent: it was not set.</param>
/// <param name="Weaker">True when commands are less confined than they were by it.</param>
public sealed record SettingData(string What, string Name, string Action, string? Value = null, string? Old = null, Guid? ProjectId = null,
    bool? Weaker = null) : ILedgerData;

/// <param name="Place"><c>ring</c>: in a sandbox of its own; <c>host</c>: as a child of the daemon.</param>
/// <param name="Models">Whose credential its models are asked with: <c>key</c>, <c>own_key</c>, <c>own_login</c>.</param>
public sealed record AgentStartedData(string Agent, string Place, ModelAccess Models, bool Resumed) : ILedgerData;

/// <summary>What a person changes in a repository. A commit's message and the content of files are never here.</summary>
/// <param name="Action">The message's type.</param>
/// <param name="Paths">The first of them.</param>
/// <param name="Head">The last commit before it.</param>
public sealed record GitData(Guid ProjectId, string Action, string? Target, IReadOnlyList<string>? Paths, int? PathCount, string? Head)
    : ILedgerData;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ProjectData))]
[JsonSerializable(typeof(DeviceData))]
[JsonSerializable(typeof(DeviceLimitedData))]
[JsonSerializable(typeof(DeviceRevokedData))]
[JsonSerializable(typeof(PairingOfferedData))]
[JsonSerializable(typeof(SessionData))]
[JsonSerializable(typeof(SessionDeletedData))]
[JsonSerializable(typeof(RequestedData))]
[JsonSerializable(typeof(DecidedData))]
[JsonSerializable(typeof(ExpiredData))]
[JsonSerializable(typeof(StartedData))]
[JsonSerializable(typeof(FinishedData))]
[JsonSerializable(typeof(NotRunData))]
[JsonSerializable(typeof(AlarmData))]
[JsonSerializable(typeof(UnknownData))]
[JsonSerializable(typeof(UndoStartedData))]
[JsonSerializable(typeof(UndoFinishedData))]
[JsonSerializable(typeof(FileChangedData))]
[JsonSerializable(typeof(InterruptedData))]
[JsonSerializable(typeof(NetworkRuleData))]
[JsonSerializable(typeof(NetworkData))]
[JsonSerializable(typeof(StartedMachineData))]
[JsonSerializable(typeof(TerminalOpenedData))]
[JsonSerializable(typeof(TerminalCommandData))]
[JsonSerializable(typeof(TerminalClosedData))]
[JsonSerializable(typeof(CommandStartedData))]
[JsonSerializable(typeof(CommandRefusedData))]
[JsonSerializable(typeof(CommandFinishedData))]
[JsonSerializable(typeof(SettingData))]
[JsonSerializable(typeof(AgentStartedData))]
[JsonSerializable(typeof(GitData))]
internal sealed partial class LedgerDataJson : JsonSerializerContext;
