using System.Text.Json;
using Microsoft.Data.Sqlite;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Attachments;

/// <summary>A file that a device announced.</summary>
/// <param name="MediaType">Null: it is not whole yet.</param>
/// <param name="SessionId">Null: it went with no prompt yet.</param>
internal sealed record AttachmentRecord(
    Guid Id, string DeviceId, string Name, long Bytes, string Sha256, string? MediaType, Guid? SessionId)
{
    public AttachmentInfo? Info => MediaType is null ? null : new AttachmentInfo(Id, Name, MediaType, Bytes);
}

/// <summary>The attachments table. Pure SQL; no state.</summary>
public static class AttachmentRows
{
    private const string Columns = "SELECT attachment_id, device_id, name, bytes, sha256, media_type, session_id FROM attachments";

    public static string ById => $"{Columns} WHERE attachment_id = $id";

    internal static AttachmentRecord Map(SqliteDataReader row) => new(
        row.Id(0), row.GetString(1), row.GetString(2), row.GetInt64(3), row.GetString(4), row.TextOrNull(5),
        row.IsDBNull(6) ? null : row.Id(6));

    internal static AttachmentRecord? Find(Change change, Guid id) => change.Find(ById, Map, ("$id", id.ToString()));

    internal static void Insert(Change change, AttachmentRecord attachment) => change.Execute(
        "INSERT INTO attachments (attachment_id, device_id, name, bytes, sha256, touched_at) VALUES ($id, $device, $name, $bytes, $sha, $at)",
        ("$id", attachment.Id.ToString()),
        ("$device", attachment.DeviceId),
        ("$name", attachment.Name),
        ("$bytes", attachment.Bytes),
        ("$sha", attachment.Sha256),
        ("$at", Instant.Text(change.Now)));

    public static void Touch(Change change, Guid id) => change.Execute(
        "UPDATE attachments SET touched_at = $at WHERE attachment_id = $id", ("$id", id.ToString()), ("$at", Instant.Text(change.Now)));

    public static void Complete(Change change, Guid id, string mediaType) => change.Execute(
        "UPDATE attachments SET media_type = $type, touched_at = $at WHERE attachment_id = $id", ("$id", id.ToString()),
        ("$type", mediaType), ("$at", Instant.Text(change.Now)));

    /// <summary>What the device has announced that went with no prompt yet.</summary>
    public static (long Files, long Bytes) Staged(Change change, string deviceId) => change.Query(
        "SELECT COUNT(*), COALESCE(SUM(bytes), 0) FROM attachments WHERE device_id = $device AND session_id IS NULL",
        row => (row.GetInt64(0), row.GetInt64(1)), ("$device", deviceId))[0];

    /// <returns>Whether there was one.</returns>
    public static bool DeleteStaged(Change change, Guid id, string deviceId) => change.Execute(
        "DELETE FROM attachments WHERE attachment_id = $id AND device_id = $device AND session_id IS NULL", ("$id", id.ToString()),
        ("$device", deviceId)) > 0;

    /// <returns>Those that were deleted.</returns>
    public static IReadOnlyList<Guid> DeleteStagedBefore(Change change, DateTimeOffset time) => change.Query(
        "DELETE FROM attachments WHERE session_id IS NULL AND touched_at < $time RETURNING attachment_id", row => row.Id(0),
        ("$time", Instant.Text(time)));

    /// <summary>
    /// Files of a session that is deleted. Those that another session's prompt names become that one's, and all of them a copy's.
    /// </summary>
    /// <param name="heir">A copy of the session, which shows them; null: there is none.</param>
    /// <returns>Those that are nobody's now.</returns>
    public static IReadOnlyList<Guid> Bequeath(Change change, Guid session, Guid? heir)
    {
        change.Execute(
            """
            UPDATE attachments SET session_id = coalesce($heir, (
                SELECT t.session_id FROM turns t
                WHERE t.session_id <> $id AND instr(t.attachments, attachments.attachment_id) > 0 LIMIT 1), session_id)
            WHERE session_id = $id
            """,
            ("$heir", heir?.ToString()), ("$id", session.ToString()));
        return change.Query("SELECT attachment_id FROM attachments WHERE session_id = $id", row => row.Id(0), ("$id", session.ToString()));
    }

