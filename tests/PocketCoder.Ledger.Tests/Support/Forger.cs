using System.Security.Cryptography;
using System.Text;
using Microsoft.Data.Sqlite;

namespace PocketCoder.Ledger.Tests;

/// <summary>Somebody who can write the database, knows the format, and has no key.</summary>
internal static class Forger
{
    /// <summary>
    /// Replaces the chain by rows with these bodies, with right hashes and lookup columns. The database is not open otherwise.
    /// </summary>
    public static void Rechain(TestLedger ledger, Func<List<string>, IEnumerable<string>> edit)
    {
        using var connection = Open(ledger);
        List<string> bodies = [.. Bodies(connection)];
        Run(connection, "DROP TRIGGER IF EXISTS ledger_no_update; DROP TRIGGER IF EXISTS ledger_no_delete; DROP TRIGGER IF EXISTS ledger_in_order; DELETE FROM ledger");
        var hash = new byte[32];
        var seq = 0L;
        foreach (var body in edit(bodies))
        {
            hash = Insert(connection, ++seq, hash, body);
        }
    }

    /// <summary>Appends rows as any program could, also while a daemon has the database open.</summary>
    public static void Append(TestLedger ledger, params ReadOnlySpan<Func<long, string>> rows)
    {
        using var connection = Open(ledger);
        using var last = connection.CreateCommand();
        last.CommandText = "SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1";
        long seq;
        byte[] hash;
        using (var reader = last.ExecuteReader())
        {
            reader.Read();
            (seq, hash) = (reader.GetInt64(0), reader.GetFieldValue<byte[]>(1));
        }

        foreach (var row in rows)
        {
            hash = Insert(connection, ++seq, hash, row(seq));
        }
    }

    /// <summary>A decision of the owner that nobody made, with the request before it.</summary>
    public static Func<long, string>[] Decision(string approval, string signature = "") =>
    [
        seq => Body(seq, "approval_requested", approval, "{\"kind\":\"command\",\"what\":\"true\"}", signature),
        seq => Body(seq, "approval_decided", approval, "{\"decision\":\"allow\",\"scope\":\"once\",\"by\":\"cli\"}", signature),
        seq => Body(seq, "execution_started", approval, "{}", signature),
    ];

    public static string Body(long seq, string kind, string approval, string data, string signature = "") =>
        $"{{\"v\":1,\"seq\":{seq},\"at\":\"2026-03-04T05:06:07.089Z\",\"kind\":\"{kind}\",\"machineId\":\"{TestLedger.Machine}\",\"approvalId\":\"{approval}\",\"actor\":\"cli\",\"digest\":\"{new string('a', 64)}\",\"data\":{data}{signature}}}";

    /// <summary>A body without the machine's signature.</summary>
    public static string Strip(string body)
    {
        var at = body.LastIndexOf(",\"signature\":\"", StringComparison.Ordinal);
        return RowSignature.IsSigned(Encoding.UTF8.GetBytes(body)) ? body[..at] + "}" : body;
    }

    private static byte[] Insert(SqliteConnection connection, long seq, byte[] before, string body)
    {
        Assert.True(BodyView.TryRead(Encoding.UTF8.GetBytes(body), out var view));
        var hash = SHA256.HashData([.. before, .. Encoding.UTF8.GetBytes(body)]);
        using var insert = connection.CreateCommand();
        insert.CommandText =
            "INSERT INTO ledger (seq, hash, body, kind, session_id, approval_id) VALUES ($seq, $hash, $body, $kind, $session, $approval)";
        insert.Parameters.AddWithValue("$seq", seq);
        insert.Parameters.AddWithValue("$hash", hash);
        insert.Parameters.AddWithValue("$body", body);
        insert.Parameters.AddWithValue("$kind", view.Kind);
        insert.Parameters.AddWithValue("$session", (object?)view.SessionId ?? DBNull.Value);
        insert.Parameters.AddWithValue("$approval", (object?)view.ApprovalId ?? DBNull.Value);
        insert.ExecuteNonQuery();
        return hash;
    }

    private static IEnumerable<string> Bodies(SqliteConnection connection)
    {
        using var all = connection.CreateCommand();
        all.CommandText = "SELECT body FROM ledger ORDER BY seq";
        using var reader = all.ExecuteReader();
        while (reader.Read())
        {
            yield return reader.GetString(0);
        }
    }

    private static SqliteConnection Open(TestLedger ledger)
    {
        var connection = new SqliteConnection($"Data Source={ledger.DatabasePath};Pooling=False");
        connection.Open();
        return connection;
    }

    private static void Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
