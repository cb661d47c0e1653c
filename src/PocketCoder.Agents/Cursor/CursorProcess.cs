using System.Threading.Channels;
using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Cursor;

/// <summary>
/// A session with Cursor: between prompts nothing runs, and each prompt is a program that goes on with the same conversation.
/// </summary>
internal sealed class CursorProcess : IAgentProcess
{
    /// <summary>How long it may go on after it said how the turn ended.</summary>
    private static readonly TimeSpan s_afterResult = TimeSpan.FromSeconds(2);

    private readonly string _program;
    private readonly AgentStart _start;
    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly TimeProvider _time;
    private readonly EventPipe _events = new();
    private readonly CursorTranslator _translator = new();
    private readonly Lock _state = new(); // guards the translator, the mode and the model
    private readonly CancellationTokenSource _closing = new();
    private string _mode;
    private string? _model;
    private LineProgram? _running;
    private Task _turn = Task.CompletedTask;
    private int _disposed;

    public CursorProcess(string program, AgentStart start, IReadOnlyDictionary<string, string> environment, TimeProvider time)
    {
        _program = program;
        _start = start;
        _environment = environment;
        _time = time;
        _mode = CursorArguments.RequireMode(start.Mode);
        _model = start.Model is { } name ? CursorArguments.RequireModel(name) : null;
        _translator.Ready = start.ResumeId is { } id ? new AgentReady(id) { Mode = _mode, Model = _model } : null;
    }

    public ProcessIdentity? Process => Volatile.Read(ref _running)?.Identity;

    public ChannelReader<AgentEvent> Events => _events.Reader;

    public async ValueTask PromptAsync(AgentPrompt prompt, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        QuietProject.Require(CursorDriver.AgentName, _start.WorkingDirectory, CursorDriver.ProgramFiles);
        await _turn; // the last program, which has said its last word, is gone
        IReadOnlyList<string> arguments;
        lock (_state)
        {
            if (_translator.TurnRuns)
            {
                throw new InvalidOperationException("A turn is running: queueing is the machine's.");
            }

            arguments = CursorArguments.For(_start.WorkingDirectory, _mode, _model, _translator.Ready?.NativeId, prompt);
            _translator.BeginTurn();
        }

        try
        {
            var fresh = await LineProgram.StartAsync(
                new ProcessStart
                {
                    Program = _program,
                    Arguments = arguments,
                    WorkingDirectory = _start.WorkingDirectory,
                    Environment = _environment,
                    Mark = _start.Mark
                },
                sandbox: null, new ProgramVoice(CursorDriver.AgentName), _time, cancellationToken);
            Volatile.Write(ref _running, fresh);
            _turn = FollowAsync(fresh);
            await _events.WriteAsync(new AgentActivity(ActivityKind.Requesting), cancellationToken);
            await fresh.CloseInputAsync(); // it would wait for more
        }
        catch (AgentException)
        {
            lock (_state)
            {
                _translator.Gone("");
            }

            throw;
        }
    }

    public async ValueTask InterruptAsync(CancellationToken cancellationToken)
    {
        lock (_state)
        {
            if (!_translator.TurnRuns)
            {
                return;
            }

            _translator.Interrupting = true;
        }

        if (Volatile.Read(ref _running) is { } program)
        {
            await program.KillAsync(); // it hears nothing else
        }
    }

    // it asks nothing
    public ValueTask<bool> AnswerAsync(string requestId, AgentAnswer answer, CancellationToken cancellationToken)
        => ValueTask.FromResult(false);

    public ValueTask SetModeAsync(string mode, CancellationToken cancellationToken)
    {
        var wanted = CursorArguments.RequireMode(mode);
        return ChangeAsync(() => _mode = wanted);
    }

    public ValueTask SetModelAsync(string? model, CancellationToken cancellationToken)
    {
        var wanted = model is null ? null : CursorArguments.RequireModel(model);
        return ChangeAsync(() => _model = wanted);
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            await _turn;
            return;
        }

        await InterruptAsync(CancellationToken.None);
        await _closing.CancelAsync();
        await _turn;
        _ = _events.EndAsync(new AgentEnded(null, "closed"));
        _closing.Dispose();
    }

    private async ValueTask ChangeAsync(Action change)
    {
        AgentReady? ready;
        lock (_state)
        {
            change();
            ready = _translator.Ready = _translator.Ready is { } known ? known with { Mode = _mode, Model = _model ?? known.Model } : null;
        }

        if (ready is not null)
        {
            await _events.WriteAsync(ready, _closing.Token);
        }
    }

    private async Task FollowAsync(LineProgram program)
    {
        await Task.Yield();
        var end = await program.RunAsync(line => TakeAsync(program, line));
        IReadOnlyList<AgentEvent> last;
        lock (_state)
        {
            last = _translator.Gone(end.Reason);
        }

        await TellAsync(last);
        await program.DisposeAsync();
        Interlocked.CompareExchange(ref _running, null, program);
    }

    private async ValueTask<string?> TakeAsync(LineProgram program, ReadOnlyMemory<byte> line)
    {
        CursorOutput output;
        lock (_state)
        {
            output = _translator.Take(line);
            if (output.Events.Find(e => e is AgentReady) is AgentReady ready)
            {
                _translator.Ready = ready with { Mode = _mode };
                output.Events[output.Events.IndexOf(ready)] = _translator.Ready;
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
            await Task.Delay(s_afterResult, _time, _closing.Token);
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
                await _events.WriteAsync(item, _closing.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // nobody listens any more
        }
    }
}
