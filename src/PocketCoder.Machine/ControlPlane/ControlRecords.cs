using System.Text.Json.Serialization;
using PocketCoder.Machine.Linking;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <param name="Listen">Base addresses of the gateway, the best one for a phone first: <c>https://box.example:8090</c>.</param>
/// <param name="Sandbox">What a session gets that does not choose; null: not known yet, or none works and a session must choose.</param>
/// <param name="SessionsWorking">Sessions with a turn that runs or waits.</param>
/// <param name="Control">Where the HTTP control plane is; null: there is none.</param>
/// <param name="Link">How it stands with the remote gateway; null: none is set.</param>
public sealed record ControlStatus(
    string Version,
    string MachineId,
    string Name,
    int Pid,
    DateTimeOffset StartedAt,
    IReadOnlyList<string> Listen,
    bool Demo,
    SandboxKind? Sandbox,
    int SessionsWorking,
    int DevicesConnected,
    int DevicesPaired,
    IReadOnlyList<AgentInfo> Agents,
    IReadOnlyList<string> Warnings,
    IReadOnlyList<ProjectInfo> Projects,
    string? Control = null,
    LinkStatus? Link = null);

/// <param name="Project">Id, the beginning of an id, name or path.</param>
/// <param name="Host"><c>example.com</c>, <c>.example.com</c>, <c>example.com:8443</c>; without ports 80 and 443.</param>
/// <param name="Days">1–365; null: no end.</param>
public sealed record NetworkAllowRequest(string Project, string Host, int? Days);

/// <param name="Scopes">At least one, each once; null: all for a machine that no device is paired with, else all but <see cref="Scope.Manage"/>.</param>
/// <param name="Name">What to call the device; null leaves it to the device.</param>
/// <param name="Person">Whose it will be; null: nobody says.</param>
/// <param name="Tier">The highest tier that it may allow; null: any.</param>
public sealed record PairingRequest(IReadOnlyList<Scope>? Scopes, string? Name, string? Person = null, RiskTier? Tier = null);

/// <summary>A one-time pairing link. Whoever opens it first is paired, so it is shown to the owner only and never logged.</summary>
/// <param name="PairingId">Names the pairing without its secret.</param>
/// <param name="Links">The same offer under each of the gateway's addresses, the best one for a phone first; the secret stands behind the
/// <c>#</c>, which browsers send to nobody.</param>
/// <param name="Words">The three words that the device must show as well.</param>
public sealed record PairingOffer(
    string PairingId, string MachineId, string Words, IReadOnlyList<string> Links, IReadOnlyList<Scope> Scopes, DateTimeOffset ExpiresAt);

[JsonConverter(typeof(LowerSnake<PairingState>))]
public enum PairingState
{
    Waiting,
    Paired,
    Expired,

    /// <summary>Too many wrong tries; the link is dead.</summary>
    Burnt,
}

/// <param name="Row">The row that tells the difference.</param>
public sealed record LedgerAcceptRequest(long Row);

/// <param name="Row">The row that says so.</param>
/// <param name="Problem">What was accepted.</param>
public sealed record LedgerAccepted(long Row, string Problem);

/// <param name="Digest">Of the preview that was looked at.</param>
public sealed record UndoRequest(UndoTarget Target, string Digest, bool Force);

/// <param name="Device">The new device once paired.</param>
public sealed record PairingProgress(PairingState State, DeviceInfo? Device);
