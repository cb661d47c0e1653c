using System.Collections.Concurrent;
using System.Globalization;
using System.Threading.Channels;
using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Claude;

/// <summary>One running <c>claude</c>: its pipes, its end, and the translator between.</summary>
internal sealed class ClaudeProcess : IAgentProcess
{
    private static readonly TimeSpan s_initializeLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_transcriptLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_requestLimit = TimeSpan.FromSeconds(10);

    private readonly LineProgram _program;
    private readonly AgentStart _start;
    private readonly ClaudeTranslator _translator;
    private readonly TimeProvider _time;
    private readonly Lock _state = new(); // guards the translator: the pump and the machine's calls both use it
    private readonly EventPipe _events = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<ClaudeReply>> _waiting = new(StringComparer.Ordinal);
    private readonly ClaudeConversations _conversations;
    private readonly Task _pump;
    private string? _initializeId;
    private string? _name;
    private int _requests;
    private int _disposed;

    private ClaudeProcess(LineProgram program, AgentStart start, ClaudeTranslator translator, ClaudeConversations conversations,
        TimeProvider time)
    {
        _conversations = conversations;
        _program = program;
        _start = start;
        _translator = translator;
        _time = time;
        _pump = PumpAsync();
    }

    public ProcessIdentity? Process => _program.Identity;

    public ChannelReader<AgentEvent> Events => _events.Reader;

    public static async Task<ClaudeProcess> StartAsync(
        string program, AgentStart start, IReadOnlyDictionary<string, string> environment, string configDirectory, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var own = start is { Sandbox: { } ring, Provider: { } provider } ? ClaudeEnvironment.ForSandbox(
                ring.StateDirectory, start.ModelAccess!, environment, provider.Model(start.Model))
            : start.Sandbox is { } sandbox ? ClaudeEnvironment.ForSandbox(sandbox.StateDirectory, start.ModelAccess!, environment)
            : start.ModelAccess is { } access ? ClaudeEnvironment.Through(access, environment)
            : environment;
        if (start.Sandbox is not null)
        {
            ClaudeSandbox.Prepare(start.Sandbox.StateDirectory, configDirectory, start.WorkingDirectory, start.ResumeId);
        }

        var child = await LineProgram.StartAsync(
            new ProcessStart
            {
                Program = program,
                Arguments = ClaudeArguments.For(start),
                WorkingDirectory = start.WorkingDirectory,
                Environment = own,
                Mark = start.Mark
            },
            start.Sandbox, new ProgramVoice("Claude Code", IsNoise: IsRemark), time, cancellationToken);
        var tools = new ClaudeHostTools(start.HostTools);
        var fresh = new ClaudeTranslator(start.WorkingDirectory, new ClaudeGate(new ReadRules(start, start.Sandbox is null
            ? environment.GetValueOrDefault("HOME") : null), start.Sandbox?.StateDirectory ?? configDirectory, tools), tools);
        var claude = new ClaudeProcess(
            child, start, fresh, new ClaudeConversations(start.Sandbox?.StateDirectory ?? configDirectory), time);
        try
        {
            // Always first: it registers the hook that makes every sensitive call ask, before any prompt can cause one.
            var memory = ClaudeMemory.Read(configDirectory, start.WorkingDirectory);
            await claude.RequestAsync(
                id => ClaudeMessages.Initialize(claude._initializeId = id, memory, tools), s_initializeLimit, cancellationToken);
            return claude;
        }
        catch (Exception e)
        {
            await claude.DisposeAsync();
            throw e is AgentException { Error: AgentError.Ended } ? claude.StartFailure() : e;
        }
    }

    public async ValueTask PromptAsync(AgentPrompt prompt, CancellationToken cancellationToken)
    {
        _program.ThrowIfEnded();
        var pictures = await Pictures.ReadAsync(prompt, cancellationToken);
        lock (_state)
        {
            if (_translator.TurnRuns)
            {
                throw new InvalidOperationException("A turn is running: queueing is the machine's.");
            }

            _translator.BeginTurn();
        }

        await _program.WriteAsync(ClaudeMessages.Prompt(prompt, pictures), cancellationToken);
    }

    public async ValueTask InterruptAsync(CancellationToken cancellationToken)
    {
        lock (_state)
        {
            if (!_translator.TurnRuns)
            {
                return;
            }

            _translator.BeginInterrupt();
        }

        // Its answer is not awaited: the end of the turn is.
        await _program.WriteAsync(ClaudeMessages.Interrupt(NextRequestId()), cancellationToken);
    }

    public async ValueTask<bool> AnswerAsync(string requestId, AgentAnswer answer, CancellationToken cancellationToken)
    {
        byte[]? line;
        lock (_state)
        {
            line = _translator.Answer(requestId, answer);
        }

        if (line is null)
        {
            return false;
        }

        await _program.WriteAsync(line, cancellationToken);
        return true;
    }

    public async ValueTask SetModeAsync(string mode, CancellationToken cancellationToken)
    {
        if (!ClaudeModes.Known.Contains(mode, StringComparer.Ordinal))
        {
            throw new AgentException(AgentError.Refused, $"{mode} is no mode of Claude Code here.");
        }

        await RequestAsync(id => ClaudeMessages.SetMode(id, mode), s_requestLimit, cancellationToken);
    }

    public async ValueTask SetModelAsync(string? model, CancellationToken cancellationToken)
        => await RequestAsync(id => ClaudeMessages.SetModel(id, model), s_requestLimit, cancellationToken);

