namespace PocketCoder.Machine.Streams;

/// <summary>
/// The newest entries of a stream, oldest first; beyond the limit the oldest goes. Takes memory for what it holds only. Not thread-safe.
/// </summary>
/// <param name="kept">Entries at most.</param>
internal sealed class RecentRing<T>(int kept)
{
    private const int First = 16;

    private T[] _entries = [];
    private int _start;

    public int Count { get; private set; }

    public void Add(T entry)
    {
        if (Count == _entries.Length && Count < kept)
        {
            var larger = new T[Math.Min(kept, Math.Max(First, Count * 2))];
            for (var i = 0; i < Count; i++)
            {
                larger[i] = At(i);
            }

            (_entries, _start) = (larger, 0);
        }

        if (Count == _entries.Length)
        {
            _entries[_start] = entry;
            _start = (_start + 1) % _entries.Length;
            return;
        }

        _entries[(_start + Count) % _entries.Length] = entry;
        Count++;
    }

    /// <summary>All but the oldest <paramref name="skip"/>, without looking at those.</summary>
    public IReadOnlyList<T> After(int skip)
    {
        if (skip >= Count)
        {
            return [];
        }

        var rest = new T[Count - skip];
        for (var i = 0; i < rest.Length; i++)
        {
            rest[i] = At(skip + i);
        }

        return rest;
    }

    public void Clear() => (_entries, _start, Count) = ([], 0, 0);

    private T At(int index) => _entries[(_start + index) % _entries.Length];
}
