using System.Collections.Concurrent;
using System.Globalization;
using PocketCoder.Processes;

namespace PocketCoder.Sandboxes.Terminals;

/// <summary>
/// Pictures of a pane at one exact place of its output. The commands that take one are a single line to tmux, which runs them without
/// reading from the pane in between, and answers the first of them at that place of the stream. The picture itself goes into buffers of the
/// server that a client of its own reads: on the control connection, what stands on a screen could look like tmux's words. Thread-safe.
/// </summary>
/// <param name="send">Sends one line to tmux.</param>
/// <param name="start">Starts a tmux client with these arguments.</param>
internal sealed class TmuxSnapshots(
    Func<string, CancellationToken, Task> send, Func<IReadOnlyList<string>, OwnedProcess> start, TimeProvider time)
{
    private const string Word = "snapshot";
    private const string Fields =
        "#{history_size},#{pane_width},#{pane_height},#{cursor_x},#{cursor_y},#{cursor_flag},#{alternate_on},#{keypad_cursor_flag},#{keypad_flag},"
        + "#{mouse_standard_flag},#{mouse_button_flag},#{mouse_all_flag},#{mouse_sgr_flag}";

    /// <summary>Bytes of one buffer.</summary>
    private const int MostCaptured = 16 << 20;

    private readonly ConcurrentDictionary<long, TaskCompletionSource<int[]>> _waiting = new();
    private long _last;
    private volatile Exception? _ended;

    public async Task<TerminalSnapshot> TakeAsync(string pane, int lines, CancellationToken cancellationToken)
    {
        var mark = Interlocked.Increment(ref _last);
        var state = _waiting[mark] = new TaskCompletionSource<int[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            if (_ended is { } over)
            {
                throw new IOException("The terminal ended.", over);
            }

            await send(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"display-message -p -t {pane} '{Word} {mark} {Fields}' ; capture-pane -e -J -S {-lines} -E -1 -b {Name(mark, 'h')} -t {pane} ; capture-pane -e -S 0 -b {Name(mark, 's')} -t {pane}"),
                cancellationToken);
            var facts = await state.Task.WaitAsync(SandboxDefaults.StartLimit, time, cancellationToken);
            var history = ReadAsync(Name(mark, 'h'), cancellationToken);
            var screen = ReadAsync(Name(mark, 's'), cancellationToken);
            await Task.WhenAll(history, screen);
            return Snapshot(mark, facts, lines == 0 || facts[0] == 0 ? [] : await history, await screen);
        }
        finally
        {
            _waiting.TryRemove(mark, out _);
        }
    }

    /// <summary>Looks whether an answer of tmux is that of a snapshot, and gives its mark.</summary>
    public long? Take(string line)
    {
        if (line.Split(' ') is not [Word, var number, var list] || !long.TryParse(
            number, NumberStyles.None, CultureInfo.InvariantCulture, out var mark) || !_waiting.TryGetValue(mark, out var state))
        {
            return null;
        }

        // What this tmux does not know is empty, and counts as 0.
        state.TrySetResult(
            [.. list.Split(',').Select(f => int.TryParse(f, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : 0)]);
        return mark;
    }

    /// <summary>The connection is over: nobody waits any more.</summary>
    public void End(Exception why)
    {
        _ended = why;
        foreach (var state in _waiting.Values)
        {
            state.TrySetException(new IOException("The terminal ended.", why));
            _ = state.Task.Exception; // observed: whoever waits gets it anyway
        }
    }

    private static string Name(long mark, char part) => string.Create(CultureInfo.InvariantCulture, $"{Word}-{mark}-{part}");

    private static TerminalSnapshot Snapshot(long mark, int[] facts, IReadOnlyList<string> history, IReadOnlyList<string> screen)
    {
        if (facts is not [_, >= 1 and var columns, >= 1 and var rows, var column, var row, var cursor, var alternate, var cursorKeys,
            var keypad, var standard, var button, var all, var sgr])
        {
            throw new IOException("tmux did not report its screen.");
        }

        var modes = cursor == 0 ? TerminalModes.CursorHidden : TerminalModes.None;
        foreach (var (flag, mode) in ((int, TerminalModes)[])
            [
                (alternate, TerminalModes.Alternate), (cursorKeys, TerminalModes.ApplicationCursor),
                (keypad, TerminalModes.ApplicationKeypad),
                (standard, TerminalModes.MouseStandard), (button, TerminalModes.MouseButton), (all, TerminalModes.MouseAll),
                (sgr, TerminalModes.MouseSgr),
            ])
        {
            modes |= flag == 0 ? TerminalModes.None : mode;
        }

        return new TerminalSnapshot(
            mark, history, [.. screen.Take(rows)], columns, rows, Math.Min(column, columns - 1), Math.Min(row, rows - 1), modes);
    }

    /// <summary>Reads a buffer of the server and takes it away.</summary>
    private async Task<IReadOnlyList<string>> ReadAsync(string buffer, CancellationToken cancellationToken)
    {
        await using var process = start(["show-buffer", "-b", buffer, ";", "delete-buffer", "-b", buffer]);
        process.StandardInput.Close();
        var output = new OutputCapture(MostCaptured);
        await Task.WhenAll(output.ReadToEndAsync(process.StandardOutput, cancellationToken),
            process.StandardError.CopyToAsync(Stream.Null, cancellationToken))
            .WaitAsync(SandboxDefaults.StartLimit, time, cancellationToken);
        var text = output.ToString();
        return text.Length == 0 ? [] : (text.EndsWith('\n') ? text[..^1] : text).Split('\n');
    }
}
