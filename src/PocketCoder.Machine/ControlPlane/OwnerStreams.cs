using PocketCoder.Ledger;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Sessions;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Terminals;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>
/// What the owner follows instead of asking: a session, a terminal, all rows of the ledger. Typed failures as those of a request.
/// Thread-safe.
/// </summary>
internal sealed class OwnerStreams(
    SessionDirectory sessions, Store store, TerminalService terminals, LedgerStore ledger, LedgerSigner signer)
{
    /// <summary>
    /// Gives the session's messages after <paramref name="after"/> and then what happens, as a device would get them (docs/protocol.md),
    /// until cancelled.
    /// </summary>
    /// <param name="sink">Gets one message as JSON; while it waits, nothing is lost.</param>
    public async Task FollowAsync(Guid session, long after, Func<byte[], CancellationToken, ValueTask> sink, CancellationToken ct)
    {
        _ = sessions.Get(session);
        var stream = await store.StreamAsync(session, ct);
        await using var following = Subscription.ToSession(stream, after, store, sink, paging: null, ct);
        following.Start();
        await Task.Delay(Timeout.Infinite, ct);
    }

    /// <summary>Writes every row up to the present head, and that head signed, in the format of docs/ledger.md.</summary>
    public Task ExportLedgerAsync(Stream output, CancellationToken ct) => ledger.ExportAsync(output, signer, ct);

    /// <summary>Looks at an open terminal and may type in it, as its owner, until disposed.</summary>
    /// <param name="sink">Gets what it writes, in order; while it waits, output is skipped and not kept.</param>
    public async Task<AttachedTerminal> AttachAsync(
        Guid session, string name, int columns, int rows, Func<TerminalOutputPayload, CancellationToken, ValueTask> sink,
        CancellationToken ct)
    {
        var terminal = terminals.Get(session, TerminalRules.Name(name));
        var key = $"cli-{Guid.CreateVersion7():N}";
        var size = TerminalRules.Size(Side(columns), Side(rows));
        var viewer = await terminal.AttachAsync(
            key, (_, _, output, stop) => sink(output, stop), size, TerminalLimits.HistoryLines / 10, acknowledges: false, ct);
        return new AttachedTerminal(terminal, viewer, key);

        static int Side(int given) => Math.Clamp(given, TerminalLimits.SmallestSide, TerminalLimits.LargestSide);
    }
}

/// <summary>A terminal that the owner looks at. Thread-safe.</summary>
internal sealed class AttachedTerminal(LiveTerminal terminal, Viewer viewer, string key) : IAsyncDisposable
{
    /// <summary>Completes when nothing more comes: the terminal ended, or the daemon lets go of it.</summary>
    public Task Over => viewer.Served;

    public Task TypeAsync(string keys, CancellationToken ct) => terminal.TypeAsync(Typist.Owner, key, TerminalRules.Keys(keys), ct);

    public Task ResizeAsync(int columns, int rows) => terminal.ResizeAsync(key, TerminalRules.Size(columns, rows));

    public async ValueTask DisposeAsync()
    {
        terminal.Detach(key);
        await viewer.Served;
    }
}
