using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using PocketCoder.Sandboxes;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Terminals;

/// <summary>Gives a viewer a message. It may wait while the viewer is slow.</summary>
public delegate ValueTask ViewerSink(string epoch, long seq, TerminalOutputPayload output, CancellationToken cancellationToken);

/// <summary>
/// One who looks at a terminal, at a pace of its own: what it does not take in time is dropped, never waited for, and it gets the screen as
/// it is then. Thread-safe; the lock guards every field and is never held over I/O.
/// </summary>
public sealed partial class Viewer : IDisposable
{
    /// <summary>Lines of scrollback that come with a redraw after something was skipped.</summary>
    private const int HistoryAfterSkip = 200;

    /// <summary>Least time between two redraws: a flood is looked at, not followed.</summary>
    private static readonly TimeSpan s_redrawPause = TimeSpan.FromMilliseconds(300);

    /// <summary>When the screen could not be read; the terminal's end ends the tries.</summary>
    private static readonly TimeSpan s_failurePause = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly StringBuilder _waiting = new();
    private readonly Queue<(long Seq, int Length)> _unacknowledged = new();
    private readonly Dictionary<long, int> _marks = [];
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly LiveTerminal _terminal;
    private readonly ViewerSink _sink;
    private readonly bool _acknowledges;
    private readonly int _history;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop;
    private bool _redraw = true;
    private bool _skipped;
    private int _inFlight;
    private long _seq;
    private bool _resized;
    private bool _disposed;
    private string? _ended;

    /// <param name="acknowledges">Whether it sends acknowledgements; else what the sink has taken counts as drawn.</param>
    /// <param name="history">Lines of scrollback in the first redraw.</param>
    /// <param name="gone">Cancelled when the viewer is gone.</param>
    public Viewer(LiveTerminal terminal, ViewerSink sink, bool acknowledges, int history, TimeProvider time, CancellationToken gone)
    {
        (_terminal, _sink, _acknowledges, _history, _time) = (terminal, sink, acknowledges, history, time);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(gone);
    }

    /// <summary>Names this attach on the wire.</summary>
    public string Epoch { get; } = Guid.CreateVersion7().ToString("N");

    /// <summary>What it shows, when it may say so. The terminal takes this size when it types.</summary>
    public (int Columns, int Rows)? Size { get; set; }

    /// <summary>Its service.</summary>
    public Task Served { get; set; } = Task.CompletedTask;

    /// <summary>The terminal wrote.</summary>
    public void Write(string text)
    {
        lock (_gate)
        {
            if (_redraw && _marks.Count == 0)
            {
                return; // before the picture
            }

            if (_waiting.Length + text.Length > TerminalLimits.Waiting)
            {
                Skip();
                return;
            }

            _waiting.Append(text);
        }

        Signal();
    }

    /// <summary>Here a snapshot was taken, for this viewer or another.</summary>
    public void Mark(long mark)
    {
        lock (_gate)
        {
            if (_redraw)
            {
                _marks[mark] = _waiting.Length;
            }
        }
    }

    /// <summary>The terminal's output was lost.</summary>
    public void Lose()
    {
        lock (_gate)
        {
            Skip();
        }

        Signal();
    }

    public void Resized()
    {
        lock (_gate)
        {
            _resized = true;
        }

        Signal();
    }

    public void End(string why)
    {
        lock (_gate)
        {
            _ended = why;
        }

        Signal();
    }

    /// <summary>False: never sent.</summary>
    public bool Acknowledge(string epoch, long seq)
    {
        lock (_gate)
        {
            if (epoch != Epoch)
            {
                return true; // of an attach before this one: late, not wrong
            }

            if (seq < 0 || seq > _seq)
            {
                return false;
            }

            while (_unacknowledged.TryPeek(out var sent) && sent.Seq <= seq)
            {
                _inFlight -= _unacknowledged.Dequeue().Length;
            }
        }

        Signal();
        return true;
    }

