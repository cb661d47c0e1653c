using Microsoft.Data.Sqlite;
using PocketCoder.Machine.Storage;
using PocketCoder.Platform;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Search;

/// <summary>A message, as the index holds it.</summary>
internal sealed record SaidMessage(SessionSpeaker Who, string Text, DateTimeOffset At);

/// <summary>
/// The words of all sessions, in a file of its own: it is made of the events in the database, so it may be deleted at any time, and filling
/// it never keeps a decision waiting for the database's one writer. Opened when it is first used. Not thread-safe: one caller at a time.
/// </summary>
internal sealed class SearchIndex(string path) : IDisposable
{
    private SqliteConnection? _connection;

    /// <summary>The last event of each session that is indexed, and the epoch of its stream.</summary>
    /// <exception cref="SqliteException">The file can't be used, or the library has no trigrams (before 3.34).</exception>
    public IReadOnlyDictionary<Guid, (string Epoch, long Seq)> Seen()
    {
        using var command = Command("SELECT session_id, epoch, seq FROM seen");
        using var rows = command.ExecuteReader();
        var seen = new Dictionary<Guid, (string, long)>();
        while (rows.Read())
        {
            seen[Guid.Parse(rows.GetString(0))] = (rows.GetString(1), rows.GetInt64(2));
        }

        return seen;
    }

    /// <summary>Adds what was said up to an event. <paramref name="anew"/>: what is there of the session is of another stream.</summary>
    /// <exception cref="SqliteException">As <see cref="Seen"/>; nothing of it is kept.</exception>
    public void Add(Guid session, IReadOnlyList<SaidMessage> said, string epoch, long seq, bool anew)
    {
        var id = session.ToString();
        using var transaction = Open().BeginTransaction();
        if (anew)
        {
            using var delete = Command("DELETE FROM words WHERE session_id = $id", ("$id", id));
            delete.ExecuteNonQuery();
        }

        foreach (var message in said)
        {
            using var insert = Command(
                "INSERT INTO words (session_id, who, at, text) VALUES ($id, $who, $at, $text)",
                ("$id", id), ("$who", message.Who.ToString()), ("$at", Instant.Text(message.At)), ("$text", message.Text));
            insert.ExecuteNonQuery();
        }

        using var seen = Command(
            "INSERT INTO seen (session_id, epoch, seq) VALUES ($id, $epoch, $seq) ON CONFLICT (session_id) DO UPDATE SET epoch = $epoch, seq = $seq",
            ("$id", id), ("$epoch", epoch), ("$seq", seq));
        seen.ExecuteNonQuery();
        transaction.Commit();
    }

    /// <summary>Takes a session out.</summary>
    /// <exception cref="SqliteException">As <see cref="Seen"/>; nothing of it was taken out.</exception>
    public void Remove(Guid session)
    {
        using var transaction = Open().BeginTransaction();
        foreach (var table in (string[])["words", "seen"])
        {
            using var delete = Command($"DELETE FROM {table} WHERE session_id = $id", ("$id", session.ToString()));
            delete.ExecuteNonQuery();
        }

        transaction.Commit();
    }

    /// <summary>The newest message of each session that has the words; the session with the newest first.</summary>
    /// <exception cref="SqliteException">As <see cref="Seen"/>.</exception>
    public IReadOnlyList<SessionHit> Find(SearchWords words, int limit)
    {
        var (where, parameters) = words.Conditions();
        using var command = Command(
            $"""
            SELECT w.session_id, w.who, w.at, w.text, found.messages FROM words w JOIN (
                SELECT max(rowid) AS newest, count(*) AS messages FROM words WHERE {where} GROUP BY session_id ORDER BY newest DESC LIMIT $limit
            ) found ON w.rowid = found.newest ORDER BY found.newest DESC
            """,
            [.. parameters, ("$limit", limit)]);
        using var rows = command.ExecuteReader();
        var hits = new List<SessionHit>();
        while (rows.Read())
        {
            var (excerpt, from, length) = words.Excerpt(rows.GetString(3));
            hits.Add(new SessionHit(
                Guid.Parse(rows.GetString(0)), Enum.Parse<SessionSpeaker>(rows.GetString(1)), Instant.Parse(rows.GetString(2)), excerpt,
                from, length, rows.GetInt32(4)));
        }

        return hits;
    }

    /// <summary>Deletes the file: the next use makes it anew.</summary>
    public void Discard()
    {
        Dispose();
        foreach (var file in (string[])[path, path + "-wal", path + "-shm"])
        {
            File.Delete(file);
        }
    }

    public void Dispose()
    {
        _connection?.Dispose();
        _connection = null;
    }

    private SqliteConnection Open()
    {
        if (_connection is { } open)
        {
            return open;
        }

        PrivateFile.Ensure(path); // SQLite gives its other files the same mode
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 5 }.ToString());
        try
        {
            connection.Open();
            using var make = connection.CreateCommand();
            make.CommandText = """
                PRAGMA journal_mode = WAL;
                PRAGMA synchronous = NORMAL;
                PRAGMA secure_delete = ON;
                CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(session_id UNINDEXED, who UNINDEXED, at UNINDEXED, text, tokenize = 'trigram');
                CREATE TABLE IF NOT EXISTS seen (session_id TEXT PRIMARY KEY, epoch TEXT NOT NULL, seq INTEGER NOT NULL);
                """;
            make.ExecuteNonQuery();
        }
        catch
        {
            connection.Dispose();
            throw;
        }

        return _connection = connection;
    }

    private SqliteCommand Command(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var command = Open().CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters)
        {
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        }

        return command;
    }
}
