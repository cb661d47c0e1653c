using PocketCoder.Feishu.Api;

namespace PocketCoder.Feishu.Live;

/// <summary>
/// The numbers of a card's changes. The platform wants each to be greater than the one before, and they are not kept: they begin at the
/// time, in quarters of a second since 2026, which fits into 31 bits until 2042. Where an earlier run came further (it was ended
/// a moment ago, or the clock was set back since), the platform refuses the number, and a greater one is tried, up to twenty hours ahead.
/// For one thread at a time.
/// </summary>
internal sealed class CardSequence(TimeProvider time)
{
    /// <summary>"sequence number compare failed": the platform has seen this number or a greater one.</summary>
    private const long Behind = 300317;
    private const int MostLeaps = 6;
    private const int FirstLeap = 8; // two seconds
    private const int Growth = 8;
    private const int PerSecond = 4;
    private static readonly DateTimeOffset s_era = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private long _last;

    /// <summary>Makes a change with the next number.</summary>
    /// <exception cref="FeishuException">It could not be made.</exception>
    public async Task ChangeAsync(Func<long, Task> change)
    {
        var leap = FirstLeap;
        for (var leaps = 0; ; leaps++, leap *= Growth)
        {
            try
            {
                await change(Next());
                return;
            }
            catch (FeishuException e) when (e.Code == Behind && leaps < MostLeaps)
            {
                _last += leap;
            }
        }
    }

    private long Next() => _last = Math.Max(_last + 1, (long)((time.GetUtcNow() - s_era).TotalSeconds * PerSecond));
}
