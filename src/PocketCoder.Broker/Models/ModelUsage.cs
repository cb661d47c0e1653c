namespace PocketCoder.Broker.Models;

/// <summary>Tokens of one answer. <paramref name="Input"/> excludes what was read from or written to the cache, in every dialect.</summary>
/// <param name="Output">Includes reasoning.</param>
[System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Auto)]
public readonly record struct TokenCount(long Input, long CacheRead, long CacheWrite, long Output)
{
    public long Total => Input + CacheRead + CacheWrite + Output;
}

/// <summary>One request that reached the upstream.</summary>
/// <param name="Model">As the answer names it, else as the request does; empty when neither could be read.</param>
/// <param name="Status">The upstream's HTTP status; 0 when it could not be reached.</param>
/// <param name="Cost">In US dollars; null when the model has no price.</param>
/// <param name="Counted">False when the answer held no numbers (cut, or compressed, or not asked for): <paramref name="Tokens"/> is then an
/// estimate from the bytes, on the high side.</param>
/// <param name="Complete">The answer came to its end.</param>
/// <param name="PassedThrough">With the agent's own login.</param>
public sealed record ModelUsage(
    Guid SessionId, Guid ProjectId, ModelDialect Dialect, string Model, int Status, TokenCount Tokens, decimal? Cost, bool Counted,
    bool Complete, bool PassedThrough, DateTimeOffset At);
