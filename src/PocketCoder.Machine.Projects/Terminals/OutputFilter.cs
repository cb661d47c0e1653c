using System.Text;

namespace PocketCoder.Machine.Terminals;

/// <summary>
/// What a terminal writes, without what could act on whoever looks at it: the clipboard (OSC 52), titles and every other OSC, DCS with the
/// passthroughs of tmux and screen, APC, PM, SOS; questions that make a terminal type an answer (DA, DSR, DECRQSS, DECRQM, ENQ, XTVERSION);
/// window operations, printing, key encodings, invisible turns of the reading direction. An allow-list: what it does not know is left out.
/// Numbers are bounded. tmux has answered a program's questions before, so nothing is missing. ECMA-48 and ctlseqs of xterm. Works over any
/// borders of portions. Not thread-safe.
/// </summary>
internal sealed class OutputFilter
{
    /// <summary>Longest control sequence; longer ones are left out.</summary>
    private const int LongestSequence = 128;

    /// <summary>Largest parameter: a repeat count or a distance beyond any screen only costs time.</summary>
    private const int LargestNumber = 9999;

    /// <summary>A string (OSC, DCS …) that is longer never ended: what comes is shown again.</summary>
    private const int LongestString = 1 << 20;

    private readonly StringBuilder _sequence = new();
    private State _state;
    private int _swallowed;

    private enum State
    {
        Text,
        Escape,
        EscapeIntermediate,
        Control,

        /// <summary>Within OSC, DCS, SOS, PM, APC or a title of screen: nothing is passed on until it ends.</summary>
        TextString,

        /// <summary>After a control sequence that is too long: until its last byte.</summary>
        Overlong,
    }

    /// <summary>Whether the program asked for pastes to be marked (DECSET 2004).</summary>
    public bool BracketedPaste { get; private set; }

    /// <summary>Whether a full-screen program draws; null until the output told.</summary>
    public bool? Alternate { get; private set; }

    /// <summary>Gives what may be drawn of the next portion. Sequences are never cut.</summary>
    public string Pass(ReadOnlySpan<char> text)
    {
        var passed = new StringBuilder(text.Length);
        foreach (var character in text)
        {
            Next(character, passed);
        }

        return passed.ToString();
    }

    /// <summary>Output was lost: what had begun will not go on.</summary>
    public void Reset()
    {
        _state = State.Text;
        _sequence.Clear();
    }

    private void Next(char c, StringBuilder passed)
    {
        // Cancel, substitute and escape end whatever had begun, in every state.
        if (c is '\u0018' or '\u001a')
        {
            Reset();
            return;
        }

        if (c == '\u001b')
        {
            Reset();
            _state = State.Escape;
            return;
        }

        switch (_state)
        {
            case State.Text:
                if (IsDrawn(c))
                {
                    passed.Append(c);
                }

                break;
            case State.TextString:
                if (c == '\a' || ++_swallowed > LongestString)
                {
                    _state = State.Text;
                }

                break;
            default:
                if (c < ' ')
                {
                    // Terminals obey these within a sequence too.
                    if (IsDrawn(c))
                    {
                        passed.Append(c);
                    }
                }
                else
                {
                    Sequence(c, passed);
                }

                break;
        }
    }

    private void Sequence(char c, StringBuilder passed)
    {
        if (c >= '\u007f')
        {
            Reset(); // no sequence has these
            if (IsDrawn(c))
            {
                passed.Append(c);
            }

            return;
        }

        switch (_state)
        {
            case State.Escape when c == '[':
                _state = State.Control;
                break;
            case State.Escape when c is ']' or 'P' or 'X' or '^' or '_' or 'k':
                (_state, _swallowed) = (State.TextString, 0);
                break;
            case State.Escape when c < '0':
                _sequence.Append(c);
                _state = State.EscapeIntermediate;
                break;
            case State.Escape:
                if (c is '7' or '8' or 'D' or 'E' or 'H' or 'M' or '=' or '>' or 'c')
                {
                    (BracketedPaste, Alternate) = c == 'c' ? (false, false) : (BracketedPaste, Alternate);
                    passed.Append('\u001b').Append(c);
                }

                Reset();
                break;
            case State.EscapeIntermediate when c < '0':
                Keep(c, State.Overlong);
                break;
            case State.EscapeIntermediate:
                if (_sequence.Length == 1
                    && ((_sequence[0] is '(' or ')' or '*' or '+' && c is '0' or 'A' or 'B') || (_sequence[0] == '#' && c == '8')))
                {
                    passed.Append('\u001b').Append(_sequence).Append(c);
                }

                Reset();
                break;
            case State.Control when c < '@':
                Keep(c, State.Overlong);
                break;
            case State.Control:
                Control(c, passed);
                Reset();
                break;
            case State.Overlong when c >= '@':
                Reset();
                break;
            default:
                break;
        }
    }

