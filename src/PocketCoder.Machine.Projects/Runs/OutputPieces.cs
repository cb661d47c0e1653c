using System.Globalization;
using System.Text;
using System.Text.Unicode;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Runs;

/// <summary>
/// Which bytes of a command's output are of which of the two: lengths in turns, standard output first. Beyond <see cref="MostTurns"/> the
/// two are not told apart any more. Not thread-safe.
/// </summary>
internal sealed class OutputPieces
{
    public const int MostTurns = 2048;

    private readonly List<long> _lengths = [];

    public void Add(bool error, int bytes)
    {
        if (_lengths.Count == 0)
        {
            _lengths.Add(0);
        }

        if ((_lengths.Count % 2 == 0) == error || _lengths.Count == MostTurns)
        {
            _lengths[^1] += bytes;
        }
        else
        {
            _lengths.Add(bytes);
        }
    }

    public OutputPieces Copy()
    {
        var copy = new OutputPieces();
        copy._lengths.AddRange(_lengths);
        return copy;
    }

    public override string ToString() => string.Join(',', _lengths.Select(l => l.ToString(CultureInfo.InvariantCulture)));

    /// <summary>What <see cref="ToString"/> wrote; anything else tells nothing apart.</summary>
    public static OutputPieces Parse(string? text)
    {
        var pieces = new OutputPieces();
        foreach (var part in (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries).Take(MostTurns))
        {
            pieces._lengths.Add(long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var length) ? length : 0);
        }

        return pieces;
    }

    /// <summary>The text of some bytes of the output.</summary>
    /// <param name="offset">Where they begin.</param>
    /// <param name="more">More may follow them: a character that is cut at the end is left for then.</param>
    /// <param name="next">Where to go on.</param>
    public IReadOnlyList<CommandChunk> Read(ReadOnlySpan<byte> bytes, long offset, bool more, out long next)
    {
        var chunks = new List<CommandChunk>();
        var end = offset + bytes.Length;
        var at = offset;
        long start = 0;
        for (var turn = 0; at < end; turn++)
        {
            var stop = turn < _lengths.Count ? start + _lengths[turn] : long.MaxValue; // what nothing is known of is standard output
            var error = turn < _lengths.Count && turn % 2 == 1;
            if (stop > at)
            {
                var until = Math.Min(stop, end);
                var part = bytes[(int)(at - offset)..(int)(until - offset)];
                if (until == end && more)
                {
                    part = part[..^CutAtEnd(part)];
                }

                if (part.Length > 0)
                {
                    chunks.Add(new CommandChunk(
                        at, error, Encoding.UTF8.GetString(part), Utf8.IsValid(part) ? null : Convert.ToBase64String(part)));
                }

                at += part.Length;
                if (until == end)
                {
                    break;
                }
            }

            start = stop;
        }

        next = at;
        return chunks;
    }

    /// <summary>How many bytes at the end are the beginning of a character.</summary>
    private static int CutAtEnd(ReadOnlySpan<byte> bytes)
    {
        for (var back = 1; back <= Math.Min(3, bytes.Length); back++)
        {
            var lead = bytes[^back];
            if (lead is >= 0x80 and < 0xC0)
            {
                continue;
            }

            var length = lead switch { >= 0xF0 and < 0xF8 => 4, >= 0xE0 and < 0xF0 => 3, >= 0xC0 and < 0xE0 => 2, _ => 1 };
            return length > back ? back : 0;
        }

        return 0;
    }
}
