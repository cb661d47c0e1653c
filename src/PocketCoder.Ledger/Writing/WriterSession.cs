using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace PocketCoder.Ledger;

/// <summary>The writing connection and everything that lives on it. Not thread-safe: one owner at a time.</summary>
internal sealed class WriterSession : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly ChainAppender _chain;
    private readonly EventAppender _events;
    private readonly LedgerTransaction _transaction;
    private readonly Statement _begin;
    private readonly Statement _commit;
    private readonly Statement _rollback;
    private readonly Statement _savepoint;
    private readonly Statement _release;
    private readonly Statement _rollbackTo;

    /// <summary>Set while what is held in memory may not be what the tables say.</summary>
    private bool _stale;

    /// <summary>
    /// The last row that this process knows to be on disk; anything else at the table's end was put there by somebody else.
    /// </summary>
    private long _committedSeq;
    private byte[] _committedHash;

    public WriterSession(SqliteConnection connection, string machineId, TimeProvider time, LedgerSigner? signer = null)
    {
        _connection = connection;
        var db = connection.Handle!;
        _begin = new Statement(db, "BEGIN IMMEDIATE");
        _commit = new Statement(db, "COMMIT");
        _rollback = new Statement(db, "ROLLBACK");
        _savepoint = new Statement(db, "SAVEPOINT work");
        _release = new Statement(db, "RELEASE work");
        _rollbackTo = new Statement(db, "ROLLBACK TO work");
        _chain = new ChainAppender(db, machineId, time, signer, () => Distrust);
        (_committedSeq, _committedHash) = (_chain.Seq, _chain.Hash.ToArray());
        _events = new EventAppender(db, time);
        _transaction = new LedgerTransaction(connection, _chain, _events, new WriteGuard(db));
    }

    public long Seq => _chain.Seq;

    public string HashHex => Convert.ToHexStringLower(_chain.Hash);

    /// <summary>
    /// Why the chain is not trusted; null: it is. Set by the opening, the store, and here when another program wrote to the chain
    /// meanwhile.
    /// </summary>
    public LedgerDistrust? Distrust
    {
        get => Volatile.Read(ref field);
        set
        {
            Volatile.Write(ref field, value);
            DistrustChanged?.Invoke();
        }
    }

    /// <summary>Raised on the writer's thread when <see cref="Distrust"/> was set: handlers must be quick.</summary>
    public event Action? DistrustChanged;

    public bool InTransaction => raw.sqlite3_get_autocommit(_connection.Handle) == 0;

    public void Begin()
    {
        if (_stale)
        {
            Abandon();
        }

        _begin.Run();
        if (!_chain.EndsWith(_committedSeq, _committedHash))
        {
            // Adopting the row would sign it: from here on nothing is written until the next start looks at it.
            Distrust = new LedgerDistrust(LedgerFaultKind.NotSigned, "another program changed its rows while the daemon ran", null);
            throw ChainAppender.Distrusted(Distrust);
        }
    }

    /// <summary>
    /// Runs one work in its own savepoint. A failure means that the whole transaction is gone, or can no longer be trusted.
    /// </summary>
    public LedgerException? Run(WriteRequest request)
    {
        try
        {
            _savepoint.Run();
            if (RunWork(request))
            {
                _release.Run();
                return null;
            }

            // A full disk may have ended the transaction under the work.
            if (!InTransaction)
            {
                return request.Exception as LedgerException ?? LedgerTransaction.Lost();
            }

            _rollbackTo.Run();
            _release.Run();
            Reload();
            return null;
        }
        catch (LedgerException e)
        {
            return e;
        }
    }

    public void Commit()
    {
        _commit.Run();
        (_committedSeq, _committedHash) = (_chain.Seq, _chain.Hash.ToArray());
    }

    /// <summary>Leaves the transaction, if one is still open, and takes the state from the tables.</summary>
    public void Abandon()
    {
        _stale = true;
        if (InTransaction)
        {
            _rollback.Run();
        }

        Reload();
        _stale = false;
    }

    /// <summary>A transaction of the store itself, before the writer starts.</summary>
    public void Setup(string? sql, LedgerEntry entry, params ReadOnlySpan<(string Name, string Value)> parameters)
    {
        Begin();
        try
        {
            if (sql is not null)
            {
                using var command = _connection.CreateCommand();
                command.CommandText = sql;
                foreach (var (name, value) in parameters)
                {
                    command.Parameters.AddWithValue(name, value);
                }

                command.ExecuteNonQuery();
            }

            _chain.Append(entry);
            Commit();
        }
        catch (SqliteException e)
        {
            Abandon();
            throw SqliteFailure.From(e);
        }
    }

    /// <summary>Moves the write-ahead log into the file; TRUNCATE leaves none.</summary>
    public void Checkpoint(string mode) => DatabaseFile.Execute(_connection, $"PRAGMA wal_checkpoint({mode})");

    public void Dispose()
    {
        _transaction.Close();
        _chain.Dispose();
        _events.Dispose();
        _begin.Dispose();
        _commit.Dispose();
        _rollback.Dispose();
        _savepoint.Dispose();
        _release.Dispose();
        _rollbackTo.Dispose();
        _connection.Dispose();
    }

    private bool RunWork(WriteRequest request)
    {
        _transaction.Begin();
        try
        {
            if (!request.Run(_transaction))
            {
                return false;
            }

            _events.Flush();
            return true;
        }
        catch (LedgerException e)
        {
            request.Spoil(e);
            return false;
        }
        finally
        {
            _transaction.End();
        }
    }

    private void Reload()
    {
        _chain.Reload();
        _events.Reload();
    }
}
