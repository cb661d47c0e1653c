using System.Globalization;
using Microsoft.Data.Sqlite;

namespace PocketCoder.Ledger;

/// <summary>Brings the tables to this program's version: all pending migrations in one transaction, or none.</summary>
internal sealed class Migrator(SqliteConnection connection, TimeProvider time)
{
    private readonly Dictionary<(string Set, long Number), string> _applied = [];

    /// <summary>True when the file held tables before this run, so that a copy is worth making.</summary>
    public bool HadSchema { get; private set; }

    /// <summary>Compares what was applied with what this program has.</summary>
    /// <exception cref="LedgerException"><see cref="LedgerError.SchemaNewer"/> or <see cref="LedgerError.SchemaChanged"/>.</exception>
    public IReadOnlyList<Migration> Pending(IReadOnlyList<MigrationSet> sets)
    {
        ReadApplied();
        var known = sets.SelectMany(s => s.Load()).ToList();
        if (known.GroupBy(m => (m.Set, m.Number)).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw new LedgerException(LedgerError.MigrationFailed, $"two migration sets are named '{twice.Key.Set}'");
        }

        foreach (var (set, number) in _applied.Keys.Except(known.Select(m => (m.Set, (long)m.Number))))
        {
            throw new LedgerException(LedgerError.SchemaNewer,
                $"this ledger was written by a newer pocketcoder (it has migration {set}/{number:0000}): update this program");
        }

        var pending = new List<Migration>();
        foreach (var migration in known)
        {
            if (!_applied.TryGetValue((migration.Set, migration.Number), out var checksum))
            {
                pending.Add(migration);
            }
            else if (checksum != migration.Checksum)
            {
                throw new LedgerException(
                    LedgerError.SchemaChanged,
                    $"migration {migration.Set}/{migration.Number:0000} was changed after it was applied here: this is not the program that wrote this ledger");
            }
        }

        return pending;
    }

    public void Apply(IReadOnlyList<Migration> pending)
    {
        if (pending.Count == 0)
        {
            return;
        }

        DatabaseFile.Execute(connection, "BEGIN IMMEDIATE");
        var current = pending[0];
        try
        {
            DatabaseFile.Execute(connection, $"""
                PRAGMA application_id = {DatabaseFile.ApplicationId};
                CREATE TABLE IF NOT EXISTS schema_migrations (
                    set_name   TEXT NOT NULL,
                    number     INTEGER NOT NULL,
                    checksum   TEXT NOT NULL,
                    applied_at TEXT NOT NULL,
                    PRIMARY KEY (set_name, number)
                ) WITHOUT ROWID;
                """);
            foreach (var migration in pending)
            {
                current = migration;
                DatabaseFile.Execute(connection, migration.Sql);
                Record(migration);
            }

            DatabaseFile.Execute(connection, "COMMIT");
        }
        catch (LedgerException e)
        {
            Abandon();
            if (e.Error is LedgerError.DiskFull or LedgerError.Io or LedgerError.Busy)
            {
                throw;
            }

            throw new LedgerException(
                LedgerError.MigrationFailed, $"migration {current.Set}/{current.Number:0000} failed, nothing was changed: {e.Message}", e);
        }
    }

    private void ReadApplied()
    {
        HadSchema = (long)DatabaseFile.Scalar(connection, "SELECT count(*) FROM sqlite_master WHERE name = 'schema_migrations'")! > 0;
        if (!HadSchema)
        {
            return;
        }

        using var command = connection.CreateCommand();
        command.CommandText = "SELECT set_name, number, checksum FROM schema_migrations";
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            _applied[(reader.GetString(0), reader.GetInt64(1))] = reader.GetString(2);
        }
    }

    private void Record(Migration migration)
    {
        try
        {
            using var command = connection.CreateCommand();
            command.CommandText =
                "INSERT INTO schema_migrations (set_name, number, checksum, applied_at) VALUES ($set, $number, $checksum, $at)";
            command.Parameters.AddWithValue("$set", migration.Set);
            command.Parameters.AddWithValue("$number", migration.Number);
            command.Parameters.AddWithValue("$checksum", migration.Checksum);
            command.Parameters.AddWithValue(
                "$at", time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
            command.ExecuteNonQuery();
        }
        catch (SqliteException e)
        {
            throw SqliteFailure.From(e);
        }
    }

    private void Abandon()
    {
        // Some errors end the transaction by themselves.
        if (SQLitePCL.raw.sqlite3_get_autocommit(connection.Handle) == 0)
        {
            DatabaseFile.Execute(connection, "ROLLBACK");
        }
    }
}
