using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Connections.Letters;

/// <summary>
/// The letters of each device that are done with, taken or taken back, until they have ended: whoever keeps one can deliver it again.
/// Thread-safe.
/// </summary>
internal sealed class LetterLog(Store store)
{
    /// <summary>That are remembered at once.</summary>
    internal const int Most = 10_000;

    public async Task<bool> IsDoneAsync(string device, string letter, CancellationToken cancellationToken) => (await store.ReadAsync(
        reader => reader.Query(
            "SELECT 1 FROM letters WHERE device_id = $device AND letter_id = $letter", _ => true,
            ("$device", device), ("$letter", letter)),
        cancellationToken)).Count > 0;

    /// <param name="until">When they have ended.</param>
    /// <exception cref="RequestFailure">UNAVAILABLE: <see cref="Most"/> are remembered.</exception>
    public Task DoneAsync(string device, IReadOnlyList<string> letters, DateTimeOffset until) => store.WriteAsync(change =>
    {
        change.Execute("DELETE FROM letters WHERE ends_at <= $now", ("$now", Instant.Text(change.Now)));
        if (change.Query("SELECT COUNT(*) FROM letters", row => row.GetInt64(0))[0] + letters.Count > Most)
        {
            throw new RequestFailure(ErrorCode.Unavailable, "Too many letters came within a week. Try again in some days.");
        }

        foreach (var letter in letters)
        {
            change.Execute(
                "INSERT OR IGNORE INTO letters (device_id, letter_id, ends_at) VALUES ($device, $letter, $end)",
                ("$device", device), ("$letter", letter), ("$end", Instant.Text(until)));
        }
    });
}
