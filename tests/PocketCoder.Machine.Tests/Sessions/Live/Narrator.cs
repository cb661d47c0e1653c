using System.Threading.Channels;
using PocketCoder.Agents;
using PocketCoder.Processes;

namespace PocketCoder.Machine.Tests.Sessions.Live;

/// <summary>An agent that says just what a test tells it to say, with process after process.</summary>
internal sealed class Narrator : IAgentDriver
{
    private readonly Channel<Voice> _started = Channel.CreateUnbounded<Voice>();

    /// <summary>What it does when it is asked to stop; null: nothing.</summary>
    public Action<Voice>? OnStop { get; set; }

    public AgentDescription Description { get; } = new("stub", "Narrator") { Resume = true, Steer = true };

    public Task<AgentProbe> ProbeAsync(CancellationToken cancellationToken)
        => Task.FromResult(new AgentProbe(Installed: true, Version: "1"));

    public Task<IAgentProcess> StartAsync(AgentStart start, CancellationToken cancellationToken)
    {
        var voice = new Voice(this, start.SessionId);
        _started.Writer.TryWrite(voice);
        return Task.FromResult<IAgentProcess>(voice);
    }

    /// <summary>The next process that was started and prompted.</summary>
    public async Task<Voice> NextAsync()
    {
        using var limit = new CancellationTokenSource(PocketCoder.Testing.Wait.Limit);
        var voice = await _started.Reader.ReadAsync(limit.Token);
        await voice.PromptedAsync(limit.Token);
        return voice;
    }

    internal sealed class Voice(Narrator driver, Guid session) : IAgentProcess
    {
        private readonly Channel<AgentEvent> _events = Channel.CreateUnbounded<AgentEvent>();
        private readonly SemaphoreSlim _prompts = new(0);

        public ProcessIdentity? Process => null;

        public ChannelReader<AgentEvent> Events => _events.Reader;

        public Task PromptedAsync(CancellationToken cancellationToken) => _prompts.WaitAsync(cancellationToken);

        public void Say(params IEnumerable<AgentEvent> said)
        {
            foreach (var one in said)
            {
                _events.Writer.TryWrite(one);
            }
        }

        public ValueTask PromptAsync(AgentPrompt prompt, CancellationToken cancellationToken)
        {
            Say(new AgentReady(session.ToString("N")));
            _prompts.Release();
            return ValueTask.CompletedTask;
        }

        public ValueTask InterruptAsync(CancellationToken cancellationToken)
        {
            driver.OnStop?.Invoke(this);
            return ValueTask.CompletedTask;
        }

        public ValueTask<bool> AnswerAsync(string requestId, AgentAnswer answer, CancellationToken cancellationToken)
            => ValueTask.FromResult(false);

        public ValueTask SetModeAsync(string mode, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask SetModelAsync(string? model, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask<bool> SteerAsync(AgentPrompt prompt, CancellationToken cancellationToken) => ValueTask.FromResult(true);

        public ValueTask DisposeAsync()
        {
            Say(new AgentEnded(null, "closed"));
            _events.Writer.TryComplete();
            _prompts.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
