using System.Buffers.Text;
using System.Threading.Channels;
using PocketCoder.Ledger;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;
using Wire = PocketCoder.Protocol.LedgerHead;

namespace PocketCoder.Machine.Chain;

/// <summary>
/// The ledger's head, signed by the machine. Every move of the chain is announced to all devices, several moves at once as one.
/// Thread-safe.
/// </summary>
internal sealed class ChainHead : IAsyncDisposable
{
    private readonly Channel<bool> _moved = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly LedgerStore _ledger;
    private readonly string _machineId;
    private readonly LedgerSigner _signer;
    private readonly Task _announcing;

    public ChainHead(LedgerStore ledger, string machineId, LedgerSigner signer, Store store)
    {
        (_ledger, _machineId, _signer) = (ledger, machineId, signer);
        store.ChainMoved = () => _moved.Writer.TryWrite(true);
        _announcing = AnnounceAsync(store);
    }

    /// <summary>The head now.</summary>
    public Wire Current => Sign(_ledger.Head);

    public Wire Sign(PocketCoder.Ledger.LedgerHead head)
        => new(head.Epoch, head.Seq, head.HashHex, Base64Url.EncodeToString(_signer.Sign(head.SignedText(_machineId))));

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
