using System.Text;
using Microsoft.Data.Sqlite;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Live;

/// <summary>The live_text table. Pure SQL; no state.</summary>
internal static class LiveRows
{
    private const string ResultKind = "result";

    public static void Append(Change change, Guid session, LiveBlock block, string text)
        => Insert(change, session, block, Word(block.Kind), Encoding.UTF8.GetBytes(text));

    /// <summary>In place of the output's pieces.</summary>
    public static void SetResult(Change change, Guid session, LiveBlock block, ToolResultEvent result)
    {
        Delete(change, session, block.Id);
        Insert(change, session, block, ResultKind, change.BodyOf(result));
    }

    public static void Delete(Change change, Guid session, string block) => change.Execute(
        "DELETE FROM live_text WHERE session_id = $session AND block_id = $block", ("$session", session.ToString()), ("$block", block));

    /// <summary>After a start: what a daemon that was killed had shown and not finished becomes events, each marked as cut.</summary>
    public static void Recover(Change change)
    {
        var blocks = change.Query(
            """
            SELECT l.session_id, l.turn_id, l.block_id, l.kind, l.parent FROM live_text l JOIN sessions s ON s.session_id = l.session_id
            GROUP BY l.session_id, l.block_id ORDER BY min(l.piece)
            """,
            row => (Session: row.Id(0), Block: Map(row)));
        foreach (var (session, block) in blocks)
        {
            var pieces = change.Query(
                "SELECT kind, text FROM live_text WHERE session_id = $session AND block_id = $block ORDER BY piece",
                row => (Kind: row.GetString(0), Bytes: row.GetFieldValue<byte[]>(1)),
                ("$session", session.ToString()),
                ("$block", block.Id));
            if (pieces is [{ Kind: ResultKind, Bytes: var result }, ..])
            {
                change.CopyEvent(session, result);
                continue;
            }

            foreach (var (_, bytes) in pieces)
            {
                block.Text.Append(Encoding.UTF8.GetString(bytes));
            }

            if (!block.IsBlank)
            {
                change.Event(session, block.AsSeen(change.Now));
            }
        }

        change.Execute("DELETE FROM live_text");
    }

    private static void Insert(Change change, Guid session, LiveBlock block, string kind, byte[] text) => change.Execute(
        "INSERT INTO live_text (session_id, turn_id, block_id, kind, parent, text) VALUES ($session, $turn, $block, $kind, $parent, $text)",
        ("$session", session.ToString()),
        ("$turn", block.Turn?.ToString()),
        ("$block", block.Id),
        ("$kind", kind),
        ("$parent", block.Parent),
        ("$text", text));

    private static LiveBlock Map(SqliteDataReader row) => new(
        row.TextOrNull(1) is { } turn ? Guid.ParseExact(turn, "D") : null,
        row.GetString(2),
        row.GetString(3) switch
        {
            "text" => DeltaKind.Text,
            "thinking" => DeltaKind.Thinking,
            _ => DeltaKind.Output,
        },
        row.TextOrNull(4));

    private static string Word(DeltaKind kind) => kind switch
    {
        DeltaKind.Text => "text",
        DeltaKind.Thinking => "thinking",
        _ => "output",
    };
}
