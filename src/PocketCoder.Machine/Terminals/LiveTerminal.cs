using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using PocketCoder.Hands;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Terminals;

/// <summary>Who types or opens: a paired device, or the machine's owner at the command line.</summary>
/// <param name="Label">For people. A device's name is untrusted.</param>
internal sealed record Typist(string? DeviceId, string Label)
{
    public static Typist Owner { get; } = new(null, "the owner");

    public string? Actor => DeviceId is null ? "cli" : null;

    /// <summary>For rows: a device's id, or <c>cli</c>.</summary>
    public string Name => DeviceId ?? "cli";
}

/// <summary>A line is about to be submitted: returns when it is recorded.</summary>
internal delegate Task LineRecorder(LiveTerminal terminal, Typist who, TypedLine line);

/// <summary>What was typed, see <see cref="Chain.TerminalCommandData"/>.</summary>
internal sealed record TypedLine(string? Line, bool Exact, int? Length, bool Cut, string? Shown, string? NotKept, IReadOnlyList<string>? AlsoTypedBy);

/// <summary>
/// One terminal with all who look at it: one task reads what it writes, another types what comes in, in order. It never waits for a viewer.
/// Thread-safe; the lock guards viewers, size and the end.
/// </summary>
internal sealed class LiveTerminal : IAsyncDisposable
{
    /// <summary>Inputs that wait; whoever has more waits with it.</summary>
    private const int InputsWaiting = 64;

    /// <summary>UTF-16 units of what the screen showed that are recorded.</summary>
    private const int MostShown = 1000;

    /// <summary>How long typing may take before whoever typed is told that it does not go through.</summary>
    private static readonly TimeSpan TypeLimit = TimeSpan.FromSeconds(10);

    /// <summary>How long an echo may take before a line counts as not echoed.</summary>
    private static readonly TimeSpan EchoLimit = TimeSpan.FromMilliseconds(250);

    private readonly Lock _gate = new();
    private readonly ITerminal _terminal;
    private readonly LineRecorder _record;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Dictionary<string, Viewer> _viewers = new(StringComparer.Ordinal);
    private readonly OutputFilter _filter = new();
    private readonly EchoWatch _echo = new();
    private readonly LineTracker _line = new();
    private readonly HashSet<string> _typists = new(StringComparer.Ordinal);
    private readonly Channel<Input> _inputs = Channel.CreateBounded<Input>(new BoundedChannelOptions(InputsWaiting) { SingleReader = true });
    private readonly CancellationTokenSource _over = new();
    private readonly Task _typing;
    private (int Columns, int Rows) _size;
    private string? _ended;
    private volatile bool _bracketedPaste;
    private volatile bool _fullScreen;
    private volatile bool _fullScreenKnown;

    /// <param name="record">Called before each Enter.</param>
    public LiveTerminal(Guid session, SandboxKind sandbox, ITerminal terminal, (int Columns, int Rows) size, DateTimeOffset openedAt, LineRecorder record, TimeProvider time, ILogger logger)
    {
        (Session, Sandbox, _terminal, _size, OpenedAt, _record, _time, _logger) = (session, sandbox, terminal, size, openedAt, record, time, logger);
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
    public async Task<Viewer> AttachAsync(string key, ViewerSink sink, (int Columns, int Rows)? size, int history, bool acknowledges, CancellationToken gone)
    {
        var viewer = new Viewer(this, sink, acknowledges, history, _time) { Size = size };
        var stop = CancellationTokenSource.CreateLinkedTokenSource(gone);
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
                stop.Dispose();
                throw TerminalDesk.NotFound();
            }

            if (_viewers.Count >= TerminalLimits.Viewers)
            {
                stop.Dispose();
                throw new RequestFailure(ErrorCode.DaemonBusy, $"{TerminalLimits.Viewers} devices look at this terminal already.");
            }

            viewer.Leave = () => _ = stop.CancelAsync();
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
            await viewer.RunAsync(_logger, stop.Token);
            lock (_gate)
            {
                if (_viewers.GetValueOrDefault(key) == viewer)
                {
                    _viewers.Remove(key);
                }

                viewer.Leave = () => { };
            }

            stop.Dispose();
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
    /// <exception cref="PocketCoder.Ledger.LedgerException">A line could not be recorded; its Enter and what came after it was not typed.</exception>
    public async Task TypeAsync(Typist who, string key, string keys, CancellationToken cancellationToken)
    {
        var input = new Input(who, Find(key), keys, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        try
        {
            await _inputs.Writer.WriteAsync(input, cancellationToken);
        }
        catch (ChannelClosedException)
        {
            throw TerminalDesk.NotFound();
        }

        try
        {
            await input.Done.Task.WaitAsync(TypeLimit, _time, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new RequestFailure(ErrorCode.Unavailable, "The terminal takes no keys just now. What you typed may still arrive.");
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

    /// <summary>Ends the terminal and what runs in it.</summary>
    /// <exception cref="IOException">Its server does not answer.</exception>
    /// <exception cref="TimeoutException">Its server does not answer.</exception>
    public async Task CloseAsync(string why)
    {
        Finish(why);
        await _terminal.CloseAsync(CancellationToken.None);
        await Ended;
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
        _inputs.Writer.TryComplete();
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

    /// <summary>The first reason counts.</summary>
    private void Finish(string why)
    {
        lock (_gate)
        {
            _ended ??= why;
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

        Finish("Its shell ended.");
        _inputs.Writer.TryComplete();
        await _over.CancelAsync();
        foreach (var viewer in Viewers())
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
                    throw TerminalDesk.NotFound();
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
                input.Done.SetException(TerminalDesk.NotFound());
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

        var seen = await _echo.SeenAsync(EchoLimit, _time);
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
