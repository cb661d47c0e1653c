using System.Text;

namespace PocketCoder.Machine.Terminals;

/// <summary>
/// Whether what is typed appears on the screen, so that a password is not kept: the typed characters must come back, in order, in what the
/// terminal writes after they were typed, without much else in between. When that can't be seen, the answer is no. Thread-safe; the lock
/// guards every field.
/// </summary>
internal sealed class EchoWatch
{
    /// <summary>
    /// Other characters that may come between (a prompt that is drawn again, a line that is shifted): so many, and so many for each typed
    /// one. A flood of output could contain any word.
    /// </summary>
    private const int Noise = 256;
    private const int NoiseForEach = 8;

    private readonly Lock _gate = new();
    private readonly Queue<char> _expected = new();
    private TaskCompletionSource _seen = Completed();
    private int _noise;
    private int _typed;
    private bool _lost;
    private char _sequence;

    /// <summary>These characters are being typed. Call it before they are.</summary>
    public void Type(ReadOnlySpan<char> printed)
    {
        lock (_gate)
        {
            if (_expected.Count + printed.Length > LineTracker.LongestLine)
            {
                _lost = true;
                return;
            }

            foreach (var c in printed)
            {
                if (!char.IsWhiteSpace(c))
                {
                    _expected.Enqueue(c);
                    _typed++;
                }
            }

            if (_expected.Count > 0 && _seen.Task.IsCompleted)
            {
                _seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }

    /// <summary>The terminal wrote this (filtered: its sequences are whole).</summary>
    public void Write(ReadOnlySpan<char> text)
    {
        lock (_gate)
        {
            if (_expected.Count == 0)
            {
                return;
            }

            foreach (var c in text)
            {
                if (IsPlain(c))
                {
                    Match(c);
                }
            }

            if (_expected.Count == 0)
            {
                _seen.TrySetResult();
            }
        }
    }

    /// <summary>Output was lost: what is expected may have been in it.</summary>
    public void Lose()
    {
        lock (_gate)
        {
            _lost |= _expected.Count > 0;
        }
    }

    /// <summary>Waits up to <paramref name="limit"/> for what is still expected, and says whether all of the line was seen.</summary>
    public async Task<bool> SeenAsync(TimeSpan limit, TimeProvider time)
    {
        Task seen;
        lock (_gate)
        {
            seen = _seen.Task;
        }

        try
        {
            await seen.WaitAsync(limit, time);
        }
        catch (TimeoutException)
        {
            return false;
        }

        lock (_gate)
        {
            return !_lost && _expected.Count == 0 && _noise <= Noise + (_typed * NoiseForEach);
        }
    }

    /// <summary>A new line begins.</summary>
    public void Begin()
    {
        lock (_gate)
        {
            _expected.Clear();
            (_noise, _typed, _lost) = (0, 0, false);
            _seen.TrySetResult();
        }
    }

    private void Match(char c)
    {
        if (_expected.TryPeek(out var next) && next == c)
        {
            _expected.Dequeue();
        }
        else if (!char.IsWhiteSpace(c))
        {
            _noise++;
        }
    }

    /// <summary>Whether a character is text: not within ESC x, ESC ( x or ESC [ … final.</summary>
    private bool IsPlain(char c)
    {
        switch (_sequence)
        {
            case '\u001b':
                _sequence = c is '[' or '(' or ')' or '*' or '+' or '#' ? c : '\0';
                return false;
            case '[':
                _sequence = c >= '@' ? '\0' : '[';
                return false;
            case not '\0':
                _sequence = '\0';
                return false;
            default:
                _sequence = c == '\u001b' ? c : '\0';
                return c >= ' ';
        }
    }

    private static TaskCompletionSource Completed()
    {
        var completed = new TaskCompletionSource();
        completed.SetResult();
        return completed;
    }
}
