using System.Collections.Concurrent;
using System.Globalization;
using System.Threading.Channels;
using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Stub;

/// <summary>One conversation with the stub. It remembers nothing, so resuming it is starting it.</summary>
internal sealed class StubProcess(AgentStart start, IReadOnlyDictionary<string, string> environment, TimeProvider time) : IAgentProcess
{
    private readonly EventPipe _events = new();
    private readonly ConcurrentDictionary<string, PendingRequest> _pending = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _closing = new();
    private CancellationTokenSource? _interrupt;
    private StubTurn? _running;
    private long _context;
    private string _model = start.Model ?? Models[0].Id;
    private string? _effort = start.Effort;
    private Task _turn = Task.CompletedTask;
    private int _requests;

    /// <summary>What it says when it is asked for its settings.</summary>
    public string Settings => $"model {_model}, effort {_effort ?? "as usual"}";

    internal static IReadOnlyList<AgentModel> Models { get; } =
        [new("demo-small", "Small demo"), new("demo-large", "Large demo") { Efforts = ["low", "high"] }];

    public ProcessIdentity? Process => null;

    public ChannelReader<AgentEvent> Events => _events.Reader;

    public ValueTask AnnounceAsync(CancellationToken cancellationToken)
        => _events.WriteAsync(
            new AgentReady((start.Fork ? null : start.ResumeId) ?? start.SessionId.ToString("D", CultureInfo.InvariantCulture))
            {
                Version = "1",
                Model = start.Model,
                Tools = ["run", "write", "ask", "plan", "confirm"],
                Commands = [new("help", "What the demo agent understands"), new("settings", "Which model and effort it was told")],
                Models = Models,
            },
            cancellationToken);

    public ValueTask PromptAsync(AgentPrompt prompt, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_closing.IsCancellationRequested, this);
        if (!_turn.IsCompleted && _running is { IsOver: false })
        {
            throw new InvalidOperationException("A turn is running: queueing is the machine's.");
        }

        _interrupt?.Dispose();
        _interrupt = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token);
        var run = _running = new StubTurn(prompt, start, environment, time, this);
        _turn = RunAfterAsync(_turn, run, _interrupt.Token);
        return ValueTask.CompletedTask;
    }

    public async ValueTask InterruptAsync(CancellationToken cancellationToken)
    {
        if (_interrupt is not null && !_turn.IsCompleted)
        {
            await _interrupt.CancelAsync();
        }
    }

    public ValueTask<bool> AnswerAsync(string requestId, AgentAnswer answer, CancellationToken cancellationToken)
    {
        if (!_pending.TryGetValue(requestId, out var request))
        {
            return ValueTask.FromResult(false);
        }

        if (answer is not AgentAnswer.Deny && answer.GetType() != request.Expected)
        {
            throw new ArgumentException($"{requestId} can't be answered with {answer.GetType().Name}.", nameof(answer));
        }

        return ValueTask.FromResult(_pending.TryRemove(requestId, out _) && request.Answered.TrySetResult(answer));
    }

    public ValueTask SetModeAsync(string mode, CancellationToken cancellationToken)
        => throw new NotSupportedException("The demo agent has no modes.");

    public ValueTask SetModelAsync(string? model, CancellationToken cancellationToken)
    {
        _model = model ?? Models[0].Id;
        return ValueTask.CompletedTask;
    }

    public ValueTask SetEffortAsync(string? effort, CancellationToken cancellationToken)
    {
        _effort = effort;
        return ValueTask.CompletedTask;
    }

    public ValueTask<bool> SteerAsync(AgentPrompt prompt, CancellationToken cancellationToken)
        => ValueTask.FromResult(_running?.TryHear(prompt.Text) == true);

    /// <summary>As if every word were a token and the window a small one.</summary>
    public ValueTask CountAsync(long words) => SayAsync(new AgentContext(_context += words, 10_000));

    /// <summary>Says something. After the end of the process it is lost.</summary>
    public async ValueTask SayAsync(AgentEvent item)
    {
        if (!_closing.IsCancellationRequested)
        {
            await _events.WriteAsync(item, _closing.Token);
        }
    }

    /// <summary>Asks and waits. Cancelled: withdraws the request and throws.</summary>
    public async Task<AgentAnswer> AskAsync<TExpected>(Func<string, AgentEvent> question, CancellationToken cancellationToken)
        where TExpected : AgentAnswer
    {
        var id = $"request-{Interlocked.Increment(ref _requests)}";
        var request = new PendingRequest(typeof(TExpected), new(TaskCreationOptions.RunContinuationsAsynchronously));
        _pending[id] = request;
        await SayAsync(question(id));
        try
        {
            return await request.Answered.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            if (_pending.TryRemove(id, out _))
            {
                await SayAsync(new AgentRequestWithdrawn(id));
            }

            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_closing.IsCancellationRequested)
        {
            return;
        }

        await _closing.CancelAsync();
        await _turn;
        _interrupt?.Dispose();
        _ = _events.EndAsync(new AgentEnded(0, "closed")); // waits for room; a reader that went away must not hold us
        _closing.Dispose();
    }

    /// <summary>The one before may have told its end a moment ago, and the machine is quick.</summary>
    private static async Task RunAfterAsync(Task before, StubTurn run, CancellationToken cancellationToken)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        await run.RunAsync(cancellationToken);
    }

    private sealed record PendingRequest(Type Expected, TaskCompletionSource<AgentAnswer> Answered);
}
