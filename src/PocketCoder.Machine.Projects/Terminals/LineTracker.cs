using System.Text;

namespace PocketCoder.Machine.Terminals;

/// <summary>
/// The line that a person types, from the keys alone: characters, and the editing keys that shells have in common (emacs mode of readline).
/// What depends on what only the shell knows (history, completion, yanking, other keys) makes the line inexact. Best effort by nature: the
/// keys say what was typed, not what a program makes of them. Not thread-safe.
/// </summary>
internal sealed class LineTracker
{
    /// <summary>UTF-16 units of a line that are kept.</summary>
    public const int LongestLine = 16 * 1024;

    private const string PasteEnd = "\u001b[201~";

    private readonly StringBuilder _line = new();
    private readonly StringBuilder _escape = new();
    private int _cursor;
    private bool _pasting;

    /// <summary>What stands on the line, as far as the keys tell.</summary>
    public string Line => _line.ToString();

    /// <summary>Characters typed since the line began, the deleted ones too.</summary>
    public int Typed { get; private set; }

    /// <summary>Whether nothing but followed keys took part.</summary>
    public bool Exact { get; private set; } = true;

    /// <summary>Whether the line was longer than what is kept.</summary>
    public bool Cut { get; private set; }

    /// <summary>Nothing was typed, and nothing was fetched.</summary>
    public bool IsEmpty => _line.Length == 0 && Exact && !Cut;

    /// <summary>Whether the program takes marked pastes, so that a line end within one does not submit.</summary>
    public bool BracketedPaste { get; set; }

    /// <summary>
    /// Takes keys up to the next one that submits the line, and says how many. When the first key submits, it takes just that, leaves the
    /// line as it is and sets <paramref name="submits"/>: call <see cref="Begin"/> once the key has been typed.
    /// </summary>
    /// <param name="printed">The characters among them that a terminal with echo shows.</param>
    public int Advance(ReadOnlySpan<char> keys, StringBuilder printed, out bool submits)
    {
        submits = false;
        for (var i = 0; i < keys.Length; i++)
        {
            if (Submits(keys[i]))
            {
                submits = i == 0;
                return Math.Max(i, 1);
            }

            Take(keys[i], printed);
        }

        return keys.Length;
    }

    /// <summary>A new line begins.</summary>
    public void Begin()
    {
        _line.Clear();
        _escape.Clear();
        (_cursor, Typed, Exact, Cut, _pasting) = (0, 0, true, false, false);
    }

    private bool Submits(char key) => key is '\r' or '\n' or '\u000f' && !(_pasting && BracketedPaste);

    private void Take(char key, StringBuilder printed)
    {
        if (_escape.Length > 0)
        {
            Escape(key);
            return;
        }

        switch (key)
        {
            case '\u001b':
                _escape.Append(key);
                break;
            case '\r' or '\n':
                Insert('\n'); // within a paste
                break;
            case '\t' when _pasting:
                Insert(key);
                break;
            case >= ' ' and not '\u007f':
                Insert(key);
                printed.Append(key);
                break;
            case '\u007f' or '\b':
                Delete(Back(_cursor), _cursor);
                break;
            case '\u0001':
                _cursor = 0;
                break;
            case '\u0005':
                _cursor = _line.Length;
                break;
            case '\u0002':
                _cursor = Back(_cursor);
                break;
            case '\u0006':
                _cursor = Forward(_cursor);
                break;
            case '\u0004':
                Delete(_cursor, Forward(_cursor));
                break;
            case '\u000b':
                Delete(_cursor, _line.Length);
                break;
            case '\u0015':
                Delete(0, _cursor);
                break;
            case '\u0017':
                Delete(WordBack(static c => !char.IsWhiteSpace(c)), _cursor);
                break;
            case '\u0003':
                Begin(); // interrupted: a new prompt
                break;
            case '\u000c':
                break; // redraws
            default:
                Exact = false;
                break;
        }
    }

    /// <summary>Keys that come as sequences: ESC [ … final, ESC O final, ESC and a character (Alt).</summary>
    private void Escape(char key)
    {
        if (key == '\u001b')
        {
            Exact = false; // the escape key by itself, and a new beginning
            _escape.Clear().Append(key);
            return;
        }

        _escape.Append(key);
        if (_escape.Length == 2 && key is '[' or 'O')
        {
            return;
        }

        if (_escape.Length > 2 && _escape[1] == '[' && key is >= ' ' and < '@' && _escape.Length < 32)
        {
            return;
        }

        var sequence = _escape.ToString();
        _escape.Clear();
        if (_pasting && sequence != PasteEnd)
        {
            Exact = false;
            return;
        }

        switch (sequence)
        {
            case "\u001b[200~":
                _pasting = true;
                break;
            case PasteEnd:
                _pasting = false;
                break;
            case "\u001b[D" or "\u001bOD":
                _cursor = Back(_cursor);
                break;
            case "\u001b[C" or "\u001bOC":
                _cursor = Forward(_cursor);
                break;
            case "\u001b[H" or "\u001bOH" or "\u001b[1~" or "\u001b[7~":
                _cursor = 0;
                break;
            case "\u001b[F" or "\u001bOF" or "\u001b[4~" or "\u001b[8~":
                _cursor = _line.Length;
                break;
            case "\u001b[3~":
                Delete(_cursor, Forward(_cursor));
                break;
            case "\u001bb":
                _cursor = WordBack(char.IsLetterOrDigit);
                break;
            case "\u001bf":
                _cursor = WordForward();
                break;
            case "\u001bd":
                Delete(_cursor, WordForward());
                break;
            case "\u001b\u007f" or "\u001b\b":
                Delete(WordBack(char.IsLetterOrDigit), _cursor);
                break;
            case ['\u001b', '[', '<', ..] or "\u001b[I" or "\u001b[O":
                break; // mouse and focus: no keys
            default:
                Exact = false;
                break;
        }
    }

    private void Insert(char key)
    {
        Typed++;
        if (_line.Length < LongestLine)
        {
            _line.Insert(_cursor++, key);
        }
        else
        {
            Cut = true;
        }
    }

    private void Delete(int from, int to)
    {
        _line.Remove(from, to - from);
        _cursor = from;
    }

    private int Back(int at) => at > 1 && char.IsLowSurrogate(_line[at - 1])
        && char.IsHighSurrogate(_line[at - 2]) ? at - 2 : Math.Max(0, at - 1);

    private int Forward(int at)
        => at + 1 < _line.Length && char.IsHighSurrogate(_line[at])
            && char.IsLowSurrogate(_line[at + 1]) ? at + 2 : Math.Min(_line.Length, at + 1);

    private int WordBack(Func<char, bool> isWord)
    {
        var at = _cursor;
        while (at > 0 && !isWord(_line[at - 1]))
        {
            at--;
        }

        while (at > 0 && isWord(_line[at - 1]))
        {
            at--;
        }

        return at;
    }

    private int WordForward()
    {
        var at = _cursor;
        while (at < _line.Length && !char.IsLetterOrDigit(_line[at]))
        {
            at++;
        }

        while (at < _line.Length && char.IsLetterOrDigit(_line[at]))
        {
            at++;
        }

        return at;
    }
}
