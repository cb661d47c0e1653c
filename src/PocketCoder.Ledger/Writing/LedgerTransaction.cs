using Microsoft.Data.Sqlite;

namespace PocketCoder.Ledger;

/// <summary>
/// What a write may do. Valid only inside the work given to <see cref="LedgerStore.WriteAsync{T}"/>; runs on the single
/// writer, so it must be quick and must not wait for anything. It sees its own changes and all that came before it.
/// </summary>
public sealed class LedgerTransaction : LedgerQueries
{
    private readonly ChainAppender _chain;
    private readonly EventAppender _events;
    private readonly WriteGuard _guard;
    private readonly SqliteConnection _connection;

    internal LedgerTransaction(SqliteConnection connection, ChainAppender chain, EventAppender events, WriteGuard guard)
        : base(new CommandCache(connection))
    {
        _connection = connection;
        _chain = chain;
        _events = events;
        _guard = guard;
    }

    /// <summary>Appends a row to the hash chain.</summary>
    /// <exception cref="LedgerException">
    /// <see cref="LedgerError.Undecided"/>: the row breaks "decided before done"; <see cref="LedgerError.InvalidData"/>,
    /// <see cref="LedgerError.TooLarge"/>: not a row. Nothing was appended.
    /// </exception>
    public LedgerRow Append(LedgerEntry entry)
    {
        RequireOpen();
        return DistrustRules.IsOwn(entry.Kind)
            ? throw new LedgerException(LedgerError.Refused, $"only the ledger itself writes {entry.Kind}") : _chain.Append(entry);
    }

    /// <summary>The same for the store's own rows.</summary>
    internal LedgerRow AppendOwn(LedgerEntry entry)
    {
        RequireOpen();
        return _chain.Append(entry);
    }

    /// <summary>Appends an event to a stream, which is made at its first event.</summary>
    /// <param name="stream">Name of the stream, 1 to 256 characters.</param>
    /// <param name="utf8Json">One JSON value, at most <see cref="LedgerLimits.MaxEventBytes"/>; stored as it is.</param>
    /// <exception cref="LedgerException"><see cref="LedgerError.InvalidData"/> or <see cref="LedgerError.TooLarge"/>; nothing was
    /// appended.</exception>
    public StreamPosition AppendEvent(string stream, ReadOnlySpan<byte> utf8Json)
    {
        RequireOpen();
        return _events.Append(stream, utf8Json);
    }

    /// <summary>Deletes a stream's events up to and including a number. Their numbers are not given again.</summary>
    public void TrimEvents(string stream, long through)
    {
        RequireOpen();
        _events.Trim(stream, through);
    }

    /// <summary>Deletes a stream and its events. A stream made later under the same name has another epoch.</summary>
    public void DeleteStream(string stream)
    {
        RequireOpen();
        _events.Delete(stream);
    }

    /// <summary>Changes the features' own tables with one parameterised statement, compiled once and kept.</summary>
    /// <returns>How many rows it changed.</returns>
    /// <exception cref="LedgerException">
    /// <see cref="LedgerError.Conflict"/>: a constraint said no; <see cref="LedgerError.Refused"/>: it tried to change the
    /// chain, the events, the schema, the settings or the transaction.
    /// </exception>
    public int Execute(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        RequireOpen();
        try
        {
            return Prepare(sql, parameters).ExecuteNonQuery();
        }
        catch (SqliteException e)
        {
            throw SqliteFailure.From(e);
        }
    }

    internal static LedgerException Lost()
        => new(LedgerError.DiskFull, "the transaction was lost under a failing write; nothing of its group was kept");

    internal void Close() => DisposeCommands();

    private protected override SqliteCommand Prepare(string sql, ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        _guard.Closed = true;
        try
        {
            var command = base.Prepare(sql, parameters);
            command.Prepare();
            return command;
        }
        finally
        {
            _guard.Closed = false;
        }
    }

    /// <summary>
    /// After some failures (a full disk) SQLite has left the transaction by itself. A work that swallowed that failure
    /// must not go on: its next statement would commit alone.
    /// </summary>
    private void RequireOpen()
    {
        RequireValid();
        if (SQLitePCL.raw.sqlite3_get_autocommit(_connection.Handle) != 0)
        {
            throw Lost();
        }
    }
}
