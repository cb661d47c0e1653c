namespace PocketCoder.Broker.Secrets;

/// <summary>
/// Base64 and base64url, however they are wrapped, quoted or indented: what is not of the alphabet stands between, as long as it is little.
/// Where a group of four begins is not known (the text may be cut), so all four places are read.
/// </summary>
internal sealed class Base64Track(PatternMatcher matcher, SecretRanges ranges)
{
    private const int MostBetween = 64;
    private static readonly int[] s_values = Values();

    private readonly SecretTrack[] _tracks = [new(matcher, ranges), new(matcher, ranges), new(matcher, ranges), new(matcher, ranges)];
    private readonly int[] _pending = new int[4]; // bits of each reading that are no byte yet; below 0: to be skipped first
    private int _bits;
    private int _between = MostBetween;
    private bool _escaped;
    private long _last;

    /// <param name="eager">Holds nothing back for a part of a byte.</param>
    public long Hold(long now, bool eager)
    {
        if (_between >= MostBetween)
        {
            return now;
        }

        var hold = now;
        for (var i = 0; i < 4; i++)
        {
            hold = Math.Min(hold, _tracks[i].Hold(now, eager));
            if (!eager && _pending[i] > 0 && matcher.Begins(_bits & ((1 << _pending[i]) - 1), _pending[i]))
            {
                hold = Math.Min(hold, _last);
            }
        }

        return hold;
    }

    public void Take(byte b, long at)
    {
        var value = s_values[b];
        if (value < 0 || (_escaped && b is (byte)'n' or (byte)'r' or (byte)'t'))
        {
            _escaped = b == '\\' && !_escaped; // a line feed as JSON and programs write it
            _between = b == '=' ? MostBetween : Math.Min(MostBetween, _between + 1);
            return;
        }

        _escaped = false;
        if (_between >= MostBetween)
        {
            for (var i = 0; i < 4; i++)
            {
                _tracks[i].Break();
                _pending[i] = -2 * i;
            }
        }

        _between = 0;
        _bits = ((_bits << 6) | value) & 0xffff;
        for (var i = 0; i < 4; i++)
        {
            if ((_pending[i] += 6) >= 8)
            {
                _pending[i] -= 8;
                _tracks[i].Take((byte)(_bits >> _pending[i]), _last, at + 1);
            }
        }

        _last = at;
    }

    private static int[] Values()
    {
        var values = new int[256];
        Array.Fill(values, -1);
        for (var i = 0; i < 64; i++)
        {
            values["ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[i]] = i;
        }

        (values['-'], values['_']) = (62, 63);
        return values;
    }
}

/// <summary>
/// Hexadecimal in any spacing (<c>736b2d</c>, <c>73 6b 2d</c>, <c>73:6b:2d</c>, <c>0x73, 0x6b</c>, <c>\x73\x6b</c>, <c>%73%6b</c>), in
/// lines as <c>xxd -p</c> writes them or any others.
/// </summary>
internal sealed class HexTrack(PatternMatcher matcher, SecretRanges ranges)
{
    private const int MostBetween = 64;

    private readonly SecretTrack[] _tracks = [new(matcher, ranges), new(matcher, ranges)];
    private int _between = MostBetween;
    private int _digits; // since the last break
    private int _digit;
    private long _last;
    private byte _before;
    private (int State, int Count) _saved;
    private long _savedHold;

    /// <param name="eager">Holds nothing back for half a byte.</param>
    public long Hold(long now, bool eager)
    {
        if (_between >= MostBetween)
        {
            return now;
        }

        var hold = Math.Min(_tracks[0].Hold(now, eager), _tracks[1].Hold(now, eager));
        if (_before == '0' && _digits > 1)
        {
            hold = Math.Min(hold, _savedHold); // an x may follow, and then that zero was none
        }

        return eager || !matcher.Begins(_digit, 4) ? hold : Math.Min(hold, _last);
    }

    public void Take(byte b, long at)
    {
        var value = b switch
        {
            >= (byte)'0' and <= (byte)'9' => b - '0',
            >= (byte)'a' and <= (byte)'f' => b - 'a' + 10,
            >= (byte)'A' and <= (byte)'F' => b - 'A' + 10,
            _ => -1,
        };
        if (value < 0)
        {
            Between(b);
            _before = b;
            return;
        }

        if (_between >= MostBetween)
        {
            _tracks[0].Break();
            _tracks[1].Break();
            _digits = 0;
        }

        if (_digits > 0)
        {
            var track = _tracks[_digits & 1];
            (_saved, _savedHold) = (track.Save(), track.Hold(_last, eager: false));
            track.Take((byte)((_digit << 4) | value), _last, at + 1);
        }

        (_digits, _digit, _last, _between, _before) = (_digits + 1, value, at, 0, b);
    }

    private void Between(byte b)
    {
        if (b is (byte)'x' or (byte)'X' && (_before is (byte)'\\' or (byte)'0'))
        {
            if (_before == '0' && _between == 0 && _digits > 0)
            {
                // That zero is part of "0x" and no digit.
                if (--_digits > 0)
                {
                    _tracks[_digits & 1].Restore(_saved);
                }

                _between = _digits == 0 ? MostBetween : 1;
            }
        }
        else
        {
            _between = char.IsAsciiLetter((char)b) || b >= 0x80 ? MostBetween : Math.Min(MostBetween, _between + 1);
        }
    }
}
