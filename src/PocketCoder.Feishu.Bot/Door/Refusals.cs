namespace PocketCoder.Feishu.Bot.Door;

/// <summary>Counts refusals, of which anybody can cause any number: the log tells of them once a minute. Thread-safe.</summary>
internal sealed class Refusals(TimeProvider time)
{
    private static readonly TimeSpan s_quiet = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new(); // guards what follows
    private int _many;
    private long? _toldAt;

    /// <returns>How many there were since it was told last; null: it is not told now.</returns>
    public int? Count()
    {
        lock (_gate)
        {
            _many++;
            if (_toldAt is { } told && time.GetElapsedTime(told) < s_quiet)
            {
                return null;
            }

            var many = _many;
            (_many, _toldAt) = (0, time.GetTimestamp());
            return many;
        }
    }
}
