using System.Collections.Concurrent;
using System.Globalization;
using System.Threading.Channels;
using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Stub;

/// <summary>One conversation with the stub. It remembers nothing, so resuming it is starting it.</summary>
internal sealed class StubProcess(AgentStart start, IReadOnlyDictionary<string, string> environment, TimeProvider time) : IAgentProcess
{
    private readonly EventPipe events = new();
    private readonly ConcurrentDictionary<string, PendingRequest> pending = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource closing = new();
    private CancellationTokenSource? interrupt;
    private StubTurn? running;
    private long context;
    private string model = start.Model ?? Models[0].Id;
    private string? effort = start.Effort;
    private Task turn = Task.CompletedTask;
    private int requests;

    /// <summary>What it says when it is asked for its settings.</summary>
    public string Settings => $"model {model}, effort {effort ?? "as usual"}";

    private static IReadOnlyList<AgentModel> Models { get; } = [new("demo-small", "Small demo"), new("demo-large", "Large demo") { Efforts = ["low", "high"] }];

    public ProcessIdentity? Process => null;

    public ChannelReader<AgentEvent> Events => events.Reader;

    public ValueTask AnnounceAsync(CancellationToken cancellationToken)
        => events.WriteAsync(
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
        ObjectDisposedException.ThrowIf(closing.IsCancellationRequested, this);
        if (!turn.IsCompleted)
        {
            throw new InvalidOperationException("A turn is running: queueing is the machine's.");
        }

        interrupt?.Dispose();
        interrupt = CancellationTokenSource.CreateLinkedTokenSource(closing.Token);
        var run = running = new StubTurn(prompt, start, environment, time, this);
        var token = interrupt.Token;
        turn = Task.Run(() => run.RunAsync(token), CancellationToken.None);
        return ValueTask.CompletedTask;
    }

    public async ValueTask InterruptAsync(CancellationToken cancellationToken)
    {
        if (interrupt is not null && !turn.IsCompleted)
        {
            await interrupt.CancelAsync();
        }
    }

    public ValueTask<bool> AnswerAsync(string requestId, AgentAnswer answer, CancellationToken cancellationToken)
    {
        if (!pending.TryGetValue(requestId, out var request))
        {
            return ValueTask.FromResult(false);
        }

        if (answer is not AgentAnswer.Deny && answer.GetType() != request.Expected)
        {
            throw new ArgumentException($"{requestId} can't be answered with {answer.GetType().Name}.", nameof(answer));
        }

        return ValueTask.FromResult(pending.TryRemove(requestId, out _) && request.Answered.TrySetResult(answer));
    }

    public ValueTask SetModeAsync(string mode, CancellationToken cancellationToken) => throw new NotSupportedException("The demo agent has no modes.");

    public ValueTask SetModelAsync(string? model, CancellationToken cancellationToken)
    {
        this.model = model ?? Models[0].Id;
        return ValueTask.CompletedTask;
    }

    public ValueTask SetEffortAsync(string? effort, CancellationToken cancellationToken)
    {
        this.effort = effort;
        return ValueTask.CompletedTask;
    }

    public ValueTask<bool> SteerAsync(AgentPrompt prompt, CancellationToken cancellationToken) => ValueTask.FromResult(running?.TryHear(prompt.Text) == true);

    /// <summary>As if every word were a token and the window a small one.</summary>
    public ValueTask CountAsync(long words) => SayAsync(new AgentContext(context += words, 10_000));

    /// <summary>Says something. After the end of the process it is lost.</summary>
    public async ValueTask SayAsync(AgentEvent item)
    {
        if (!closing.IsCancellationRequested)
        {
            await events.WriteAsync(item, closing.Token);
        }
    }

    /// <summary>Asks and waits. Cancelled: withdraws the request and throws.</summary>
    public async Task<AgentAnswer> AskAsync<TExpected>(Func<string, AgentEvent> question, CancellationToken cancellationToken)
        where TExpected : AgentAnswer
    {
        var id = $"request-{Interlocked.Increment(ref requests)}";
        var request = new PendingRequest(typeof(TExpected), new(TaskCreationOptions.RunContinuationsAsynchronously));
        pending[id] = request;
        await SayAsync(question(id));
        try
        {
            return await request.Answered.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            if (pending.TryRemove(id, out _))
            {
                await SayAsync(new AgentRequestWithdrawn(id));
            }

            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (closing.IsCancellationRequested)
        {
            return;
        }

        await closing.CancelAsync();
        await turn;
        interrupt?.Dispose();
        _ = events.EndAsync(new AgentEnded(0, "closed")); // waits for room; a reader that went away must not hold us
        closing.Dispose();
    }

    private sealed record PendingRequest(Type Expected, TaskCompletionSource<AgentAnswer> Answered);
}
