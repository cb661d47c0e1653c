using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Ledger;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Storage;

/// <summary>
/// The machine's only way to its database: reads anywhere, writes as one atomic <see cref="Change"/> whose events are published
/// after they are durable. Thread-safe.
/// </summary>
/// <param name="redact">Takes secrets out of an event before it is kept and shown.</param>
/// <param name="calm">Touched when something is announced to all devices.</param>
/// <param name="seam">For tests: called before, within and after each write; what it throws is thrown there.</param>
public sealed partial class Store(
    LedgerStore ledger,
    StreamHub hub,
    string sandbox,
    TimeProvider time,
    Func<byte[], byte[]> redact,
    WriteHealth? health = null,
    IdleNotifier? calm = null,
    ILogger? logger = null,
    Action<string>? seam = null)
{
    /// <summary>Raised for everything that is announced to devices, on the announcer's thread: who listens must not wait.</summary>
    public event Action<MachineEvent>? Announced;

    /// <summary>Raised after commits that moved the chain.</summary>
    public event Action? ChainMoved;

    /// <summary>Whether the database can be written.</summary>
    public WriteHealth Health { get; } = health ?? new(time);

    /// <summary>Both clocks, for what ends by a <see cref="Deadline"/>.</summary>
    public TimeProvider Time => time;

    public DateTimeOffset Now => Instant.Truncate(time.GetUtcNow());

    /// <summary>
    /// Runs <paramref name="work"/> on the writer and returns when its result is durable. Once begun it is not cancelled: a commit whose
    /// events were not published would leave a hole in a stream. An exception means that nothing of it was kept; what is durable is
    /// returned, also when somebody could not be told of it.
    /// </summary>
    public async Task<T> WriteAsync<T>(Func<Change, T> work)
    {
        Change? change = null;
        T result;
        try
        {
            Seam("write");
            result = await ledger.WriteAsync(
                transaction =>
                {
                    change = new Change(transaction, sandbox, Now, redact);
                    var made = work(change);
                    Seam("commit");
                    return made;
                },
                CancellationToken.None);
        }
        catch (Exception e)
        {
            foreach (var undo in change?.After(isCommitted: false) ?? [])
            {
                Try(undo, LogNotUndone);
            }

            if (e is LedgerException failure)
            {
                Health.Failed(failure);
            }

            throw;
        }

        Health.Worked();
        foreach (var follow in change!.After(isCommitted: true))
        {
            Try(follow, LogUntold);
        }

        Publish(change);
        return result;
    }

    public Task WriteAsync(Action<Change> work) => WriteAsync(change =>
    {
        work(change);
        return true;
    });

    /// <summary>
    /// For what has happened already, so that it must be recorded: while the database can't be written for a reason that passes, it is kept
    /// and tried again. Whoever can't wait need not await it.
    /// </summary>
    /// <exception cref="LedgerException">It is no such reason; too much waits (<see cref="WriteHealth.MostWaiting"/>); or the daemon stops,
    /// which the next start settles.</exception>
    public async Task MustWriteAsync(Action<Change> work)
    {
        using var waiting = new WriteHealth.Waiting(Health);
        while (true)
        {
            try
            {
                await WriteAsync(work);
                return;
            }
            catch (LedgerException e) when (WriteHealth.Passes(e) && waiting.MayWait())
            {
                await Health.AgainAsync();
            }
        }
    }

    /// <summary>For tests: a named step of an operation, at which they may look or throw.</summary>
    public void Seam(string step) => seam?.Invoke(step);

    public Task<T> ReadAsync<T>(Func<LedgerReader, T> read, CancellationToken cancellationToken)
        => ledger.ReadAsync(read, cancellationToken);

    public Task<IReadOnlyList<T>> QueryAsync<T>(
        string sql, Func<SqliteDataReader, T> map, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters)
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
        var stream = hub.Session(
            session, _ => (page.Epoch ?? throw new InvalidOperationException($"stream {name} has no event yet"), page.LastSeq));

        // Whatever was committed between that look and now was published to nobody: look once more.
        stream.CatchUp((await ReadEventsAsync(name, cancellationToken)).LastSeq);
        return stream;

        Task<EventPage> ReadEventsAsync(string of, CancellationToken ct)
            => ledger.ReadAsync(reader => reader.Events(of, long.MaxValue, 0), ct);
    }

    /// <summary>A session was deleted: its stream is nobody's any more.</summary>
    public void ForgetStream(Guid session) => hub.Forget(session);

    /// <param name="mostBytes">With so many bytes read it ends; at least one event is read.</param>
    public Task<EventPage> EventsAsync(
        string stream, long after, int limit, CancellationToken cancellationToken, long mostBytes = long.MaxValue)
        => ledger.ReadAsync(reader => reader.Events(stream, after, limit, mostBytes), cancellationToken);

    public void Announce(MachineEvent change)
    {
        hub.Machine.Publish(JsonSerializer.SerializeToUtf8Bytes(change, ProtocolJson.Default.MachineEvent));
        calm?.Touch();
        Try(() => Announced?.Invoke(change), LogUntold);
    }

    private void Publish(Change change)
    {
        foreach (var (stream, seq, body, finished, says) in change.Events)
        {
            // A stream that nobody opened yet reads its head from the database when somebody does.
            Try(() => hub.FindSession(stream)?.Publish(seq, body, finished, says), LogUntold);
        }

        foreach (var announced in change.MachineEvents)
        {
            Try(() => Announce(announced), LogUntold);
        }

        if (change.MovedChain)
        {
            Try(() => ChainMoved?.Invoke(), LogUntold);
        }

        Try(() => Seam("published"), LogUntold);
    }

    /// <summary>
    /// Who wrote must not take what is durable for undone because one of those who are told failed, and must be told why it is not.
    /// </summary>
    private void Try(Action act, Action<ILogger, Exception> log)
    {
        try
        {
            act();
        }
        catch (Exception e)
        {
            log(logger ?? NullLogger.Instance, e);
        }
    }

    [LoggerMessage(EventId = 102, Level = LogLevel.Error, Message = "something is recorded, and telling somebody of it failed")]
    private static partial void LogUntold(ILogger logger, Exception error);

    [LoggerMessage(EventId = 104, Level = LogLevel.Error, Message = "something could not be recorded, and what went along can't be undone")]
    private static partial void LogNotUndone(ILogger logger, Exception error);
}
