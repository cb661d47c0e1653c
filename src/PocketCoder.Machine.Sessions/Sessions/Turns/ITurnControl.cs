using PocketCoder.Agents;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Turns;

/// <summary>
/// The running turn, for the parts of a session that carry it on or end it. On the mailbox only, but for <see cref="StartNextSoon"/>.
/// </summary>
internal interface ITurnControl
{
    /// <summary>Starts what waits in the queue, after the current step.</summary>
    void StartNextSoon();

    /// <summary>Gives the running turn's prompt to the agent, which is started for it when it does not run.</summary>
    Task BeginAsync();

    /// <summary>Ends the running turn. While that can't be recorded the turn is not over, and it is tried again.</summary>
    /// <param name="queueGoesOn">Whatever the outcome: a person said so.</param>
    Task EndAsync(TurnState outcome, string? error, AgentUsage? usage = null, bool queueGoesOn = false);

    /// <summary>Stops a turn, and calls its end failed for this reason, whatever the agent says of it.</summary>
    Task FailAsync(Guid turn, string why);

    /// <summary>Tells the agent to stop working on this turn.</summary>
    Task InterruptAsync(Guid turn);
}
