using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Linking;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Output;

internal sealed record Started(bool AlreadyRunning, int Pid, IReadOnlyList<string> Listen);

/// <param name="Killed">It did not stop in good order, or not in time.</param>
internal sealed record Stopped(bool WasRunning, bool Killed);

/// <param name="SessionsInterrupted">Sessions that worked.</param>
/// <param name="Killed">It did not stop in good order, or not in time.</param>
internal sealed record Restarted(int Pid, int SessionsInterrupted, bool Killed, IReadOnlyList<string> Listen);

internal sealed record SecretShown(string Name, string State);

internal sealed record LabelShown(string Label);

/// <summary><c>machine two-person</c>.</summary>
internal sealed record TwoPersonShown(bool On);

/// <param name="Machines">How many may connect.</param>
/// <param name="OwnerLink">For as long as a gateway with accounts has nobody.</param>
internal sealed record GatewayShown(IReadOnlyList<string> Listen, int Machines, string? OwnerLink = null);

/// <param name="Hours">How long it can be used.</param>
internal sealed record OwnerLinkShown(string Link, double Hours);

/// <param name="Machines">The machines that they may meet; null: all.</param>
internal sealed record GatewayUserShown(
    string Name, string Role, IReadOnlyList<string>? Machines, int SignIns, DateTimeOffset CreatedAt);

/// <param name="Kind"><c>oidc</c> or <c>github</c>.</param>
/// <param name="Api">Of GitHub; else null.</param>
/// <param name="ReturnAddress">The one to register with the service.</param>
internal sealed record SignInServiceShown(
    string Name, string Kind, string Label, string ClientId, bool HasSecret, string Issuer, string? Api, IReadOnlyList<string> Scopes,
    string ReturnAddress);

/// <param name="Gateway">Its address, once it has run.</param>
internal sealed record InviteShown(string? Gateway, string Code, double Minutes);

internal sealed record GatewayMachineShown(string MachineId, string Label, DateTimeOffset AddedAt);

/// <param name="People">Who is paired there.</param>
internal sealed record FeishuShown(EntryReport Bot, IReadOnlyList<DeviceInfo> People);

/// <param name="Gateway">The one that was linked; null: none was.</param>
internal sealed record UnlinkShown(string? Gateway);

/// <param name="Open">Where a person at the gateway decides; null: it is decided.</param>
/// <param name="ExpiresIn">Seconds that the code holds.</param>
internal sealed record LoginShown(
    LoginState State, string Gateway, string Fingerprint, string? Code, string? Open, int? ExpiresIn, string? AddedBy);

/// <param name="AddedBy">Who let it in there; null: a code did, or it is not known yet.</param>
/// <param name="Since">Since when it is as it is.</param>
/// <param name="Why">Why it is not connected.</param>
internal sealed record WhoAmIShown(
    string Gateway, string Name, string MachineId, string? AddedBy, LinkState State, DateTimeOffset Since, string? Why);

internal sealed record VersionShown(string Version, bool App);

internal sealed record HelpShown(string Help);

internal sealed record ErrorShown(ErrorTold Error);

/// <param name="Code">One of the wire's (<see cref="ErrorCode"/>) or of <see cref="OwnCodes"/>.</param>
internal sealed record ErrorTold(string Code, string Message);

/// <param name="Facts">For sandboxes: what was seen, by name.</param>
/// <param name="Limits">For sandboxes: who enforces the limits.</param>
internal sealed record CheckShown(
    string Name, string State, string Found, string? Advice, IReadOnlyDictionary<string, string>? Facts = null, string? Limits = null);

/// <param name="Verdict"><c>held</c>, <c>broken</c> or <c>not_run</c>.</param>
internal sealed record AttackShown(string Id, string Title, string Defence, string Verdict, string Detail);

internal sealed record AttacksShown(string Sandbox, int Held, int Broken, int NotRun, IReadOnlyList<AttackShown> Attacks);

internal sealed record RunShown(Guid AgentSessionId, Guid TurnId);

/// <summary>What a session's agent is told; null: its default.</summary>
internal sealed record SettingsShown(Guid AgentSessionId, string Agent, string? Mode, string? Model, string? Effort);

internal sealed record ResumeShown(Guid AgentSessionId, string Directory, string Program, IReadOnlyList<string> Arguments,
    IReadOnlyDictionary<string, string> Environment);

internal sealed record OutputShown(Guid ApprovalId, long Kept, long Total, bool Running);

internal sealed record AgentShown(string Id, string Name, bool Installed, string? Version, string? Path, string? Advice,
    IReadOnlyList<string> Modes, IReadOnlyList<string> Can, IReadOnlyList<string> TestedVersions);

internal sealed record TlsShown(IReadOnlyList<string> Names, DateTimeOffset ValidUntil, DateTimeOffset AuthorityValidUntil,
    string AuthoritySha256, string AuthorityFile);

internal sealed record BackupShown(string Folder, long LedgerSeq, string LedgerHash);

internal sealed record RestoreShown(DateTimeOffset CreatedAt, long LedgerSeq, string LedgerHash, string? Kept);

