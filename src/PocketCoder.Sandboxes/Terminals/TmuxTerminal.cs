using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Threading.Channels;
using PocketCoder.Processes;

namespace PocketCoder.Sandboxes.Terminals;

/// <summary>One terminal: a tmux session with one pane, seen and typed into through a client in control mode.</summary>
internal sealed class TmuxTerminal : ITerminal
{
    /// <summary>Typed bytes a command: tmux reads a line at a time.</summary>
    private const int KeysAtOnce = 512;

    /// <summary>
    /// Chunks (of at most 64 KiB) that wait for the reader; beyond that tmux waits, and pauses the pane after <see cref="PauseAfter"/>.
    /// </summary>
    private const int MostWaiting = 32;

    private const int PauseAfter = 5; // seconds
    private const int MostCaptured = 64 << 20;
    private const int MostListed = 1 << 20;

    private static readonly TimeSpan s_startPoll = TimeSpan.FromMilliseconds(20);

    private readonly Func<IReadOnlyList<string>, OwnedProcess> _start;
    private readonly OwnedProcess _client;
    private readonly TimeProvider _time;
    private readonly Channel<TerminalChunk> _chunks = Channel.CreateBounded<TerminalChunk>(
        new BoundedChannelOptions(MostWaiting) { SingleReader = true, SingleWriter = true });
    private readonly TaskCompletionSource<string> _pane = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _attached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly AsyncSemaphore _writing = new(); // guards the client's stdin: one command at a time
    private readonly TmuxSnapshots _snapshots;
    private readonly Task _pump;
    private readonly Lazy<Task> _detached; // whoever closes and whoever sees the end may let go at the same moment

    private TmuxTerminal(string name, OwnedProcess client, Func<IReadOnlyList<string>, OwnedProcess> start, TimeProvider time)
    {
        Name = name;
        _client = client;
        _start = start;
        _time = time;
        _snapshots = new TmuxSnapshots(SendAsync, start, time);
        _pump = PumpAsync();
        _detached = new Lazy<Task>(DetachAsync);
    }

    public string Name { get; }

    public IAsyncEnumerable<TerminalChunk> Output => ReadAsync();

    /// <param name="start">Starts a tmux client with these arguments.</param>
    /// <param name="command">What runs in a new terminal; empty for the server's default.</param>
    public static async Task<TmuxTerminal> OpenAsync(
        TerminalSpec spec, Func<IReadOnlyList<string>, OwnedProcess> start, IReadOnlyList<string> command, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        string[] arguments =
            ["-C", "new-session", "-A", "-s", spec.Name, "-x", Number(spec.Columns), "-y", Number(spec.Rows),
                .. command.Count == 0 ? [] : (string[])["--", .. command]];
        while (true)
        {
            var terminal = new TmuxTerminal(spec.Name, start(arguments), start, time);
            try
            {
                await terminal._attached.Task.WaitAsync(SandboxDefaults.StartLimit, time, cancellationToken);
                await terminal.SendAsync("display-message -p '#{pane_id}'", cancellationToken);
                await terminal._pane.Task.WaitAsync(SandboxDefaults.StartLimit, time, cancellationToken);
                await terminal.SendAsync($"refresh-client -f pause-after={Number(PauseAfter)}", cancellationToken);
                await terminal.ResizeAsync(spec.Columns, spec.Rows, cancellationToken);
                return terminal;
            }
            catch (Exception e) when (e is IOException or EndOfStreamException or TimeoutException)
            {
                // The server may not listen yet in a sandbox that has only just begun.
                await terminal.DisposeAsync();
                if (time.GetElapsedTime(begun) > SandboxDefaults.StartLimit / 4)
                {
                    throw new SandboxException(SandboxError.StartFailed, $"The terminal could not be opened: {e.Message}", e);
                }

                await Task.Delay(s_startPoll, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                await terminal.DisposeAsync();
                throw;
            }
        }
    }

    /// <summary>The sessions of a server: names that we gave, since nothing inside can change them.</summary>
    public static async Task<IReadOnlyList<TerminalFound>> ListAsync(
        Func<IReadOnlyList<string>, OwnedProcess> start, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            await using var process = start(["list-sessions", "-F", "#{session_created} #{window_width} #{window_height} #{session_name}"]);
            process.StandardInput.Close();
            var output = new OutputCapture(MostListed);
            await Task.WhenAll(output.ReadToEndAsync(process.StandardOutput, cancellationToken),
                process.StandardError.CopyToAsync(Stream.Null, cancellationToken))
                .WaitAsync(SandboxDefaults.StartLimit, time, cancellationToken);
            return [.. output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Found).OfType<TerminalFound>()];
        }
        catch (Exception e) when (e is TimeoutException or ProcessStartException)
        {
            throw new SandboxException(SandboxError.Timeout, $"The terminals could not be listed: {e.Message}", e);
        }

        static TerminalFound? Found(string line) => line.Split(' ') is [var created, var width, var height, var name]
            && long.TryParse(created, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            && int.TryParse(width, NumberStyles.None, CultureInfo.InvariantCulture, out var columns)
            && int.TryParse(height, NumberStyles.None, CultureInfo.InvariantCulture, out var rows)
            ? new TerminalFound(name, DateTimeOffset.FromUnixTimeSeconds(seconds), columns, rows)
            : null;
    }

