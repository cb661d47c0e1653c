using System.Collections.Concurrent;
using PocketCoder.Agents;

namespace PocketCoder.Machine.Sessions.Tools;

/// <summary>
/// Ends that the mailbox has not come to yet: calls that the agent withdrew, an agent's turn or process that is over, a turn that somebody
/// wants stopped. They are known at once, so that nothing begins that nobody waits for. Thread-safe.
/// </summary>
internal sealed class CallEnds(SessionContext session)
{
    private readonly ConcurrentDictionary<string, bool> _withdrawn = new(StringComparer.Ordinal);

    /// <summary>The agent's process, by generation, whose turn or life is over.</summary>
    private volatile int _ended = -1;

    /// <summary>The turn that somebody wants stopped.</summary>
    private volatile string? _stopAsked;

    /// <summary>Whether somebody wants the running turn stopped.</summary>
    public bool StopIsAsked => _stopAsked is { } asked && session.Turn?.TurnId.ToString() == asked;

    /// <summary>Whether nobody waits for this call any more.</summary>
    /// <param name="generation">Of the process that made it.</param>
    public bool HasEnded(string requestId, int generation) => _withdrawn.ContainsKey(requestId) || _ended == generation || StopIsAsked;

    public void AskStop(Guid? turn) => _stopAsked = turn?.ToString();

    /// <summary>Called with what an agent says as it comes, before the mailbox.</summary>
    public void Note(AgentEvent said, int generation)
    {
        switch (said)
        {
            case AgentRequestWithdrawn withdrawn:
                _withdrawn[withdrawn.RequestId] = true;
                break;
            case AgentTurnEnded or AgentEnded:
                _ended = generation;
                break;
        }
    }

    /// <summary>The mailbox came to the end of the turn: what follows is another one.</summary>
    public void TurnOver()
    {
        _withdrawn.Clear();
        _ended = -1;
    }
}
