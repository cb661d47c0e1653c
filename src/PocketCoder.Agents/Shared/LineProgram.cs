using PocketCoder.Processes;

namespace PocketCoder.Agents.Shared;

/// <summary>Whose words are told.</summary>
/// <param name="Name">What people call the program.</param>
/// <param name="ReasonComesLast">Of its error output the last line says why it ended (logs come first); else the first does.</param>
/// <param name="IsNoise">Lines of its error output that say nothing about its end.</param>
internal sealed record ProgramVoice(string Name, bool ReasonComesLast = false, Func<string, bool>? IsNoise = null);

/// <summary>How a program ended.</summary>
/// <param name="Code">Its exit code; null when it can't be killed (a dead disk): the machine has its identity.</param>
/// <param name="Reason">For people: a violation, broken pipes, or its own last words.</param>
internal sealed record ProgramEnd(int? Code, string Reason);

/// <summary>
/// One running program that writes lines: its pipes, their bounds, its end and its last words. Whatever ends it, everything that it started
/// ends with it. Thread-safe; lines are taken one after the other by one reader.
/// </summary>
internal sealed class LineProgram : IAsyncDisposable
{
    /// <summary>Longest line read. A tool result with a 10 MB file in it is the longest that makes sense.</summary>
    private const int LineLimit = 16 * 1024 * 1024;

    private const int ErrorOutputLimit = 64 * 1024;

    private static readonly TimeSpan s_writeLimit = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long it may take to end by itself after SIGTERM, and, unless its owner says otherwise, once its input is closed.
    /// </summary>
    private static readonly TimeSpan s_endGrace = TimeSpan.FromSeconds(2);

    private readonly IAgentChild _process;
    private readonly ProgramVoice _voice;
    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly TimeProvider _time;
    private readonly AsyncSemaphore _writing = new(); // one line at a time on stdin
    private readonly CancellationTokenSource _closing = new();
    private readonly CancellationTokenSource _pipesHeldOpen = new(); // the program is gone, its pipes are not
    private readonly OutputCapture _errorOutput = new(ErrorOutputLimit);
    private readonly Task _errorReading;
    private Task _running = Task.CompletedTask;
    private int _disposed;
    private bool _ended;

    private LineProgram(IAgentChild process, ProgramVoice voice, IReadOnlyDictionary<string, string> environment, TimeProvider time)
    {
        _process = process;
        _voice = voice;
        _environment = environment;
        _time = time;
        _errorReading = ReadErrorOutputAsync();
    }

    /// <summary>
    /// How long it may take to end by itself once its input is closed: longer for one that has yet to write down what it needs to resume.
    /// </summary>
    public TimeSpan CloseGrace { get; set; } = s_endGrace;

    public ProcessIdentity Identity => _process.Identity;

    public bool HasEnded => Volatile.Read(ref _ended);

    /// <summary>Whether its owner is closing it; its end is then no news.</summary>
    public bool IsClosing => Volatile.Read(ref _disposed) != 0;

    /// <summary>
    /// What the program started may end by itself when we asked for the end: an adapter ends at once, and the agent proper still writes
    /// down the conversation. Else it has no business running.
    /// </summary>
    private TimeSpan RestGrace => IsClosing ? s_endGrace : TimeSpan.Zero;

    /// <summary>Cancelled when the owner closes it: what is written for nobody any more.</summary>
    public CancellationToken Closing => _closing.Token;

    /// <param name="start">What to run.</param>
    /// <param name="sandbox">Where it runs; null: as a child of the daemon.</param>
    /// <param name="voice">How it is called and understood in messages.</param>
    /// <param name="time">For limits.</param>
    /// <param name="needs">Of the sandbox; null: nothing special.</param>
    /// <exception cref="AgentException">It could not be started.</exception>
    public static async Task<LineProgram> StartAsync(ProcessStart start, IAgentSandbox? sandbox, ProgramVoice voice, TimeProvider time,
        CancellationToken cancellationToken, AgentSandboxNeeds? needs = null)
    {
        try
        {
            var child = sandbox is null ? new HostChild(OwnedProcess.Start(start, time))
                : await sandbox.StartAsync(start, needs ?? AgentSandboxNeeds.None, cancellationToken);
            return new LineProgram(child, voice, start.Environment, time);
        }
        catch (ProcessStartException e)
        {
            throw new AgentException(AgentError.FailedToStart, e.Message, e);
        }
    }

    /// <summary>Gives every line to <paramref name="take"/> until the program ends, then ends what it left. Once. Never faults.</summary>
    /// <param name="take">Returns why the program must be ended now (it broke a rule), or null.</param>
    public Task<ProgramEnd> RunAsync(Func<ReadOnlyMemory<byte>, ValueTask<string?>> take)
    {
        var run = ReadAllAsync(take);
        _running = run;
        return run;
    }

