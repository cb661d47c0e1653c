using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Threading.Channels;
using PocketCoder.Ledger;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;
using Wire = PocketCoder.Protocol.LedgerHead;

namespace PocketCoder.Machine.Ledger;

/// <summary>
/// The ledger's head, signed by the machine. Every move of the chain is announced to all devices, several moves at once as one.
/// Thread-safe.
/// </summary>
public sealed class LedgerHeadFeed : IAsyncDisposable
{
    private readonly Channel<bool> _moved = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly LedgerStore _ledger;
    private readonly string _machineId;
    private readonly LedgerSigner _signer;
    private readonly Task _announcing;

    /// <summary>
    /// By device: the newest row that it remembered when it connected, and that was in the chain. Since this start; as many as there are
    /// devices.
    /// </summary>
    private readonly ConcurrentDictionary<string, long> _confirmed = new(StringComparer.Ordinal);

    public LedgerHeadFeed(LedgerStore ledger, string machineId, LedgerSigner signer, Store store)
    {
        (_ledger, _machineId, _signer) = (ledger, machineId, signer);
        store.ChainMoved += () => _moved.Writer.TryWrite(true);
        _announcing = AnnounceAsync(store);
    }

    /// <summary>The head now.</summary>
    public Wire Current => Sign(_ledger.Head);

    public Wire Sign(PocketCoder.Ledger.LedgerHead head)
        => new(head.Epoch, head.Seq, head.HashHex, Base64Url.EncodeToString(_signer.Sign(head.SignedText(_machineId))));

    /// <summary>
    /// How far devices confirmed the chain since this start: the newest row that one of them remembered, and how many devices did.
    /// </summary>
    public (long Seq, int Devices) Confirmed => _confirmed.Values is { Count: > 0 } rows ? (rows.Max(), rows.Count) : default;

    /// <summary>A device remembered a head that is in the chain.</summary>
    public void Confirm(string device, long seq) => _confirmed.AddOrUpdate(device, seq, (_, known) => Math.Max(known, seq));

    public async ValueTask DisposeAsync()
    {
        _moved.Writer.TryComplete();
        await _announcing;
    }

    private async Task AnnounceAsync(Store store)
    {
        await foreach (var _ in _moved.Reader.ReadAllAsync())
        {
            store.Announce(new LedgerMoved(Current));
        }
    }
}
