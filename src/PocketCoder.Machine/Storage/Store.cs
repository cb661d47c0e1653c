using System.Text.Json;
using Microsoft.Data.Sqlite;
using PocketCoder.Ledger;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Storage;

/// <summary>
/// The machine's only way to its database: reads anywhere, writes as one atomic <see cref="Change"/> whose events are published
/// after they are durable. Thread-safe.
/// </summary>
internal sealed class Store(LedgerStore ledger, StreamHub hub, string sandbox, TimeProvider time)
{
    /// <summary>Called after commits that moved the chain; the daemon signs and announces the new head (coalesced).</summary>
    public Action ChainMoved { get; set; } = () => { };

    /// <summary>Called when something was announced to all devices.</summary>
    public Action Announced { get; set; } = static () => { };

    /// <summary>Takes secrets out of an event before it is kept and shown.</summary>
    public Func<byte[], byte[]> Redact { get; set; } = static body => body;

    public DateTimeOffset Now => Instant.Truncate(time.GetUtcNow());

    /// <summary>
    /// Runs <paramref name="work"/> on the writer and returns when its result is durable. Once begun it is not cancelled: a commit whose
    /// events were not published would leave a hole in a stream.
    /// </summary>
    public async Task<T> WriteAsync<T>(Func<Change, T> work)
    {
        Change? change = null;
        var result = await ledger.WriteAsync(
            transaction =>
            {
                change = new Change(transaction, sandbox, Now, Redact);
                return work(change);
            },
            CancellationToken.None);
        Publish(change!);
        return result;
    }

    public Task WriteAsync(Action<Change> work) => WriteAsync(change =>
    {
        work(change);
        return true;
    });

    public Task<T> ReadAsync<T>(Func<LedgerReader, T> read, CancellationToken cancellationToken) => ledger.ReadAsync(read, cancellationToken);

    public Task<IReadOnlyList<T>> QueryAsync<T>(string sql, Func<SqliteDataReader, T> map, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters)
        => ledger.ReadAsync(reader => reader.Query(sql, map, parameters), cancellationToken);

    /// <summary>The session's stream; its epoch and head come from the database at first use.</summary>
    public async Task<SessionStream> StreamAsync(Guid session, CancellationToken cancellationToken)
    {
        var name = StreamHub.NameOf(session);
        if (hub.FindSession(name) is { } known)
        {
            return known;
        }

        var page = await ReadEventsAsync(name, cancellationToken);
        var stream = hub.Session(session, _ => (page.Epoch ?? throw new InvalidOperationException($"stream {name} has no event yet"), page.LastSeq));

        // Whatever was committed between that look and now was published to nobody: look once more.
        stream.CatchUp((await ReadEventsAsync(name, cancellationToken)).LastSeq);
        return stream;

        Task<EventPage> ReadEventsAsync(string of, CancellationToken ct) => ledger.ReadAsync(reader => reader.Events(of, long.MaxValue, 0), ct);
    }

    public Task<EventPage> EventsAsync(string stream, long after, int limit, CancellationToken cancellationToken)
        => ledger.ReadAsync(reader => reader.Events(stream, after, limit), cancellationToken);

    public void Announce(MachineEvent change)
    {
        hub.Machine.Publish(JsonSerializer.SerializeToUtf8Bytes(change, ProtocolJson.Default.MachineEvent));
        Announced();
    }

    private void Publish(Change change)
    {
        foreach (var (stream, seq, body, finished) in change.Events)
        {
            // A stream that nobody opened yet reads its head from the database when somebody does.
            hub.FindSession(stream)?.Publish(seq, body, finished);
        }

        foreach (var announced in change.MachineEvents)
        {
            Announce(announced);
        }

        if (change.MovedChain)
        {
            ChainMoved();
        }
    }
}
