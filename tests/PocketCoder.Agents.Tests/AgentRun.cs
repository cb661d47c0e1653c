using PocketCoder.Agents;
using PocketCoder.Testing;

namespace PocketCoder.Agents.Tests;

/// <summary>A running agent under test: keeps all it said and waits for what is expected next.</summary>
internal sealed class AgentRun : IAsyncDisposable
{
    private readonly List<AgentEvent> _events = []; // guarded by itself
    private readonly Task _reading;
    private int _seen;

    public AgentRun(IAgentProcess process)
    {
        Process = process;
        _reading = ReadAsync();
    }

    public IAgentProcess Process { get; }

    public IReadOnlyList<AgentEvent> All
    {
        get
        {
            lock (_events)
            {
                return [.. _events];
            }
        }
    }

    public IReadOnlyList<T> Of<T>() => [.. All.OfType<T>()];

    /// <summary>The whole text of the finished blocks so far.</summary>
    public string Text => string.Concat(Of<AgentBlock>().Where(b => b.Kind == BlockKind.Text).Select(b => b.Text));

    /// <summary>What is done the instant a turn ended. A failure of it fails the run.</summary>
    public Func<Task>? AtTurnEnd { get; set; }

    /// <summary>The text of the finished blocks before the end of so many turns.</summary>
    public string TextUntil(int turns)
    {
        var ended = 0;
        return string.Concat(All.TakeWhile(e => e is not AgentTurnEnded || ++ended < turns).OfType<AgentBlock>()
            .Where(b => b.Kind == BlockKind.Text).Select(b => b.Text));
    }

    /// <summary>The next event of the type that was not returned or passed over before.</summary>
    public async Task<T> NextAsync<T>(Func<T, bool>? match = null)
        where T : AgentEvent
    {
        T? found = null;
        try
        {
            await Wait.UntilAsync(
                () =>
                {
                    lock (_events)
                    {
                        for (; _seen < _events.Count && found is null; _seen++)
                        {
                            found = _events[_seen] is T item && (match is null || match(item)) ? item : null;
                        }
                    }

                    return found is not null || _reading.IsCompleted;
                },
                typeof(T).Name);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}; so far:\n{string.Join('\n', All)}", e);
        }

        return found ?? throw new InvalidOperationException($"no {typeof(T).Name} came; all that came:\n{string.Join('\n', All)}");
    }

    public async Task PromptAsync(string text)
        => await Process.PromptAsync(new AgentPrompt(Guid.CreateVersion7(), text), CancellationToken.None);

    /// <summary>Whether the turn that runs heard it.</summary>
    public async Task<bool> SteerAsync(string text)
        => await Process.SteerAsync(new AgentPrompt(Guid.CreateVersion7(), text), CancellationToken.None);

    public async Task<bool> AnswerAsync(string requestId, AgentAnswer answer)
        => await Process.AnswerAsync(requestId, answer, CancellationToken.None);

    /// <summary>Allows exactly what is asked next.</summary>
    public async Task<AgentApprovalAsked> AllowNextAsync()
    {
        var asked = await NextAsync<AgentApprovalAsked>();
        Assert.True(await AnswerAsync(asked.RequestId, new AgentAnswer.Allow(asked.InputJson)));
        return asked;
    }

    public async Task<AgentTurnEnded> TurnAsync(string text)
    {
        await PromptAsync(text);
        return await NextAsync<AgentTurnEnded>();
    }

    /// <summary>Ends the agent and returns its last word, which must be an <see cref="AgentEnded"/>.</summary>
    public async Task<AgentEnded> EndAsync()
    {
        await Process.DisposeAsync();
        await _reading.WaitAsync(Wait.Limit);
        return Assert.IsType<AgentEnded>(All[^1]);
    }

    public async ValueTask DisposeAsync() => await EndAsync();

    private async Task ReadAsync()
    {
        await foreach (var item in Process.Events.ReadAllAsync())
        {
            lock (_events)
            {
                _events.Add(item);
            }

            if (item is AgentTurnEnded && AtTurnEnd is { } next)
            {
                await next();
            }
        }
    }
}
