using System.Collections.Concurrent;
using System.Globalization;
using System.Threading.Channels;
using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Claude;

/// <summary>One running <c>claude</c>: its pipes, its end, and the translator between.</summary>
internal sealed class ClaudeProcess : IAgentProcess
{
    private static readonly TimeSpan InitializeLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RequestLimit = TimeSpan.FromSeconds(10);

    private readonly LineProgram program;
    private readonly AgentStart start;
    private readonly ClaudeTranslator translator;
    private readonly TimeProvider time;
    private readonly Lock state = new(); // guards the translator: the pump and the machine's calls both use it
    private readonly EventPipe events = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<ClaudeReply>> waiting = new(StringComparer.Ordinal);
    private readonly ClaudeConversations conversations;
    private readonly Task pump;
    private string? initializeId;
    private string? name;
    private int requests;
    private int disposed;

    private ClaudeProcess(LineProgram program, AgentStart start, ClaudeTranslator translator, ClaudeConversations conversations, TimeProvider time)
    {
        this.conversations = conversations;
        this.program = program;
        this.start = start;
        this.translator = translator;
        this.time = time;
        pump = PumpAsync();
    }

    public ProcessIdentity? Process => program.Identity;

    public ChannelReader<AgentEvent> Events => events.Reader;

    public static async Task<ClaudeProcess> StartAsync(
        string program, AgentStart start, IReadOnlyDictionary<string, string> environment, string configDirectory, TimeProvider time, CancellationToken cancellationToken)
    {
        var own = start.Room is { } room ? ClaudeEnvironment.ForRoom(room.StateDirectory, start.ModelAccess!, environment)
            : start.ModelAccess is { } access ? ClaudeEnvironment.Through(access, environment)
            : environment;
        if (start.Room is not null)
        {
            ClaudeRoom.Prepare(start.Room.StateDirectory, configDirectory, start.WorkingDirectory, start.ResumeId);
        }

        var child = await LineProgram.StartAsync(
            new ProcessStart { Program = program, Arguments = ClaudeArguments.For(start), WorkingDirectory = start.WorkingDirectory, Environment = own, Mark = start.Mark },
            start.Room, new ProgramVoice("Claude Code", IsNoise: IsRemark), time, cancellationToken);
        var tools = new ClaudeHostTools(start.HostTools);
        var fresh = new ClaudeTranslator(start.WorkingDirectory, new ClaudeGate(start.WorkingDirectory, start.Room?.StateDirectory ?? configDirectory, tools, start.AttachmentsDirectory), tools);
        var claude = new ClaudeProcess(child, start, fresh, new ClaudeConversations(start.Room?.StateDirectory ?? configDirectory), time);
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

    public async ValueTask PromptAsync(AgentPrompt prompt, CancellationToken cancellationToken)
    {
        program.ThrowIfEnded();
        var pictures = await Pictures.ReadAsync(prompt, cancellationToken);
        lock (state)
        {
            if (translator.TurnRuns)
            {
                throw new InvalidOperationException("A turn is running: queueing is the machine's.");
            }

            translator.BeginTurn();
        }

        await program.WriteAsync(ClaudeMessages.Prompt(prompt, pictures), cancellationToken);
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
        await program.WriteAsync(ClaudeMessages.Interrupt(NextRequestId()), cancellationToken);
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

        await program.WriteAsync(line, cancellationToken);
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

    public async ValueTask SetModelAsync(string? model, CancellationToken cancellationToken)
        => await RequestAsync(id => ClaudeMessages.SetModel(id, model), RequestLimit, cancellationToken);

    public async ValueTask SetEffortAsync(string? effort, CancellationToken cancellationToken)
        => await RequestAsync(id => ClaudeMessages.SetEffort(id, effort is null ? null : ClaudeOffers.Checked(effort)), RequestLimit, cancellationToken);

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

        await program.DisposeAsync();
        await pump;
    }

    private string NextRequestId() => string.Create(CultureInfo.InvariantCulture, $"pocketcoder-{Interlocked.Increment(ref requests)}");

    private async Task<ClaudeReply> RequestAsync(Func<string, byte[]> line, TimeSpan limit, CancellationToken cancellationToken)
    {
        var id = NextRequestId();
        var reply = new TaskCompletionSource<ClaudeReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        waiting[id] = reply;
        try
        {
            await program.WriteAsync(line(id), cancellationToken);
            program.ThrowIfEnded();
            var answer = await reply.Task.WaitAsync(limit, time, cancellationToken);
            return answer.Error is null ? answer : throw new AgentException(AgentError.Refused, $"Claude Code said no: {program.Redact(answer.Error)}");
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

    /// <summary>Reads until the program ends, then says the last words. Never throws.</summary>
    private async Task PumpAsync()
    {
        var end = await program.RunAsync(TakeAsync);
        foreach (var request in waiting.Values)
        {
            request.TrySetException(program.Ended());
        }

        IReadOnlyList<AgentEvent> open;
        lock (state)
        {
            open = translator.CloseOpen();
        }

        _ = LastWordsAsync(open, new AgentEnded(end.Code, end.Reason));
    }

    private async ValueTask<string?> TakeAsync(ReadOnlyMemory<byte> line)
    {
        ClaudeOutput output;
        lock (state)
        {
            output = translator.Translate(line);
        }

        if (output.Violation is not null)
        {
            await program.KillAsync(); // first of all
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
            if (item is AgentTurnEnded && NewName() is { } called)
            {
                await events.WriteAsync(new AgentTitled(called), program.Closing);
            }

            await events.WriteAsync(item, program.Closing);
        }

        return output.Violation;
    }

    /// <summary>What the conversation is called since the last look: the program tells it to its transcript only, and so does one that a person ran in a terminal meanwhile.</summary>
    private string? NewName()
    {
        string? id;
        lock (state)
        {
            id = translator.NativeId;
        }

        return id is not null && conversations.NameOf(id, start.WorkingDirectory) is { } now && now != name ? name = now : null;
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
            ready = translator.Announce((start.Fork ? null : start.ResumeId) ?? start.SessionId.ToString("D", CultureInfo.InvariantCulture), start.Mode ?? ClaudeModes.Default, answer);
        }

        await events.WriteAsync(ready, program.Closing);
    }

    private async Task ReplyAsync(byte[] line)
    {
        try
        {
            await program.WriteAsync(line, program.Closing);
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
            await events.WriteAsync(item, CancellationToken.None);
        }

        await events.EndAsync(last);
    }

    private AgentException StartFailure()
    {
        var words = program.ErrorWords();
        var all = program.ErrorOutput;
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

    /// <summary>What it says about a tool that it no longer has.</summary>
    private static bool IsRemark(string line) => line.StartsWith("Permission deny rule", StringComparison.Ordinal);
}
