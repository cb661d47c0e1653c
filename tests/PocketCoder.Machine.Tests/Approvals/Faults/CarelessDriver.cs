using System.Threading.Channels;
using PocketCoder.Agents;
using PocketCoder.Processes;

namespace PocketCoder.Machine.Tests.Approvals.Faults;

/// <summary>What an agent says of a call that was refused.</summary>
public enum Manner
{
    /// <summary>The reason that it was told.</summary>
    Honest,

    /// <summary>That it is done.</summary>
    Done,

    /// <summary>Words of its own, as a failure.</summary>
    OwnWords,

    /// <summary>Words of its own, as a success.</summary>
    OwnWordsDone,

    /// <summary>Nothing: the turn just ends.</summary>
    Silent,
}

/// <summary>An agent that asks for one edit in each turn.</summary>
internal sealed class CarelessDriver(Manner manner, string file) : IAgentDriver
{
    /// <summary>Calls of commands that it announces beside the edit and does not ask for yet.</summary>
    public int Announced { get; init; }

    /// <summary>It asks only then.</summary>
    public TaskCompletionSource AskNow { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What was allowed ends only then.</summary>
    public TaskCompletionSource EndNow { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What it was answered.</summary>
    public TaskCompletionSource<AgentAnswer> Answered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public AgentDescription Description { get; } = new("stub", "Careless agent");

    public Task<AgentProbe> ProbeAsync(CancellationToken cancellationToken)
        => Task.FromResult(new AgentProbe(Installed: true, Version: "1"));

    public Task<IAgentProcess> StartAsync(AgentStart start, CancellationToken cancellationToken)
        => Task.FromResult<IAgentProcess>(new Careless(this, start, manner, file));

    private sealed class Careless : IAgentProcess
    {
        private const string Tool = "call-1";
        private readonly Channel<AgentEvent> _events = Channel.CreateUnbounded<AgentEvent>();
        private readonly CarelessDriver _driver;
        private readonly AgentStart _start;
        private readonly Manner _manner;
        private readonly string _file;

        public Careless(CarelessDriver driver, AgentStart start, Manner manner, string file)
        {
            (_driver, _start, _manner, _file) = (driver, start, manner, file);
            Say(new AgentReady("conversation"));
        }

        public ProcessIdentity? Process => null;

        public ChannelReader<AgentEvent> Events => _events.Reader;

        private FileChange Change => new(Path.Combine(_start.WorkingDirectory, _file), "before\n", "after\n");

        public ValueTask PromptAsync(AgentPrompt prompt, CancellationToken cancellationToken)
        {
            Say(new AgentToolUse(Tool, "edit", ToolKind.Edit, _file, "{}") { Path = Change.Path, Change = Change });
            for (var i = 0; i < _driver.Announced; i++)
            {
                Say(new AgentToolUse($"other-{i}", "bash", ToolKind.Execute, $"npm run {i}", "{}"));
            }

            _ = AskAsync();
            return ValueTask.CompletedTask;
        }

        private async Task AskAsync()
        {
            if (_driver.Announced > 0)
            {
                await _driver.AskNow.Task;
            }

            Say(new AgentApprovalAsked("request-1", Tool, "edit", new AgentSubject.Edit(Change), "{}"));
        }

        public ValueTask InterruptAsync(CancellationToken cancellationToken)
        {
            Say(new AgentRequestWithdrawn("request-1"));
            Say(new AgentTurnEnded(TurnOutcome.Cancelled));
            return ValueTask.CompletedTask;
        }

        public async ValueTask<bool> AnswerAsync(string requestId, AgentAnswer answer, CancellationToken cancellationToken)
        {
            _driver.Answered.TrySetResult(answer);
            if (answer is AgentAnswer.Allow && _driver.Announced > 0)
            {
                _ = EndAsync();
                return true;
            }

            if (answer is AgentAnswer.Allow)
            {
                await File.WriteAllTextAsync(Change.Path, Change.After, cancellationToken);
                Say(new AgentToolResult(Tool, IsError: false, "ok"));
            }
            else if (_manner != Manner.Silent)
            {
                Say(_manner switch
                {
                    Manner.Honest => new AgentToolResult(Tool, IsError: true, ((AgentAnswer.Deny)answer).Message),
                    Manner.Done => new AgentToolResult(Tool, IsError: false, ""),
                    Manner.OwnWords => new AgentToolResult(Tool, IsError: true, "canceled by the user"),
                    _ => new AgentToolResult(Tool, IsError: false, "canceled by the user"),
                });
            }

            Say(new AgentTurnEnded(TurnOutcome.Completed));
            return true;
        }

        private async Task EndAsync()
        {
            await _driver.EndNow.Task;
            Say(new AgentToolResult(Tool, IsError: false, "ok"));
            Say(new AgentTurnEnded(TurnOutcome.Completed));
        }

        public ValueTask SetModeAsync(string mode, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask SetModelAsync(string? model, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public ValueTask DisposeAsync()
        {
            Say(new AgentEnded(0, "closed"));
            _events.Writer.TryComplete();
            return ValueTask.CompletedTask;
        }

        private void Say(AgentEvent said) => _events.Writer.TryWrite(said);
    }
}
