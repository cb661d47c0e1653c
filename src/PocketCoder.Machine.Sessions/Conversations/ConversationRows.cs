using PocketCoder.Ledger;
using PocketCoder.Machine.Storage;
using PocketCoder.Processes;

namespace PocketCoder.Machine.Conversations;

/// <summary>
/// What is kept of conversations that were begun in a terminal, and of terminals that go on with one. Pure SQL; no state.
/// </summary>
internal static class ConversationRows
{
    public static void RememberCopy(Change change, Guid session, string conversation) => change.Execute(
        "INSERT INTO session_copies (session_id, conversation_id) VALUES ($id, $conversation)", ("$id", session.ToString()),
        ("$conversation", conversation));

    /// <summary>The conversation that a session is to begin as a copy of; null: it begins with nothing.</summary>
    public static string? CopyOf(LedgerReader reader, Guid session)
        => reader.Query("SELECT conversation_id FROM session_copies WHERE session_id = $id", row => row.GetString(0),
            ("$id", session.ToString())) is [var conversation] ? conversation : null;

    public static void ForgetCopy(Change change, Guid session)
        => change.Execute("DELETE FROM session_copies WHERE session_id = $id", ("$id", session.ToString()));

    /// <summary>The session that has a conversation itself, not as a copy.</summary>
    public static (Guid Session, string Title)? FindSession(Change change, string agent, string conversation)
        => change.Query(
            "SELECT session_id, title FROM sessions WHERE agent = $agent AND native_id = $conversation LIMIT 1",
            row => (row.Id(0), row.GetString(1)),
            ("$agent", agent),
            ("$conversation", conversation)) is [var found] ? found : null;

    /// <summary>All conversations that sessions have themselves.</summary>
    public static IReadOnlyDictionary<(string Agent, string Conversation), Guid> Taken(LedgerReader reader)
        => reader.Query("SELECT agent, native_id, session_id FROM sessions WHERE native_id IS NOT NULL ORDER BY created_at",
            row => (Key: (row.GetString(0), row.GetString(1)), Session: row.Id(2)))
            .DistinctBy(r => r.Key)
            .ToDictionary(r => r.Key, r => r.Session);

    public static void Hold(Change change, Guid session, ProcessIdentity process) => change.Execute(
        "INSERT INTO terminal_holds (session_id, pid, start_ticks, boot_id) VALUES ($id, $pid, $ticks, $boot) ON CONFLICT (session_id, pid) DO UPDATE SET start_ticks = $ticks, boot_id = $boot",
        ("$id", session.ToString()),
        ("$pid", process.Pid),
        ("$ticks", process.StartTicks),
        ("$boot", process.BootId));

    public static void Release(Change change, Guid session, ProcessIdentity process)
        => change.Execute("DELETE FROM terminal_holds WHERE session_id = $id AND pid = $pid", ("$id", session.ToString()),
            ("$pid", process.Pid));

    public static IReadOnlyList<(Guid Session, ProcessIdentity Process)> Holds(LedgerReader reader) => reader.Query(
        "SELECT session_id, pid, start_ticks, boot_id FROM terminal_holds",
        row => (row.Id(0), new ProcessIdentity(row.GetInt32(1), row.GetInt64(2), row.GetString(3))));
}
