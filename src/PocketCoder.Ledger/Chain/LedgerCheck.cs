using Microsoft.Data.Sqlite;

namespace PocketCoder.Ledger;

/// <summary>Verifies a file that no store has open.</summary>
internal static class LedgerCheck
{
    /// <summary>Why the file is not the ledger that the head outside is of; null: it is, or it was never signed.</summary>
    public static string? Trust(string path, string headPath, string machineId, ReadOnlyMemory<byte> signingKey)
    {
        SqliteEngine.EnsureLoaded();
        using var connection = DatabaseFile.OpenReader(path);
        using var key = new MachineKey(signingKey.Span);
        // The file is read before the rows: a daemon that runs writes a row first and the file after it.
        var trust = ChainTrust.Look(
            connection, machineId, Meta(connection).GetValueOrDefault("ledger_epoch", ""), new HeadFile(headPath), key);
        return trust.Problem?.Detail ?? (trust.OpenRow is { } row ? $"row {row} tells a difference that nobody accepted" : null);
    }

    public static VerifyReport File(
        string path, IReadOnlyList<LedgerCheckpoint> remembered, ReadOnlyMemory<byte>? signingKey, CancellationToken cancellationToken)
    {
        SqliteEngine.EnsureLoaded();
        try
        {
            using var connection = DatabaseFile.OpenReader(path);
            if (DatabaseFile.Scalar(connection, "PRAGMA integrity_check(1)") is not "ok")
            {
                return Damaged("SQLite's integrity check failed");
            }

            var meta = Meta(connection);
            using var key = signingKey is { } point ? new MachineKey(point.Span) : null;
            var verifier = new ChainVerifier(
                meta.GetValueOrDefault("ledger_epoch", ""), meta.GetValueOrDefault("machine_id", ""), remembered, key);
            while (verifier.NextPage(connection))
            {
                cancellationToken.ThrowIfCancellationRequested();
            }

            return verifier.Report();
        }
        catch (LedgerException e) when (e.Error is LedgerError.Corrupt or LedgerError.NotALedger or LedgerError.Sql)
        {
            return Damaged(e.Message);
        }
    }

    /// <summary>SQLite's own check of the file's structure: reads all of it, so only where there is a reason.</summary>
    /// <exception cref="LedgerException"><see cref="LedgerError.Corrupt"/></exception>
    public static void Structure(SqliteConnection connection)
    {
        if (DatabaseFile.Scalar(connection, "PRAGMA quick_check(1)") is not "ok")
        {
            throw new LedgerException(
                LedgerError.Corrupt, "this database was not closed by the last process, and SQLite finds it damaged: restore a backup");
        }
    }

    public static Dictionary<string, string> Meta(SqliteConnection connection)
    {
        using var statement = new Statement(connection.Handle!, "SELECT name, value FROM ledger_meta");
        var meta = new Dictionary<string, string>(StringComparer.Ordinal);
        while (statement.Step())
        {
            meta[statement.Text(0)!] = statement.Text(1)!;
        }

        return meta;
    }

    private static VerifyReport Damaged(string detail) => new(0, null, new LedgerFault(LedgerFaultKind.FileDamaged, 0, detail));
}
