using System.Globalization;
using System.Text;

namespace PocketCoder.Broker.Secrets;

/// <summary>
/// Dumps of bytes line by line, as <c>xxd</c>, <c>hexdump</c> and <c>od</c> write them: an offset or none, groups of numbers (hexadecimal,
/// octal, decimal, binary; bytes, or words whose low byte comes first) or characters, and a column with the text. A line that shows a part
/// of a secret is one as a whole.
/// </summary>
internal sealed class DumpTrack
{
    private const int MaxLine = 400;
    private const int MinOffset = 6;
    private const int MaxOffset = 16;
    private const int MaxNumber = 22; // digits of eight bytes in octal
    private const int MaxGlyph = 3;

    private readonly SecretTrack[] _tracks; // one for each way to read a line
    private readonly byte[] _line = new byte[MaxLine];
    private int _length;
    private long _start;
    private bool _dead; // this line is none of a dump
    private bool _inText; // its column with the text has begun
    private bool _number = true; // the group at hand is of digits
    private int _group; // characters of it
    private int _groups;

    public DumpTrack(PatternMatcher matcher, SecretRanges ranges)
        => _tracks = [.. Enumerable.Range(0, 6).Select(_ => new SecretTrack(matcher, ranges))];

    public long Hold(long now)
    {
        var hold = _dead || _length == 0 ? now : _start;
        foreach (var track in _tracks)
        {
            hold = Math.Min(hold, track.Hold(now));
        }

        return hold;
    }

    public void Take(byte b, long at)
    {
        if (b == '\n')
        {
            EndLine(at);
        }
        else if (!_dead)
        {
            if (_length == 0)
            {
                _start = at;
            }

            if (_length == MaxLine || !GoesOn(b))
            {
                _dead = true;
                Break();
                return;
            }

            _line[_length++] = b;
        }
    }

    /// <param name="at">Behind its last byte.</param>
    public void EndLine(long at)
    {
        if (!_dead && !(_length == 1 && _line[0] == '*') && _length > 0) // a star stands for lines like the one before
        {
            Read(Encoding.Latin1.GetString(_line, 0, _length).TrimEnd('\r'), at);
        }

        (_length, _dead, _inText, _number, _group, _groups) = (0, false, false, true, 0, 0);
    }

    /// <summary>Whether the line may still be one of a dump with this byte.</summary>
    private bool GoesOn(byte b)
    {
        if (_inText)
        {
            return true;
        }

        if (b is (byte)' ' or (byte)'\t')
        {
            var isOffset = _groups == 0 && _length > 0 && _line[0] is not ((byte)' ' or (byte)'\t');
            var ends = _length > 0 && _group > 0;
            var goesOn = !ends || !isOffset || (_group is >= MinOffset and <= MaxOffset + 1 && _number);
            _inText = _length > 0 && _line[_length - 1] == ' ' && _groups > 1 && HasColon();
            (_groups, _group, _number) = (_groups + (ends ? 1 : 0), 0, true);
            return goesOn;
        }

        if (_group == 0 && _groups > 0 && b is (byte)'|' or (byte)'>')
        {
            _inText = true;
            return true;
        }

        _group++;
        _number &= char.IsAsciiHexDigit((char)b) || (_group == 1 && b is (byte)'-' or (byte)'+') || (b == ':' && _groups == 0);
        return _group <= (_number ? MaxNumber : MaxGlyph) || (_group == 1 && _length == 0 && b == '*');
    }

    private bool HasColon() => _line.AsSpan(0, Math.Min(_length, MaxOffset + 1)).Contains((byte)':');

    private void Read(string line, long end)
    {
        var colon = line.IndexOf(':', StringComparison.Ordinal) is var c and >= 0 and <= MaxOffset ? c : -1;
        var body = line[0] is ' ' or '\t' ? line : line.IndexOf(' ', StringComparison.Ordinal) is var offset and > 0 ? line[offset..] : "";
        if (body.Length == 0)
        {
            return; // the last line of a dump is an offset alone
        }

        Feed(4, Characters(body), end);
        if (colon >= 0 && body.TrimStart().IndexOf("  ", StringComparison.Ordinal) is var gap and > 0)
        {
            body = body.TrimStart()[..gap]; // xxd's text stands behind two spaces
        }

        if (body.IndexOfAny(['|', '>']) is var bar and >= 0)
        {
            body = body[..bar];
        }

        var groups = body.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        Feed(0, Hexadecimal(groups, reversed: false), end);
        Feed(1, Hexadecimal(groups, reversed: true), end);
        Feed(2, Octal(groups), end);
        Feed(3, Decimal(groups), end);
        Feed(5, Binary(groups), end);
    }

