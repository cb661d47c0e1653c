using System.Text.Json;
using PocketCoder.Ledger;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Marks;

/// <summary>What a person marked on a session.</summary>
internal sealed record SessionMarks
{
    public static SessionMarks None { get; } = new();

    public bool Pinned { get; init; }

    public IReadOnlyList<string> Labels { get; init; } = [];

    public DateTimeOffset? SnoozedUntil { get; init; }

    /// <summary>The last event that the person saw.</summary>
    public long Seen { get; init; }
}

/// <summary>The table of it. Pure SQL; no state.</summary>
internal static class MarkRows
{
    /// <summary>The marks, and whether something was said after what the person saw.</summary>
    public static (SessionMarks Marks, bool Unread) Find(LedgerReader reader, Guid session)
    {
        var marks = reader.QueryFirst(
            "SELECT pinned, labels, snoozed_until, seen FROM session_marks WHERE session_id = $id",
            row => new SessionMarks
            {
                Pinned = row.Flag(0),
                Labels = JsonSerializer.Deserialize(row.GetString(1), ProtocolJson.Default.IReadOnlyListString) ?? [],
                SnoozedUntil = row.TimeOrNull(2),
                Seen = row.GetInt64(3),
            },
            ("$id", session.ToString())) ?? SessionMarks.None;
        var unread = reader.Query(
            $"""
            SELECT 1 FROM streams t JOIN events e
            ON e.position > (t.stream_id << 40) + $seen AND e.position <= (t.stream_id << 40) + t.last_seq
            WHERE t.name = $name AND json_extract(e.body, '$.kind') IN ({Saying.Kinds}) LIMIT 1
            """,
            static _ => true, ("$name", StreamHub.NameOf(session)), ("$seen", marks.Seen)).Count > 0;
        return (marks, unread);
    }

    public static void Save(Change change, Guid session, SessionMarks marks) => change.Execute(
        """
        INSERT INTO session_marks (session_id, pinned, labels, snoozed_until, seen) VALUES ($id, $pinned, $labels, $until, $seen)
        ON CONFLICT (session_id) DO UPDATE SET pinned = $pinned, labels = $labels, snoozed_until = $until, seen = $seen
        """,
        ("$id", session.ToString()),
        ("$pinned", marks.Pinned),
        ("$labels", JsonSerializer.Serialize(marks.Labels, ProtocolJson.Default.IReadOnlyListString)),
        ("$until", Instant.Text(marks.SnoozedUntil)),
        ("$seen", marks.Seen));

    /// <summary>It needs a person: it is not snoozed any more.</summary>
    public static void Wake(Change change, Guid session)
        => change.Execute("UPDATE session_marks SET snoozed_until = NULL WHERE session_id = $id", ("$id", session.ToString()));
}
