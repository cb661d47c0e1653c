using System.Text.Json.Serialization;
using PocketCoder.Channels;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.People;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Settings;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>Who is trusted: devices by pairing, and a ledger that is not the one the machine signed.</summary>
internal static class OwnerTrust
{
    private static OwnerTrustJson Json => OwnerTrustJson.Default;

    public static Verb<PairingRequest, PairingOffer> Pair { get; } =
        new("pairing_offer", static () => Json.PairingRequest, static () => Json.PairingOffer);

    public static Verb<PairingGetRequest, PairingProgress> PairingGet { get; } =
        new("pairing_get", static () => Json.PairingGetRequest, static () => Json.PairingProgress);

    public static Verb<DeviceLimitRequest, DeviceLimitResponse> Limit { get; } =
        new("device_limit", static () => Json.DeviceLimitRequest, static () => Json.DeviceLimitResponse);

    public static Verb<TwoPersonRequest, TwoPersonBody> TwoPeopleGet { get; } =
        new("two_person_get", static () => Json.TwoPersonRequest, static () => Json.TwoPersonBody);

    public static Verb<TwoPersonBody, TwoPersonBody> TwoPeopleSet { get; } =
        new("two_person_set", static () => Json.TwoPersonBody, static () => Json.TwoPersonBody);

    public static Verb<LedgerAcceptRequest, LedgerAccepted> AcceptLedger { get; } =
        new("ledger_accept", static () => Json.LedgerAcceptRequest, static () => Json.LedgerAccepted);

    /// <param name="urls">Where the gateway listens, the best address for a phone first.</param>
    public static MessageTable MapOwnerTrust(
        this MessageTable table,
        string machine,
        Func<IReadOnlyList<string>> urls,
        PairingService pairing,
        DeviceStore devices,
        ConnectionRegistry connections,
        LedgerStore ledger) => table
        .MapOwner(
            Pair,
            async (_, request, _) =>
            {
                if (request.Scopes is { Count: 0 })
                {
                    throw new RequestFailure(ErrorCode.InvalidRequest, "Name at least one scope: view, prompt, decide, manage.");
                }

                // Whoever can decide must see what about: view goes with every pairing.
                var scopes = (request.Scopes ?? devices.UsualScopes()).Append(Scope.View).Distinct().Order().ToList();
                var (id, link, expiresAt) = await pairing.OfferAsync(
                    scopes, request.Name is null ? null : OwnerText.Require(request.Name, 100, "A device's name"),
                    request.Person is null ? null : PersonName.Require(request.Person), request.Tier);
                return new PairingOffer(
                    id, machine, MachineWords.Of(machine), [.. urls().Select(u => link.ToUrl(new Uri(u)))], scopes, expiresAt);
            })
        .MapOwner(
            PairingGet,
            (_, request, _) => Task.FromResult(
                pairing.Progress(request.PairingId) is not { } made ? new PairingProgress(PairingState.Expired, null) : new PairingProgress(
                made.State switch
                {
                    OfferState.Open => PairingState.Waiting,
                    OfferState.Used => made.DeviceId is null ? PairingState.Waiting : PairingState.Paired,
                    OfferState.Expired => PairingState.Expired,
                    _ => PairingState.Burnt,
                },
                made.DeviceId is { } id ? devices.Find(id)?.ToInfo(connections.IsConnected(id)) : null)))
        .MapOwner(
            Limit,
            async (_, request, _) =>
            {
                if (request.Person is { Length: > 0 } person)
                {
                    PersonName.Require(person);
                }

                var connected = connections.IsConnected(request.DeviceId);
                return new DeviceLimitResponse((await devices.LimitAsync(request.DeviceId, connected, known => (
                    request.Person is { } whose ? (whose.Length == 0 ? null : whose) : known.Person,
                    request.AnyTier ? null : request.Tier ?? known.Tier))).ToInfo(connected));
            })
        .MapOwner(
            TwoPeopleGet,
            (_, _, _) => Task.FromResult(new TwoPersonBody(devices.TwoPeople.On)))
        .MapOwner(
            TwoPeopleSet,
            async (_, request, _) =>
            {
                await devices.TwoPeople.SetAsync(request.On, change => SettingChange.Record(
                    change,
                    new SettingData(TwoPersonRule.Name, "machine", request.On ? "set" : "removed", request.On ? "on" : "off",
                        request.On ? "off" : "on", Weaker: request.On ? null : true),
                    null));
                return new TwoPersonBody(devices.TwoPeople.On);
            })
        .MapOwner(
            AcceptLedger,
            async (_, request, ct) =>
            {
                var problem = ledger.Distrust?.Detail ?? "";
                try
                {
                    var accepted = await ledger.AcceptAsync(request.Row, ApprovalService.CommandLine, ct);
                    return new LedgerAccepted(accepted.Seq, problem);
                }
                catch (LedgerException e) when (e.Error == LedgerError.InvalidData)
                {
                    throw new RequestFailure(ErrorCode.InvalidRequest, $"{char.ToUpperInvariant(e.Message[0])}{e.Message[1..]}.");
                }
            });
}

/// <summary>Says whose a device is and what it may allow at most. What is left out stays as it is.</summary>
/// <param name="Person">Empty: nobody's.</param>
/// <param name="AnyTier">It may allow any, whatever <paramref name="Tier"/> says.</param>
internal sealed record DeviceLimitRequest(string DeviceId, string? Person = null, RiskTier? Tier = null, bool AnyTier = false);

internal sealed record DeviceLimitResponse(DeviceInfo Device);

internal sealed record TwoPersonRequest;

/// <param name="On">Two people must allow what may destroy something.</param>
internal sealed record TwoPersonBody(bool On);

/// <summary>What became of a pairing link. One that is gone counts as expired.</summary>
internal sealed record PairingGetRequest(string PairingId);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    MaxDepth = 32)]
[JsonSerializable(typeof(PairingRequest))]
[JsonSerializable(typeof(PairingOffer))]
[JsonSerializable(typeof(PairingGetRequest))]
[JsonSerializable(typeof(PairingProgress))]
[JsonSerializable(typeof(DeviceLimitRequest))]
[JsonSerializable(typeof(DeviceLimitResponse))]
[JsonSerializable(typeof(TwoPersonRequest))]
[JsonSerializable(typeof(TwoPersonBody))]
[JsonSerializable(typeof(LedgerAcceptRequest))]
[JsonSerializable(typeof(LedgerAccepted))]
internal sealed partial class OwnerTrustJson : JsonSerializerContext;