    public static void DeleteOf(Change change, Guid session)
        => change.Execute("DELETE FROM attachments WHERE session_id = $id", ("$id", session.ToString()));

    /// <summary>Takes uploaded files along with a prompt, all or none.</summary>
    /// <param name="deviceId">Whose prompt it is; null: the owner's at the command line, who has none.</param>
    /// <param name="shown">Whether the agent is shown pictures, which providers bound.</param>
    /// <exception cref="RequestFailure">INVALID_REQUEST, FILE_NOT_FOUND, FILE_TOO_LARGE</exception>
    public static IReadOnlyList<AttachmentInfo> Claim(Change change, Guid session, IReadOnlyList<Guid>? ids, string? deviceId, bool shown)
    {
        if (ids is null or { Count: 0 })
        {
            return [];
        }

        if (ids.Count > AttachmentLimits.PerPrompt || ids.Distinct().Count() != ids.Count)
        {
            throw TooMany();
        }

        var files = new List<AttachmentInfo>(ids.Count);
        foreach (var id in ids)
        {
            var info = Find(change, id) is { } found && found.DeviceId == deviceId ? found.Info : null;
            files.Add(info ?? throw new RequestFailure(
                ErrorCode.FileNotFound, "A file of this prompt is missing or incomplete on the machine. Attach it again.",
                new Dictionary<string, string>(StringComparer.Ordinal) { ["attachmentId"] = id.ToString() }));
            change.Execute("UPDATE attachments SET session_id = COALESCE(session_id, $session), touched_at = $at WHERE attachment_id = $id",
                ("$id", id.ToString()), ("$session", session.ToString()), ("$at", Instant.Text(change.Now)));
        }

        RequireFit(files, shown);
        return files;
    }

    /// <summary>Whether these can go with one prompt.</summary>
    /// <param name="shown">Whether the agent is shown pictures.</param>
    /// <exception cref="RequestFailure">INVALID_REQUEST: too many; FILE_TOO_LARGE: more than models take</exception>
    public static void RequireFit(IReadOnlyList<AttachmentInfo> files, bool shown)
    {
        if (files.Count > AttachmentLimits.PerPrompt)
        {
            throw TooMany();
        }

        var pictures = files.Where(f => shown && MediaTypes.IsPicture(f.MediaType)).ToList();
        if (pictures.Find(p => p.Bytes > AttachmentLimits.ImageBytes) is { } large)
        {
            throw new RequestFailure(ErrorCode.FileTooLarge,
                $"The picture {large.Name} has {large.Bytes} bytes; models take at most {AttachmentLimits.ImageBytes}. Make it smaller.");
        }

        if (pictures.Sum(p => p.Bytes) > AttachmentLimits.PromptImageBytes)
        {
            throw new RequestFailure(ErrorCode.FileTooLarge,
                $"The pictures of this prompt have more than {AttachmentLimits.PromptImageBytes} bytes together, which is what models take. Send some of them with the next prompt.");
        }
    }

    private static RequestFailure TooMany()
        => new(ErrorCode.InvalidRequest, $"At most {AttachmentLimits.PerPrompt} files can be attached to a prompt, each once.");

    public static string? ToColumn(IReadOnlyList<AttachmentInfo> files)
        => files.Count == 0 ? null : JsonSerializer.Serialize(files, ProtocolJson.Default.IReadOnlyListAttachmentInfo);

    public static IReadOnlyList<AttachmentInfo> FromColumn(string? text)
        => text is null ? [] : JsonSerializer.Deserialize(text, ProtocolJson.Default.IReadOnlyListAttachmentInfo) ?? [];
}
