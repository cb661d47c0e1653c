using PocketCoder.Agents;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Executions.Tools;
using PocketCoder.Machine.Sessions.Agents;

namespace PocketCoder.Machine.Sessions.Tools;

/// <summary>The tools of ours that a gated agent calls. Holds nothing.</summary>
internal sealed class HostCalls(
    SessionContext session, AgentHost host, ToolGate gate, CommandTool commands, JobTool jobs, FileTool files, QuestionTool questions)
{
    /// <summary>Gives a call to its tool.</summary>
    public Task CallAsync(AgentHostCall call)
    {
        session.Seam("call");
        if (session.Turn is null || session.Cancelling)
        {
            return host.TellAsync(call.RequestId, new AgentAnswer.Deny("The turn was stopped."));
        }

        if (!session.HostTools.Any(t => t.Name == call.ToolName))
        {
            return gate.RefuseCallAsync(call, "There is no such tool.");
        }

        return call.ToolName switch
        {
            BashTool.Name => commands.CallAsync(call),
            JobTools.Output => jobs.OutputAsync(call),
            JobTools.List => jobs.ListAsync(call),
            JobTools.Kill => jobs.KillAsync(call),
            JobTools.Input => jobs.InputAsync(call),
            SendFileTool.Name => files.CallAsync(call),
            AskTool.Name => questions.CallAsync(call),
            _ => gate.RefuseCallAsync(call, "There is no such tool."),
        };
    }
}
