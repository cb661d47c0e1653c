using System.Globalization;

namespace PocketCoder.Ledger;

/// <summary>
/// The rules about the machine's signatures, row by row: once one row is signed, all are; a row that is not was written by something
/// else, and counts only when the machine told that and the owner accepted it, both in signed rows.
/// </summary>
/// <param name="key">Null: only that there is a signature is checked.</param>
internal sealed class SignatureCheck(string machineId, MachineKey? key)
{
    private readonly List<long> _accepted = [];
    private long? _unsigned;
    private long? _told;

    private (long Seq, byte[] Before, byte[] Body)? _last;

    /// <summary>The first signed row; null: none.</summary>
    public long? From { get; private set; }

    public long Checked { get; private set; }

    public IReadOnlyList<long> Accepted => _accepted;

    /// <summary>
    /// Whether the row taken last stands above a row that another program wrote, and the machine has not told that yet.
    /// </summary>
    public bool IsForeign => _unsigned is not null;

    public void Row(long seq, string kind, ReadOnlySpan<byte> before, ReadOnlySpan<byte> body)
    {
        // A signature is over the hash of the row before, so one that holds vouches for all below it. Each one would cost a hundred times
        // the hash; those of rows that decide, of the first and of the last are enough.
        var signed = RowSignature.IsSigned(body);
        if (signed && key is not null)
        {
            if (From is null || Decides(kind))
            {
                signed = Holds(seq, before, body);
                _last = null;
            }
            else
            {
                _last = (seq, before.ToArray(), body.ToArray());
            }
        }

        if (!signed)
        {
            _unsigned = From is null ? null : _unsigned ?? seq;
            return;
        }

        From ??= seq;
        switch (kind)
        {
            case LedgerKind.LedgerDistrusted:
                (_told, _unsigned) = (seq, null);
                break;
            case LedgerKind.LedgerAccepted when _told is not null:
                _accepted.Add(seq);
                _told = null;
                break;
        }
    }

    /// <summary>What is wrong, after the last row.</summary>
    public LedgerFault? End()
    {
        if (_last is { } last && !Holds(last.Seq, last.Before, last.Body))
        {
            _unsigned ??= last.Seq;
        }

        return _unsigned is { } seq ? new LedgerFault(LedgerFaultKind.NotSigned, seq,
            Invariant($"row {seq} was not signed by this machine, though rows before it were: something else wrote it"))
            : _told is { } row ? new LedgerFault(LedgerFaultKind.Distrusted, row,
                Invariant($"row {row} tells that the chain is not the one this machine signed, and the owner has not accepted that"))
            : null;
    }

    private static bool Decides(string kind) => kind
        is LedgerKind.ApprovalAgreed or LedgerKind.ApprovalDecided or LedgerKind.ApprovalExpired or LedgerKind.DevicePaired
            or LedgerKind.DeviceLimited or LedgerKind.DeviceRevoked
            or LedgerKind.PairingOffered
        or LedgerKind.RuleAdded or LedgerKind.RuleRemoved or LedgerKind.ConfigurationChanged or LedgerKind.UndoStarted
            or LedgerKind.CommandStarted
        or LedgerKind.TerminalCommand or LedgerKind.FileChanged or LedgerKind.GitChanged
        or LedgerKind.SigningBegan or LedgerKind.LedgerDistrusted or LedgerKind.LedgerAccepted or LedgerKind.LedgerRestored;

    private bool Holds(long seq, ReadOnlySpan<byte> before, ReadOnlySpan<byte> body)
    {
        Checked++;
        return key!.SignedRow(machineId, seq, before, body);
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
