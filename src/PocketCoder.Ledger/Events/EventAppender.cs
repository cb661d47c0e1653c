using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Unicode;
using SQLitePCL;

namespace PocketCoder.Ledger;

/// <summary>
/// Appends to the event streams. Owned by the writer. Numbers are handed out from memory and written to the streams
/// table once a work.
/// </summary>
internal sealed class EventAppender : IDisposable
{
    public const int SeqBits = 40;
    private const long MaxStreamId = (1L << (63 - SeqBits)) - 1;
    private const int CacheLimit = 1024;

    private readonly Statement _find;
    private readonly Statement _create;
    private readonly Statement _insert;
    private readonly Statement _advance;
    private readonly Statement _trim;
    private readonly Statement _remove;
    private readonly Dictionary<string, Stream> _streams = new(StringComparer.Ordinal);
    private readonly HashSet<Stream> _dirty = [];
    private readonly TimeProvider _time;

    public EventAppender(sqlite3 db, TimeProvider time)
    {
        _time = time;
        _find = new Statement(db, "SELECT stream_id, epoch, last_seq FROM streams WHERE name = ?1");
        _create = new Statement(db, "INSERT INTO streams (name, epoch, last_seq) VALUES (?1, ?2, 0) RETURNING stream_id");
        _insert = new Statement(db, "INSERT INTO events (position, at, body) VALUES (?1, ?2, ?3)");
        _advance = new Statement(db, "UPDATE streams SET last_seq = ?2 WHERE stream_id = ?1");
        _trim = new Statement(db, "DELETE FROM events WHERE position BETWEEN ?1 AND ?2");
        _remove = new Statement(db, "DELETE FROM streams WHERE stream_id = ?1");
    }

    public static string NewEpoch() => RandomNumberGenerator.GetHexString(16, lowercase: true);

    public static long Position(long streamId, long seq) => (streamId << SeqBits) | seq;

    public StreamPosition Append(string name, ReadOnlySpan<byte> utf8Json)
    {
        Names.Require(name, "stream");
        RequireJson(utf8Json);
        var stream = Find(name) ?? Create(name);
        _insert.Bind(1, Position(stream.Id, stream.LastSeq + 1)).Bind(2, _time.GetUtcNow().ToUnixTimeMilliseconds()).BindText(3, utf8Json)
            .Run();
        stream.LastSeq++;
        _dirty.Add(stream);
        return new StreamPosition(stream.Epoch, stream.LastSeq);
    }

    /// <summary>Deletes the events up to and including a number; the numbers are not given again.</summary>
    public void Trim(string name, long through)
    {
        if (Find(name) is { } stream && through > 0)
        {
            _trim.Bind(1, Position(stream.Id, 1)).Bind(2, Position(stream.Id, Math.Min(through, stream.LastSeq))).Run();
        }
    }

    /// <summary>Deletes a stream; one made later under its name has another epoch.</summary>
    public void Delete(string name)
    {
        if (Find(name) is { } stream)
        {
            _trim.Bind(1, Position(stream.Id, 1)).Bind(2, Position(stream.Id, stream.LastSeq)).Run();
            _remove.Bind(1, stream.Id).Run();
            _streams.Remove(name);
            _dirty.Remove(stream);
        }
    }

    /// <summary>
    /// Writes the streams' last numbers: before a work's savepoint is released, so that the tables are whole between works.
    /// </summary>
    public void Flush()
    {
        foreach (var stream in _dirty)
        {
            _advance.Bind(1, stream.Id).Bind(2, stream.LastSeq).Run();
        }

        _dirty.Clear();
        if (_streams.Count > CacheLimit)
        {
            _streams.Clear();
        }
    }

    /// <summary>A savepoint or the transaction was rolled back: the tables are the truth again.</summary>
    public void Reload()
    {
        _dirty.Clear();
        _streams.Clear();
    }

    public void Dispose()
    {
        _find.Dispose();
        _create.Dispose();
        _insert.Dispose();
        _advance.Dispose();
        _trim.Dispose();
        _remove.Dispose();
    }

    private static void RequireJson(ReadOnlySpan<byte> utf8Json)
    {
        if (utf8Json.Length > LedgerLimits.MaxEventBytes)
        {
            throw new LedgerException(
                LedgerError.TooLarge, $"an event of {utf8Json.Length} bytes is over the limit of {LedgerLimits.MaxEventBytes}");
        }

        if (!Utf8.IsValid(utf8Json))
        {
            throw new LedgerException(LedgerError.InvalidData, "an event must be valid UTF-8");
        }

        try
        {
            var reader = new Utf8JsonReader(utf8Json);
            while (reader.Read())
            {
                // Reading to the end is the check.
            }
        }
        catch (JsonException e)
        {
            throw new LedgerException(LedgerError.InvalidData, "an event must be one JSON value", e);
        }
    }

    private Stream? Find(string name)
    {
        if (_streams.TryGetValue(name, out var known))
        {
            return known;
        }

        try
        {
            return _find.Bind(1, name).Step() ? _streams[name] = new Stream(_find.Int64(0), _find.Text(1)!, _find.Int64(2)) : null;
        }
        finally
        {
            _find.Reset();
        }
    }

    private Stream Create(string name)
    {
        var epoch = NewEpoch();
        _create.Bind(1, name).Bind(2, epoch).Step();
        var id = _create.Int64(0);
        _create.Reset();
        return id <= MaxStreamId
            ? _streams[name] = new Stream(id, epoch, 0)
            : throw new LedgerException(LedgerError.TooLarge, $"no more than {MaxStreamId} streams");
    }

    private sealed class Stream(long id, string epoch, long lastSeq)
    {
        public long Id { get; } = id;

        public string Epoch { get; } = epoch;

        public long LastSeq { get; set; } = lastSeq;
    }
}
