using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace PocketCoder.Ledger;

/// <summary>Turns SQLite result codes (https://www.sqlite.org/rescode.html) into the ledger's one exception.</summary>
internal static class SqliteFailure
{
    public static LedgerException From(SqliteException e)
        => new(Kind(e.SqliteErrorCode), Text(e.SqliteErrorCode, e.SqliteExtendedErrorCode, e.Message), e);

    public static LedgerException From(sqlite3 db, int code)
        => new(Kind(code & 0xff), Text(code & 0xff, raw.sqlite3_extended_errcode(db), raw.sqlite3_errmsg(db).utf8_to_string()));

    public static void Check(sqlite3 db, int code)
    {
        if (code != raw.SQLITE_OK)
        {
            throw From(db, code);
        }
    }

    private static string Text(int code, int extended, string message)
        => code == raw.SQLITE_FULL
            ? "no space left for the ledger: free some disk space or raise its limit; nothing was written"
            : $"{message} (SQLite {extended})";

    private static LedgerError Kind(int code) => code switch
    {
        raw.SQLITE_FULL => LedgerError.DiskFull,
        raw.SQLITE_IOERR or raw.SQLITE_CANTOPEN or raw.SQLITE_PROTOCOL => LedgerError.Io,
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED => LedgerError.Busy,
        raw.SQLITE_CORRUPT => LedgerError.Corrupt,
        raw.SQLITE_NOTADB => LedgerError.NotALedger,
        raw.SQLITE_READONLY or raw.SQLITE_PERM => LedgerError.ReadOnly,
        raw.SQLITE_CONSTRAINT => LedgerError.Conflict,
        raw.SQLITE_AUTH => LedgerError.Refused,
        raw.SQLITE_TOOBIG => LedgerError.TooLarge,
        _ => LedgerError.Sql,
    };
}
