using System.Text;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace PocketCoder.Ledger;

/// <summary>What the opening found out.</summary>
/// <param name="Lost">Heads that need not be in the chain.</param>
/// <param name="Evidence">Signed heads that should be in it and are not.</param>
internal sealed record Opened(WriterSession Session, string Epoch, IReadOnlyList<LostHead> Lost, IReadOnlyList<LostHead> Evidence);

/// <summary>What happens between migrated tables and a running writer: trust, first row, identity, restored backup, newest rows.</summary>
internal sealed class LedgerOpening(SqliteConnection connection, WriterSession session, LedgerOptions options)
{
    private const int CheckedTail = 256;

    /// <summary>The session owns the connection from here on, also when this throws.</summary>
    public static Opened Start(SqliteConnection connection, LedgerOptions options, TimeProvider time)
    {
        var session = new WriterSession(connection, options.MachineId, time, options.Signer);
        try
        {
            return new LedgerOpening(connection, session, options).Start();
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    private Opened Start()
    {
        var meta = LedgerCheck.Meta(connection);
        var epoch = meta.GetValueOrDefault("ledger_epoch");
        RequireSound(connection, meta, session.Seq, options.MachineId);

        var trust = Look(epoch ?? "");
        epoch ??= Found();
        if (trust is not null)
        {
            Begin(trust);
        }

        if (meta.TryGetValue(LedgerCopy.Stamp, out var backupAt))
        {
            Restore(backupAt, trust);
        }

        return new Opened(session, epoch, [.. trust?.Lost ?? [], .. LostByRestore(trust)], trust?.Evidence ?? []);
    }

    private static IReadOnlyList<LostHead> LostByRestore(ChainTrust? trust)
        => trust is { Problem: null, Known.Lost: { } lost } ? [new LostHead(lost.Epoch, lost.Seq)] : [];

    private ChainTrust? Look(string epoch)
    {
        if (options is not { Signer: { } signer, HeadPath: { } path })
        {
            return null;
        }

        var file = new HeadFile(path);
        file.RemoveLeftovers();
        using var key = new MachineKey(signer.PublicKey.Span);
        var trust = ChainTrust.Look(connection, options.MachineId, epoch, file, key);
        if (trust is { Known: null, Problem: null })
        {
            // Before the first signed row: a crash in between leaves a file that says just what is in the database.
            var head = session.Seq == 0 ? HeadFile.Empty : new LedgerHead(epoch, session.Seq, session.HashHex);
            file.Write(head, options.MachineId, signer);
        }

        return trust;
    }

    private void Begin(ChainTrust trust)
    {
        if (trust.Problem is { } problem)
        {
            var head = trust.Known;
            session.Distrust = new LedgerDistrust(problem.Kind, problem.Detail, trust.OpenRow);
            if (trust.OpenRow is null)
            {
                Own(LedgerKind.LedgerDistrusted,
                    Distrusted(problem, head is null ? null : DistrustedHead.Of(head.Head, head.Signature.Span), "start"));
                session.Distrust = session.Distrust with { Row = session.Seq };
            }
        }
        else if (trust.OpenRow is { } row)
        {
            session.Distrust = new LedgerDistrust(
                LedgerFaultKind.Distrusted, $"a difference was found earlier and row {row} tells it", row);
        }
        else if (!trust.Began && session.Seq > 1)
        {
            Own(LedgerKind.SigningBegan,
                JsonSerializer.SerializeToUtf8Bytes(new SigningBeganData(session.Seq), TrustJson.Default.SigningBeganData));
        }
    }

    public static byte[] Distrusted(LedgerFault problem, DistrustedHead? head, string? from)
        => JsonSerializer.SerializeToUtf8Bytes(
            new DistrustedData(problem.Kind.ToString(), problem.Detail, head, from), TrustJson.Default.DistrustedData);

    private void Own(string kind, byte[] data) => session.Setup(null, new LedgerEntry(kind) { Actor = "machine", Data = data });

    /// <summary>What every start asks of the rows that are there. Changes nothing.</summary>
    /// <param name="machineId">Null: of whatever machine.</param>
    /// <exception cref="LedgerException">They are not what this program left.</exception>
    public static void RequireSound(SqliteConnection connection, string? machineId)
        => RequireSound(connection, LedgerCheck.Meta(connection),
            (long)DatabaseFile.Scalar(connection, "SELECT coalesce(max(seq), 0) FROM ledger")!, machineId);

    private static void RequireSound(SqliteConnection connection, Dictionary<string, string> meta, long seq, string? machineId)
    {
        if (!meta.ContainsKey("ledger_epoch"))
        {
            if (seq != 0)
            {
                throw new LedgerException(LedgerError.Corrupt, "this ledger has rows but does not know its own epoch: restore a backup");
            }

            return;
        }

        if (machineId is not null && meta.GetValueOrDefault("machine_id") != machineId)
        {
            throw new LedgerException(
                LedgerError.WrongMachine,
                $"this ledger belongs to machine {meta.GetValueOrDefault("machine_id")}, not to {machineId}: restore that machine's keys, or move the ledger away to begin a new one");
        }

        CheckTail(connection, seq);
    }

    private string Found()
    {
        var epoch = EventAppender.NewEpoch();
        session.Setup(
            "INSERT INTO ledger_meta (name, value) VALUES ('ledger_epoch', $epoch), ('machine_id', $machine)",
            new LedgerEntry(LedgerKind.LedgerOpened)
            { Actor = "machine", Data = Encoding.UTF8.GetBytes($$"""{"ledgerEpoch":"{{epoch}}"}""") },
            ("$epoch", epoch), ("$machine", options.MachineId));
        return epoch;
    }

    /// <summary>
    /// This file is a copy that now goes on by itself. Events after the copy are gone and their numbers will be given again, so
    /// every stream gets a new epoch: a client that saw the lost ones reloads instead of resuming into other events.
    /// The stamp is in the database, so it proves nothing: what makes a restored copy trusted is the head that the restore signed.
    /// </summary>
    private void Restore(string backupAt, ChainTrust? trust)
    {
        var lost = LostByRestore(trust);
        session.Setup(
            $"UPDATE streams SET epoch = lower(hex(randomblob(8))); DELETE FROM ledger_meta WHERE name = '{LedgerCopy.Stamp}'",
            new LedgerEntry(LedgerKind.LedgerRestored)
            {
                Actor = "machine",
                Data = JsonSerializer.SerializeToUtf8Bytes(
                    new RestoredData(backupAt, lost.Count > 0 ? lost : null), TrustJson.Default.RestoredData),
            });
    }

    private static void CheckTail(SqliteConnection connection, long seq)
    {
        if (ChainTail.Check(connection, CheckedTail) is { } problem)
        {
            throw new LedgerException(
                LedgerError.Corrupt, $"the newest rows of this ledger do not form a chain ({problem}): verify it, and restore a backup");
        }

        if (seq == 0)
        {
            throw new LedgerException(LedgerError.Corrupt, "the rows of this ledger are gone: restore a backup");
        }
    }
}
