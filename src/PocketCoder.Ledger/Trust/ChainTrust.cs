using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace PocketCoder.Ledger;

/// <summary>
/// Compares the chain in the database with the head this machine signed last and keeps outside of it, before anything is appended.
/// The key alone lets a chain grow: rows above that head count only with the machine's signature.
/// </summary>
/// <param name="Began">Whether the chain has a row that this machine signed.</param>
/// <param name="Known">The head outside; null: there is no such file.</param>
/// <param name="Problem">The difference; null: none.</param>
/// <param name="OpenRow">An earlier difference that nobody accepted yet: its row.</param>
/// <param name="Lost">Heads that need not be in the chain any more, since somebody accepted that or restored a backup.</param>
/// <param name="Evidence">Signed heads that should be in the chain and are not, of what nobody accepted yet.</param>
internal sealed record ChainTrust(
    bool Began, KnownHead? Known, LedgerFault? Problem, long? OpenRow, IReadOnlyList<LostHead> Lost, IReadOnlyList<LostHead> Evidence)
{
    private const string Rows = "SELECT seq, hash, body FROM ledger WHERE seq > ?1 ORDER BY seq";

    /// <param name="epoch">The ledger's; empty when it has no rows.</param>
    public static ChainTrust Look(SqliteConnection connection, string machineId, string epoch, HeadFile file, MachineKey key)
    {
        KnownHead? known = null;
        LedgerFault? problem = null;
        try
        {
            known = file.Read(machineId, key);
        }
        catch (LedgerException e) when (e.Error == LedgerError.Corrupt)
        {
            problem = new LedgerFault(LedgerFaultKind.HeadMissing, 0, e.Message);
        }

        var records = Records(connection, machineId, key);
        var began = records.Count > 0;
        problem ??= known is null
            ? began ? new LedgerFault(
                LedgerFaultKind.HeadMissing, 0, "the file with the last signed head is gone, though this ledger's rows are signed") : null
            : Compare(connection, machineId, epoch, known.Head, key);

        long? open = null;
        var (lost, evidence) = (new List<LostHead>(), new List<LostHead>());
        foreach (var (seq, kind, body) in records)
        {
            using var document = JsonDocument.Parse(body); // signed by this machine, so it is what this program wrote
            var data = document.RootElement.GetProperty("data");
            switch (kind)
            {
                case LedgerKind.LedgerDistrusted:
                    open = seq;
                    evidence.AddRange(data.Deserialize(TrustJson.Default.DistrustedData)!.Known is { } head
                        ? [new LostHead(head.Epoch, head.Seq)] : []);
                    break;
                case LedgerKind.LedgerAccepted:
                    open = null;
                    evidence.Clear();
                    lost.AddRange(data.Deserialize(TrustJson.Default.AcceptedData)!.Lost);
                    break;
                case LedgerKind.LedgerRestored:
                    lost.AddRange(data.Deserialize(TrustJson.Default.RestoredData)!.Lost ?? []);
                    break;
            }
        }

        if (problem is not null && known is { Head: { Seq: > 0 } outside })
        {
            evidence.Add(new LostHead(outside.Epoch, outside.Seq));
        }

        return new ChainTrust(began, known, problem, open, lost, evidence);
    }

    /// <summary>Whether a head that is not in the chain is one of those that need not be.</summary>
    public static bool Covers(IEnumerable<LostHead> lost, LedgerHead head) => lost.Any(l => l.Epoch == head.Epoch && head.Seq <= l.Seq);

    private static LedgerFault? Compare(SqliteConnection connection, string machineId, string epoch, LedgerHead head, MachineKey key)
    {
        if (head.Seq > 0 && head.Epoch != epoch)
        {
            return new LedgerFault(LedgerFaultKind.WrongEpoch, 1,
                "this is another ledger than the one whose head this machine signed last: it was replaced or begun anew");
        }

        var before = new byte[SHA256.HashSizeInBytes];
        if (head.Seq > 0)
        {
            using var at = new Statement(connection.Handle!, "SELECT hash FROM ledger WHERE seq = ?1");
            at.Bind(1, head.Seq);
            if (!at.Step())
            {
                return new LedgerFault(LedgerFaultKind.Truncated, head.Seq,
                    Invariant($"row {head.Seq} is gone: this machine signed it as the last one, but the ledger ends before it"));
            }

            before = at.Bytes(0).ToArray();
            if (Convert.ToHexStringLower(before) != head.HashHex)
            {
                return new LedgerFault(LedgerFaultKind.Rewritten, head.Seq,
                    Invariant($"row {head.Seq} is not the row that this machine signed: the chain was rewritten at or below it"));
            }
        }

        return Above(connection, machineId, head.Seq, before, key);
    }

    /// <summary>The rows that the file does not know yet: each must follow from the one before and be signed.</summary>
    private static LedgerFault? Above(SqliteConnection connection, string machineId, long seq, byte[] hash, MachineKey key)
    {
        using var rows = new Statement(connection.Handle!, Rows);
        rows.Bind(1, seq);
        while (rows.Step())
        {
            var body = rows.Bytes(2).ToArray();
            if (rows.Int64(0) != ++seq || !SHA256.HashData([.. hash, .. body]).AsSpan().SequenceEqual(rows.Bytes(1)))
            {
                return new LedgerFault(LedgerFaultKind.Altered, seq,
                    Invariant($"row {seq} is missing or does not follow from the row before it"));
            }

            if (!key.SignedRow(machineId, seq, hash, body))
            {
                return new LedgerFault(LedgerFaultKind.NotSigned, seq,
                    Invariant($"row {seq} was not signed by this machine: something else wrote it into the database"));
            }

            hash = rows.Bytes(1).ToArray();
        }

        return null;
    }

    /// <summary>The signed rows about trust itself, and the first row when it is signed: few, whatever the length of the chain.</summary>
    private static List<(long Seq, string Kind, byte[] Body)> Records(SqliteConnection connection, string machineId, MachineKey key)
    {
        var found = new List<(long, string, byte[])>();
        using var before = new Statement(connection.Handle!, "SELECT hash FROM ledger WHERE seq = ?1");
        using var rows = new Statement(connection.Handle!,
            "SELECT seq, body FROM ledger WHERE seq = 1 OR kind IN ('signing_began', 'ledger_distrusted', 'ledger_accepted', 'ledger_restored') ORDER BY seq");
        while (rows.Step())
        {
            var (seq, body) = (rows.Int64(0), rows.Bytes(1).ToArray());
            before.Bind(1, seq - 1);
            var hash = before.Step() ? before.Bytes(0).ToArray() : new byte[SHA256.HashSizeInBytes];
            before.Reset();
            if (key.SignedRow(machineId, seq, hash, body) && BodyView.TryRead(body, out var view))
            {
                found.Add((seq, view.Kind!, body)); // the body's kind: the column is no one's word
            }
        }

        return found;
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
