using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Attachments;

/// <summary>The messages about files that go with prompts.</summary>
public static class AttachmentRoutes
{
    public static MessageTable MapAttachments(this MessageTable table, AttachmentStore attachments) => table
        .Map(
            DeviceVerbs.AttachmentBegin, Scope.Prompt,
            (caller, request, _) => attachments.BeginAsync(request, caller.Device.DeviceId))
        .Map(
            DeviceVerbs.AttachmentChunk, Scope.Prompt,
            (caller, request, _) => attachments.ChunkAsync(request, caller.Device.DeviceId))
        .Map(
            DeviceVerbs.AttachmentEnd, Scope.Prompt,
            async (caller, request, _) => new AttachmentEndResponse(
                await attachments.EndAsync(request.AttachmentId, caller.Device.DeviceId)))
        .Map(
            DeviceVerbs.AttachmentDiscard, Scope.Prompt,
            async (caller, request, _) => new AttachmentDiscardResponse(
                await attachments.DiscardAsync(request.AttachmentId, caller.Device.DeviceId)))
        .Map(
            DeviceVerbs.AttachmentRead, Scope.View,
            (caller, request, cancellationToken) => attachments.ReadAsync(request, caller.Device.DeviceId, cancellationToken));
}
