using PocketCoder.Machine.Entries;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>
/// How the owner, and a device with the scope manage, let people of a chat platform in. They are listed, renamed and revoked like devices.
/// </summary>
internal static class OwnerChats
{
    /// <param name="platforms">Those that are on.</param>
    public static MessageTable MapChats(
        this MessageTable table, IReadOnlyList<string> platforms, ChatPairing pairing) => table
        .MapShared(
            Verbs.ChatPairingOffer, Scope.Manage,
            async (caller, request, _) =>
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
                var usual = ((Scope[])[Scope.View, Scope.Prompt, Scope.Decide]).Where(s => caller.Device?.Scopes.Contains(s) ?? true);
                var scopes = (request.Scopes ?? [.. usual]).Append(Scope.View).Distinct().Order().ToList();
                if (caller.Device is { } device
                    && (request.Destructive || scopes.Any(s => s == Scope.Manage || !device.Scopes.Contains(s))))
                {
                    throw new RequestFailure(
                        ErrorCode.Unauthorized,
                        "A device gives nobody more than it has itself, nor manage, nor what is destructive. The owner can, at the machine.");
                }

                var (code, expiresAt) = await pairing.OfferAsync(
                    request.Platform, scopes, request.Name is null ? null : OwnerText.Require(request.Name, 100, "A person's name"),
                    request.Destructive, caller.Device);
                return new ChatPairingOfferResponse(code, scopes, expiresAt);
            });
}
