using System.Text.Json.Serialization;
using PocketCoder.Machine.Entries;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>How the owner lets people of a chat platform in. They are listed, renamed and revoked like devices.</summary>
internal static class OwnerChats
{
    public static Verb<ChatPairingRequest, ChatPairingOffer> Pair { get; } =
        new("chat_pairing_offer", static () => OwnerChatsJson.Default.ChatPairingRequest,
            static () => OwnerChatsJson.Default.ChatPairingOffer);

    /// <param name="platforms">Those that are on.</param>
    public static MessageTable MapOwnerChats(
        this MessageTable table, IReadOnlyList<string> platforms, ChatPairing pairing) => table
        .MapOwner(
            Pair,
            async (_, request, _) =>
            {
                if (!platforms.Contains(request.Platform, StringComparer.Ordinal))
                {
                    throw new RequestFailure(ErrorCode.InvalidRequest, "This machine is in no chat of that platform. Switch it on first.");
                }

                if (request.Scopes is { Count: 0 })
                {
                    throw new RequestFailure(ErrorCode.InvalidRequest, "Name at least one scope: view, prompt, decide, manage.");
                }

                // Whoever can decide must see what about. A chat manages nothing unless the owner says so.
                var scopes = (request.Scopes ?? [Scope.View, Scope.Prompt, Scope.Decide]).Append(Scope.View).Distinct().Order().ToList();
                var (code, expiresAt) = await pairing.OfferAsync(
                    request.Platform, scopes, request.Name is null ? null : OwnerText.Require(request.Name, 100, "A person's name"),
                    request.Destructive);
                return new ChatPairingOffer(code, scopes, expiresAt);
            });
}

/// <param name="Scopes">Null: view, prompt, decide.</param>
/// <param name="Name">What the person is to be known by; null: as the platform calls them.</param>
/// <param name="Destructive">Whether they may allow there what may destroy something.</param>
public sealed record ChatPairingRequest(
    string Platform, IReadOnlyList<Scope>? Scopes = null, string? Name = null, bool Destructive = false);

/// <param name="Code">To be typed into the chat: once, until <paramref name="ExpiresAt"/>.</param>
public sealed record ChatPairingOffer(string Code, IReadOnlyList<Scope> Scopes, DateTimeOffset ExpiresAt);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    MaxDepth = 32)]
[JsonSerializable(typeof(ChatPairingRequest))]
[JsonSerializable(typeof(ChatPairingOffer))]
internal sealed partial class OwnerChatsJson : JsonSerializerContext;
