using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using PocketCoder.Sandboxes;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Terminals;

/// <summary>Who types or opens: a paired device, or the machine's owner at the command line.</summary>
/// <param name="Label">For people. A device's name is untrusted.</param>
public sealed record Typist(string? DeviceId, string Label)
{
    public static Typist Owner { get; } = new(null, "the owner");

    public static Typist Of(Caller caller) => caller.Device is { } device ? new Typist(device.DeviceId, device.Name) : Owner;

    public string? Actor => DeviceId is null ? "cli" : null;

    /// <summary>For rows: a device's id, or <c>cli</c>.</summary>
    public string Name => DeviceId ?? "cli";
}

/// <summary>A line is about to be submitted: returns when it is recorded.</summary>
internal delegate Task LineRecorder(LiveTerminal terminal, Typist who, TypedLine line);

/// <summary>What was typed, see <see cref="Chain.TerminalCommandData"/>.</summary>
internal sealed record TypedLine(
    string? Line, bool Exact, int? Length, bool Cut, string? Shown, string? NotKept, IReadOnlyList<string>? AlsoTypedBy);

/// <summary>
/// One terminal with all who look at it: one task reads what it writes, another types what comes in, in order. It never waits for a viewer.
/// Thread-safe; the lock guards viewers, size and the end.
/// </summary>
public sealed class LiveTerminal : IAsyncDisposable
{
    /// <summary>Inputs that wait; whoever has more waits with it.</summary>
    private const int InputsWaiting = 64;

    /// <summary>UTF-16 units of what the screen showed that are recorded.</summary>
    private const int MostShown = 1000;

    /// <summary>How long typing may take before whoever typed is told that it does not go through.</summary>
    private static readonly TimeSpan s_typeLimit = TimeSpan.FromSeconds(10);

    /// <summary>How long a viewer may take to hear why the terminal ended.</summary>
    private static readonly TimeSpan s_endLimit = TimeSpan.FromSeconds(2);

    /// <summary>How long an echo may take before a line counts as not echoed.</summary>
    private static readonly TimeSpan s_echoLimit = TimeSpan.FromMilliseconds(250);

    private readonly Lock _gate = new();
    private readonly ITerminal _terminal;
    private readonly LineRecorder _record;
    private readonly IdleNotifier _idle;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Dictionary<string, Viewer> _viewers = new(StringComparer.Ordinal);
    private readonly OutputFilter _filter = new();
    private readonly EchoWatch _echo = new();
    private readonly LineTracker _line = new();
    private readonly HashSet<string> _typists = new(StringComparer.Ordinal);
    private readonly Channel<Input> _inputs = Channel.CreateBounded<Input>(
        new BoundedChannelOptions(InputsWaiting) { SingleReader = true });
    private readonly CancellationTokenSource _over = new();
    private readonly Task _typing;
    private (int Columns, int Rows) _size;
    private string? _ended;
    private bool _letGo;
    private Task? _closing;
    private Task? _disposed;
    private volatile bool _bracketedPaste;
    private volatile bool _fullScreen;
    private volatile bool _fullScreenKnown;

    /// <param name="record">Called before each Enter.</param>
    /// <param name="calm">Touched when the terminal writes.</param>
    internal LiveTerminal(
        Guid session, SandboxKind sandbox, ITerminal terminal, (int Columns, int Rows) size, DateTimeOffset openedAt, LineRecorder record,
        IdleNotifier calm, TimeProvider time, ILogger logger)
    {
        (Session, Sandbox, _terminal, _size, OpenedAt, _record, _idle, _time, _logger) =
            (session, sandbox, terminal, size, openedAt, record, calm, time, logger);
        Ended = ReadAsync();
        _typing = TypeAsync();
    }

    public Guid Session { get; }

    public string Name => _terminal.Name;

    public SandboxKind Sandbox { get; }

    public DateTimeOffset OpenedAt { get; }

    /// <summary>Completes when the terminal is over, or was let go by <see cref="DisposeAsync"/>. Never faults.</summary>
    public Task Ended { get; }

