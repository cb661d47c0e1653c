using System.Text;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace PocketCoder.Ledger;

/// <summary>What happens between migrated tables and a running writer: first row, identity, restored backup, newest rows.</summary>
internal static class LedgerOpening
{
    private const int CheckedTail = 256;

    /// <summary>The session owns the connection from here on, also when this throws.</summary>
    public static (WriterSession Session, string Epoch) Start(SqliteConnection connection, string machineId, TimeProvider time)
    {
        var session = new WriterSession(connection, machineId, time);
        try
        {
            return (session, Start(session, connection, machineId));
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    private static string Start(WriterSession session, SqliteConnection connection, string machineId)
    {
        var meta = LedgerCheck.Meta(connection);
        if (!meta.TryGetValue("ledger_epoch", out var epoch))
        {
            if (session.Seq != 0)
            {
                throw new LedgerException(LedgerError.Corrupt, "this ledger has rows but does not know its own epoch: restore a backup");
            }

            return Found(session, machineId);
        }

        if (meta.GetValueOrDefault("machine_id") != machineId)
        {
            throw new LedgerException(
                LedgerError.WrongMachine,
                $"this ledger belongs to machine {meta.GetValueOrDefault("machine_id")}, not to {machineId}: restore that machine's keys, or move the ledger away to begin a new one");
        }

        CheckTail(session, connection);
        if (meta.TryGetValue(LedgerCopy.Stamp, out var backupAt))
        {
            Restore(session, backupAt);
        }

        return epoch;
    }

    private static string Found(WriterSession session, string machineId)
    {
        var epoch = EventAppender.NewEpoch();
        session.Setup(
            "INSERT INTO ledger_meta (name, value) VALUES ('ledger_epoch', $epoch), ('machine_id', $machine)",
            new LedgerEntry(LedgerKind.LedgerOpened) { Actor = "machine", Data = Encoding.UTF8.GetBytes($$"""{"ledgerEpoch":"{{epoch}}"}""") },
            ("$epoch", epoch), ("$machine", machineId));
        return epoch;
    }

    /// <summary>
    /// This file is a copy that now goes on by itself. Events after the copy are gone and their numbers will be given again, so
    /// every stream gets a new epoch: a client that saw the lost ones reloads instead of resuming into other events.
    /// </summary>
    private static void Restore(WriterSession session, string backupAt)
        => session.Setup(
            $"UPDATE streams SET epoch = lower(hex(randomblob(8))); DELETE FROM ledger_meta WHERE name = '{LedgerCopy.Stamp}'",
            new LedgerEntry(LedgerKind.LedgerRestored)
            {
                Actor = "machine",
                Data = Encoding.UTF8.GetBytes($$"""{"backupAt":"{{JsonEncodedText.Encode(backupAt)}}"}"""),
            });

    private static void CheckTail(WriterSession session, SqliteConnection connection)
    {
        if (ChainTail.Check(connection, CheckedTail) is { } problem)
        {
            throw new LedgerException(LedgerError.Corrupt, $"the newest rows of this ledger do not form a chain ({problem}): verify it, and restore a backup");
        }

        if (session.Seq == 0)
        {
            throw new LedgerException(LedgerError.Corrupt, "the rows of this ledger are gone: restore a backup");
        }
    }
}