    public async ValueTask SetEffortAsync(string? effort, CancellationToken cancellationToken)
        => await RequestAsync(id => ClaudeMessages.SetEffort(id, effort is null ? null : ClaudeOffers.Checked(effort)), s_requestLimit,
            cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            await _pump;
            return;
        }

        lock (_state)
        {
            // It writes its transcript a moment after it told the end of a turn, and completes that once its input is closed (2.1.197).
            _program.CloseGrace = _translator.TurnRuns ? _program.CloseGrace : s_transcriptLimit;
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

        await _program.DisposeAsync();
        await _pump;
    }

    private string NextRequestId() => string.Create(CultureInfo.InvariantCulture, $"pocketcoder-{Interlocked.Increment(ref _requests)}");

    private async Task<ClaudeReply> RequestAsync(Func<string, byte[]> line, TimeSpan limit, CancellationToken cancellationToken)
    {
        var id = NextRequestId();
        var reply = new TaskCompletionSource<ClaudeReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[id] = reply;
        try
        {
            await _program.WriteAsync(line(id), cancellationToken);
            _program.ThrowIfEnded();
            var answer = await reply.Task.WaitAsync(limit, _time, cancellationToken);
            return answer.Error is null ? answer
                : throw new AgentException(AgentError.Refused, $"Claude Code said no: {_program.Redact(answer.Error)}");
        }
        catch (TimeoutException e)
        {
            throw new AgentException(AgentError.TimedOut, $"Claude Code did not answer within {limit.TotalSeconds:0} s.", e);
        }
        finally
        {
            _waiting.TryRemove(id, out _);
        }
    }

    /// <summary>Reads until the program ends, then says the last words. Never throws.</summary>
    private async Task PumpAsync()
    {
        var end = await _program.RunAsync(TakeAsync);
        foreach (var request in _waiting.Values)
        {
            request.TrySetException(_program.Ended());
        }

        IReadOnlyList<AgentEvent> open;
        lock (_state)
        {
            open = _translator.CloseOpen();
        }

        _ = LastWordsAsync(open, new AgentEnded(end.Code, end.Reason));
    }

    private async ValueTask<string?> TakeAsync(ReadOnlyMemory<byte> line)
    {
        ClaudeOutput output;
        lock (_state)
        {
            output = _translator.Translate(line);
        }

        if (output.Violation is not null)
        {
            await _program.KillAsync(); // first of all
        }

        foreach (var reply in output.Lines)
        {
            await ReplyAsync(reply);
        }

        if (output.Reply is { } answer && _waiting.TryGetValue(answer.RequestId, out var request))
        {
            await AnnounceAsync(answer);
            request.TrySetResult(answer);
        }

        foreach (var item in output.Events)
        {
            if (item is AgentTurnEnded && NewName() is { } called)
            {
                await _events.WriteAsync(new AgentTitled(called), _program.Closing);
            }

            await _events.WriteAsync(item, _program.Closing);
        }

        return output.Violation;
    }

    /// <summary>
    /// What the conversation is called since the last look: the program tells it to its transcript only, and so does one that a person ran
    /// in a terminal meanwhile.
    /// </summary>
    private string? NewName()
    {
        string? id;
        lock (_state)
        {
            id = _translator.NativeId;
        }

        return id is not null && _conversations.NameOf(id, _start.WorkingDirectory) is { } now && now != _name ? _name = now : null;
    }

    /// <summary>Once it is initialised, its first event is that it is ready, whatever else it has written since.</summary>
    private async Task AnnounceAsync(ClaudeReply answer)
    {
        if (answer.RequestId != _initializeId || answer.Error is not null)
        {
            return;
        }

        AgentReady ready;
        lock (_state)
        {
            ready = _translator.Announce((_start.Fork ? null : _start.ResumeId)
                ?? _start.SessionId.ToString("D", CultureInfo.InvariantCulture), _start.Mode ?? ClaudeModes.Default, answer);
        }

        await _events.WriteAsync(ready, _program.Closing);
    }

    private async Task ReplyAsync(byte[] line)
    {
        try
        {
            await _program.WriteAsync(line, _program.Closing);
        }
        catch (AgentException)
        {
            // it ended while we answered: the end of its output follows
        }
    }

    private async Task LastWordsAsync(IReadOnlyList<AgentEvent> open, AgentEnded last)
    {
        foreach (var item in open)
        {
            await _events.WriteAsync(item, CancellationToken.None);
        }

        await _events.EndAsync(last);
    }

    private AgentException StartFailure()
    {
        var words = _program.ErrorWords();
        var all = _program.ErrorOutput;
        return words switch
        {
            _ when all.Contains("No conversation found", StringComparison.Ordinal)
                => new AgentException(AgentError.NotFound,
                    $"Claude Code has no conversation {_start.ResumeId} for {_start.WorkingDirectory}. It resumes only from the directory it began in."),
            _ when all.Contains("is already in use", StringComparison.Ordinal)
                => new AgentException(AgentError.FailedToStart, "Claude Code has a conversation with this id already: resume it."),
            "" => new AgentException(AgentError.FailedToStart, "Claude Code ended before it was ready and said nothing."),
            _ => new AgentException(AgentError.FailedToStart, $"Claude Code ended before it was ready: {words}"),
        };
    }

    /// <summary>What it says about a tool that it no longer has.</summary>
    private static bool IsRemark(string line) => line.StartsWith("Permission deny rule", StringComparison.Ordinal);
}
