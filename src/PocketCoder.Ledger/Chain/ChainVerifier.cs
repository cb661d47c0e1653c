using System.Security.Cryptography;
using Microsoft.Data.Sqlite;

namespace PocketCoder.Ledger;

/// <summary>Recomputes the chain row by row, in pages, so that no snapshot is held for long. One run each; not thread-safe.</summary>
/// <param name="key">The machine's; null: that rows are signed is checked, the signatures are not.</param>
internal sealed class ChainVerifier(string epoch, string machineId, IEnumerable<LedgerCheckpoint> remembered, MachineKey? key)
{
    public const int PageSize = 10_000;
    private const int HashSize = SHA256.HashSizeInBytes;
    private const string Sql = "SELECT seq, hash, body, kind, session_id, approval_id FROM ledger WHERE seq > ?1 ORDER BY seq LIMIT ?2";

    private readonly ILookup<long, string> _marks = remembered.ToLookup(m => m.Seq, m => m.HashHex);
    private readonly Dictionary<string, ApprovalHistory> _approvals = new(StringComparer.Ordinal);
    private readonly byte[] _hash = new byte[HashSize];
    private byte[] _buffer = new byte[4096];
    private readonly SignatureCheck _signatures = new(machineId, key);
    private readonly ProofRules _proofs = new(machineId);
    private long _seq;

    private LedgerFault? _fault;

    /// <summary>Verifies the next page; true while there may be more.</summary>
    public bool NextPage(SqliteConnection connection)
    {
        using var rows = new Statement(connection.Handle!, Sql);
        // From the very bottom, so that a row smuggled in below 1 is seen.
        rows.Bind(1, _seq == 0 ? long.MinValue : _seq).Bind(2, PageSize);
        var read = 0;
        while (_fault is null && rows.Step())
        {
            _fault = CheckRow(rows);
            read++;
        }

        return _fault is null && read == PageSize;
    }

    public VerifyReport Report()
    {
        _fault ??= CheckEnd() ?? _signatures.End();
        var head = _seq == 0 ? null : new LedgerHead(epoch, _seq, Convert.ToHexStringLower(_hash));
        return new VerifyReport(_seq, head, _fault)
        {
            SignedFrom = _signatures.From,
            SignaturesChecked = _signatures.Checked,
            Accepted = _signatures.Accepted is [] ? [] : _signatures.Accepted,
            Untold = _proofs.Untold,
        };
    }

    private static bool Same(string? column, string? body) => string.Equals(column, body, StringComparison.Ordinal);

    private LedgerFault? CheckRow(Statement row)
    {
        var number = row.Int64(0);
        if (number != _seq + 1)
        {
            return new LedgerFault(LedgerFaultKind.Gap, _seq + 1, $"row {_seq + 1} is missing; the next one is {number}");
        }

        var body = row.Bytes(2);
        Span<byte> computed = stackalloc byte[HashSize];
        HashWith(body, computed);
        if (!row.Bytes(1).SequenceEqual(computed))
        {
            return new LedgerFault(
                LedgerFaultKind.Altered, number,
                $"row {number} does not follow from row {_seq}: its text or hash was altered, or the hash of the row before it was");
        }

        var wrong = CheckBody(row, number, body, out var view);
        if ((CheckMarks(number, computed) ?? wrong) is { } fault)
        {
            return fault;
        }

        _signatures.Row(number, view.Kind!, _hash, body);
        if (CheckDecision(number, view, body) is { } undecided && !_signatures.IsForeign)
        {
            return undecided; // what another program wrote is a fault as a whole, until the owner accepts it
        }

        _seq = number;
        computed.CopyTo(_hash);
        return null;
    }

    private void HashWith(ReadOnlySpan<byte> body, Span<byte> computed)
    {
        if (_buffer.Length < HashSize + body.Length)
        {
            _buffer = new byte[2 * (HashSize + body.Length)];
        }

        _hash.CopyTo(_buffer, 0);
        body.CopyTo(_buffer.AsSpan(HashSize));
        SHA256.HashData(_buffer.AsSpan(0, HashSize + body.Length), computed);
    }

    private LedgerFault? CheckMarks(long number, ReadOnlySpan<byte> computed)
    {
        foreach (var mark in _marks[number])
        {
            if (!string.Equals(mark, Convert.ToHexStringLower(computed), StringComparison.OrdinalIgnoreCase))
            {
                return new LedgerFault(LedgerFaultKind.Rewritten, number,
                    $"row {number} has another hash than was remembered: the chain was rewritten at or below it");
            }
        }

        return null;
    }

    private LedgerFault? CheckBody(Statement row, long number, ReadOnlySpan<byte> body, out BodyView view)
    {
        if (!BodyView.TryRead(body, out view))
        {
            return new LedgerFault(LedgerFaultKind.BodyMismatch, number, $"the body of row {number} is no ledger body");
        }

        if (view.Version != 1 || view.Seq != number || view.MachineId != machineId)
        {
            return new LedgerFault(LedgerFaultKind.BodyMismatch, number,
                $"the body of row {number} is of another version, number or machine");
        }

        if (number == 1 && (view.Kind != LedgerKind.LedgerOpened || view.LedgerEpoch != epoch))
        {
            return new LedgerFault(LedgerFaultKind.WrongEpoch, 1, "the first row does not open the ledger of this epoch");
        }

        if (!Same(row.Text(3), view.Kind) || !Same(row.Text(4), view.SessionId) || !Same(row.Text(5), view.ApprovalId))
        {
            return new LedgerFault(LedgerFaultKind.LookupDrift, number,
                $"a lookup column of row {number} says something else than its body");
        }

        return null;
    }

    private LedgerFault? CheckDecision(long number, BodyView view, ReadOnlySpan<byte> body)
        => CheckOrder(number, view) ?? (_proofs.Apply(view.Kind!, body) is { } problem ? Undecided(number, view, problem) : null);

    private LedgerFault? CheckOrder(long number, BodyView view)
    {
        if (!ApprovalHistory.Concerns(view.Kind!))
        {
            return null;
        }

        if (view.ApprovalId is null)
        {
            return new LedgerFault(LedgerFaultKind.Undecided, number, $"row {number} ({view.Kind}) names no approval");
        }

        if (!_approvals.TryGetValue(view.ApprovalId, out var history))
        {
            _approvals[view.ApprovalId] = history = new ApprovalHistory();
        }

        return history.Apply(view.Kind!, view.Digest, view.Decision, view.Scope) is { } problem ? Undecided(number, view, problem) : null;
    }

    private static LedgerFault Undecided(long number, BodyView view, string problem)
        => new(LedgerFaultKind.Undecided, number, $"row {number} ({view.Kind}): {problem}");

    private LedgerFault? CheckEnd()
    {
        if (_seq == 0)
        {
            return new LedgerFault(LedgerFaultKind.Truncated, 1, "the ledger has no rows");
        }

        var missing = _marks.Select(m => m.Key).Where(k => k > _seq || k < 1).DefaultIfEmpty().Max();
        return missing == 0 ? null
            : new LedgerFault(LedgerFaultKind.Truncated, missing, $"row {missing} was remembered, but the ledger ends at row {_seq}");
    }
}