    /// <summary>Completes when its end stands in the ledger and what it kept is free.</summary>
    public Task Settled { get; set; } = Task.CompletedTask;

    public bool BracketedPaste => _bracketedPaste;

    public (int Columns, int Rows) Size
    {
        get
        {
            lock (_gate)
            {
                return _size;
            }
        }
    }

    public TerminalInfo Info
    {
        get
        {
            lock (_gate)
            {
                return new TerminalInfo(Session, Name, _size.Columns, _size.Rows, _viewers.Count, OpenedAt, Sandbox);
            }
        }
    }

    /// <summary>Begins to look. The same viewer again begins anew.</summary>
    /// <param name="key">Names the viewer: its connection.</param>
    /// <param name="size">What it shows, when it may set the size.</param>
    /// <param name="gone">Cancelled when the viewer is gone.</param>
    /// <exception cref="RequestFailure">DAEMON_BUSY, TERMINAL_NOT_FOUND</exception>
    public async Task<Viewer> AttachAsync(
        string key, ViewerSink sink, (int Columns, int Rows)? size, int history, bool acknowledges, CancellationToken gone)
    {
        var viewer = new Viewer(this, sink, acknowledges, history, _time, gone) { Size = size };
        if (Find(key) is { } before)
        {
            // One after the other: each look starts programs.
            Detach(key);
            await before.Served;
        }

        lock (_gate)
        {
            if (_ended is not null)
            {
                viewer.Dispose();
                throw TerminalService.NotFound();
            }

            if (_viewers.Count >= TerminalLimits.Viewers)
            {
                viewer.Dispose();
                throw new RequestFailure(ErrorCode.DaemonBusy, $"{TerminalLimits.Viewers} devices are already viewing this terminal.");
            }

            _viewers[key] = viewer;
        }

        if (size is { } wanted)
        {
            await ResizeAsync(wanted);
        }

        viewer.Served = ServeAsync();
        return viewer;

        async Task ServeAsync()
        {
            await viewer.RunAsync(_logger);
            lock (_gate)
            {
                if (_viewers.GetValueOrDefault(key) == viewer)
                {
                    _viewers.Remove(key);
                }
            }

            viewer.Dispose();
        }
    }

    /// <summary>Stops to look. Does nothing for one who doesn't.</summary>
    public void Detach(string key)
    {
        lock (_gate)
        {
            if (_viewers.Remove(key, out var viewer))
            {
                viewer.Leave();
            }
        }
    }

