using System.Threading.Channels;

namespace PocketCoder.Ledger;

/// <summary>
/// Writes the newest durable head into the file outside of the database, several moves of the chain as one. It runs behind the writer:
/// no write waits for it, nor for the disk that it flushes. While the ledger is distrusted it writes nothing: the file is the evidence.
/// </summary>
internal sealed class HeadKeeper : IAsyncDisposable
{
    private const int MillisecondsBehind = 50; // a decision takes less, so its rows are one head; a power cut may hide as much

    private readonly Channel<bool> _moved = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly HeadFile _file;
    private readonly Func<LedgerHead?> _head;
    private readonly string _machineId;
    private readonly LedgerSigner _signer;
    private readonly Task _loop;
    private readonly TaskCompletionSource _closing = new();
    private readonly Lock _gate = new(); // guards the file and _written
    private long _written = -1;
    private volatile string? _problem;

    /// <param name="head">The last durable row; null while the ledger is distrusted.</param>
    public HeadKeeper(HeadFile file, Func<LedgerHead?> head, string machineId, LedgerSigner signer)
    {
        (_file, _head, _machineId, _signer) = (file, head, machineId, signer);
        _loop = Task.Run(RunAsync);
        Moved();
    }

    /// <summary>Why the file could not be written; null: it could.</summary>
    public string? Problem => _problem;

    public void Moved() => _moved.Writer.TryWrite(true);

    /// <summary>Writes the last head and ends; call it when no write can come any more.</summary>
    public async ValueTask DisposeAsync()
    {
        Moved();
        _moved.Writer.TryComplete();
        _closing.TrySetResult();
        await _loop;
        Write();
    }

    private async Task RunAsync()
    {
        await foreach (var _ in _moved.Reader.ReadAllAsync())
        {
            await Task.WhenAny(Task.Delay(MillisecondsBehind), _closing.Task);
            Write();
        }
    }

    /// <summary>Puts this head there now, also while the ledger is distrusted: the owner accepted it.</summary>
    /// <exception cref="LedgerException"><see cref="LedgerError.Io"/></exception>
    public void Put(LedgerHead head)
    {
        lock (_gate)
        {
            _file.Write(head, _machineId, _signer);
            (_written, _problem) = (head.Seq, null);
        }
    }

    private void Write()
    {
        if (_head() is not { } head || head.Seq == Volatile.Read(ref _written))
        {
            return;
        }

        try
        {
            Put(head);
        }
        catch (LedgerException e)
        {
            // It lags behind until the next move; what is above it is held by the rows' own signatures.
            _problem = e.Message;
        }
    }
}
