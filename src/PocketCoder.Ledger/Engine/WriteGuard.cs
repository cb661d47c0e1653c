using SQLitePCL;

namespace PocketCoder.Ledger;

/// <summary>
/// Asks SQLite's authorizer (https://www.sqlite.org/c3ref/set_authorizer.html) to compile no statement of a feature that
/// would touch the chain, the events, the schema, the settings or the transaction. It is asked when a statement is
/// compiled, so it costs nothing when one runs. Not thread-safe: owned by the writer.
/// </summary>
internal sealed class WriteGuard
{
    // https://www.sqlite.org/c3ref/c_alter_table.html
    private const int Read = 20;
    private const int Select = 21;
    private const int Function = 31;
    private const int Recursive = 33;

    private static readonly HashSet<string> s_protected = new(StringComparer.OrdinalIgnoreCase)
    {
        "ledger", "ledger_meta", "streams", "events", "schema_migrations", "sqlite_master", "sqlite_schema", "sqlite_temp_master",
        "sqlite_sequence",
    };

    // Kept in a field: the engine holds only an unmanaged reference to it.
    private readonly delegate_authorizer _authorizer;

    public WriteGuard(sqlite3 db)
    {
        _authorizer = (_, action, first, _, _, _) => !Closed || Allows(action, first) ? raw.SQLITE_OK : raw.SQLITE_DENY;
        SqliteFailure.Check(db, raw.sqlite3_set_authorizer(db, _authorizer, null));
    }

    /// <summary>True while a feature's SQL may be compiled. The ledger's own statements pass when it is false.</summary>
    public bool Closed { get; set; }

    private static bool Allows(int action, utf8z first) => action switch
    {
        Read or Select or Function or Recursive => true,
        raw.SQLITE_INSERT or raw.SQLITE_UPDATE or raw.SQLITE_DELETE => !s_protected.Contains(first.utf8_to_string()),
        raw.SQLITE_PRAGMA => first.utf8_to_string() == "data_version", // full-text tables ask for it
        _ => false,
    };
}