    /// <exception cref="AgentException">It is gone, or does not read its input.</exception>
    public async Task WriteAsync(byte[] line, CancellationToken cancellationToken)
    {
        ThrowIfEnded();
        if (!await _writing.WaitAsync(s_writeLimit, cancellationToken))
        {
            throw new AgentException(AgentError.TimedOut, $"{_voice.Name} does not read its input.");
        }

        try
        {
            // Not cancelled by the caller half-way: half a line would spoil the next one.
            using var limit = new CancellationTokenSource(s_writeLimit, _time);
            await _process.StandardInput.WriteAsync(new ReadOnlyMemory<byte>([.. line, (byte)'\n']), limit.Token);
            await _process.StandardInput.FlushAsync(limit.Token);
        }
        catch (OperationCanceledException e)
        {
            throw new AgentException(AgentError.TimedOut, $"{_voice.Name} does not read its input.", e);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            throw Ended(e);
        }
        finally
        {
            _writing.Release();
        }
    }

    public async Task CloseInputAsync()
    {
        if (!await _writing.WaitAsync(s_writeLimit))
        {
            return; // it does not read; the kill comes
        }

        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // the other end is gone already
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Ends it with all that it started, at once.</summary>
    public Task KillAsync() => _process.KillAsync(TimeSpan.Zero);

    /// <exception cref="AgentException">The program is gone.</exception>
    public void ThrowIfEnded()
    {
        if (HasEnded)
        {
            throw Ended();
        }
    }

    public AgentException Ended(Exception? inner = null) => new(AgentError.Ended, $"{_voice.Name} is gone.", inner);

    /// <summary>All that it wrote as errors, within the bound, as it is: not for people.</summary>
    public string ErrorOutput => _errorOutput.ToString();

    /// <summary>The line of its error output that says why, without secrets; empty when there is none.</summary>
    public string ErrorWords()
    {
        var lines = ErrorOutput.Split('\n').Where(
            l => !string.IsNullOrWhiteSpace(l) && !l.StartsWith("    at ", StringComparison.Ordinal) && _voice.IsNoise?.Invoke(l) != true);
        return BoundedText.OneLine(Redact((_voice.ReasonComesLast ? lines.LastOrDefault() : lines.FirstOrDefault()) ?? ""));
    }

    public string Redact(string text) => Redaction.Redact(text, _environment);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            await _running;
            return;
        }

        await CloseInputAsync();
        await Task.WhenAny(_process.Exited, Task.Delay(CloseGrace, _time));
        await _process.KillAsync(s_endGrace);
        await _closing.CancelAsync();
        await _running;
        await _errorReading;
        await _process.DisposeAsync();
        _pipesHeldOpen.Dispose();
        _closing.Dispose();
    }

    private async Task<ProgramEnd> ReadAllAsync(Func<ReadOnlyMemory<byte>, ValueTask<string?>> take)
    {
        string? reason = null;
        var watch = WatchExitAsync();
        try
        {
            reason = await TakeAllAsync(take);
        }
        catch (OperationCanceledException)
        {
            reason = IsClosing ? "closed" : null;
        }
        catch (LineTooLongException e)
        {
            reason = $"{_voice.Name} wrote nonsense: {e.Message}";
        }
        catch (Exception e) // a bug of ours or a broken pipe: either way it is over and must say so
        {
            reason = $"The connection to {_voice.Name} broke: {Redact(e.Message)}";
        }

        await _process.KillAsync(RestGrace); // whatever led here, nothing of it goes on
        int? code = null;
        try
        {
            code = await _process.Exited.WaitAsync(s_endGrace, _time);
            await watch;
            await _errorReading;
        }
        catch (TimeoutException)
        {
            // it can't be killed (a dead disk); the machine has its identity
        }

        Volatile.Write(ref _ended, true);
        return new ProgramEnd(code, reason ?? (ErrorWords() is { Length: > 0 } words ? $"{_voice.Name} ended (code {code}): {words}"
            : $"{_voice.Name} ended (code {code})."));
    }

    private async Task<string?> TakeAllAsync(Func<ReadOnlyMemory<byte>, ValueTask<string?>> take)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token, _pipesHeldOpen.Token);
        var lines = new LineReader(_process.StandardOutput, LineLimit);
        while (await lines.ReadAsync(stop.Token) is { } line)
        {
            if (!line.Span.Trim((byte)' ').IsEmpty && await take(line) is { } violation)
            {
                return violation;
            }
        }

        return IsClosing ? "closed" : null;
    }

    /// <summary>Once the program is gone, what it started has no business running, and would hold the pipe open.</summary>
    private async Task WatchExitAsync()
    {
        await _process.Exited;
        await _process.KillAsync(RestGrace);
        _pipesHeldOpen.CancelAfter(s_endGrace);
    }

    private async Task ReadErrorOutputAsync()
    {
        try
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token, _pipesHeldOpen.Token);
            await _errorOutput.ReadToEndAsync(_process.StandardError, stop.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // what was read is what there is
        }
    }
}
