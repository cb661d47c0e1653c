using System.Text;
using Microsoft.Data.Sqlite;

namespace PocketCoder.Ledger;

/// <summary>What both a reader and a transaction can ask. Not thread-safe, and valid only inside the delegate it was given to.</summary>
public abstract class LedgerQueries
{
    private readonly CommandCache _commands;
    private bool _valid;

    private protected LedgerQueries(CommandCache commands) => _commands = commands;

    /// <summary>Runs a SELECT over the features' tables (or the ledger's) and maps every row.</summary>
    /// <param name="sql">One parameterised statement; compiled once and kept.</param>
    /// <param name="map">Makes a value of the current row. Must not run the same SQL itself.</param>
    /// <param name="parameters">Names with their sign (<c>$id</c>) and values; byte arrays and <see cref="ReadOnlyMemory{T}"/> of bytes are
    /// BLOBs.</param>
    /// <exception cref="LedgerException">The database refused; see <see cref="LedgerError"/>.</exception>
    public IReadOnlyList<T> Query<T>(
        string sql, Func<SqliteDataReader, T> map, params ReadOnlySpan<(string Name, object? Value)> parameters)
        => QueryWhile(sql, map, static _ => true, parameters);

    /// <param name="goesOn">Asked after each row: whether the next one is read too.</param>
    private List<T> QueryWhile<T>(
        string sql, Func<SqliteDataReader, T> map, Func<T, bool> goesOn, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        RequireValid();
        try
        {
            using var reader = Prepare(sql, parameters).ExecuteReader();
            var rows = new List<T>();
            while (reader.Read())
            {
                var row = map(reader);
                rows.Add(row);
                if (!goesOn(row))
                {
                    break;
                }
            }

            return rows;
        }
        catch (SqliteException e)
        {
            throw SqliteFailure.From(e);
        }
    }

    /// <summary>The first row, or default when there is none. See <see cref="Query{T}"/>.</summary>
    public T? QueryFirst<T>(string sql, Func<SqliteDataReader, T> map, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        RequireValid();
        try
        {
            using var reader = Prepare(sql, parameters).ExecuteReader();
            return reader.Read() ? map(reader) : default;
        }
        catch (SqliteException e)
        {
            throw SqliteFailure.From(e);
        }
    }

    /// <summary>Rows of the chain.</summary>
    public IReadOnlyList<LedgerRow> Rows(LedgerFilter filter)
    {
        var sql = new StringBuilder("SELECT seq, hash, body FROM ledger WHERE 1");
        var parameters = new List<(string, object?)>();
        Where(sql, parameters, "kind = $kind", filter.Kind);
        Where(sql, parameters, "session_id = $session", filter.SessionId);
        Where(sql, parameters, "approval_id = $approval", filter.ApprovalId);
        Where(sql, parameters, filter.NewestFirst ? "seq < $after" : "seq > $after", filter.After);
        sql.Append(filter.NewestFirst ? " ORDER BY seq DESC" : " ORDER BY seq").Append(" LIMIT $limit");
        parameters.Add(("$limit", Math.Clamp(filter.Limit, 0, LedgerLimits.MaxPage)));
        return Query(sql.ToString(), ReadRow, [.. parameters]);
    }

    /// <summary>The events of a stream after a number.</summary>
    /// <param name="stream">Name of the stream.</param>
    /// <param name="after">Number of the last event the asker has; 0 for none.</param>
    /// <param name="limit">Most events to return, at most <see cref="LedgerLimits.MaxPage"/>.</param>
    /// <param name="mostBytes">With so many bytes of bodies it ends; the event that reaches them is the last one.</param>
    public EventPage Events(string stream, long after, int limit, long mostBytes = long.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(after);
        var (id, epoch, last) = QueryFirst(
            "SELECT stream_id, epoch, last_seq FROM streams WHERE name = $name",
            r => (r.GetInt64(0), r.GetString(1), r.GetInt64(2)),
            ("$name", stream));
        if (epoch is null)
        {
            return new EventPage(null, 0, 1, []);
        }

        var start = EventAppender.Position(id, 0);
        var firstKept = QueryFirst(
            "SELECT position FROM events WHERE position BETWEEN $from AND $to ORDER BY position LIMIT 1",
            r => r.GetInt64(0) - start,
            ("$from", start), ("$to", start + last));
        var bytes = 0L;
        var events = after >= last ? [] : QueryWhile(
            "SELECT position, at, body FROM events WHERE position BETWEEN $from AND $to ORDER BY position LIMIT $limit",
            r => new StreamEvent(r.GetInt64(0) - start, DateTimeOffset.FromUnixTimeMilliseconds(r.GetInt64(1)), Utf8(r, 2)),
            e => (bytes += e.Utf8Body.Length) < mostBytes,
            ("$from", start + after + 1), ("$to", start + last), ("$limit", Math.Clamp(limit, 0, LedgerLimits.MaxPage)));
        return new EventPage(epoch, last, firstKept == 0 ? last + 1 : firstKept, events);
    }

    /// <summary>The value of a row's own statement about the ledger, or null.</summary>
    internal string? Meta(string name)
        => QueryFirst("SELECT value FROM ledger_meta WHERE name = $name", r => r.GetString(0), ("$name", name));

    internal void Begin() => _valid = true;

    internal void End() => _valid = false;

    private protected void DisposeCommands() => _commands.Dispose();

    private protected virtual SqliteCommand Prepare(string sql, ReadOnlySpan<(string Name, object? Value)> parameters)
        => _commands.Get(sql, parameters);

    private protected void RequireValid()
    {
        if (!_valid)
        {
            throw new InvalidOperationException("this object is valid only inside the work it was given to, before that work returns");
        }
    }

    private static LedgerRow ReadRow(SqliteDataReader reader)
        => new(reader.GetInt64(0), reader.GetFieldValue<byte[]>(1), Utf8(reader, 2));

    /// <summary>A TEXT column's bytes as stored: no detour over UTF-16.</summary>
    private static byte[] Utf8(SqliteDataReader reader, int column) => SQLitePCL.raw.sqlite3_column_blob(reader.Handle, column).ToArray();

    private static void Where(StringBuilder sql, List<(string Name, object? Value)> parameters, string condition, object? value)
    {
        if (value is not null)
        {
            sql.Append(" AND ").Append(condition);
            parameters.Add((condition[condition.IndexOf('$', StringComparison.Ordinal)..], value));
        }
    }
}
