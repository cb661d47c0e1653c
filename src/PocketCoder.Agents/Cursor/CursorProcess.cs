using System.Threading.Channels;
using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Cursor;

/// <summary>A session with Cursor: between prompts nothing runs, and each prompt is a program that goes on with the same conversation.</summary>
internal sealed class CursorProcess : IAgentProcess
{
    /// <summary>How long it may go on after it said how the turn ended.</summary>
    private static readonly TimeSpan AfterResult = TimeSpan.FromSeconds(2);

    private readonly string program;
    private readonly AgentStart start;
    private readonly IReadOnlyDictionary<string, string> environment;
    private readonly TimeProvider time;
    private readonly EventPipe events = new();
    private readonly CursorTranslator translator = new();
    private readonly Lock state = new(); // guards the translator, the mode and the model
    private readonly CancellationTokenSource closing = new();
    private string mode;
    private string? model;
    private LineProgram? running;
    private Task turn = Task.CompletedTask;
    private int disposed;

    public CursorProcess(string program, AgentStart start, IReadOnlyDictionary<string, string> environment, TimeProvider time)
    {
        this.program = program;
        this.start = start;
        this.environment = environment;
        this.time = time;
        mode = CursorArguments.RequireMode(start.Mode);
        model = start.Model is { } name ? CursorArguments.RequireModel(name) : null;
        translator.Ready = start.ResumeId is { } id ? new AgentReady(id) { Mode = mode, Model = model } : null;
    }

    public ProcessIdentity? Process => Volatile.Read(ref running)?.Identity;

    public ChannelReader<AgentEvent> Events => events.Reader;

    public async ValueTask PromptAsync(AgentPrompt prompt, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(disposed != 0, this);
        QuietProject.Require(CursorDriver.AgentName, start.WorkingDirectory, CursorDriver.ProgramFiles);
        await turn; // the last program, which has said its last word, is gone
        IReadOnlyList<string> arguments;
        lock (state)
        {
            if (translator.TurnRuns)
            {
                throw new InvalidOperationException("A turn is running: queueing is the machine's.");
            }

            arguments = CursorArguments.For(start.WorkingDirectory, mode, model, translator.Ready?.NativeId, prompt);
            translator.BeginTurn();
        }

        try
        {
            var fresh = await LineProgram.StartAsync(
                new ProcessStart { Program = program, Arguments = arguments, WorkingDirectory = start.WorkingDirectory, Environment = environment, Mark = start.Mark },
                room: null, new ProgramVoice(CursorDriver.AgentName), time, cancellationToken);
            Volatile.Write(ref running, fresh);
            turn = FollowAsync(fresh);
            await events.WriteAsync(new AgentActivity(ActivityKind.Requesting), cancellationToken);
            await fresh.CloseInputAsync(); // it would wait for more
        }
        catch (AgentException)
        {
            lock (state)
            {
                translator.Gone("");
            }

            throw;
        }
    }

    public async ValueTask InterruptAsync(CancellationToken cancellationToken)
    {
        lock (state)
        {
            if (!translator.TurnRuns)
            {
                return;
            }

            translator.Interrupting = true;
        }

        if (Volatile.Read(ref running) is { } program)
        {
            await program.KillAsync(); // it hears nothing else
        }
    }

    public ValueTask<bool> AnswerAsync(string requestId, AgentAnswer answer, CancellationToken cancellationToken) => ValueTask.FromResult(false); // it asks nothing

    public ValueTask SetModeAsync(string mode, CancellationToken cancellationToken)
    {
        var wanted = CursorArguments.RequireMode(mode);
        return ChangeAsync(() => this.mode = wanted);
    }

    public ValueTask SetModelAsync(string? model, CancellationToken cancellationToken)
    {
        var wanted = model is null ? null : CursorArguments.RequireModel(model);
        return ChangeAsync(() => this.model = wanted);
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0)
        {
            await turn;
            return;
        }

        await InterruptAsync(CancellationToken.None);
        await closing.CancelAsync();
        await turn;
        _ = events.EndAsync(new AgentEnded(null, "closed"));
        closing.Dispose();
    }

    private async ValueTask ChangeAsync(Action change)
    {
        AgentReady? ready;
        lock (state)
        {
            change();
            ready = translator.Ready = translator.Ready is { } known ? known with { Mode = mode, Model = model ?? known.Model } : null;
        }

        if (ready is not null)
        {
            await events.WriteAsync(ready, closing.Token);
        }
    }

    private async Task FollowAsync(LineProgram program)
    {
        await Task.Yield();
        var end = await program.RunAsync(line => TakeAsync(program, line));
        IReadOnlyList<AgentEvent> last;
        lock (state)
        {
            last = translator.Gone(end.Reason);
        }

        await TellAsync(last);
        await program.DisposeAsync();
        Interlocked.CompareExchange(ref running, null, program);
    }

    private async ValueTask<string?> TakeAsync(LineProgram program, ReadOnlyMemory<byte> line)
    {
        CursorOutput output;
        lock (state)
        {
            output = translator.Take(line);
            if (output.Events.Find(e => e is AgentReady) is AgentReady ready)
            {
                translator.Ready = ready with { Mode = mode };
                output.Events[output.Events.IndexOf(ready)] = translator.Ready;
            }
        }

        if (output.Violation is not null)
        {
            await program.KillAsync(); // first of all
        }
        else if (output.IsLast)
        {
            _ = EndSoonAsync(program);
        }

        await TellAsync(output.Events);
        return output.Violation;
    }

    /// <summary>Some versions hang after their last word.</summary>
    private async Task EndSoonAsync(LineProgram program)
    {
        try
        {
            await Task.Delay(AfterResult, time, closing.Token);
            await program.KillAsync();
        }
        catch (OperationCanceledException)
        {
            // it is being ended anyway
        }
    }

    private async Task TellAsync(IReadOnlyList<AgentEvent> said)
    {
        try
        {
            foreach (var item in said)
            {
                await events.WriteAsync(item, closing.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // nobody listens any more
        }
    }
}
