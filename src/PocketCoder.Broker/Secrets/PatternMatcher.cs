namespace PocketCoder.Broker.Secrets;

/// <summary>
/// Finds many byte patterns in one pass (Aho and Corasick, 1975): a state stands for the longest end of the input that is the beginning of
/// a pattern, and a step takes constant time on average. Immutable and thread-safe; whoever reads keeps the state.
/// </summary>
internal sealed class PatternMatcher
{
    private readonly int[] _fromRoot = new int[256];
    private readonly int[] _fail;
    private readonly int[] _depth;
    private readonly int[] _firstEdge; // one more than there are states
    private readonly byte[] _labels; // of all edges, those of one state beside each other
    private readonly int[] _targets;
    private readonly int[] _foundLength;
    private readonly int[] _foundOf;

    /// <param name="patterns">None is empty. Of the same pattern twice the first counts.</param>
    public PatternMatcher(IEnumerable<(byte[] Pattern, int Of)> patterns)
    {
        var edges = new Dictionary<(int From, byte Label), int>();
        var (depth, length, of) = (new List<int> { 0 }, new List<int> { 0 }, new List<int> { -1 });
        foreach (var (pattern, owner) in patterns)
        {
            var state = 0;
            foreach (var b in pattern)
            {
                if (!edges.TryGetValue((state, b), out var next))
                {
                    edges[(state, b)] = next = depth.Count;
                    depth.Add(depth[state] + 1);
                    length.Add(0);
                    of.Add(-1);
                }

                state = next;
            }

            if (length[state] == 0)
            {
                (length[state], of[state]) = (pattern.Length, owner);
            }
        }

        (_depth, _foundLength, _foundOf, _fail) = ([.. depth], [.. length], [.. of], new int[depth.Count]);
        (_firstEdge, _labels, _targets) = (new int[depth.Count + 1], new byte[edges.Count], new int[edges.Count]);
        var at = 0;
        var from = 0;
        foreach (var ((state, label), target) in edges.OrderBy(e => e.Key.From))
        {
            while (from <= state)
            {
                _firstEdge[from++] = at;
            }

            (_labels[at], _targets[at]) = (label, target);
            at++;
        }

        _firstEdge.AsSpan(from).Fill(at);
        Link();
    }

    public bool IsEmpty => _labels.Length == 0;

    public int Step(int state, byte b)
    {
        while (state != 0)
        {
            if (Child(state, b) is var next and not 0)
            {
                return next;
            }

            state = _fail[state];
        }

        return _fromRoot[b];
    }

    /// <summary>Bytes of the longest end that begins a pattern.</summary>
    public int Depth(int state) => _depth[state];

    /// <summary>The longest pattern that ends here; a length of 0: none.</summary>
    public (int Length, int Of) Found(int state) => (_foundLength[state], _foundOf[state]);

    /// <summary>Whether a pattern may begin with a byte whose first bits are these.</summary>
    public bool Begins(int bits, int count)
    {
        for (var low = 0; low < 1 << (8 - count); low++)
        {
            if (_fromRoot[(bits << (8 - count)) | low] != 0)
            {
                return true;
            }
        }

        return false;
    }

    private int Child(int state, byte b)
    {
        var first = _firstEdge[state];
        var i = _labels.AsSpan(first, _firstEdge[state + 1] - first).IndexOf(b);
        return i < 0 ? 0 : _targets[first + i];
    }

    /// <summary>In order of depth, since a state's fallback is shorter than it.</summary>
    private void Link()
    {
        var queue = new Queue<int>([0]);
        while (queue.TryDequeue(out var state))
        {
            for (var e = _firstEdge[state]; e < _firstEdge[state + 1]; e++)
            {
                var target = _targets[e];
                if (state == 0)
                {
                    _fromRoot[_labels[e]] = target;
                }
                else
                {
                    _fail[target] = Step(_fail[state], _labels[e]);
                    if (_foundLength[target] == 0)
                    {
                        (_foundLength[target], _foundOf[target]) = Found(_fail[target]);
                    }
                }

                queue.Enqueue(target);
            }
        }
    }
}