    /// <summary>Ends its service. Does nothing when that is over.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            if (!_disposed)
            {
                _ = _stop.CancelAsync();
            }
        }
    }

    /// <summary>After its service.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
        }

        _stop.Dispose();
    }

    /// <summary>Serves until the terminal ends or the viewer goes.</summary>
    public async Task RunAsync(ILogger logger)
    {
        var cancellationToken = _stop.Token;
        try
        {
            do
            {
                while (await StepAsync(logger, cancellationToken) is { } more)
                {
                    if (!more)
                    {
                        return;
                    }
                }
            }
            while (await _signal.Reader.ReadAsync(cancellationToken));
        }
        catch (Exception e) when (e is OperationCanceledException or ChannelClosedException or ObjectDisposedException)
        {
            // The device is gone.
        }
    }

    /// <summary>Sends what there is. Null: nothing just now. False: it is over.</summary>
    private async Task<bool?> StepAsync(ILogger logger, CancellationToken cancellationToken)
    {
        bool redraw, skipped, resized;
        string text;
        string? ended;
        lock (_gate)
        {
            ended = _ended;
            if (ended is null && _inFlight >= TerminalLimits.Window)
            {
                return null; // until it acknowledges
            }

            redraw = _redraw && ended is null;
            skipped = _skipped;
            resized = _resized;
            text = redraw ? "" : Take(ended is null ? TerminalLimits.OutputLength : TerminalLimits.Waiting);
            if (!redraw && text.Length == 0 && ended is null && !resized)
            {
                return null;
            }

            _resized = false;
        }

        if (redraw)
        {
            await RedrawAsync(skipped, logger, cancellationToken);
            return true;
        }

        await SendAsync(text, reset: false, skipped: false, ended, cancellationToken);
        return ended is null;
    }

    private async Task RedrawAsync(bool skipped, ILogger logger, CancellationToken cancellationToken)
    {
        if (skipped)
        {
            await Task.Delay(s_redrawPause, _time, cancellationToken);
        }

        lock (_gate)
        {
            _marks.Clear();
            _waiting.Clear();
            (_redraw, _skipped) = (true, false);
        }

        TerminalSnapshot snapshot;
        try
        {
            snapshot = await _terminal.SnapshotAsync(skipped ? Math.Min(HistoryAfterSkip, _history) : _history, cancellationToken);
        }
        catch (Exception e) when (e is IOException or TimeoutException or ProcessStartException)
        {
            LogFailed(logger, _terminal.Name, e.Message);
            await Task.Delay(s_failurePause, _time, cancellationToken);
            return;
        }

        lock (_gate)
        {
            // Without its mark too much came meanwhile: the picture is true as it is, and another one follows.
            if (_marks.TryGetValue(snapshot.Mark, out var from))
            {
                _waiting.Remove(0, from);
                (_redraw, _skipped) = (false, false);
            }
            else
            {
                (_redraw, _skipped) = (true, true);
            }

            _marks.Clear();
        }

        await SendAsync(ScreenDrawing.Draw(snapshot, _terminal.BracketedPaste), reset: true, skipped, null, cancellationToken,
            (snapshot.Columns, snapshot.Rows));
        Signal();
    }

    private async Task SendAsync(
        string text, bool reset, bool skipped, string? ended, CancellationToken cancellationToken, (int Columns, int Rows)? size = null)
    {
        long seq;
        lock (_gate)
        {
            seq = ++_seq;
            if (_acknowledges)
            {
                _unacknowledged.Enqueue((seq, text.Length));
                _inFlight += text.Length;
            }
        }

        var (columns, rows) = size ?? _terminal.Size;
        await _sink(Epoch, seq, new TerminalOutputPayload(_terminal.Session, _terminal.Name, text, reset, skipped, columns, rows, ended),
            cancellationToken);
    }

    private string Take(int most)
    {
        var length = Math.Min(most, _waiting.Length);
        if (length > 0 && length < _waiting.Length && char.IsHighSurrogate(_waiting[length - 1]))
        {
            length--;
        }

        var text = _waiting.ToString(0, length);
        _waiting.Remove(0, length);
        return text;
    }

    private void Skip()
    {
        _waiting.Clear();
        _marks.Clear();
        (_redraw, _skipped) = (true, true);
    }

    private void Signal() => _signal.Writer.TryWrite(true);

    [LoggerMessage(EventId = 513, Level = LogLevel.Warning, Message = "terminal {Terminal}: a viewer could not be served: {Why}")]
    private static partial void LogFailed(ILogger logger, string terminal, string why);
}
