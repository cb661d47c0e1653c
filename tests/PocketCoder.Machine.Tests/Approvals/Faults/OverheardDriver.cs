using System.Collections.Concurrent;
using System.Threading.Channels;
using PocketCoder.Agents;
using PocketCoder.Agents.Stub;
using PocketCoder.Processes;

namespace PocketCoder.Machine.Tests.Approvals.Faults;

/// <summary>The demo agent, with each request and each answer written down. The first request of a turn arms the seam.</summary>
internal sealed class OverheardDriver(FaultSeam seam) : IAgentDriver
{
    private readonly StubDriver _stub = new(TimeProvider.System);

    /// <summary>Which of an agent's requests arm the seam.</summary>
    public Func<AgentEvent, bool> Arms { get; init; } = static _ => true;

    /// <summary>Requests that wait for an answer.</summary>
    public ConcurrentDictionary<string, bool> Waiting { get; } = new(StringComparer.Ordinal);

    /// <summary>Answers that arrived.</summary>
    public ConcurrentQueue<AgentAnswer> Answers { get; } = new();

    public AgentDescription Description => _stub.Description;

    public Task<AgentProbe> ProbeAsync(CancellationToken cancellationToken) => _stub.ProbeAsync(cancellationToken);

    public async Task<IAgentProcess> StartAsync(AgentStart start, CancellationToken cancellationToken)
        => new Overheard(await _stub.StartAsync(start, cancellationToken), start.SessionId, seam, this);

    public void Clear()
    {
        Waiting.Clear();
        Answers.Clear();
    }

    private sealed class Overheard : IAgentProcess
    {
        private readonly Channel<AgentEvent> _events = Channel.CreateUnbounded<AgentEvent>();
        private readonly IAgentProcess _stub;
        private readonly Guid _session;
        private readonly FaultSeam _seam;
        private readonly OverheardDriver _driver;

        public Overheard(IAgentProcess stub, Guid session, FaultSeam seam, OverheardDriver driver)
        {
            (_stub, _session, _seam, _driver) = (stub, session, seam, driver);
            Pumping = PumpAsync();
        }

        public Task Pumping { get; }

        public ProcessIdentity? Process => _stub.Process;

        public ChannelReader<AgentEvent> Events => _events.Reader;

        public ValueTask PromptAsync(AgentPrompt prompt, CancellationToken cancellationToken)
            => _stub.PromptAsync(prompt, cancellationToken);

        public ValueTask InterruptAsync(CancellationToken cancellationToken) => _stub.InterruptAsync(cancellationToken);

        public async ValueTask<bool> AnswerAsync(string requestId, AgentAnswer answer, CancellationToken cancellationToken)
        {
            var known = await _stub.AnswerAsync(requestId, answer, cancellationToken);
            if (_driver.Waiting.TryRemove(Key(requestId), out _))
            {
                _driver.Answers.Enqueue(answer);
            }

            return known;
        }

        public ValueTask SetModeAsync(string mode, CancellationToken cancellationToken) => _stub.SetModeAsync(mode, cancellationToken);

        public ValueTask SetModelAsync(string? model, CancellationToken cancellationToken) => _stub.SetModelAsync(model, cancellationToken);

        public async ValueTask DisposeAsync()
        {
            foreach (var key in _driver.Waiting.Keys.Where(k => k.StartsWith($"{_session}", StringComparison.Ordinal)))
            {
                _driver.Waiting.TryRemove(key, out _); // its process is ended: it waits no more
            }

            await _stub.DisposeAsync();
        }

        private string Key(string requestId) => $"{_session} {requestId}";

        private async Task PumpAsync()
        {
            await foreach (var said in _stub.Events.ReadAllAsync())
            {
                var request = said switch
                {
                    AgentApprovalAsked asked => asked.RequestId,
                    AgentHostCall call => call.RequestId,
                    AgentQuestionAsked asked => asked.RequestId,
                    AgentPlanProposed plan => plan.RequestId,
                    _ => null,
                };
                if (request is not null)
                {
                    _driver.Waiting[Key(request)] = true;
                    if (_driver.Arms(said))
                    {
                        _seam.Arm();
                    }
                }
                else if (said is AgentRequestWithdrawn withdrawn)
                {
                    _driver.Waiting.TryRemove(Key(withdrawn.RequestId), out _);
                }

                await _events.Writer.WriteAsync(said);
            }

            _events.Writer.Complete();
        }
    }
}