    private void Feed(int way, List<byte>? bytes, long end)
    {
        if (bytes is null)
        {
            _tracks[way].Break();
            return;
        }

        foreach (var b in bytes)
        {
            _tracks[way].Take(b, _start, end);
        }
    }

    private static List<byte>? Hexadecimal(string[] groups, bool reversed)
    {
        var bytes = new List<byte>();
        for (var g = 0; g < groups.Length; g++)
        {
            var group = groups[g];
            if (group.Length % 2 != 0 || group.Length > 16 || !group.All(char.IsAsciiHexDigit)
                || (group.Length != groups[0].Length && (g < groups.Length - 1 || group.Length > groups[0].Length)))
            {
                return null;
            }

            var word = Convert.FromHexString(group);
            bytes.AddRange(reversed ? word.Reverse() : word);
        }

        return bytes;
    }

    private static List<byte>? Octal(string[] groups)
    {
        var width = groups is [] ? 0 : groups[0].Length switch { 3 => 1, 6 => 2, 11 => 4, 22 => 8, _ => 0 };
        if (width == 0 || groups.Any(g => g.Length != groups[0].Length || g.Any(c => c is < '0' or > '7')))
        {
            return null;
        }

        var bytes = new List<byte>();
        foreach (var group in groups)
        {
            Add(bytes, group.Aggregate(0UL, (n, c) => (n << 3) | (uint)(c - '0')), width);
        }

        return bytes;
    }

    private static List<byte>? Binary(string[] groups)
        => groups.All(g => g.Length == 8 && g.All(c => c is '0' or '1')) ? [.. groups.Select(g => Convert.ToByte(g, 2))] : null;

    private static List<byte>? Decimal(string[] groups)
    {
        var numbers = new List<long>();
        foreach (var group in groups)
        {
            if (!long.TryParse(group, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            {
                return null;
            }

            numbers.Add(number);
        }

        // Text has no zero byte, so its words are as large as they can be.
        var width = numbers.Count == 0 ? 0
            : numbers.Max(n => n < 0 ? ~n << 1 : n) switch { <= 0xff => 1, <= 0xffff => 2, <= 0xffff_ffff => 4, _ => 8 };
        var bytes = new List<byte>();
        numbers.ForEach(n => Add(bytes, (ulong)n, width));
        return bytes;
    }

    /// <summary><c>od -c</c>, <c>od -a</c>, <c>hexdump -c</c>: a column of four characters for each byte.</summary>
    private static List<byte>? Characters(string body)
    {
        var bytes = new List<byte>();
        for (var at = 0; at < body.Length; at += 4)
        {
            var cell = body.Substring(at, Math.Min(4, body.Length - at));
            if (cell.Length < 4 || cell[0] != ' ')
            {
                return null;
            }

            var glyph = cell.TrimStart();
            byte? value = glyph switch
            {
                "" or "sp" => (byte)' ',
                "\\n" or "nl" => (byte)'\n',
                "\\r" or "cr" => (byte)'\r',
                "\\t" or "ht" => (byte)'\t',
                [var one] => (byte)one,
                _ when glyph.Length == 3 && glyph.All(d => d is >= '0' and <= '7') => (byte)Convert.ToInt32(glyph, 8),
                _ => null,
            };
            if (value is not { } known)
            {
                return null;
            }

            bytes.Add(known);
        }

        return bytes;
    }

    private static void Add(List<byte> bytes, ulong word, int width)
    {
        for (var i = 0; i < width; i++)
        {
            bytes.Add((byte)(word >> (8 * i)));
        }
    }

    private void Break()
    {
        foreach (var track in _tracks)
        {
            track.Break();
        }
    }
}