    /// <exception cref="RequestFailure">INVALID_REQUEST: acknowledged what was never sent; CONFLICT: it does not look.</exception>
    public void Acknowledge(string key, string epoch, long seq)
    {
        var viewer = Find(key) ?? throw new RequestFailure(ErrorCode.Conflict, "This device does not look at that terminal. Attach first.");
        if (!viewer.Acknowledge(epoch, seq))
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "seq was never sent.");
        }
    }

    /// <summary>Types in the order of the calls; returns when all of it was handed to the terminal.</summary>
    /// <exception cref="RequestFailure">TERMINAL_NOT_FOUND: it ended meanwhile.</exception>
    /// <exception cref="PocketCoder.Ledger.LedgerException">A line could not be recorded; its Enter and what came after it was not
    /// typed.</exception>
    public async Task TypeAsync(Typist who, string key, string keys, CancellationToken cancellationToken)
    {
        var input = new Input(who, Find(key), keys, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        try
        {
            await _inputs.Writer.WriteAsync(input, cancellationToken);
        }
        catch (ChannelClosedException)
        {
            throw TerminalService.NotFound();
        }

        try
        {
            await input.Done.Task.WaitAsync(s_typeLimit, _time, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new RequestFailure(
                ErrorCode.Unavailable, "The terminal isn't accepting input right now. What you typed may still arrive.");
        }
    }

    /// <summary>The viewer shows this much from now on.</summary>
    public async Task ResizeAsync(string key, (int Columns, int Rows) size)
    {
        if (Find(key) is { } viewer)
        {
            viewer.Size = size;
        }

        await ResizeAsync(size);
    }

    public async Task<TerminalSnapshot> SnapshotAsync(int lines, CancellationToken cancellationToken)
    {
        var snapshot = await _terminal.SnapshotAsync(lines, cancellationToken);
        if (!_fullScreenKnown)
        {
            _fullScreen = snapshot.Modes.HasFlag(TerminalModes.Alternate); // a terminal of an earlier daemon
        }

        return snapshot;
    }

    /// <summary>
    /// Ends the terminal and what runs in it. Calls at the same time share one attempt; the first reason counts. One that failed may be
    /// tried again.
    /// </summary>
    /// <exception cref="IOException">Its server does not answer.</exception>
    /// <exception cref="TimeoutException">Its server does not answer.</exception>
    /// <exception cref="PocketCoder.Processes.ProcessStartException">tmux could not be started.</exception>
    public Task CloseAsync(string why)
    {
        lock (_gate)
        {
            return _closing is null or { IsFaulted: true } ? _closing = EndAsync() : _closing;
        }

        async Task EndAsync()
        {
            await Task.Yield(); // not within the lock
            var first = Finish(why);
            try
            {
                await _terminal.CloseAsync(CancellationToken.None);
            }
            catch when (first && !Ended.IsCompleted)
            {
                Unfinish(); // it still runs: it must not look as if it were over
                throw;
            }

            await Ended;
        }
    }

    /// <summary>Why it ended; null while it goes on.</summary>
    public string? EndedBecause
    {
        get
        {
            lock (_gate)
            {
                return _ended;
            }
        }
    }

    /// <summary>Lets go of it: it goes on by itself.</summary>
    public async ValueTask DisposeAsync()
    {
        Task disposed;
        lock (_gate)
        {
            disposed = _disposed ??= LetGoAsync();
        }

        await disposed;
    }

    private async Task LetGoAsync()
    {
        await Task.Yield(); // not within the lock
        _inputs.Writer.TryComplete();
        Task told;
        lock (_gate)
        {
            _letGo = _ended is null;
            told = _letGo ? Task.CompletedTask : Task.WhenAll(_viewers.Values.Select(v => v.Served));
        }

        // each is being told why it ended; one that does not take it does not hold up the rest
        await Task.WhenAny(told, Task.Delay(s_endLimit, _time));
        lock (_gate)
        {
            foreach (var viewer in _viewers.Values)
            {
                viewer.Leave(); // its connection ends, or it has been told
            }
        }

        await _over.CancelAsync();
        await _terminal.DisposeAsync();
        await Ended;
        await _typing;
        _over.Dispose();
    }

    private Viewer? Find(string key)
    {
        lock (_gate)
        {
            return _viewers.GetValueOrDefault(key);
        }
    }

    private IReadOnlyList<Viewer> Viewers()
    {
        lock (_gate)
        {
            return [.. _viewers.Values];
        }
    }

    /// <summary>The first reason counts. Returns whether this is it.</summary>
    private bool Finish(string why)
    {
        lock (_gate)
        {
            var first = _ended is null;
            _ended ??= why;
            return first;
        }
    }

    private void Unfinish()
    {
        lock (_gate)
        {
            _ended = null;
        }
    }

    private async Task ResizeAsync((int Columns, int Rows) size)
    {
        lock (_gate)
        {
            if (_size == size)
            {
                return;
            }

            _size = size;
        }

        try
        {
            await _terminal.ResizeAsync(size.Columns, size.Rows, CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            return; // it is ending
        }

        foreach (var viewer in Viewers())
        {
            viewer.Resized();
        }
    }

    private async Task ReadAsync()
    {
        await foreach (var chunk in _terminal.Output)
        {
            if (chunk.Mark != 0)
            {
                foreach (var viewer in Viewers())
                {
                    viewer.Mark(chunk.Mark);
                }

                continue;
            }

            if (chunk.Skipped)
            {
                _filter.Reset();
                _echo.Lose();
                foreach (var viewer in Viewers())
                {
                    viewer.Lose();
                }
            }

            _idle.Touch();
            var text = _filter.Pass(chunk.Text);
            _bracketedPaste = _filter.BracketedPaste;
            if (_filter.Alternate is { } fullScreen)
            {
                (_fullScreen, _fullScreenKnown) = (fullScreen, true);
            }

            if (text.Length > 0)
            {
                _echo.Write(text);
                foreach (var viewer in Viewers())
                {
                    viewer.Write(text);
                }
            }
        }

        bool goesOn;
        lock (_gate)
        {
            goesOn = _letGo; // the daemon stops reading, the terminal goes on: nobody is told that it ended
            _ended ??= goesOn ? null : "Its shell ended.";
        }

        _inputs.Writer.TryComplete();
        await _over.CancelAsync();
        foreach (var viewer in goesOn ? [] : Viewers())
        {
            viewer.End(_ended!);
        }
    }

    private async Task TypeAsync()
    {
        await foreach (var input in _inputs.Reader.ReadAllAsync())
        {
            try
            {
                if (_over.IsCancellationRequested)
                {
                    throw TerminalService.NotFound();
                }

                if (input.Viewer?.Size is { } size)
                {
                    await ResizeAsync(size); // whoever types has the size
                }

                await TypeAsync(input.Who, input.Keys);
                input.Done.SetResult();
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                input.Done.SetException(TerminalService.NotFound());
            }
            catch (Exception e)
            {
                input.Done.SetException(e); // whoever typed learns why
            }
        }
    }

    private async Task TypeAsync(Typist who, string keys)
    {
        _line.BracketedPaste = _bracketedPaste;
        for (var at = 0; at < keys.Length;)
        {
            var printed = new StringBuilder();
            var used = _line.Advance(keys.AsSpan(at), printed, out var submits);
            if (submits)
            {
                await RecordAsync(who);
            }
            else
            {
                _typists.Add(who.Name);
                _echo.Type(printed.ToString());
            }

            await _terminal.WriteAsync(Encoding.UTF8.GetBytes(keys.Substring(at, used)), CancellationToken.None);
            if (submits)
            {
                BeginLine();
            }

            at += used;
        }

        if (_line is { IsEmpty: true, Typed: 0 })
        {
            BeginLine(); // interrupted
        }
    }

    private void BeginLine()
    {
        _line.Begin();
        _echo.Begin();
        _typists.Clear();
    }

    /// <summary>An Enter on an empty line decides nothing that the keys could tell, and is not recorded.</summary>
    private async Task RecordAsync(Typist who)
    {
        if (_line.IsEmpty && _line.Typed == 0)
        {
            return;
        }

        if (_fullScreen)
        {
            // An editor's Enter ends a line of a file, which may hold anything, and no command.
            await _record(this, who, new TypedLine(null, false, null, false, null, "A full-screen program had the terminal.", null));
            return;
        }

        var seen = await _echo.SeenAsync(s_echoLimit, _time);
        var exact = _line.Exact && seen;
        var others = _typists.Where(t => t != who.Name).Order(StringComparer.Ordinal).ToList();
        await _record(
            this,
            who,
            new TypedLine(
                seen ? _line.Line : null,
                exact,
                seen ? _line.Typed : null,
                seen && _line.Cut,
                exact ? null : await ShownAsync(),
                seen ? null : "It did not appear on the screen, as a password does not.",
                others.Count == 0 ? null : others));
    }

    private async Task<string?> ShownAsync()
    {
        try
        {
            return ScreenDrawing.CursorLine(await _terminal.SnapshotAsync(0, _over.Token), MostShown);
        }
        catch (Exception e) when (e is IOException or TimeoutException or OperationCanceledException or Processes.ProcessStartException)
        {
            return null;
        }
    }

    private sealed record Input(Typist Who, Viewer? Viewer, string Keys, TaskCompletionSource Done);
}
