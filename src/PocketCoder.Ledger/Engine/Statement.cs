using SQLitePCL;

namespace PocketCoder.Ledger;

/// <summary>
/// A prepared statement on the hot path. Straight to the engine: bodies are bound and read as UTF-8 bytes, so
/// what is hashed is what is stored. Not thread-safe: owned by the owner of its connection.
/// </summary>
internal sealed class Statement : IDisposable
{
    private readonly sqlite3 _db;
    private readonly sqlite3_stmt _statement;

    public Statement(sqlite3 db, string sql)
    {
        _db = db;
        SqliteFailure.Check(db, raw.sqlite3_prepare_v3(db, sql, raw.SQLITE_PREPARE_PERSISTENT, out _statement));
    }

    public Statement Bind(int index, long value) => Checked(raw.sqlite3_bind_int64(_statement, index, value));

    public Statement Bind(int index, string? value)
        => Checked(value is null ? raw.sqlite3_bind_null(_statement, index) : raw.sqlite3_bind_text(_statement, index, value));

    public Statement BindText(int index, ReadOnlySpan<byte> utf8) => Checked(raw.sqlite3_bind_text(_statement, index, utf8));

    public Statement BindBlob(int index, ReadOnlySpan<byte> value) => Checked(raw.sqlite3_bind_blob(_statement, index, value));

    /// <summary>Moves to the next row; false when there is none. On an error the statement is reset.</summary>
    public bool Step()
    {
        switch (raw.sqlite3_step(_statement))
        {
            case raw.SQLITE_ROW:
                return true;
            case raw.SQLITE_DONE:
                return false;
            case var code:
                // Read the message first: reset clears it.
                var failure = SqliteFailure.From(_db, code);
                Reset();
                throw failure;
        }
    }

    /// <summary>Runs a statement that returns nothing.</summary>
    public void Run()
    {
        Step();
        Reset();
    }

    /// <summary>Ends the current run (its result code repeats Step's, which was already reported).</summary>
    public void Reset() => _ = raw.sqlite3_reset(_statement);

    public bool IsNull(int column) => raw.sqlite3_column_type(_statement, column) == raw.SQLITE_NULL;

    public long Int64(int column) => raw.sqlite3_column_int64(_statement, column);

    /// <summary>Bytes of a BLOB or of a UTF-8 TEXT; valid until the next Step or Reset.</summary>
    public ReadOnlySpan<byte> Bytes(int column) => raw.sqlite3_column_blob(_statement, column);

    public string? Text(int column) => IsNull(column) ? null : raw.sqlite3_column_text(_statement, column).utf8_to_string();

    public void Dispose() => _statement.Dispose();

    private Statement Checked(int code)
    {
        SqliteFailure.Check(_db, code);
        return this;
    }
}
