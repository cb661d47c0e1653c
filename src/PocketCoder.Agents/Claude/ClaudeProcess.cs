using System.Collections.Concurrent;
using System.Globalization;
using System.Threading.Channels;
using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Claude;

/// <summary>One running <c>claude</c>: its pipes, its end, and the translator between.</summary>
internal sealed class ClaudeProcess : IAgentProcess
{
    /// <summary>Longest line read. A tool result with a 10 MB file in it is the longest that makes sense.</summary>
    private const int LineLimit = 16 * 1024 * 1024;

    private const int ErrorOutputLimit = 64 * 1024;

    private static readonly TimeSpan InitializeLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RequestLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan WriteLimit = TimeSpan.FromSeconds(10);

    /// <summary>How long it may take to end by itself once its input is closed, and again after SIGTERM.</summary>
    private static readonly TimeSpan EndGrace = TimeSpan.FromSeconds(2);

    private readonly IAgentChild process;
    private readonly AgentStart start;
    private readonly ClaudeTranslator translator;
    private readonly IReadOnlyDictionary<string, string> environment;
    private readonly TimeProvider time;
    private readonly Lock state = new(); // guards the translator: the pump and the machine's calls both use it
    private readonly SemaphoreSlim writing = new(1, 1); // one line at a time on stdin
    private readonly EventPipe events = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<ClaudeReply>> waiting = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource closing = new();
    private readonly CancellationTokenSource pipesHeldOpen = new(); // the program is gone, its pipes are not
    private readonly OutputCapture errorOutput = new(ErrorOutputLimit);
    private readonly Task errorReading;
    private readonly Task pump;
    private string? initializeId;
    private int requests;
    private int disposed;
    private bool ended;

    private ClaudeProcess(IAgentChild process, AgentStart start, ClaudeTranslator translator, IReadOnlyDictionary<string, string> environment, TimeProvider time)
    {
        this.process = process;
        this.start = start;
        this.translator = translator;
        this.environment = environment;
        this.time = time;
        errorReading = ReadErrorOutputAsync();
        pump = PumpAsync();
    }

    public ProcessIdentity? Process => process.Identity;

    public ChannelReader<AgentEvent> Events => events.Reader;

    public static async Task<ClaudeProcess> StartAsync(
        string program, AgentStart start, IReadOnlyDictionary<string, string> environment, string configDirectory, TimeProvider time, CancellationToken cancellationToken)
    {
        var own = start.Room is { } room ? ClaudeEnvironment.ForRoom(room.StateDirectory, start.ModelAccess!, environment)
            : start.ModelAccess is { } access ? ClaudeEnvironment.Through(access, environment)
            : environment;
        var child = await StartChildAsync(
            new ProcessStart { Program = program, Arguments = ClaudeArguments.For(start), WorkingDirectory = start.WorkingDirectory, Environment = own, Mark = start.Mark },
            start, configDirectory, time, cancellationToken);
        var tools = new ClaudeHostTools(start.HostTools);
        var fresh = new ClaudeTranslator(start.WorkingDirectory, new ClaudeGate(start.WorkingDirectory, start.Room?.StateDirectory ?? configDirectory, tools, start.AttachmentsDirectory), tools);
        var claude = new ClaudeProcess(child, start, fresh, own, time);
        try
        {
            // Always first: it registers the hook that makes every sensitive call ask, before any prompt can cause one.
            var memory = ClaudeMemory.Read(configDirectory, start.WorkingDirectory);
            await claude.RequestAsync(id => ClaudeMessages.Initialize(claude.initializeId = id, memory, tools), InitializeLimit, cancellationToken);
            return claude;
        }
        catch (Exception e)
        {
            await claude.DisposeAsync();
            throw e is AgentException { Error: AgentError.Ended } ? claude.StartFailure() : e;
        }
    }

    private static async Task<IAgentChild> StartChildAsync(ProcessStart child, AgentStart start, string configDirectory, TimeProvider time, CancellationToken cancellationToken)
    {
        if (start.Room is { } room)
        {
            ClaudeRoom.Prepare(room.StateDirectory, configDirectory, start.WorkingDirectory, start.ResumeId);
            return await room.StartAsync(child, cancellationToken);
        }

        try
        {
            return new HostChild(OwnedProcess.Start(child, time));
        }
        catch (ProcessStartException e)
        {
            throw new AgentException(AgentError.FailedToStart, e.Message, e);
        }
    }

