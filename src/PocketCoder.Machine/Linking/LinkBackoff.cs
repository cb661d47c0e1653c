namespace PocketCoder.Machine.Linking;

/// <summary>
/// How long to wait before the next try: a random part of 1, 2, 4 … 60 s, for the first connect too, so that the machines of a
/// gateway that restarted do not all come at once. For one caller.
/// </summary>
internal sealed class LinkBackoff(Random random)
{
    private static readonly TimeSpan s_first = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(60);

    private TimeSpan _most = s_first;

    /// <summary>A connection that held this long was a good one.</summary>
    public static TimeSpan Stable { get; } = TimeSpan.FromSeconds(60);

    public TimeSpan Next()
    {
        var wait = _most * random.NextDouble();
        _most = _most * 2 < s_longest ? _most * 2 : s_longest;
        return wait;
    }

    public void Reset() => _most = s_first;
}
