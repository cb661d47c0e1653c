using System.Collections.Concurrent;
using System.Threading.Channels;
using PocketCoder.Agents;
using PocketCoder.Agents.Stub;
using PocketCoder.Processes;

namespace PocketCoder.Machine.Tests.Sessions.Warming;

/// <summary>The demo agent, whose starts can be counted, held up and made to fail.</summary>
internal sealed class WatchedDriver(TimeProvider time) : IAgentDriver
{
    private readonly StubDriver _stub = new(time);

    /// <summary>How often it was started.</summary>
    public ConcurrentQueue<AgentStart> Starts { get; } = [];

    public ConcurrentQueue<WatchedProcess> Started { get; } = [];

    /// <summary>What a start waits for before it is there.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    /// <summary>Why the next start fails, after the gate.</summary>
    public Queue<Exception> Failures { get; } = [];

    public AgentDescription Description => _stub.Description;

    public int Alive => Started.Count(p => !p.IsDisposed);

    public Task<AgentProbe> ProbeAsync(CancellationToken cancellationToken) => _stub.ProbeAsync(cancellationToken);

    public async Task<IAgentProcess> StartAsync(AgentStart start, CancellationToken cancellationToken)
    {
        Starts.Enqueue(start);
        await Gate.WaitAsync(cancellationToken);
        if (Failures.TryDequeue(out var failure))
        {
            throw failure;
        }

        var process = new WatchedProcess(await _stub.StartAsync(start, cancellationToken));
        Started.Enqueue(process);
        return process;
    }
}

/// <summary>Passes everything on, and what it is made to say.</summary>
internal sealed class WatchedProcess : IAgentProcess
{
    private readonly Channel<AgentEvent> _events = Channel.CreateUnbounded<AgentEvent>();
    private readonly IAgentProcess _stub;

    public WatchedProcess(IAgentProcess stub)
    {
        _stub = stub;
        _ = PassOnAsync();
    }

    public bool IsDisposed { get; private set; }

    public ProcessIdentity? Process => _stub.Process;

    public ChannelReader<AgentEvent> Events => _events.Reader;

    public void Say(AgentEvent said) => Assert.True(_events.Writer.TryWrite(said));

    public ValueTask PromptAsync(AgentPrompt prompt, CancellationToken cancellationToken) => _stub.PromptAsync(prompt, cancellationToken);

    public ValueTask InterruptAsync(CancellationToken cancellationToken) => _stub.InterruptAsync(cancellationToken);

    public ValueTask<bool> AnswerAsync(string requestId, AgentAnswer answer, CancellationToken cancellationToken)
        => _stub.AnswerAsync(requestId, answer, cancellationToken);

    public ValueTask SetModeAsync(string mode, CancellationToken cancellationToken) => _stub.SetModeAsync(mode, cancellationToken);

    public ValueTask SetModelAsync(string? model, CancellationToken cancellationToken) => _stub.SetModelAsync(model, cancellationToken);

    public ValueTask SetEffortAsync(string? effort, CancellationToken cancellationToken) => _stub.SetEffortAsync(effort, cancellationToken);

    public ValueTask DisposeAsync()
    {
        IsDisposed = true;
        return _stub.DisposeAsync();
    }

    private async Task PassOnAsync()
    {
        await foreach (var said in _stub.Events.ReadAllAsync())
        {
            _events.Writer.TryWrite(said);
        }

        _events.Writer.TryComplete();
    }
}
