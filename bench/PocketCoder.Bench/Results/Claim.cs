namespace PocketCoder.Bench.Results;

/// <summary>A number that is measured and, when it has a bound, promised.</summary>
/// <param name="Id">Its name in the JSON; stays the same over versions.</param>
/// <param name="What">For people.</param>
/// <param name="Unit">ms, MB (10^6 bytes), bytes, or something a second.</param>
/// <param name="Bound">What it must not miss; null for numbers that only explain others.</param>
/// <param name="AtLeast">The bound is a least, not a most.</param>
internal sealed record Claim(string Id, string What, string Unit, double? Bound = null, bool AtLeast = false)
{
    public bool Holds(double value) => Bound is not { } bound || (AtLeast ? value >= bound : value < bound);
}
