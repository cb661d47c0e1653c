using PocketCoder.Agents;

namespace PocketCoder.Machine.Executions.Tools;

/// <summary>The tools that a gated agent is offered. Drivers check that these, and no others, are what the model gets.</summary>
public static class HostToolSet
{
    public static IReadOnlyList<HostTool> For(AgentDescription agent)
        => [BashTool.Offer, .. JobTools.Offers, SendFileTool.Offer, .. agent.Questions ? Array.Empty<HostTool>() : [AskTool.Offer]];
}
