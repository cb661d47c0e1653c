using System.Text;
using PocketCoder.Entry;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Entries;

/// <summary>The notes of one platform. Those whose time is over go with the next write. Thread-safe.</summary>
internal sealed class EntryNotes(string platform, Store store) : IEntryNotes
{
    internal const int MostNotes = 20_000;
    internal const int MostBytes = 64 * 1024;
    private const int MostKey = 200;
    private const int MostListed = 1_000;
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(400);

    public Task<bool> AddAsync(string key, string value, TimeSpan keep, CancellationToken cancellationToken)
        => WriteAsync(key, value, keep, orReplace: false);

    public Task SetAsync(string key, string value, TimeSpan keep, CancellationToken cancellationToken)
        => WriteAsync(key, value, keep, orReplace: true);

    public Task<string?> FindAsync(string key, CancellationToken cancellationToken) => store.ReadAsync(
        reader => reader.Query(
            "SELECT value FROM entry_notes WHERE platform = $platform AND key = $key AND ends_at > $now", row => row.GetString(0),
            ("$platform", platform), ("$key", key), ("$now", Instant.Text(store.Now))) is [var value] ? value : null,
        cancellationToken);

    public Task<string?> TakeAsync(string key, CancellationToken cancellationToken) => ChangedAsync(change => change.Find(
        "DELETE FROM entry_notes WHERE platform = $platform AND key = $key RETURNING CASE WHEN ends_at > $now THEN value END",
        row => row.IsDBNull(0) ? null! : row.GetString(0),
        ("$platform", platform), ("$key", key), ("$now", Instant.Text(change.Now))));

    public Task<IReadOnlyList<KeyValuePair<string, string>>> ListAsync(string prefix, int most, CancellationToken cancellationToken)
        => store.ReadAsync(
            reader => reader.Query(
                """
                SELECT key, value FROM entry_notes
                WHERE platform = $platform AND substr(key, 1, length($prefix)) = $prefix AND ends_at > $now ORDER BY key LIMIT $most
                """,
                row => KeyValuePair.Create(row.GetString(0), row.GetString(1)),
                ("$platform", platform), ("$prefix", prefix), ("$now", Instant.Text(store.Now)), ("$most", Math.Clamp(most, 1, MostListed))),
            cancellationToken);

    private async Task<bool> WriteAsync(string key, string value, TimeSpan keep, bool orReplace)
    {
        if (key.Length is 0 or > MostKey || !key.All(c => c is > ' ' and <= '~'))
        {
            throw Refusal(ErrorCode.InvalidRequest, "That can't be a note's key.");
        }

        if (Encoding.UTF8.GetByteCount(value) > MostBytes || keep <= TimeSpan.Zero || keep > s_longest)
        {
            throw Refusal(ErrorCode.InvalidRequest, $"A note has at most {MostBytes / 1024} KiB and is kept for 400 days at most.");
        }

        return await ChangedAsync(change =>
        {
            change.Execute("DELETE FROM entry_notes WHERE ends_at <= $now", ("$now", Instant.Text(change.Now)));
            var known = change.Find("SELECT key FROM entry_notes WHERE platform = $platform AND key = $key", row => row.GetString(0),
                ("$platform", platform), ("$key", key));
            if (known is not null && !orReplace)
            {
                return false;
            }

            if (known is null && Count(change) >= MostNotes)
            {
                throw new Full();
            }

            change.Execute(
                "INSERT OR REPLACE INTO entry_notes (platform, key, value, ends_at) VALUES ($platform, $key, $value, $end)",
                ("$platform", platform), ("$key", key), ("$value", value), ("$end", Instant.Text(change.Now + keep)));
            return true;
        });
    }

    private long Count(Change change) => change.Query(
        "SELECT COUNT(*) FROM entry_notes WHERE platform = $platform", row => row.GetInt64(0), ("$platform", platform))[0];

    private async Task<T> ChangedAsync<T>(Func<Change, T> work)
    {
        try
        {
            return await store.WriteAsync(work);
        }
        catch (Full)
        {
            throw Refusal(ErrorCode.Unavailable, $"{MostNotes} notes of this chat platform are kept already.");
        }
        catch (Exception e) when (Failures.IsExpected(e))
        {
            throw new EntryRefusal(Failures.ToWire(e));
        }
    }

    private static EntryRefusal Refusal(ErrorCode code, string message) => new(new WireError(code, message));

    private sealed class Full : Exception;
}
