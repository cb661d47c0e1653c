using System.Globalization;
using System.Text;
using PocketCoder.Sandboxes;

namespace PocketCoder.Machine.Terminals;

/// <summary>Turns a snapshot into text that draws it on an empty terminal of the same size. Pure.</summary>
internal static class ScreenDrawing
{
    /// <summary>UTF-16 units of scrollback; older lines are left out.</summary>
    private const int MostHistory = 2 << 20;

    private static readonly (TerminalModes Mode, string Sequence)[] s_modes =
    [
        (TerminalModes.CursorHidden, "\u001b[?25l"), (TerminalModes.ApplicationCursor, "\u001b[?1h"),
        (TerminalModes.ApplicationKeypad, "\u001b="),
        (TerminalModes.MouseStandard, "\u001b[?1000h"), (TerminalModes.MouseButton, "\u001b[?1002h"),
        (TerminalModes.MouseAll, "\u001b[?1003h"), (TerminalModes.MouseSgr, "\u001b[?1006h"),
    ];

    /// <param name="bracketedPaste">The one mode that tmux does not tell.</param>
    public static string Draw(TerminalSnapshot snapshot, bool bracketedPaste)
    {
        var text = new StringBuilder();
        foreach (var line in Newest(snapshot.History))
        {
            text.Append(line).Append("\r\n");
        }

        text.Append("\u001b[0m");
        if (snapshot.Modes.HasFlag(TerminalModes.Alternate))
        {
            text.Append("\u001b[?1049h\u001b[H\u001b[2J");
        }

        for (var row = 0; row < snapshot.Rows; row++)
        {
            text.Append(row == 0 ? "" : "\r\n").Append(row < snapshot.Screen.Count ? snapshot.Screen[row] : "");
        }

        text.Append("\u001b[0m").Append(CultureInfo.InvariantCulture, $"\u001b[{snapshot.CursorRow + 1};{snapshot.CursorColumn + 1}H");
        foreach (var (mode, sequence) in s_modes)
        {
            text.Append(snapshot.Modes.HasFlag(mode) ? sequence : "");
        }

        return new OutputFilter().Pass(text.Append(bracketedPaste ? "\u001b[?2004h" : "").ToString());
    }

    /// <summary>All of it as lines, for reading and finding.</summary>
    public static string Lines(TerminalSnapshot snapshot)
    {
        var text = new StringBuilder();
        foreach (var line in Newest(snapshot.History).Concat(snapshot.Screen))
        {
            text.Append(line).Append('\n');
        }

        return new OutputFilter().Pass(text.ToString());
    }

    /// <summary>What stands on the cursor's row, and above it as far as the line was wrapped there, without colours.</summary>
    /// <param name="most">UTF-16 units.</param>
    public static string CursorLine(TerminalSnapshot snapshot, int most)
    {
        var line = "";
        for (var row = Math.Min(snapshot.CursorRow, snapshot.Screen.Count - 1); row >= 0; row--)
        {
            var part = Plain(snapshot.Screen[row]);
            if (line.Length > 0 && part.Length < snapshot.Columns)
            {
                break; // not full: the line below is another one
            }

            line = part + line;
        }

        return line.Length <= most ? line : line[..most];
    }

    private static IEnumerable<string> Newest(IReadOnlyList<string> history)
    {
        var room = MostHistory;
        var first = history.Count;
        while (first > 0 && (room -= history[first - 1].Length + 2) >= 0)
        {
            first--;
        }

        return history.Skip(first);
    }

    /// <summary>Text alone: a captured row has colours and nothing else.</summary>
    private static string Plain(string row)
    {
        var plain = new StringBuilder(row.Length);
        var within = false;
        foreach (var c in new OutputFilter().Pass(row))
        {
            if (within)
            {
                within = c is '[' or < '@';
            }
            else if (c == '\u001b')
            {
                within = true;
            }
            else if (c >= ' ')
            {
                plain.Append(c);
            }
        }

        return plain.ToString();
    }
}
