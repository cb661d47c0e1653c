namespace PocketCoder.Bench.Results;

/// <summary>The values of each claim, one a run, in the order of their first measurement. Not thread-safe.</summary>
internal sealed class Measured
{
    private readonly Dictionary<Claim, List<double>> _values = [];

    public IEnumerable<(Claim Claim, IReadOnlyList<double> Values)> Rows
        => _values.OrderBy(v => Claims.All.TakeWhile(c => c != v.Key).Count()).Select(v => (v.Key, (IReadOnlyList<double>)v.Value));

    /// <summary>Parts that could not be measured, and why.</summary>
    public List<string> Failures { get; } = [];

    public void Add(Claim claim, double value)
    {
        if (!_values.TryGetValue(claim, out var values))
        {
            _values[claim] = values = [];
        }

        values.Add(value);
    }

    /// <summary>Adds two percentiles of one run's samples (nearest rank).</summary>
    public void AddPercentiles(List<double> samples, Claim? p50, Claim? p99)
    {
        samples.Sort();
        if (p50 is not null)
        {
            Add(p50, Rank(samples, 0.50));
        }

        if (p99 is not null)
        {
            Add(p99, Rank(samples, 0.99));
        }
    }

    public static double Median(IReadOnlyList<double> values)
    {
        var sorted = values.Order().ToList();
        var middle = sorted.Count / 2;
        return sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    private static double Rank(List<double> sorted, double share)
        => sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Count) - 1, 0, sorted.Count - 1)];
}
