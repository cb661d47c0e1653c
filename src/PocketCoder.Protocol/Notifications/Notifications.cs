using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

/// <summary>What a device can be notified of while its app is closed.</summary>
[JsonConverter(typeof(LowerSnake<PushKind>))]
public enum PushKind
{
    /// <summary>A command, an edit, a host, a file, a job's input, a prompt or a repository's transfer waits for a decision.</summary>
    Permission,

    /// <summary>Another tool waits for a decision, such as one of an MCP server.</summary>
    McpRequest,
    Question,
    Plan,

    /// <summary>An agent is done with what it was asked.</summary>
    TaskComplete,

    /// <summary>A turn failed or was cut off.</summary>
    TaskError,
}

/// <summary>Sizes and counts of notifications.</summary>
public static class PushLimits
{
    /// <summary>Characters of an endpoint.</summary>
    public const int EndpointLength = 1_024;

    /// <summary>Longest work, in seconds, that can be asked for before an end is told.</summary>
    public const int AfterSeconds = 3_600;

    /// <summary>Characters of <see cref="PushNotice.What"/>. What is longer is cut and never <see cref="PushNotice.Whole"/>.</summary>
    public const int WhatLength = 160;

    /// <summary>Characters of a name in a notice.</summary>
    public const int NameLength = 40;

    /// <summary>Characters of the folder in a notice.</summary>
    public const int FolderLength = 80;
}

/// <summary>Hours in which nothing is sent; what still waits afterwards is sent then.</summary>
/// <param name="From">Like <c>22:00</c>.</param>
/// <param name="To">Like <c>07:00</c>; earlier than <paramref name="From"/>: on the next day.</param>
/// <param name="TimeZone">The device's, by its IANA name: <c>Europe/Paris</c>.</param>
public sealed record QuietHours(string From, string To, string TimeZone);

/// <summary>What a device is notified of, and how. None of it changes what may be decided or by whom.</summary>
/// <param name="Kinds">Each once.</param>
/// <param name="Digest">At most one notification in 15 minutes, which counts what waits.</param>
/// <param name="Details">Notifications name what is asked for, and offer to allow what one tap may allow: also on a locked screen.</param>
/// <param name="AfterSeconds">The end of a turn is told if it took at least so long: 0 to <see cref="PushLimits.AfterSeconds"/>.</param>
public sealed record PushSettings(IReadOnlyList<PushKind> Kinds, QuietHours? Quiet, bool Digest, bool Details, int AfterSeconds);

/// <summary>What became of the last notification.</summary>
/// <param name="Accepted">The push service took it; whether it ever arrived, nobody tells.</param>
/// <param name="Words">In a sentence.</param>
public sealed record PushReport(DateTimeOffset At, bool Accepted, string Words);

/// <summary>Notifications as they are for the device that asks.</summary>
/// <param name="Key">The machine's key for push services, base64url: what a browser subscribes with.</param>
/// <param name="Origin">The push service's; null: off, and nothing is kept.</param>
/// <param name="Last">Null: none was sent since the daemon started.</param>
public sealed record PushState(string Key, string? Origin, PushSettings Settings, PushReport? Last);

/// <summary>Turns notifications on for the device that asks, or takes its new subscription.</summary>
/// <param name="Endpoint">As the browser gave it: https, at most <see cref="PushLimits.EndpointLength"/> characters.</param>
/// <param name="P256dh">base64url of the 65-byte point, without padding.</param>
/// <param name="Auth">base64url of 16 bytes, without padding.</param>
/// <param name="Settings">Null: as they are, or the usual ones.</param>
public sealed record PushSubscribeRequest(string Endpoint, string P256dh, string Auth, PushSettings? Settings = null);

public sealed record PushSubscribeResponse(PushState Push);

/// <summary>Turns notifications off for the device that asks; its endpoint, keys and settings are deleted.</summary>
public sealed record PushUnsubscribeRequest;

public sealed record PushUnsubscribeResponse(PushState Push);

public sealed record PushSettingsGetRequest;

public sealed record PushSettingsGetResponse(PushState Push);

/// <summary>Changes them for the device that asks; <c>CONFLICT</c> while notifications are off.</summary>
public sealed record PushSettingsSetRequest(PushSettings Settings);

public sealed record PushSettingsSetResponse(PushState Push);

/// <summary>Sends a notification to the device that asks, now.</summary>
public sealed record PushTestRequest;

/// <param name="Notice">What was sent.</param>
public sealed record PushTestResponse(PushReport Report, PushNotice Notice);

/// <summary>Says whether a person can see this connection's app. While one can, the device gets no notifications.</summary>
public sealed record PresenceRequest(bool Visible);

public sealed record PresenceResponse(bool Visible);

/// <summary>What a notice is about.</summary>
[JsonConverter(typeof(LowerSnake<PushNoticeKind>))]
public enum PushNoticeKind
{
    Plan,
    Question,
    McpRequest,
    Permission,
    TaskError,
    TaskComplete,

    /// <summary>What an earlier notice was about is decided, or waits no more.</summary>
    Settled,

    /// <summary>Counts what waits.</summary>
    Digest,
    Test,
}

/// <summary>
/// What a notification carries, sealed for the device: neither the push service nor a gateway reads it. It is no proof: what is decided on
/// is fetched from the machine first.
/// </summary>
/// <param name="V">1.</param>
/// <param name="Machine">The machine's label.</param>
/// <param name="Tag">A later notice takes the place of one with the same.</param>
/// <param name="Digest">Of the approval.</param>
/// <param name="Session">Its title. Untrusted.</param>
/// <param name="Project">Its name.</param>
/// <param name="Tier">Null: it is not assessed.</param>
/// <param name="What">What is asked for in a line; null: not told, as the device wants it. Untrusted.</param>
/// <param name="Whole">It is all that is decided on, and one tap may allow it.</param>
/// <param name="Folder">Where a command runs, when <paramref name="Whole"/>.</param>
/// <param name="Denies">The device may deny it.</param>
/// <param name="Outcome">Of a settled one: <c>allowed</c>, <c>denied</c> or <c>over</c>.</param>
/// <param name="Waiting">How many approvals wait.</param>
public sealed record PushNotice(
    int V,
    string MachineId,
    string Machine,
    PushNoticeKind Kind,
    string Tag,
    int Waiting,
    DateTimeOffset At,
    Guid? ApprovalId = null,
    Guid? AgentSessionId = null,
    string? Digest = null,
    string? Session = null,
    string? Project = null,
    RiskTier? Tier = null,
    SandboxKind? Sandbox = null,
    string? What = null,
    bool Whole = false,
    string? Folder = null,
    bool Denies = false,
    string? Outcome = null,
    DateTimeOffset? ExpiresAt = null);