/// <param name="From"><c>default</c>, <c>file</c>, or the variable's name.</param>
internal sealed record SettingShown(string Key, string? Value, string From);

internal sealed record AutostartShown(bool Enabled, string File, string? Problem);

/// <summary>The file that <c>enable-autostart</c> would write.</summary>
internal sealed record AutostartFileShown(string File, string Content);

internal sealed record UpdateShown(string Current, string Latest, bool Newer, string? Url);

internal sealed record ScriptShown(string Shell, string Script);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = false, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(ControlStatus))]
[JsonSerializable(typeof(IReadOnlyList<ProjectInfo>))]
[JsonSerializable(typeof(ProjectAddResponse))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
[JsonSerializable(typeof(PairingOffer))]
[JsonSerializable(typeof(PairingProgress))]
[JsonSerializable(typeof(IReadOnlyList<DeviceInfo>))]
[JsonSerializable(typeof(IReadOnlyList<NetworkRuleInfo>))]
[JsonSerializable(typeof(SnapshotDiffResponse))]
[JsonSerializable(typeof(UndoInfo))]
[JsonSerializable(typeof(LedgerVerifyResponse))]
[JsonSerializable(typeof(LedgerAccepted))]
[JsonSerializable(typeof(IReadOnlyList<LedgerRowInfo>))]
[JsonSerializable(typeof(IReadOnlyList<TerminalInfo>))]
[JsonSerializable(typeof(Started))]
[JsonSerializable(typeof(Stopped))]
[JsonSerializable(typeof(Restarted))]
[JsonSerializable(typeof(LabelShown))]
[JsonSerializable(typeof(TwoPersonShown))]
[JsonSerializable(typeof(GatewayShown))]
[JsonSerializable(typeof(InviteShown))]
[JsonSerializable(typeof(IReadOnlyList<GatewayMachineShown>))]
[JsonSerializable(typeof(OwnerLinkShown))]
[JsonSerializable(typeof(IReadOnlyList<GatewayUserShown>))]
[JsonSerializable(typeof(IReadOnlyList<SignInServiceShown>))]
[JsonSerializable(typeof(LinkStatus))]
[JsonSerializable(typeof(PushReport))]
[JsonSerializable(typeof(EntryReport))]
[JsonSerializable(typeof(FeishuShown))]
[JsonSerializable(typeof(ChatPairingOfferResponse))]
[JsonSerializable(typeof(ProviderShown))]
[JsonSerializable(typeof(IReadOnlyList<ProviderShown>))]
[JsonSerializable(typeof(ProviderTestResponse))]
[JsonSerializable(typeof(NotifySetResponse))]
[JsonSerializable(typeof(NotifyReceiver))]
[JsonSerializable(typeof(IReadOnlyList<NotifyReceiver>))]
[JsonSerializable(typeof(UnlinkShown))]
[JsonSerializable(typeof(LoginShown))]
[JsonSerializable(typeof(LogoutStep))]
[JsonSerializable(typeof(WhoAmIShown))]
[JsonSerializable(typeof(VersionShown))]
[JsonSerializable(typeof(HelpShown))]
[JsonSerializable(typeof(ErrorShown))]
[JsonSerializable(typeof(IReadOnlyList<CheckShown>))]
[JsonSerializable(typeof(IReadOnlyList<AgentShown>))]
[JsonSerializable(typeof(AttacksShown))]
[JsonSerializable(typeof(OutputShown))]
[JsonSerializable(typeof(IReadOnlyList<JobInfo>))]
[JsonSerializable(typeof(RunShown))]
[JsonSerializable(typeof(SettingsShown))]
[JsonSerializable(typeof(ResumeShown))]
[JsonSerializable(typeof(ProjectDefaults))]
[JsonSerializable(typeof(AgentConversationsResponse))]
[JsonSerializable(typeof(IReadOnlyList<SessionInfo>))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
[JsonSerializable(typeof(TlsShown))]
[JsonSerializable(typeof(SecretShown))]
[JsonSerializable(typeof(IReadOnlyList<SecretName>))]
[JsonSerializable(typeof(UsageGetResponse))]
[JsonSerializable(typeof(IReadOnlyList<BudgetInfo>))]
[JsonSerializable(typeof(BackupShown))]
[JsonSerializable(typeof(RestoreShown))]
[JsonSerializable(typeof(SettingShown))]
[JsonSerializable(typeof(IReadOnlyList<SettingShown>))]
[JsonSerializable(typeof(AutostartShown))]
[JsonSerializable(typeof(AutostartFileShown))]
[JsonSerializable(typeof(UpdateShown))]
[JsonSerializable(typeof(ScriptShown))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
[JsonSerializable(typeof(CommandPolicy))]
[JsonSerializable(typeof(CommandRunInfo))]
[JsonSerializable(typeof(CommandRunsListResponse))]
internal sealed partial class CliJson : JsonSerializerContext
{
    /// <summary>One value, one line.</summary>
    public static void Write<T>(Terminal terminal, T value, JsonTypeInfo<T> type)
        => terminal.Out.WriteLine(JsonSerializer.Serialize(value, type));
}
