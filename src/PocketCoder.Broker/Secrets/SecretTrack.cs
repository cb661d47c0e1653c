using System.Runtime.InteropServices;

namespace PocketCoder.Broker.Secrets;

/// <summary>
/// One reading of a stream: gets the bytes that the stream stands for in it, with the places where they stand, and notes where secrets are.
/// Memory: the places of the bytes that may still become a secret.
/// </summary>
internal sealed class SecretTrack(PatternMatcher matcher, SecretRanges ranges)
{
    private long[] _starts = [];
    private int _count;
    private int _state;

    /// <summary>Where a secret may begin that is not whole yet; else <paramref name="now"/>.</summary>
    /// <param name="eager">Not for a first byte alone.</param>
    public long Hold(long now, bool eager = false)
        => matcher.Depth(_state) is var depth && depth > (eager ? 1 : 0) ? _starts[(_count - depth) & (_starts.Length - 1)] : now;

    /// <summary>What was before does not belong to what comes.</summary>
    public void Break() => _state = 0;

    /// <summary>Takes the next byte.</summary>
    /// <param name="start">The first place in the stream that shows it.</param>
    /// <param name="end">Behind the last.</param>
    public void Take(byte b, long start, long end)
    {
        _state = matcher.Step(_state, b);
        var depth = matcher.Depth(_state);
        if (depth == 0)
        {
            return; // and a match of n bytes was n steps at a depth: the places of all of them are kept
        }

        if (depth > _starts.Length)
        {
            Grow();
        }

        _starts[_count++ & (_starts.Length - 1)] = start;
        if (matcher.Found(_state) is ( > 0 and var length, var of))
        {
            ranges.Add(_starts[(_count - length) & (_starts.Length - 1)], end, length, of);
        }
    }

    /// <summary>For who may have taken a byte too early.</summary>
    public (int State, int Count) Save() => (_state, _count);

    public void Restore((int State, int Count) saved) => (_state, _count) = saved;

    private void Grow()
    {
        var larger = new long[Math.Max(16, _starts.Length * 2)];
        for (var i = 1; i <= _starts.Length; i++)
        {
            larger[(_count - i) & (larger.Length - 1)] = _starts[(_count - i) & (_starts.Length - 1)];
        }

        _starts = larger;
    }
}

/// <summary>Where secrets were found in a stream and are not taken out yet; those that overlap are one.</summary>
internal sealed class SecretRanges
{
    private readonly List<SecretRange> _ranges = []; // in order, none overlaps another

    public int Count => _ranges.Count;

    public SecretRange First => _ranges[0];

    /// <param name="length">Bytes of the pattern that was found: of two at one place the longer one gives its name.</param>
    public void Add(long start, long end, int length, int of)
    {
        var added = new SecretRange(start, end, start, length, of);
        var at = _ranges.Count;
        while (at > 0 && _ranges[at - 1].End > added.Start)
        {
            at--;
            if (_ranges[at].Start < added.End)
            {
                added = added.With(_ranges[at]);
                _ranges.RemoveAt(at);
            }
        }

        _ranges.Insert(at, added);
    }

    public void RemoveFirst() => _ranges.RemoveAt(0);
}

/// <param name="NamedAt">Where the pattern begins after which it is named.</param>
/// <param name="NamedLength">Its length.</param>
/// <param name="Of">Its secret.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct SecretRange(long Start, long End, long NamedAt, int NamedLength, int Of)
{
    public SecretRange With(SecretRange other)
    {
        var name = (NamedAt, -NamedLength, Of).CompareTo((other.NamedAt, -other.NamedLength, other.Of)) <= 0 ? this : other;
        return name with { Start = Math.Min(Start, other.Start), End = Math.Max(End, other.End) };
    }
}
