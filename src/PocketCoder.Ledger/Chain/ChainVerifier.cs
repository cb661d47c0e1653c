using System.Security.Cryptography;
using Microsoft.Data.Sqlite;

namespace PocketCoder.Ledger;

/// <summary>Recomputes the chain row by row, in pages, so that no snapshot is held for long. One run each; not thread-safe.</summary>
internal sealed class ChainVerifier(string epoch, string machineId, IEnumerable<LedgerMark> remembered)
{
    public const int PageSize = 10_000;
    private const int HashSize = SHA256.HashSizeInBytes;
    private const string Sql = "SELECT seq, hash, body, kind, session_id, approval_id FROM ledger WHERE seq > ?1 ORDER BY seq LIMIT ?2";

    private readonly ILookup<long, string> marks = remembered.ToLookup(m => m.Seq, m => m.HashHex);
    private readonly Dictionary<string, ApprovalHistory> approvals = new(StringComparer.Ordinal);
    private readonly byte[] hash = new byte[HashSize];
    private byte[] buffer = new byte[4096];
    private long seq;

    private LedgerFault? fault;

    /// <summary>Verifies the next page; true while there may be more.</summary>
    public bool NextPage(SqliteConnection connection)
    {
        using var rows = new Statement(connection.Handle!, Sql);
        // From the very bottom, so that a row smuggled in below 1 is seen.
        rows.Bind(1, seq == 0 ? long.MinValue : seq).Bind(2, PageSize);
        var read = 0;
        while (fault is null && rows.Step())
        {
            fault = CheckRow(rows);
            read++;
        }

        return fault is null && read == PageSize;
    }

    public VerifyReport Report()
    {
        fault ??= CheckEnd();
        var head = seq == 0 ? null : new LedgerHead(epoch, seq, Convert.ToHexStringLower(hash));
        return new VerifyReport(seq, head, fault);
    }

    private static bool Same(string? column, string? body) => string.Equals(column, body, StringComparison.Ordinal);

    private LedgerFault? CheckRow(Statement row)
    {
        var number = row.Int64(0);
        if (number != seq + 1)
        {
            return new LedgerFault(LedgerFaultKind.Gap, seq + 1, $"row {seq + 1} is missing; the next one is {number}");
        }

        var body = row.Bytes(2);
        Span<byte> computed = stackalloc byte[HashSize];
        HashWith(body, computed);
        if (!row.Bytes(1).SequenceEqual(computed))
        {
            return new LedgerFault(
                LedgerFaultKind.Altered, number, $"row {number} does not follow from row {seq}: its text or hash was altered, or the hash of the row before it was");
        }

        return CheckMarks(number, computed) ?? CheckBody(row, number, body) ?? Accept(number, computed);
    }

    private LedgerFault? Accept(long number, ReadOnlySpan<byte> computed)
    {
        seq = number;
        computed.CopyTo(hash);
        return null;
    }

    private void HashWith(ReadOnlySpan<byte> body, Span<byte> computed)
    {
        if (buffer.Length < HashSize + body.Length)
        {
            buffer = new byte[2 * (HashSize + body.Length)];
        }

        hash.CopyTo(buffer, 0);
        body.CopyTo(buffer.AsSpan(HashSize));
        SHA256.HashData(buffer.AsSpan(0, HashSize + body.Length), computed);
    }

    private LedgerFault? CheckMarks(long number, ReadOnlySpan<byte> computed)
    {
        foreach (var mark in marks[number])
        {
            if (!string.Equals(mark, Convert.ToHexStringLower(computed), StringComparison.OrdinalIgnoreCase))
            {
                return new LedgerFault(LedgerFaultKind.Rewritten, number, $"row {number} has another hash than was remembered: the chain was rewritten at or below it");
            }
        }

        return null;
    }

    private LedgerFault? CheckBody(Statement row, long number, ReadOnlySpan<byte> body)
    {
        if (!BodyView.TryRead(body, out var view))
        {
            return new LedgerFault(LedgerFaultKind.BodyMismatch, number, $"the body of row {number} is no ledger body");
        }

        if (view.Version != 1 || view.Seq != number || view.MachineId != machineId)
        {
            return new LedgerFault(LedgerFaultKind.BodyMismatch, number, $"the body of row {number} is of another version, number or machine");
        }

        if (number == 1 && (view.Kind != LedgerKind.LedgerOpened || view.LedgerEpoch != epoch))
        {
            return new LedgerFault(LedgerFaultKind.WrongEpoch, 1, "the first row does not open the ledger of this epoch");
        }

        if (!Same(row.Text(3), view.Kind) || !Same(row.Text(4), view.SessionId) || !Same(row.Text(5), view.ApprovalId))
        {
            return new LedgerFault(LedgerFaultKind.LookupDrift, number, $"a lookup column of row {number} says something else than its body");
        }

        return CheckDecision(number, view);
    }

    private LedgerFault? CheckDecision(long number, BodyView view)
    {
        if (!ApprovalHistory.Concerns(view.Kind!))
        {
            return null;
        }

        if (view.ApprovalId is null)
        {
            return new LedgerFault(LedgerFaultKind.Undecided, number, $"row {number} ({view.Kind}) names no approval");
        }

        if (!approvals.TryGetValue(view.ApprovalId, out var history))
        {
            approvals[view.ApprovalId] = history = new ApprovalHistory();
        }

        return history.Apply(view.Kind!, view.Digest, view.Decision, view.Scope) is { } problem
            ? new LedgerFault(LedgerFaultKind.Undecided, number, $"row {number} ({view.Kind}): {problem}")
            : null;
    }

    private LedgerFault? CheckEnd()
    {
        if (seq == 0)
        {
            return new LedgerFault(LedgerFaultKind.Truncated, 1, "the ledger has no rows");
        }

        var missing = marks.Select(m => m.Key).Where(k => k > seq || k < 1).DefaultIfEmpty().Max();
        return missing == 0 ? null : new LedgerFault(LedgerFaultKind.Truncated, missing, $"row {missing} was remembered, but the ledger ends at row {seq}");
    }
}
