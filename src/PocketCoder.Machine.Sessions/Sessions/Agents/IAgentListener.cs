using PocketCoder.Agents;

namespace PocketCoder.Machine.Sessions.Agents;

/// <summary>Whoever deals with what an agent's process says. On the mailbox only.</summary>
internal interface IAgentListener
{
    /// <summary>Deals with what the agent said.</summary>
    /// <exception cref="PocketCoder.Ledger.LedgerException">It can't be recorded just now: it is said again later.</exception>
    Task HearAsync(AgentEvent said);

    /// <summary>Deals with something that was heard and held back; whatever fails, a request of the agent's is answered.</summary>
    Task TakeUpAsync(AgentEvent said);

    /// <summary>Something that the agent said could not be dealt with: a request is answered with that, the rest is logged.</summary>
    Task CouldNotHearAsync(AgentEvent said, Exception error);

    /// <summary>The process runs and takes a prompt.</summary>
    Task StartedAsync();

    /// <summary>The process is gone.</summary>
    Task EndedAsync(AgentEnded ended);
}