    private void Keep(char c, State otherwise)
    {
        if (_sequence.Length < LongestSequence)
        {
            _sequence.Append(c);
        }
        else
        {
            _state = otherwise;
        }
    }

    private void Control(char final, StringBuilder passed)
    {
        var body = _sequence.ToString().AsSpan();
        var prefix = body.Length > 0 && body[0] is >= '<' and <= '?' ? body[..1].ToString() : "";
        var rest = body[prefix.Length..];
        var at = rest.IndexOfAnyInRange(' ', '/');
        var intermediate = at < 0 ? "" : rest[at..].ToString();
        var parameters = at < 0 ? rest : rest[..at];
        if (parameters.IndexOfAnyExceptInRange('0', ';') >= 0)
        {
            return;
        }

        switch (prefix, intermediate, final)
        {
            case ("", "", 'h' or 'l'):
                Modes(parameters, "", final, passed, static mode => mode is 4 or 20);
                break;
            case ("", "", 'T') when parameters.Contains(';'):
                break; // highlight tracking of the mouse: it waits for an answer
            case ("", "", _) when "@ABCDEFGHIJKLMPSTXZ`abdefgmrsu".Contains(final, StringComparison.Ordinal):
            case ("", " ", 'q'):
            case ("?", "", 'J' or 'K'):
                Write(parameters, prefix, intermediate, final, passed);
                break;
            case ("", "!", 'p'):
                BracketedPaste = false;
                Write(parameters, prefix, intermediate, final, passed);
                break;
            case ("?", "", 'h' or 'l'):
                Modes(
                    parameters, "?", final, passed,
                    static mode => mode is 1 or 5 or 6 or 7 or 12 or 25 or 45 or 47 or 66 or 1000 or 1002 or 1003 or 1006 or 1047 or 1048
                        or 1049 or 2004 or 2026);
                break;
            default:
                break;
        }
    }

    private void Modes(ReadOnlySpan<char> parameters, string prefix, char final, StringBuilder passed, Func<int, bool> allowed)
    {
        var kept = new StringBuilder();
        foreach (var range in parameters.Split(';'))
        {
            if (int.TryParse(parameters[range], System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture,
                out var mode) && allowed(mode))
            {
                kept.Append(kept.Length > 0 ? ";" : "").Append(mode);
                BracketedPaste = mode == 2004 ? final == 'h' : BracketedPaste;
                Alternate = mode is 47 or 1047 or 1049 ? final == 'h' : Alternate;
            }
        }

        if (kept.Length > 0)
        {
            passed.Append("\u001b[").Append(prefix).Append(kept).Append(final);
        }
    }

    private static void Write(
        ReadOnlySpan<char> parameters, string prefix, ReadOnlySpan<char> intermediate, char final, StringBuilder passed)
    {
        passed.Append("\u001b[").Append(prefix);
        var number = -1;
        foreach (var c in parameters)
        {
            if (c is ';' or ':')
            {
                WriteNumber();
                passed.Append(c);
            }
            else
            {
                number = Math.Min(LargestNumber, (Math.Max(number, 0) * 10) + (c - '0'));
            }
        }

        WriteNumber();
        passed.Append(intermediate).Append(final);

        void WriteNumber()
        {
            if (number >= 0)
            {
                passed.Append(number);
                number = -1;
            }
        }
    }

    private static bool IsDrawn(char c) => c switch
    {
        < ' ' => c is '\a' or '\b' or '\t' or '\n' or '\v' or '\f' or '\r' or '\u000e' or '\u000f',
        < '\u007f' => true,
        <= '\u009f' => false, // delete, and controls of 8 bits
        '\u061c' or '\u200e' or '\u200f' or (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069') => false,
        _ => true,
    };
}
