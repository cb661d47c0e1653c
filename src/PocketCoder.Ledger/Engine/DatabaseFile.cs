using Microsoft.Data.Sqlite;

namespace PocketCoder.Ledger;

/// <summary>Opens connections with the settings that durability and privacy need.</summary>
internal static class DatabaseFile
{
    /// <summary>"POL1": marks the file as a ledger, for `file` and for our own refusal of strangers' databases.</summary>
    public const int ApplicationId = 0x504F4C31;

    private const UnixFileMode OwnerFolder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    public static SqliteConnection OpenWriter(string path, long? maxBytes)
    {
        var connection = Open(path, SqliteOpenMode.ReadWriteCreate);
        try
        {
            RequireOurs(connection, path);
            // FULL: a commit returns only after the write-ahead log is flushed. fullfsync: macOS's fsync alone does not reach the platter.
            Execute(connection, """
                PRAGMA journal_mode = WAL;
                PRAGMA synchronous = FULL;
                PRAGMA fullfsync = ON;
                PRAGMA checkpoint_fullfsync = ON;
                PRAGMA foreign_keys = ON;
                PRAGMA busy_timeout = 5000;
                PRAGMA trusted_schema = OFF;
                PRAGMA temp_store = MEMORY;
                PRAGMA secure_delete = ON;
                PRAGMA journal_size_limit = 67108864;
                PRAGMA wal_autocheckpoint = 4096;
                PRAGMA cache_size = -8192;
                """);
            if (Scalar(connection, "PRAGMA journal_mode") is not "wal")
            {
                throw new LedgerException(
                    LedgerError.Io, $"{path}: this file system cannot hold a write-ahead log (is it a network share?)");
            }

            if (maxBytes is { } bytes)
            {
                var page = (long)Scalar(connection, "PRAGMA page_size")!;
                Execute(connection, $"PRAGMA max_page_count = {Math.Max(1, bytes / page)}");
            }

            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public static SqliteConnection OpenReader(string path)
    {
        var connection = Open(path, SqliteOpenMode.ReadOnly);
        try
        {
            Execute(connection,
                "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>A connection that only copies from, or writes to a finished copy.</summary>
    public static SqliteConnection OpenCopy(string path) => Open(path, SqliteOpenMode.ReadWrite);

    /// <summary>
    /// Makes the folder (0700) when missing; refuses one that every user may change, since the file could be swapped there.
    /// </summary>
    public static void PrepareFolder(string path)
    {
        var folder = Path.GetDirectoryName(path)!;
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
            return;
        }

        if (!Directory.Exists(folder))
        {
            Directory.CreateDirectory(folder, OwnerFolder);
            return;
        }

        if ((File.GetUnixFileMode(folder) & (UnixFileMode.OtherWrite | UnixFileMode.StickyBit)) == UnixFileMode.OtherWrite)
        {
            throw new LedgerException(LedgerError.InsecureFolder, $"{folder} can be changed by every user: run `chmod o-w '{folder}'`");
        }
    }

    public static void Execute(SqliteConnection connection, string sql)
    {
        try
        {
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            command.ExecuteNonQuery();
        }
        catch (SqliteException e)
        {
            throw SqliteFailure.From(e);
        }
    }

    public static object? Scalar(SqliteConnection connection, string sql)
    {
        try
        {
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            return command.ExecuteScalar();
        }
        catch (SqliteException e)
        {
            throw SqliteFailure.From(e);
        }
    }

    private static SqliteConnection Open(string path, SqliteOpenMode mode)
    {
        // No pooling by the driver: the store owns its connections and the file must be free once it is closed.
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false, DefaultTimeout = 5 }.ToString());
        try
        {
            connection.Open();
            return connection;
        }
        catch (SqliteException e)
        {
            connection.Dispose();
            throw SqliteFailure.From(e);
        }
    }

    public static void RequireOurs(SqliteConnection connection, string path)
    {
        var id = (long)Scalar(connection, "PRAGMA application_id")!;
        var empty = (long)Scalar(connection, "SELECT count(*) FROM sqlite_master")! == 0;
        if (id != ApplicationId && !(id == 0 && empty))
        {
            throw new LedgerException(LedgerError.NotALedger, $"{path} is a database of another program; it was not touched");
        }
    }
}
