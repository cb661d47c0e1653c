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
    /// <summary>That are remembered of one device: none can keep the letters of the others out.</summary>
    internal const int MostOfDevice = 1_000;

    /// <summary>Whether it is done with; if not, there is room to remember that it will be.</summary>
    /// <exception cref="RequestFailure">UNAVAILABLE: it is not, and <see cref="MostOfDevice"/> are remembered.</exception>
    public async Task<bool> IsDoneAsync(string device, string letter, CancellationToken cancellationToken)
    {
        var (isDone, room) = await store.ReadAsync(
            reader => (
                reader.Query(
                    "SELECT 1 FROM letters WHERE device_id = $device AND letter_id = $letter", _ => true,
                    ("$device", device), ("$letter", letter)).Count > 0,
                MostOfDevice - reader.Query(
                    "SELECT COUNT(*) FROM letters WHERE device_id = $device AND ends_at > $now", row => row.GetInt64(0),
                    ("$device", device), ("$now", Instant.Text(store.Now)))[0]),
            cancellationToken);
        if (!isDone && room <= 0)
        {
            throw TooMany();
        }

        return isDone;
    }

    /// <param name="until">When they have ended.</param>
    /// <exception cref="RequestFailure">UNAVAILABLE: <see cref="MostOfDevice"/> are remembered.</exception>
    public Task DoneAsync(string device, IReadOnlyList<string> letters, DateTimeOffset until) => store.WriteAsync(change =>
    {
        change.Execute("DELETE FROM letters WHERE ends_at <= $now", ("$now", Instant.Text(change.Now)));
        var remembered = change.Query(
            "SELECT COUNT(*) FROM letters WHERE device_id = $device", row => row.GetInt64(0), ("$device", device))[0];
        if (remembered + letters.Count > MostOfDevice)
        {
            throw TooMany();
        }

        foreach (var letter in letters)
        {
            change.Execute(
                "INSERT OR IGNORE INTO letters (device_id, letter_id, ends_at) VALUES ($device, $letter, $end)",
                ("$device", device), ("$letter", letter), ("$end", Instant.Text(until)));
        }
    });

    private static RequestFailure TooMany()
        => new(ErrorCode.Unavailable, "Too many letters of this device came within a week. Try again in some days.");
}
