using System.Text.Json.Serialization;
using PocketCoder.Entry;
using PocketCoder.Machine.Entries;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>Chat platforms: what is set for one, how its bot stands, and a try. A secret comes in and never goes out.</summary>
internal static class OwnerEntries
{
    private static OwnerEntriesJson Json => OwnerEntriesJson.Default;

    public static Verb<EntryStatusRequest, EntryReport> Status { get; } =
        new("entry_status", static () => Json.EntryStatusRequest, static () => Json.EntryReport);

    public static Verb<EntrySetRequest, EntryReport> Set { get; } =
        new("entry_set", static () => Json.EntrySetRequest, static () => Json.EntryReport);

    public static Verb<EntryTestRequest, EntryTestResponse> Test { get; } =
        new("entry_test", static () => Json.EntryTestRequest, static () => Json.EntryTestResponse);

    public static MessageTable MapOwnerEntries(this MessageTable table, EntryParts entries) => table
        .MapOwner(Status, (_, request, _) => Task.FromResult(Report(entries, request.Platform)))
        .MapOwner(
            Set,
            async (_, request, _) =>
            {
                var token = await entries.SetAsync(request.Platform, request.Setting, request.Secret, request.LocalScopes);
                return Report(entries, request.Platform) with { LocalToken = token };
            })
        .MapOwner(
            Test,
            async (_, request, ct) => entries.Find(request.Platform) is { } run
                ? new EntryTestResponse(await run.TestAsync(ct))
                : throw new RequestFailure(ErrorCode.Conflict, "This daemon was started without that chat platform. Switch it on first."));

    private static EntryReport Report(EntryParts entries, string platform)
    {
        entries.RequireKnown(platform);
        var status = entries.Find(platform)?.Status;
        return new EntryReport(
            entries.SettingOf(platform),
            entries.SecretSetAt(platform),
            status?.State switch
            {
                null => EntryPhase.Off,
                EntryState.Starting => EntryPhase.Starting,
                EntryState.Ready => EntryPhase.Ready,
                EntryState.Waiting => EntryPhase.Waiting,
                _ => EntryPhase.Failed,
            },
            status?.Since,
            status?.Reason,
            entries.NeedsRestart(platform));
    }
}

/// <summary>How a chat platform's bot stands.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<EntryPhase>))]
public enum EntryPhase
{
    /// <summary>The daemon was started without it.</summary>
    [JsonStringEnumMemberName("off")]
    Off,

    /// <summary>Not connected yet.</summary>
    [JsonStringEnumMemberName("starting")]
    Starting,

    /// <summary>Connected: what people write arrives.</summary>
    [JsonStringEnumMemberName("ready")]
    Ready,

    /// <summary>The last try failed; the next comes by itself.</summary>
    [JsonStringEnumMemberName("waiting")]
    Waiting,

    /// <summary>Somebody must change something, and start again.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,
}

/// <param name="Set">What the next start goes by; null: nothing is set.</param>
/// <param name="SecretSetAt">When its secret was given last; null: there is none.</param>
/// <param name="Since">Since when it stands so; null: it is off.</param>
/// <param name="Reason">Why it is not ready, in words for people; null: nothing went wrong.</param>
/// <param name="Restart">Something was changed since the daemon started, and counts from the next start on.</param>
/// <param name="LocalToken">The local port's new token: in the answer to the request that made it, and never again.</param>
public sealed record EntryReport(
    EntrySetting? Set, DateTimeOffset? SecretSetAt, EntryPhase State, DateTimeOffset? Since, string? Reason, bool Restart,
    string? LocalToken = null)
{
    public override string ToString() => $"{State}"; // the token is no text for a log
}

internal sealed record EntryStatusRequest(string Platform);

/// <param name="Setting">All of it, in the place of what is set.</param>
/// <param name="Secret">The app's; null: it stays as it is. Another app, or another domain, needs one.</param>
/// <param name="LocalScopes">Makes a new token for the local port, worth these; null: the one that there may be stays.</param>
public sealed record EntrySetRequest(
    string Platform, EntrySetting Setting, string? Secret = null, IReadOnlyList<Scope>? LocalScopes = null);

internal sealed record EntryTestRequest(string Platform);

/// <param name="Found">What the platform said, each in a sentence.</param>
internal sealed record EntryTestResponse(IReadOnlyList<string> Found);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    MaxDepth = 32)]
[JsonSerializable(typeof(EntryStatusRequest))]
[JsonSerializable(typeof(EntryReport))]
[JsonSerializable(typeof(EntrySetRequest))]
[JsonSerializable(typeof(EntryTestRequest))]
[JsonSerializable(typeof(EntryTestResponse))]
internal sealed partial class OwnerEntriesJson : JsonSerializerContext;