    public async Task WriteAsync(ReadOnlyMemory<byte> keys, CancellationToken cancellationToken)
    {
        var target = await _pane.Task;
        for (var at = 0; at < keys.Length; at += KeysAtOnce)
        {
            var part = keys.Slice(at, Math.Min(KeysAtOnce, keys.Length - at));
            var line = new StringBuilder($"send-keys -t {target} -H", 32 + (part.Length * 3));
            foreach (var key in part.Span)
            {
                line.Append(' ').Append(key.ToString("x2", CultureInfo.InvariantCulture));
            }

            await SendAsync(line.ToString(), cancellationToken);
        }
    }

    public Task ResizeAsync(int columns, int rows, CancellationToken cancellationToken)
    {
        SpecRules.Size(columns, rows);
        return SendAsync($"refresh-client -C {Number(columns)}x{Number(rows)}", cancellationToken);
    }

    /// <remarks>By a client of its own that is not in control mode: what stands on a terminal is untrusted, and in control mode it could
    /// look like tmux's own words.</remarks>
    public async Task<string> CaptureAsync(int lines, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lines);
        await using var process = _start(["capture-pane", "-p", "-e", "-J", "-S", Number(-lines), "-E", "-", "-t", await _pane.Task]);
        process.StandardInput.Close();
        var output = new OutputCapture(MostCaptured);
        await Task.WhenAll(output.ReadToEndAsync(process.StandardOutput, cancellationToken),
            process.StandardError.CopyToAsync(Stream.Null, cancellationToken))
            .WaitAsync(SandboxDefaults.StartLimit, _time, cancellationToken);
        return output.ToString();
    }

    public async Task<TerminalSnapshot> SnapshotAsync(int lines, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lines);
        return await _snapshots.TakeAsync(await _pane.Task, lines, cancellationToken);
    }

    public async Task CloseAsync(CancellationToken cancellationToken)
    {
        await using (var process = _start(["kill-session", "-t", "=" + Name]))
        {
            process.StandardInput.Close();
            await process.Exited.WaitAsync(SandboxDefaults.KillLimit, _time, cancellationToken);
        }

        await DisposeAsync();
    }

    public async ValueTask DisposeAsync() => await _detached.Value;

    private async Task DetachAsync()
    {
        try
        {
            await SendAsync("", CancellationToken.None); // an empty line detaches
            _client.StandardInput.Close();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // it has gone already
        }

        await _client.DisposeAsync();
        _chunks.Writer.TryComplete();
        while (_chunks.Reader.TryRead(out _))
        {
            // whoever did not read it will not: the pump must not wait for room
        }

        await _pump;
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private async IAsyncEnumerable<TerminalChunk> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var chunk in _chunks.Reader.ReadAllAsync(cancellationToken))
        {
            yield return chunk;
        }
    }

    private async Task SendAsync(string command, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            // Written whole or not at all: half a command would run into the next.
            await _client.StandardInput.WriteAsync(Encoding.UTF8.GetBytes(command + "\n"), CancellationToken.None);
            await _client.StandardInput.FlushAsync(CancellationToken.None);
        }
        finally
        {
            _writing.Release();
        }
    }

    private async Task PumpAsync()
    {
        var parser = new ControlModeParser();
        var decoder = new UTF8Encoding(false).GetDecoder();
        var buffer = new byte[64 << 10];
        var skipped = false;
        string? reason = null;
        try
        {
            int read;
            while ((read = await _client.StandardOutput.ReadAsync(buffer)) > 0)
            {
                foreach (var said in parser.Feed(buffer.AsSpan(0, read)))
                {
                    switch (said)
                    {
                        case Attached:
                            _attached.TrySetResult();
                            break;
                        case CommandReply { Ok: true, Lines: [var first, ..] } when _snapshots.Take(first) is { } mark:
                            await _chunks.Writer.WriteAsync(new TerminalChunk("", false, mark));
                            break;
                        case CommandReply { Ok: true, Lines: [var first, ..] } when !_pane.Task.IsCompleted && IsPane(first):
                            _pane.TrySetResult(first);
                            break;
                        case PaneOutput output:
                            var chunk = new TerminalChunk(Text(decoder, output.Bytes), skipped);
                            if (_pane.Task.IsCompleted)
                            {
                                await _chunks.Writer.WriteAsync(chunk);
                                skipped = false;
                            }
                            else
                            {
                                // Nobody reads yet, and tmux's reply to the opening follows this output. Drop what finds no room, or a
                                // program that floods would block the opening.
                                skipped = !_chunks.Writer.TryWrite(chunk);
                            }

                            break;
                        case PanePaused paused when IsPane(paused.Pane):
                            skipped = true;
                            decoder.Reset();
                            await SendAsync($"refresh-client -A '{paused.Pane}:continue'", CancellationToken.None);
                            break;
                        case ControlExit exit:
                            reason = exit.Reason;
                            break;
                        default:
                            break;
                    }
                }
            }
        }
        catch (Exception e) when (e is IOException or InvalidDataException or ObjectDisposedException or ChannelClosedException)
        {
            reason ??= e.Message;
        }

        var end = new EndOfStreamException(reason ?? "tmux ended.");
        _attached.TrySetException(end);
        _pane.TrySetException(end);
        _ = (_attached.Task.Exception, _pane.Task.Exception); // observed: whoever waits gets it anyway
        _snapshots.End(end);
        _chunks.Writer.TryComplete();
    }

    private static bool IsPane(string text) => text.Length is > 1 and < 12 && text[0] == '%'
        && text.AsSpan(1).IndexOfAnyExceptInRange('0', '9') < 0;

    private static string Text(Decoder decoder, byte[] bytes)
    {
        var characters = new char[decoder.GetCharCount(bytes, flush: false)];
        return new string(characters, 0, decoder.GetChars(bytes, characters, flush: false));
    }
}
