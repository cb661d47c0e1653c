using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Attachments;

/// <summary>The messages about files that go with prompts.</summary>
public static class AttachmentRoutes
{
    public static MessageTable MapAttachments(this MessageTable table, AttachmentStore attachments) => table
        .Map(
            MessageTypes.AttachmentBegin,
            Scope.Prompt,
            static () => ProtocolJson.Default.AttachmentBeginRequest,
            static () => ProtocolJson.Default.AttachmentBeginResponse,
            (caller, request, _) => attachments.BeginAsync(request, caller.Device.DeviceId))
        .Map(
            MessageTypes.AttachmentChunk,
            Scope.Prompt,
            static () => ProtocolJson.Default.AttachmentChunkRequest,
            static () => ProtocolJson.Default.AttachmentChunkResponse,
            (caller, request, _) => attachments.ChunkAsync(request, caller.Device.DeviceId))
        .Map(
            MessageTypes.AttachmentEnd,
            Scope.Prompt,
            static () => ProtocolJson.Default.AttachmentEndRequest,
            static () => ProtocolJson.Default.AttachmentEndResponse,
            async (caller, request, _) => new AttachmentEndResponse(
                await attachments.EndAsync(request.AttachmentId, caller.Device.DeviceId)))
        .Map(
            MessageTypes.AttachmentDiscard,
            Scope.Prompt,
            static () => ProtocolJson.Default.AttachmentDiscardRequest,
            static () => ProtocolJson.Default.AttachmentDiscardResponse,
            async (caller, request, _) => new AttachmentDiscardResponse(
                await attachments.DiscardAsync(request.AttachmentId, caller.Device.DeviceId)))
        .Map(
            MessageTypes.AttachmentRead,
            Scope.View,
            static () => ProtocolJson.Default.AttachmentReadRequest,
            static () => ProtocolJson.Default.AttachmentReadResponse,
            (caller, request, cancellationToken) => attachments.ReadAsync(request, caller.Device.DeviceId, cancellationToken));
}
