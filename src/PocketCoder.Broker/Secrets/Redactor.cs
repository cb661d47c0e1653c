using System.Buffers;
using System.Text;

namespace PocketCoder.Broker.Secrets;

/// <summary>
/// Knows secrets and replaces them by <c>[secret:name]</c>: the whole value, and of a long one any piece of 16 bytes (12 below 32 bytes);
/// as they are, URL-encoded and JSON-escaped, in base64 and base64url at any offset and however wrapped, in hexadecimal in any spacing, and
/// in the dumps of <c>xxd</c>, <c>hexdump</c> and <c>od</c>. Immutable and thread-safe; a stream of its own is opened with
/// <see cref="OpenStream"/>.
/// </summary>
/// <remarks>
/// Accidents are what this is against. Whoever wants to get a secret past it (reversed, compressed, encrypted, letter by letter) can; the
/// sandbox doesn't hold it in the first place. Time is linear in the input; memory, in the secrets.
/// </remarks>
public sealed class Redactor
{
    /// <summary>Shorter values are left alone: they would be found everywhere.</summary>
    public const int MinBytes = 6;

    /// <summary>Bytes of the longest value that is looked for; of a longer one its first so many are.</summary>
    public const int MaxBytes = 8 * 1024;

    private readonly string[] _names;
    private readonly byte[][] _marks;

    /// <param name="secrets">Names and values.</param>
    public Redactor(IEnumerable<KeyValuePair<string, string>> secrets)
    {
        var all = secrets.ToList();
        _names = [.. all.Select(s => s.Key)];
        _marks = [.. all.Select(s => Encoding.UTF8.GetBytes($"[secret:{s.Key}]"))];
        Matcher = new PatternMatcher(all.SelectMany((s, i) => Spellings.Of(s.Value).Select(p => (p, i))));
    }

    /// <summary>Knows nothing, so it changes nothing.</summary>
    public bool IsEmpty => Matcher.IsEmpty;

    internal PatternMatcher Matcher { get; }

    public RedactedStream OpenStream() => new(this, eager: false);

    /// <summary>
    /// A stream for text that somebody watches: nearly any letter could be the first of a secret in base64, so a first byte in base64 or
    /// hexadecimal is shown at once. Where a piece ends just there, these one to three characters of its spelling stay; the rest goes as
    /// ever.
    /// </summary>
    public RedactedStream OpenLiveStream() => new(this, eager: true);

    /// <summary>Redacts a whole text.</summary>
    /// <returns>The same object when there was nothing to take out.</returns>
    public string Redact(string text) => Redact(text, null);

    /// <inheritdoc cref="Redact(string)"/>
    /// <param name="found">Gets the names of what was taken out.</param>
    public string Redact(string text, ICollection<string>? found)
    {
        if (IsEmpty || text.Length < 2)
        {
            return text;
        }

        var bytes = Encoding.UTF8.GetBytes(text);
        var redacted = Redact(bytes, found);
        return redacted.AsSpan().SequenceEqual(bytes) ? text : Encoding.UTF8.GetString(redacted);
    }

    /// <summary>Redacts all bytes at once.</summary>
    public byte[] Redact(ReadOnlySpan<byte> bytes) => Redact(bytes, null);

    private byte[] Redact(ReadOnlySpan<byte> bytes, ICollection<string>? found)
    {
        var output = new ArrayBufferWriter<byte>(bytes.Length + 16);
        var stream = OpenStream();
        stream.Write(bytes, output);
        stream.Complete(output);
        foreach (var name in stream.Found)
        {
            found?.Add(name);
        }

        return output.WrittenSpan.ToArray();
    }

    internal ReadOnlySpan<byte> Mark(int secret) => _marks[secret];

    internal string NameOf(int secret) => _names[secret];
}
