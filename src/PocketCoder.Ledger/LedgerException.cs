namespace PocketCoder.Ledger;

/// <summary>Why a ledger operation was refused or failed. Closed: callers may switch over it.</summary>
public enum LedgerError
{
    /// <summary>The system's SQLite library was not found; the message says what to install.</summary>
    EngineMissing,

    /// <summary>The system's SQLite is older than 3.35 (or built without threads).</summary>
    EngineTooOld,

    /// <summary>Another process has this ledger open for writing.</summary>
    Locked,

    /// <summary>The folder of the ledger can be changed by every user of the computer.</summary>
    InsecureFolder,

    /// <summary>The file is a database, but not a ledger of this program.</summary>
    NotALedger,

    /// <summary>The ledger belongs to another machine identity.</summary>
    WrongMachine,

    /// <summary>A migration that was applied here differs from the one in this program.</summary>
    SchemaChanged,

    /// <summary>A newer program wrote this ledger.</summary>
    SchemaNewer,

    /// <summary>A migration failed; nothing of it was kept.</summary>
    MigrationFailed,

    /// <summary>The file is damaged, or its rows do not form the chain.</summary>
    Corrupt,

    /// <summary>No space: on the disk, or within <see cref="LedgerOptions.MaxBytes"/>. Nothing was written.</summary>
    DiskFull,

    /// <summary>Reading or writing the file failed. After a failed flush the outcome is unknown until the next start.</summary>
    Io,

    /// <summary>The file stayed locked by another program for longer than five seconds.</summary>
    Busy,

    /// <summary>The file or its file system is read-only.</summary>
    ReadOnly,

    /// <summary>A constraint of a feature's table refused the change (for example: this id is already there).</summary>
    Conflict,

    /// <summary>The SQL tried what only the ledger itself may do: change the chain, the events, the schema or the transaction.</summary>
    Refused,

    /// <summary>The row breaks "decided before done": no such request, no such decision, or another digest.</summary>
    Undecided,

    /// <summary>
    /// The chain is not the one that this machine signed: nothing new is decided or started until the owner accepted that.
    /// </summary>
    Distrusted,

    /// <summary>An entry or event over its size limit (<see cref="LedgerLimits"/>).</summary>
    TooLarge,

    /// <summary>Data that is not one JSON object, has a duplicate name, or a field or option outside its limits.</summary>
    InvalidData,

    /// <summary>The store is closed or closing.</summary>
    Closed,

    /// <summary>Any other error of the database engine, such as a mistake in SQL.</summary>
    Sql,
}

/// <summary>The one exception of the ledger. Its message is for people and carries no row content.</summary>
public sealed class LedgerException(LedgerError error, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What kind of failure this is.</summary>
    public LedgerError Error { get; } = error;
}
