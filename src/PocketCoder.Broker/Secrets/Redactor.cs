using System.Buffers;
using System.Text;

namespace PocketCoder.Broker.Secrets;

/// <summary>
/// Knows secrets in the spellings in which they leak (as they are, in base64 and base64url at any offset, URL-encoded, JSON-escaped, hexadecimal)
/// and replaces them by <c>[secret:name]</c>. Immutable and thread-safe; a stream of its own is opened with <see cref="OpenStream"/>.
/// </summary>
/// <remarks>Accidents are what this is against. Whoever wants to get a secret past it (reversed, split over lines) can; the sandbox doesn't hold it in the first place.</remarks>
public sealed class Redactor
{
    /// <summary>Shorter values, and shorter spellings of them, are left alone: they would be found everywhere.</summary>
    public const int MinBytes = 6;

    /// <summary>Bytes of the longest value that is looked for; of a longer one its first so many are.</summary>
    public const int MaxBytes = 8 * 1024;

    private readonly byte[][] _marks;
    private readonly (byte[] Spelling, int Mark)[][] _byFirst = new (byte[], int)[256][];
    private readonly SearchValues<byte> _firsts;

    /// <param name="secrets">Names and values.</param>
    public Redactor(IEnumerable<KeyValuePair<string, string>> secrets)
    {
        var spellings = new Dictionary<string, int>(StringComparer.Ordinal);
        var marks = new List<byte[]>();
        foreach (var (name, value) in secrets)
        {
            foreach (var spelling in Spellings.Of(value))
            {
                spellings.TryAdd(Encoding.Latin1.GetString(spelling), marks.Count);
            }

            marks.Add(Encoding.UTF8.GetBytes($"[secret:{name}]"));
        }

        _marks = [.. marks];
        foreach (var group in spellings.Select(s => (Spelling: Encoding.Latin1.GetBytes(s.Key), Mark: s.Value)).GroupBy(s => s.Spelling[0]))
        {
            _byFirst[group.Key] = [.. group.OrderByDescending(s => s.Spelling.Length)];
            Longest = Math.Max(Longest, _byFirst[group.Key][0].Spelling.Length);
        }

        _firsts = SearchValues.Create([.. Enumerable.Range(0, 256).Where(b => _byFirst[b] is not null).Select(b => (byte)b)]);
    }

    /// <summary>Knows nothing, so it changes nothing.</summary>
    public bool IsEmpty => Longest == 0;

    /// <summary>Bytes that a stream holds back at most, plus one.</summary>
    internal int Longest { get; }

    public RedactedStream OpenStream() => new(this);

    /// <summary>Redacts a whole text.</summary>
    public string Redact(string text)
    {
        if (Longest == 0)
        {
            return text;
        }

        var bytes = Encoding.UTF8.GetBytes(text);
        var redacted = Redact(bytes);
        return redacted.AsSpan().SequenceEqual(bytes) ? text : Encoding.UTF8.GetString(redacted);
    }

    /// <summary>Redacts all bytes at once.</summary>
    public byte[] Redact(ReadOnlySpan<byte> bytes)
    {
        var output = new ArrayBufferWriter<byte>(bytes.Length + 16);
        var stream = OpenStream();
        stream.Write(bytes, output);
        stream.Complete(output);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>The next place where a spelling could begin, or -1.</summary>
    internal int NextStart(ReadOnlySpan<byte> bytes) => bytes.IndexOfAny(_firsts);

    /// <summary>The longest spelling at the beginning. <c>Undecided</c>: more bytes could make it another.</summary>
    internal (int Length, int Mark, bool Undecided) Match(ReadOnlySpan<byte> bytes, bool final)
    {
        if (_byFirst[bytes[0]] is { } candidates)
        {
            foreach (var (spelling, mark) in candidates)
            {
                if (bytes.Length >= spelling.Length)
                {
                    if (bytes.StartsWith(spelling))
                    {
                        return (spelling.Length, mark, false);
                    }
                }
                else if (!final && spelling.AsSpan().StartsWith(bytes))
                {
                    return (0, 0, true);
                }
            }
        }

        return (0, 0, false);
    }

    internal ReadOnlySpan<byte> Mark(int index) => _marks[index];
}
