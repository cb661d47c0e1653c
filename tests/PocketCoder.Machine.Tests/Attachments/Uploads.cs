using System.Security.Cryptography;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Attachments;

/// <summary>Uploading as a device does.</summary>
internal static class Uploads
{
    /// <summary>A picture of one pixel.</summary>
    public static readonly byte[] Png = Convert.FromBase64String(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==");

    public static Task<AttachmentBeginResponse> BeginAsync(this TestDevice device, Guid id, string name, byte[] bytes, string? sha = null)
        => device.AskAsync(
        MessageTypes.AttachmentBegin,
        new AttachmentBeginRequest(id, name, bytes.Length, sha ?? Convert.ToHexStringLower(SHA256.HashData(bytes))),
        ProtocolJson.Default.AttachmentBeginRequest, ProtocolJson.Default.AttachmentBeginResponse);

    public static async Task<long> ChunkAsync(this TestDevice device, Guid id, long offset, ReadOnlyMemory<byte> data)
        => (await device.AskAsync(
        MessageTypes.AttachmentChunk, new AttachmentChunkRequest(id, offset, Convert.ToBase64String(data.Span)),
        ProtocolJson.Default.AttachmentChunkRequest, ProtocolJson.Default.AttachmentChunkResponse)).Offset;

    public static async Task<AttachmentInfo> EndAsync(this TestDevice device, Guid id) => (await device.AskAsync(
        MessageTypes.AttachmentEnd, new AttachmentEndRequest(id), ProtocolJson.Default.AttachmentEndRequest,
        ProtocolJson.Default.AttachmentEndResponse)).Attachment;

    public static Task<AttachmentReadResponse> ReadAttachmentAsync(
        this TestDevice device, Guid id, long offset = 0, int limit = Limits.RangeBytes) => device.AskAsync(
        MessageTypes.AttachmentRead, new AttachmentReadRequest(id, offset, limit), ProtocolJson.Default.AttachmentReadRequest,
        ProtocolJson.Default.AttachmentReadResponse);

    /// <summary>A file, wholly.</summary>
    public static async Task<AttachmentInfo> UploadAsync(this TestDevice device, string name, byte[] bytes, Guid? given = null)
    {
        var id = given ?? Guid.CreateVersion7();
        var offset = (await device.BeginAsync(id, name, bytes)).Offset;
        while (offset < bytes.Length)
        {
            offset = await device.ChunkAsync(
                id, offset, bytes.AsMemory((int)offset, (int)Math.Min(AttachmentLimits.ChunkBytes, bytes.Length - offset)));
        }

        return await device.EndAsync(id);
    }

    public static async Task<TurnInfo> PromptAsync(this TestDevice device, Guid session, string text, params Guid[] files)
        => (await device.AskAsync(
        MessageTypes.AgentMessage, new AgentMessageRequest(session, Guid.CreateVersion7(), text, files),
        ProtocolJson.Default.AgentMessageRequest, ProtocolJson.Default.AgentMessageResponse)).Turn;
}
