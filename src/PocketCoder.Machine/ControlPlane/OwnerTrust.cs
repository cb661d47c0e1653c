using System.Text.Json.Serialization;
using PocketCoder.Channels;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Routing;
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
                    scopes, request.Name is null ? null : OwnerText.Require(request.Name, 100, "A device's name"));
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

/// <summary>What became of a pairing link. One that is gone counts as expired.</summary>
internal sealed record PairingGetRequest(string PairingId);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    MaxDepth = 32)]
[JsonSerializable(typeof(PairingRequest))]
[JsonSerializable(typeof(PairingOffer))]
[JsonSerializable(typeof(PairingGetRequest))]
[JsonSerializable(typeof(PairingProgress))]
[JsonSerializable(typeof(LedgerAcceptRequest))]
[JsonSerializable(typeof(LedgerAccepted))]
internal sealed partial class OwnerTrustJson : JsonSerializerContext;
