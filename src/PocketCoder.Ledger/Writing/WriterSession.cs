using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace PocketCoder.Ledger;

/// <summary>The writing connection and everything that lives on it. Not thread-safe: one owner at a time.</summary>
internal sealed class WriterSession : IDisposable
{
    private readonly SqliteConnection connection;
    private readonly ChainAppender chain;
    private readonly EventAppender events;
    private readonly LedgerTransaction transaction;
    private readonly Statement begin;
    private readonly Statement commit;
    private readonly Statement rollback;
    private readonly Statement savepoint;
    private readonly Statement release;
    private readonly Statement rollbackTo;

    /// <summary>Set while what is held in memory may not be what the tables say.</summary>
    private bool stale;

    public WriterSession(SqliteConnection connection, string machineId, TimeProvider time)
    {
        this.connection = connection;
        var db = connection.Handle!;
        begin = new Statement(db, "BEGIN IMMEDIATE");
        commit = new Statement(db, "COMMIT");
        rollback = new Statement(db, "ROLLBACK");
        savepoint = new Statement(db, "SAVEPOINT work");
        release = new Statement(db, "RELEASE work");
        rollbackTo = new Statement(db, "ROLLBACK TO work");
        chain = new ChainAppender(db, machineId, time);
        events = new EventAppender(db, time);
        transaction = new LedgerTransaction(connection, chain, events, new WriteGuard(db));
    }

    public long Seq => chain.Seq;

    public string HashHex => Convert.ToHexStringLower(chain.Hash);

    public bool InTransaction => raw.sqlite3_get_autocommit(connection.Handle) == 0;

    public void Begin()
    {
        if (stale)
        {
            Abandon();
        }

        begin.Run();
    }

    /// <summary>Runs one work in its own savepoint. A failure means that the whole transaction is gone, or can no longer be trusted.</summary>
    public LedgerException? Run(WriteRequest request)
    {
        try
        {
            savepoint.Run();
            if (RunWork(request))
            {
                release.Run();
                return null;
            }

            // A full disk may have ended the transaction under the work.
            if (!InTransaction)
            {
                return request.Exception as LedgerException ?? LedgerTransaction.Lost();
            }

            rollbackTo.Run();
            release.Run();
            Reload();
            return null;
        }
        catch (LedgerException e)
        {
            return e;
        }
    }

    public void Commit() => commit.Run();

    /// <summary>Leaves the transaction, if one is still open, and takes the state from the tables.</summary>
    public void Abandon()
    {
        stale = true;
        if (InTransaction)
        {
            rollback.Run();
        }

        Reload();
        stale = false;
    }

    /// <summary>A transaction of the store itself, before the writer starts.</summary>
    public void Setup(string sql, LedgerEntry entry, params ReadOnlySpan<(string Name, string Value)> parameters)
    {
        Begin();
        try
        {
            using (var command = connection.CreateCommand())
            {
                command.CommandText = sql;
                foreach (var (name, value) in parameters)
                {
                    command.Parameters.AddWithValue(name, value);
                }

                command.ExecuteNonQuery();
            }

            chain.Append(entry);
            Commit();
        }
        catch (SqliteException e)
        {
            Abandon();
            throw SqliteFailure.From(e);
        }
    }

    /// <summary>Moves the write-ahead log into the file, so that what is left behind is one file.</summary>
    public void Checkpoint() => DatabaseFile.Execute(connection, "PRAGMA wal_checkpoint(TRUNCATE)");

    public void Dispose()
    {
        transaction.Close();
        chain.Dispose();
        events.Dispose();
        begin.Dispose();
        commit.Dispose();
        rollback.Dispose();
        savepoint.Dispose();
        release.Dispose();
        rollbackTo.Dispose();
        connection.Dispose();
    }

    private bool RunWork(WriteRequest request)
    {
        transaction.Begin();
        try
        {
            if (!request.Run(transaction))
            {
                return false;
            }

            events.Flush();
            return true;
        }
        catch (LedgerException e)
        {
            request.Spoil(e);
            return false;
        }
        finally
        {
            transaction.End();
        }
    }

    private void Reload()
    {
        chain.Reload();
        events.Reload();
    }
}
