using System.Globalization;
using System.Text.Json;

namespace PocketCoder.Ledger;

/// <summary>
/// Whether an open ledger is the one that this machine signed: what others remember, what the owner accepted, and the head kept outside.
/// Thread-safe.
/// </summary>
internal sealed class LedgerTrust : IAsyncDisposable
{
    private readonly LedgerStore _store;
    private readonly WriterSession _session;
    private readonly LedgerSigner _signer;
    private readonly MachineKey _key;
    private readonly HeadKeeper _keeper;

    // Both only touched on the store's writer.
    private readonly List<LostHead> _lost;
    private readonly List<LostHead> _evidence;

    public LedgerTrust(LedgerStore store, WriterSession session, LedgerOptions options, Opened opened)
    {
        (_store, _session, _signer) = (store, session, options.Signer!);
        (_lost, _evidence) = ([.. opened.Lost], [.. opened.Evidence]);
        _key = NewKey();
        _keeper = new HeadKeeper(
            new HeadFile(options.HeadPath!), () => session.Distrust is null ? store.Head : null, options.MachineId, _signer);
    }

    public string? Problem => _keeper.Problem;

    public MachineKey NewKey() => new(_signer.PublicKey.Span);

    public void Moved() => _keeper.Moved();

    public async Task<bool> CompareAsync(LedgerHead head, ReadOnlyMemory<byte> signature, string from, CancellationToken cancellationToken)
    {
        if (!_key.Verify(head.SignedText(_store.MachineId), signature.Span))
        {
            return false; // whoever says so, it is not what this machine said
        }

        return await _store.WriteAsync(
            transaction =>
            {
                // On the writer: the chain does not move meanwhile.
                var chain = _store.Head;
                if (head.Seq < 1 || ChainTrust.Covers(_lost, head) || Differs(transaction, chain, head) is not { } problem)
                {
                    return false;
                }

                _evidence.Add(new LostHead(head.Epoch, head.Seq));
                Fold(_evidence);
                if (_session.Distrust is null)
                {
                    var row = transaction.AppendOwn(new LedgerEntry(LedgerKind.LedgerDistrusted)
                    {
                        Actor = "machine",
                        Data = LedgerOpening.Distrusted(problem, DistrustedHead.Of(head, signature.Span), from),
                    });
                    _session.Distrust = new LedgerDistrust(problem.Kind, problem.Detail, row.Seq);
                }

                return true;
            },
            cancellationToken);
    }

    public async Task<LedgerRow> AcceptAsync(long row, string by, CancellationToken cancellationToken)
    {
        _ = Open(row);

        // Before the row: dying in between leaves a difference that is still told and not accepted, never a head that the chain has not.
        _keeper.Put(_store.Head);
        var lost = new List<LostHead>();
        var accepted = await _store.WriteAsync(
            transaction =>
            {
                lost = [.. _evidence];
                var data = new AcceptedData(by, row, Open(row).Detail, lost);
                return transaction.AppendOwn(new LedgerEntry(LedgerKind.LedgerAccepted)
                {
                    Actor = by,
                    Data = JsonSerializer.SerializeToUtf8Bytes(data, TrustJson.Default.AcceptedData),
                });
            },
            cancellationToken);
        // After the commit: had it failed, the ledger would still be distrusted.
        await _store.WriteAsync(
            _ =>
            {
                _lost.AddRange(lost);
                Fold(_lost);
                _evidence.Clear();
                _session.Distrust = null;
            },
            cancellationToken);
        Moved();
        return accepted;
    }

    private LedgerDistrust Open(long row) => _session.Distrust switch
    {
        null => throw new LedgerException(LedgerError.InvalidData, "the ledger is trusted: there is nothing to accept"),
        { Row: null } => throw new LedgerException(LedgerError.InvalidData, "restart the daemon first, so that it looks at what changed"),
        { Row: var open } when open != row => throw new LedgerException(
            LedgerError.InvalidData,
            string.Create(CultureInfo.InvariantCulture, $"row {open} tells the difference, not row {row}: look at it again")),
        var distrust => distrust,
    };

    public async ValueTask DisposeAsync()
    {
        await _keeper.DisposeAsync();
        _key.Dispose();
    }

    private static LedgerFault? Differs(LedgerTransaction transaction, LedgerHead chain, LedgerHead head)
    {
        if (head.Epoch != chain.Epoch)
        {
            return new LedgerFault(LedgerFaultKind.WrongEpoch, 1,
                "a device remembers another ledger of this machine: it was replaced or begun anew");
        }

        // Rows of this transaction's group that are not committed yet were signed for nobody.
        return transaction.Rows(new LedgerFilter { After = head.Seq - 1, Limit = 1 }) is not [var row] || row.Seq != head.Seq
            ? new LedgerFault(LedgerFaultKind.Truncated, head.Seq,
                string.Create(CultureInfo.InvariantCulture, $"a device remembers row {head.Seq}, which is not there any more"))
            : row.HashHex == head.HashHex ? null
            : new LedgerFault(LedgerFaultKind.Rewritten, head.Seq, string.Create(
                CultureInfo.InvariantCulture, $"a device remembers another row {head.Seq}: the chain was rewritten at or below it"));
    }

    /// <summary>The highest of each ledger is enough.</summary>
    private static void Fold(List<LostHead> heads)
    {
        LostHead[] highest = [.. heads.GroupBy(h => h.Epoch, StringComparer.Ordinal).Select(g => g.MaxBy(h => h.Seq)!)];
        heads.Clear();
        heads.AddRange(highest);
    }
}
