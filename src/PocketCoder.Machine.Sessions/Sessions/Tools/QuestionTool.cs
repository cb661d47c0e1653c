using PocketCoder.Agents;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Executions.Tools;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Tools;

/// <summary>Questions and plans of the agent, which a person answers. Nothing begins by an answer. Holds nothing.</summary>
internal sealed class QuestionTool(SessionContext session, ToolGate gate)
{
    private sealed record Question(AgentQuestionAsked Asked) : AgentRequest(Asked.RequestId, Asked.ToolUseId)
    {
        public override Task<AgentAnswer?> BeginAsync(ApprovalInfo approval, DecisionRequest? decision)
            => Task.FromResult<AgentAnswer?>(new AgentAnswer.Reply(DecisionCheck.Answers(decision?.Answers)));
    }

    private sealed record Plan(AgentPlanProposed Proposed) : AgentRequest(Proposed.RequestId, Proposed.ToolUseId)
    {
        public override Task<AgentAnswer?> BeginAsync(ApprovalInfo approval, DecisionRequest? decision)
            => Task.FromResult<AgentAnswer?>(new AgentAnswer.AcceptPlan(string.IsNullOrEmpty(decision?.Answers) ? null : decision.Answers));
    }

    private sealed record QuestionCall(AgentHostCall Call) : AgentRequest(Call.RequestId, Call.ToolUseId)
    {
        public override bool IsOurTool => true;

        public override Task<AgentAnswer?> BeginAsync(ApprovalInfo approval, DecisionRequest? decision)
            => Task.FromResult<AgentAnswer?>(
                new AgentAnswer.HostResult(string.Join('\n', DecisionCheck.Answers(decision?.Answers).Values), IsError: false));
    }

    public Task AskAsync(AgentQuestionAsked asked)
        => gate.AskAsync(new Question(asked), (turn, _) => EventTranslator.Question(asked, session.Record, turn));

    public Task AskAsync(AgentPlanProposed plan)
        => gate.AskAsync(new Plan(plan), (turn, _) => EventTranslator.Plan(plan, session.Record, turn));

    /// <summary>A call of our own tool for questions: its result is the answer.</summary>
    public async Task CallAsync(AgentHostCall call)
    {
        if (AskTool.Parse(call.InputJson, out var refusal) is not { } ask)
        {
            await gate.RefuseCallAsync(call, refusal);
            return;
        }

        var asked = new AgentQuestionAsked(call.RequestId, call.ToolUseId,
            [new AgentQuestion(ask.Question, null, [.. ask.Options.Select(o => new AgentOption(o, null))], ask.MultiSelect)]);
        await gate.AskAsync(new QuestionCall(call), (turn, _) => EventTranslator.Question(asked, session.Record, turn));
    }
}
