using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace PocketCoder.Ledger;

/// <summary>Reads one committed snapshot, however many queries it makes. See <see cref="LedgerStore.ReadAsync{T}"/>.</summary>
public sealed class LedgerReader : LedgerQueries
{
    private readonly SqliteConnection _connection;

    internal LedgerReader(SqliteConnection connection)
        : base(new CommandCache(connection)) => _connection = connection;

    internal SqliteConnection Connection => _connection;

    internal T Run<T>(Func<LedgerReader, T> read, CancellationToken cancellationToken)
    {
        // Interrupt stops the statement that runs; disposing the registration waits for it, so it never hits the next reader.
        using var registration = cancellationToken.UnsafeRegister(static db => raw.sqlite3_interrupt((sqlite3)db!), _connection.Handle);
        try
        {
            DatabaseFile.Execute(_connection, "BEGIN");
            Begin();
            return read(this);
        }
        catch (LedgerException e) when (cancellationToken.IsCancellationRequested
            && e.InnerException is SqliteException { SqliteErrorCode: raw.SQLITE_INTERRUPT })
        {
            throw new OperationCanceledException("the read was cancelled", e, cancellationToken);
        }
        finally
        {
            End();
            if (raw.sqlite3_get_autocommit(_connection.Handle) == 0)
            {
                DatabaseFile.Execute(_connection, "ROLLBACK");
            }
        }
    }

    internal void Close()
    {
        DisposeCommands();
        _connection.Dispose();
    }
}
