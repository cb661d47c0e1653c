using System.Text.Json;
using System.Text.Json.Serialization;
using PocketCoder.Machine.Notifications;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using PocketCoder.Push;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>Where the owner wants notifications besides devices (docs/push.md).</summary>
internal static class OwnerNotify
{
    private static OwnerNotifyJson Json => OwnerNotifyJson.Default;

    public static Verb<NotifyListRequest, NotifyListResponse> List { get; } =
        new("notify_list", static () => Json.NotifyListRequest, static () => Json.NotifyListResponse);

    public static Verb<NotifySetRequest, NotifySetResponse> Set { get; } =
        new("notify_set", static () => Json.NotifySetRequest, static () => Json.NotifySetResponse);

    public static Verb<NotifyRemoveRequest, NotifyRemoveResponse> Remove { get; } =
        new("notify_remove", static () => Json.NotifyRemoveRequest, static () => Json.NotifyRemoveResponse);

    public static Verb<NotifyTestRequest, NotifyTestResponse> Test { get; } =
        new("notify_test", static () => Json.NotifyTestRequest, static () => Json.NotifyTestResponse);

    public static MessageTable MapOwnerNotify(this MessageTable table, ReceiverService service) => table
        .MapOwner(List, (_, _, _) => Task.FromResult(new NotifyListResponse([.. service.All.Select(r => Shown(r, service))])))
        .MapOwner(
            Set,
            async (_, request, _) =>
            {
                if (!ReceiverSettings.IsName(request.Name))
                {
                    throw new RequestFailure(
                        ErrorCode.InvalidRequest,
                        $"A name has 1 to {ReceiverSettings.NameLength} letters, digits, dots, - and _.");
                }

                var key = request.Kind == ReceiverKind.Webhook ? Webhook.NewKey() : null;
                if (key is not null && request.Token is not null)
                {
                    throw new RequestFailure(ErrorCode.InvalidRequest, "A webhook has a signing key and no token.");
                }

                var receiver = new Receiver(
                    request.Name, request.Kind, request.Url, key ?? request.Token, request.Details, request.Digest)
                { Kinds = request.Kinds, Quiet = request.Quiet, AfterSeconds = request.AfterSeconds };
                await service.SetAsync(receiver);
                return new NotifySetResponse(Shown(receiver, service), key);
            })
        .MapOwner(
            Remove,
            async (_, request, _) => await service.RemoveAsync(request.Name) is { } removed
                ? new NotifyRemoveResponse(Shown(removed, service)) : throw ReceiverService.NoSuch())
        .MapOwner(Test, async (_, request, ct) => new NotifyTestResponse(await service.TestAsync(request.Name, ct)));

    private static NotifyReceiver Shown(Receiver receiver, ReceiverService service) => new(
        receiver.Name, receiver.Kind, receiver.Target().Origin, receiver.Details, receiver.Digest, service.LastOf(receiver.Name),
        receiver.Settings().Kinds, receiver.Quiet, receiver.Settings().AfterSeconds);
}

/// <summary>A receiver of notifications as it is shown: without what of its address is a secret.</summary>
/// <param name="Origin">Scheme, host and port of its address.</param>
/// <param name="Details">It gets a line of what is asked for.</param>
/// <param name="Digest">It gets one notification in fifteen minutes at most.</param>
/// <param name="Last">What became of the last one; null: none was sent since the daemon's start.</param>
/// <param name="Kinds">What it is told of.</param>
/// <param name="Quiet">When it is told nothing; null: never.</param>
/// <param name="AfterSeconds">The end of a turn is told if it took so long.</param>
public sealed record NotifyReceiver(
    string Name, ReceiverKind Kind, string Origin, bool Details, bool Digest, PushReport? Last, IReadOnlyList<PushKind> Kinds,
    QuietHours? Quiet, int AfterSeconds);

internal sealed record NotifyListRequest;

internal sealed record NotifyListResponse(IReadOnlyList<NotifyReceiver> Receivers);

/// <param name="Url">ntfy: <c>https://HOST/TOPIC</c>.</param>
/// <param name="Token">ntfy: an access token; null: none is needed.</param>
/// <param name="Kinds">What it is told of, each once; null: of everything.</param>
/// <param name="Quiet">When it is told nothing; null: never.</param>
/// <param name="AfterSeconds">The end of a turn is told if it took so long; null: 60.</param>
public sealed record NotifySetRequest(
    string Name, ReceiverKind Kind, string Url, string? Token = null, bool Details = false, bool Digest = false,
    IReadOnlyList<PushKind>? Kinds = null, QuietHours? Quiet = null, int? AfterSeconds = null);

/// <param name="Key">Of a webhook: what its messages are signed with. It is shown this once.</param>
public sealed record NotifySetResponse(NotifyReceiver Receiver, string? Key);

internal sealed record NotifyRemoveRequest(string Name);

internal sealed record NotifyRemoveResponse(NotifyReceiver Receiver);

internal sealed record NotifyTestRequest(string Name);

internal sealed record NotifyTestResponse(PushReport Report);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    MaxDepth = 32)]
[JsonSerializable(typeof(NotifyListRequest))]
[JsonSerializable(typeof(NotifyListResponse))]
[JsonSerializable(typeof(NotifySetRequest))]
[JsonSerializable(typeof(NotifySetResponse))]
[JsonSerializable(typeof(NotifyRemoveRequest))]
[JsonSerializable(typeof(NotifyRemoveResponse))]
[JsonSerializable(typeof(NotifyTestRequest))]
[JsonSerializable(typeof(NotifyTestResponse))]
internal sealed partial class OwnerNotifyJson : JsonSerializerContext;
