using PocketCoder.Agents;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Tools;

/// <summary>Something that waits for a person's decision, or for an answer of ours.</summary>
/// <param name="RequestId">The agent's name for it, or ours.</param>
/// <param name="ToolUseId">The call that it belongs to, when there is one.</param>
internal record PendingRequest(string RequestId, string? ToolUseId)
{
    /// <summary>The request that an agent makes by saying this; null: it asks for nothing.</summary>
    public static PendingRequest? Of(AgentEvent said) => said switch
    {
        AgentApprovalAsked asked => new PendingRequest(asked.RequestId, asked.ToolUseId),
        AgentHostCall call => Of(call),
        AgentQuestionAsked question => new PendingRequest(question.RequestId, question.ToolUseId),
        AgentPlanProposed plan => new PendingRequest(plan.RequestId, plan.ToolUseId),
        _ => null,
    };

    public static PendingRequest Of(AgentHostCall call) => new(call.RequestId, call.ToolUseId);
}

/// <summary>A request of the agent's: it waits for the answer, and what is allowed begins on the way to it.</summary>
internal abstract record AgentRequest(string RequestId, string? ToolUseId) : PendingRequest(RequestId, ToolUseId)
{
    /// <summary>Whether it is a call of a tool of ours, whose result is the only answer that the agent knows.</summary>
    public virtual bool IsOurTool => false;

    /// <summary>
    /// It was allowed: the last look, the row that it begins, the beginning. Null: it runs, and its result is the answer and comes later.
    /// </summary>
    public abstract Task<AgentAnswer?> BeginAsync(ApprovalInfo approval, DecisionRequest? decision);
}

/// <summary>A request of the machine's: no agent waits for it.</summary>
internal abstract record MachineRequest(string RequestId) : PendingRequest(RequestId, null)
{
    /// <summary>Whether a decision counts although no turn runs.</summary>
    public virtual bool OutlivesTurn => false;

    /// <summary>A person or the clock decided.</summary>
    public abstract Task SettledAsync(ApprovalInfo approval, DecisionRequest? decision);

    /// <summary>It can't be carried through.</summary>
    public abstract Task FailedAsync(string why);

    /// <summary>Its turn is over: whoever waits for it is refused.</summary>
    public virtual void Drop()
    {
    }
}
