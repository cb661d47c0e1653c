using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Attachments;

/// <summary>The messages about files that go with prompts.</summary>
internal static class AttachmentRoutes
{
    public static MessageTable MapAttachments(this MessageTable table, AttachmentRoom room) => table
        .Map(
            MessageTypes.AttachmentBegin,
            Scope.Prompt,
            ProtocolJson.Default.AttachmentBeginRequest,
            ProtocolJson.Default.AttachmentBeginResponse,
            (caller, request, _) => room.BeginAsync(request, caller.Device.DeviceId))
        .Map(
            MessageTypes.AttachmentChunk,
            Scope.Prompt,
            ProtocolJson.Default.AttachmentChunkRequest,
            ProtocolJson.Default.AttachmentChunkResponse,
            (caller, request, _) => room.ChunkAsync(request, caller.Device.DeviceId))
        .Map(
            MessageTypes.AttachmentEnd,
            Scope.Prompt,
            ProtocolJson.Default.AttachmentEndRequest,
            ProtocolJson.Default.AttachmentEndResponse,
            async (caller, request, _) => new AttachmentEndResponse(await room.EndAsync(request.AttachmentId, caller.Device.DeviceId)))
        .Map(
            MessageTypes.AttachmentDiscard,
            Scope.Prompt,
            ProtocolJson.Default.AttachmentDiscardRequest,
            ProtocolJson.Default.AttachmentDiscardResponse,
            async (caller, request, _) => new AttachmentDiscardResponse(await room.DiscardAsync(request.AttachmentId, caller.Device.DeviceId)))
        .Map(
            MessageTypes.AttachmentRead,
            Scope.View,
            ProtocolJson.Default.AttachmentReadRequest,
            ProtocolJson.Default.AttachmentReadResponse,
            (caller, request, cancellationToken) => room.ReadAsync(request, caller.Device.DeviceId, cancellationToken));
}
