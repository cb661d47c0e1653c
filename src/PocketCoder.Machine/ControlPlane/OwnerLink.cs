using System.Text.Json.Serialization;
using PocketCoder.Link;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Linking;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Settings;
using PocketCoder.Machine.Starting;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>The remote gateway that this machine connects to (docs/link.md).</summary>
internal static class OwnerLink
{
    private const int MostCodeChars = 64;

    private static OwnerLinkJson Json => OwnerLinkJson.Default;

    public static Verb<LinkSetRequest, LinkStatus> Set { get; } =
        new("link_set", static () => Json.LinkSetRequest, static () => Json.LinkStatus);

    public static Verb<LinkRemoveRequest, LinkRemoveResponse> Remove { get; } =
        new("link_remove", static () => Json.LinkRemoveRequest, static () => Json.LinkRemoveResponse);

    public static MessageTable MapOwnerLink(
        this MessageTable table, string machine, LinkSetting setting, LinkDialer dialer, Store store) => table
        .MapOwner(
            Set,
            async (_, request, ct) =>
            {
                var gateway = AddressIn(request.Gateway);
                if (request.Code is { } code && (code.Length is 0 or > MostCodeChars || !code.All(IsOfCode)))
                {
                    throw new RequestFailure(
                        ErrorCode.InvalidRequest, "This is not a code. On the gateway, type: pocketcoder gateway invite");
                }

                await EnrolAsync(dialer, gateway, request.Code, ct);
                await ChangeAsync(machine, setting, store, gateway);
                return setting.Status;
            })
        .MapOwner(
            Remove,
            async (_, _, _) =>
            {
                var before = await ChangeAsync(machine, setting, store, null);
                return new LinkRemoveResponse(before is null ? null : GatewayAddress.Text(before));
            });

    /// <exception cref="RequestFailure">INVALID_REQUEST: it is no address of a gateway.</exception>
    internal static Uri AddressIn(string text) => GatewayAddress.TryParse(text, out var gateway) ? gateway
        : throw new RequestFailure(
            ErrorCode.InvalidRequest, "Use the gateway's address: https://HOST[:PORT], or http on loopback.");

    private static bool IsOfCode(char c) => char.IsAsciiLetterOrDigit(c) || c == '-';

    /// <summary>Only a gateway that takes this machine is set.</summary>
    private static async Task EnrolAsync(LinkDialer dialer, Uri gateway, string? code, CancellationToken ct)
    {
        try
        {
            await dialer.EnrolAsync(gateway, code, ct);
        }
        catch (LinkException e)
        {
            throw new RequestFailure(
                e.Refusal switch
                {
                    { Code: "unknown_machine" or "bad_code" } => ErrorCode.Unauthorized, // whoever asks may come again with a code
                    { IsFinal: true } => ErrorCode.Conflict,
                    _ => ErrorCode.Unavailable,
                },
                e.Refusal?.Message ?? e.Message);
        }
    }

    /// <summary>Sets the gateway together with its row. What is returned is the one before.</summary>
    internal static Task<Uri?> ChangeAsync(string machine, LinkSetting setting, Store store, Uri? gateway)
        => setting.SetAsync(gateway, store, (change, before) =>
        {
            if (gateway != before)
            {
                var (now, old) = (TextOf(gateway), TextOf(before));
                SettingChange.Record(change, new SettingData("gateway", machine, gateway is null ? "removed" : "set", now, old), null);
                StartSettings.Remember(change, StartSettings.RemoteGateway, now);
            }
        });

    private static string? TextOf(Uri? gateway) => gateway is null ? null : GatewayAddress.Text(gateway);
}

/// <param name="Gateway"><c>https://HOST[:PORT]</c>, or <c>http</c> on loopback.</param>
/// <param name="Code">From <c>pocketcoder gateway invite</c>; null: the gateway knows this machine.</param>
internal sealed record LinkSetRequest(string Gateway, string? Code = null);

internal sealed record LinkRemoveRequest;

/// <param name="Gateway">The one that was set; null: there was none.</param>
internal sealed record LinkRemoveResponse(string? Gateway);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    MaxDepth = 32)]
[JsonSerializable(typeof(LinkSetRequest))]
[JsonSerializable(typeof(LinkStatus))]
[JsonSerializable(typeof(LinkRemoveRequest))]
[JsonSerializable(typeof(LinkRemoveResponse))]
internal sealed partial class OwnerLinkJson : JsonSerializerContext;
