using System.Security.Cryptography;
using System.Text;
using Microsoft.Data.Sqlite;
using PocketCoder.Ledger;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Tools;

/// <summary>What a session's edits changed, added up as they are shown: no one asks git for it. Pure SQL; no state.</summary>
internal static class EditRows
{
    /// <summary>Files that are counted of one session; more are not.</summary>
    public const int MostFiles = 2_000;

    private const string Sum
        = "SELECT count(*), coalesce(sum(added), 0), coalesce(sum(removed), 0) FROM session_edits WHERE session_id = $id";

    /// <summary>Null: it edited nothing.</summary>
    public static SessionChanges? Find(LedgerReader reader, Guid session)
        => Of(reader.Query(Sum, Map, ("$id", session.ToString())));

    /// <param name="diff">Null: nobody knows how many lines.</param>
    /// <returns>All that the session's edits changed.</returns>
    public static SessionChanges? Add(Change change, Guid session, string path, FileDiff? diff)
    {
        change.Execute(
            $"""
            INSERT INTO session_edits (session_id, file, added, removed) SELECT $id, $file, $added, $removed
            WHERE (SELECT count(*) FROM session_edits WHERE session_id = $id) < {MostFiles}
                OR EXISTS (SELECT 1 FROM session_edits WHERE session_id = $id AND file = $file)
            ON CONFLICT (session_id, file) DO UPDATE SET added = added + $added, removed = removed + $removed
            """,
            ("$id", session.ToString()),
            ("$file", SHA256.HashData(Encoding.UTF8.GetBytes(path))[..16]),
            ("$added", diff?.Added ?? 0),
            ("$removed", diff?.Removed ?? 0));
        return Of(change.Query(Sum, Map, ("$id", session.ToString())));
    }

    private static SessionChanges Map(SqliteDataReader row) => new(row.GetInt32(0), row.GetInt64(1), row.GetInt64(2));

    private static SessionChanges? Of(IReadOnlyList<SessionChanges> sum) => sum[0].Files == 0 ? null : sum[0];
}