    public async ValueTask PromptAsync(AgentPrompt prompt, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref ended))
        {
            throw Ended();
        }

        var pictures = await Pictures.ReadAsync(prompt, cancellationToken);
        lock (state)
        {
            if (translator.TurnRuns)
            {
                throw new InvalidOperationException("A turn is running: queueing is the machine's.");
            }

            translator.BeginTurn();
        }

        await WriteAsync(ClaudeMessages.Prompt(prompt, pictures), cancellationToken);
    }

    public async ValueTask InterruptAsync(CancellationToken cancellationToken)
    {
        lock (state)
        {
            if (!translator.TurnRuns)
            {
                return;
            }

            translator.BeginInterrupt();
        }

        // Its answer is not awaited: the end of the turn is.
        await WriteAsync(ClaudeMessages.Interrupt(NextRequestId()), cancellationToken);
    }

    public async ValueTask<bool> AnswerAsync(string requestId, AgentAnswer answer, CancellationToken cancellationToken)
    {
        byte[]? line;
        lock (state)
        {
            line = translator.Answer(requestId, answer);
        }

        if (line is null)
        {
            return false;
        }

        await WriteAsync(line, cancellationToken);
        return true;
    }

    public async ValueTask SetModeAsync(string mode, CancellationToken cancellationToken)
    {
        if (!ClaudeModes.Known.Contains(mode, StringComparer.Ordinal))
        {
            throw new AgentException(AgentError.Refused, $"{mode} is no mode of Claude Code here.");
        }

        await RequestAsync(id => ClaudeMessages.SetMode(id, mode), RequestLimit, cancellationToken);
    }

    public async ValueTask SetModelAsync(string model, CancellationToken cancellationToken)
        => await RequestAsync(id => ClaudeMessages.SetModel(id, model), RequestLimit, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0)
        {
            await pump;
            return;
        }

        // Closed input alone lets a running turn go on to its end, and SIGTERM leaves a running command alive: so interrupt, close, kill.
        try
        {
            await InterruptAsync(CancellationToken.None);
        }
        catch (AgentException)
        {
            // it is gone or does not listen: the kill below does not ask
        }

        await CloseInputAsync();
        await Task.WhenAny(process.Exited, Task.Delay(EndGrace, time));
        await process.KillAsync(EndGrace);
        await closing.CancelAsync();
        await pump;
        await process.DisposeAsync();
        writing.Dispose();
        pipesHeldOpen.Dispose();
        closing.Dispose();
    }

    private string NextRequestId() => string.Create(CultureInfo.InvariantCulture, $"pocketcoder-{Interlocked.Increment(ref requests)}");

    private async Task<ClaudeReply> RequestAsync(Func<string, byte[]> line, TimeSpan limit, CancellationToken cancellationToken)
    {
        var id = NextRequestId();
        var reply = new TaskCompletionSource<ClaudeReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        waiting[id] = reply;
        try
        {
            await WriteAsync(line(id), cancellationToken);
            if (Volatile.Read(ref ended))
            {
                throw Ended();
            }

            var answer = await reply.Task.WaitAsync(limit, time, cancellationToken);
            return answer.Error is null ? answer : throw new AgentException(AgentError.Refused, $"Claude Code said no: {Redact(answer.Error)}");
        }
        catch (TimeoutException e)
        {
            throw new AgentException(AgentError.TimedOut, $"Claude Code did not answer within {limit.TotalSeconds:0} s.", e);
        }
        finally
        {
            waiting.TryRemove(id, out _);
        }
    }

    private async Task WriteAsync(byte[] line, CancellationToken cancellationToken)
    {
        if (!await writing.WaitAsync(WriteLimit, cancellationToken))
        {
            throw new AgentException(AgentError.TimedOut, "Claude Code does not read its input.");
        }

        try
        {
            // Not cancelled by the caller half-way: half a line would end the program.
            using var limit = new CancellationTokenSource(WriteLimit, time);
            await process.StandardInput.WriteAsync(new ReadOnlyMemory<byte>([.. line, (byte)'\n']), limit.Token);
            await process.StandardInput.FlushAsync(limit.Token);
        }
        catch (OperationCanceledException e)
        {
            throw new AgentException(AgentError.TimedOut, "Claude Code does not read its input.", e);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            throw Ended(e);
        }
        finally
        {
            writing.Release();
        }
    }

    private async Task CloseInputAsync()
    {
        if (!await writing.WaitAsync(WriteLimit))
        {
            return; // it does not read; the kill comes
        }

        try
        {
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // the other end is gone already
        }
        finally
        {
            writing.Release();
        }
    }

    /// <summary>Reads until the program ends, then says the last words. Never throws.</summary>
    private async Task PumpAsync()
    {
        string? reason = null;
        var watch = WatchExitAsync();
        try
        {
            reason = await TranslateAllAsync();
        }
        catch (OperationCanceledException)
        {
            reason = Volatile.Read(ref disposed) != 0 ? "closed" : null;
        }
        catch (LineTooLongException e)
        {
            reason = $"Claude Code wrote nonsense: {e.Message}";
        }
        catch (Exception e) // a bug of ours or a broken pipe: either way the session is over and must say so
        {
            reason = $"The connection to Claude Code broke: {e.Message}";
        }

        await process.KillAsync(TimeSpan.Zero); // whatever led here, nothing of it goes on
        int? code = null;
        try
        {
            code = await process.Exited.WaitAsync(EndGrace, time);
            await watch;
            await errorReading;
        }
        catch (TimeoutException)
        {
            // it can't be killed (a dead disk); the machine has its identity
        }

        Volatile.Write(ref ended, true);
        foreach (var request in waiting.Values)
        {
            request.TrySetException(Ended());
        }

        IReadOnlyList<AgentEvent> open;
        lock (state)
        {
            open = translator.CloseOpen();
        }

        _ = LastWordsAsync(open, new AgentEnded(code, reason ?? EndReason(code)));
    }

    private async Task<string?> TranslateAllAsync()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(closing.Token, pipesHeldOpen.Token);
        var lines = new LineReader(process.StandardOutput, LineLimit);
        while (await lines.ReadAsync(stop.Token) is { } line)
        {
            ClaudeOutput output;
            lock (state)
            {
                output = translator.Translate(line);
            }

            if (output.Violation is not null)
            {
                await process.KillAsync(TimeSpan.Zero); // first of all
            }

            foreach (var reply in output.Lines)
            {
                await ReplyAsync(reply);
            }

            if (output.Reply is { } answer && waiting.TryGetValue(answer.RequestId, out var request))
            {
                await AnnounceAsync(answer);
                request.TrySetResult(answer);
            }

            foreach (var item in output.Events)
            {
                await events.WriteAsync(item, closing.Token);
            }

            if (output.Violation is not null)
            {
                return output.Violation;
            }
        }

        return Volatile.Read(ref disposed) != 0 ? "closed" : null;
    }

    /// <summary>Once it is initialised, its first event is that it is ready, whatever else it has written since.</summary>
    private async Task AnnounceAsync(ClaudeReply answer)
    {
        if (answer.RequestId != initializeId || answer.Error is not null)
        {
            return;
        }

        AgentReady ready;
        lock (state)
        {
            ready = translator.Announce(start.ResumeId ?? start.SessionId.ToString("D", CultureInfo.InvariantCulture), start.Mode ?? ClaudeModes.Default, answer.Commands);
        }

        await events.WriteAsync(ready, closing.Token);
    }

    private async Task ReplyAsync(byte[] line)
    {
        try
        {
            await WriteAsync(line, closing.Token);
        }
        catch (AgentException)
        {
            // it ended while we answered: the end of its output follows
        }
    }

    /// <summary>Once the program is gone, what it started has no business running, and would hold the pipe open.</summary>
    private async Task WatchExitAsync()
    {
        await process.Exited;
        await process.KillAsync(TimeSpan.Zero);
        pipesHeldOpen.CancelAfter(EndGrace);
    }

    private async Task LastWordsAsync(IReadOnlyList<AgentEvent> open, AgentEnded last)
    {
        foreach (var item in open)
        {
            await events.WriteAsync(item, CancellationToken.None);
        }

        await events.EndAsync(last);
    }

    private async Task ReadErrorOutputAsync()
    {
        try
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(closing.Token, pipesHeldOpen.Token);
            await errorOutput.ReadToEndAsync(process.StandardError, stop.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // what was read is what there is
        }
    }

    private AgentException StartFailure()
    {
        var words = ErrorWords();
        var all = errorOutput.ToString();
        return words switch
        {
            _ when all.Contains("No conversation found", StringComparison.Ordinal)
                => new AgentException(AgentError.NotFound, $"Claude Code has no conversation {start.ResumeId} for {start.WorkingDirectory}. It resumes only from the directory it began in."),
            _ when all.Contains("is already in use", StringComparison.Ordinal)
                => new AgentException(AgentError.FailedToStart, "Claude Code has a conversation with this id already: resume it."),
            "" => new AgentException(AgentError.FailedToStart, "Claude Code ended before it was ready and said nothing."),
            _ => new AgentException(AgentError.FailedToStart, $"Claude Code ended before it was ready: {words}"),
        };
    }

    private string EndReason(int? code)
    {
        var words = ErrorWords();
        return words.Length == 0 ? $"Claude Code ended (code {code})." : $"Claude Code ended (code {code}): {words}";
    }

    /// <summary>The first line of its error output that says something, without secrets.</summary>
    private string ErrorWords()
        => BoundedText.OneLine(Redact(errorOutput.ToString().Split('\n').FirstOrDefault(SaysSomething) ?? ""));

    private static bool SaysSomething(string line)
        => !string.IsNullOrWhiteSpace(line)
            && !line.StartsWith("    at ", StringComparison.Ordinal)
            && !line.StartsWith("Permission deny rule", StringComparison.Ordinal); // its remark on a tool it no longer has

    private string Redact(string text) => Redaction.Redact(text, environment);

    private AgentException Ended(Exception? inner = null) => new(AgentError.Ended, "Claude Code is gone.", inner);
}
