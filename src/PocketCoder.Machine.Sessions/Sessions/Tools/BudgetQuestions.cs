using System.Globalization;
using PocketCoder.Agents;
using PocketCoder.Broker.Models;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Tools;

/// <summary>Questions to the person when a budget for models is spent. Holds nothing.</summary>
internal sealed class BudgetQuestions(SessionContext session, ToolGate gate)
{
    /// <summary>The broker waits for the answer.</summary>
    private sealed record Request(ToolGate Gate, string RequestId) : MachineRequest(RequestId)
    {
        public TaskCompletionSource<bool> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override Task SettledAsync(ApprovalInfo approval, DecisionRequest? decision)
        {
            Answer.TrySetResult(ContinueQuestion.IsYes(approval, decision));
            return Gate.ShowAsync(TurnState.Running);
        }

        public override Task FailedAsync(string why)
        {
            Answer.TrySetResult(false);
            return Task.CompletedTask;
        }

        public override void Drop() => Answer.TrySetResult(false);
    }

    /// <summary>
    /// Asks the person whether the agent may go on beyond a budget. False also when nobody answers in time, and when the turn ends
    /// meanwhile.
    /// </summary>
    public async Task<bool> AskAsync(BudgetSpent spent, CancellationToken ct)
    {
        var question = new Request(gate, $"budget-{Guid.CreateVersion7():N}");
        var id = question.RequestId;
        await session.Mailbox.AskAsync(async () =>
        {
            if (session.Turn is null || session.Cancelling)
            {
                question.Answer.TrySetResult(false);
                return true;
            }

            var asked = new AgentQuestionAsked(
                id, id, [new AgentQuestion(Words(spent), "Budget", [new AgentOption(ContinueQuestion.Continue, After(spent)),
                new AgentOption("Stop", "The agent is told that the budget is spent")], MultiSelect: false)]);
            try
            {
                await gate.AskAsync(question, (turn, _) => EventTranslator.Question(asked, session.Record, turn) with { ToolUseId = null });
            }
            catch (Exception e)
            {
                await gate.FailAsync(question, null, e);
            }

            return true;
        });
        using var gone = ct.Register(() => session.Mailbox.Later(() => gate.WithdrawAsync(id)));
        return await question.Answer.Task.WaitAsync(ct);
    }

    private static string Words(BudgetSpent spent)
    {
        var of = spent.Budget.Scope switch { BudgetScope.Session => "this session", BudgetScope.Project => "this project", _ => "today" };
        return spent.UnpricedModel is { } model
            ? $"There is a budget of {spent.Budget.Words} for {of}, and the price of the model {model} is unknown. Allow it?"
            : spent.Needs is { } needs
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"One request may need {needs.Tokens} tokens (${needs.Dollars:0.00}) with the longest answer that it allows. Of the budget of {spent.Budget.Words} for {of}, {spent.Spent.Tokens} tokens (${spent.Spent.Dollars:0.00}) are used. Let it go out?")
            : string.Create(CultureInfo.InvariantCulture,
                $"The budget of {spent.Budget.Words} for {of} is spent: ${spent.Spent.Dollars:0.00}, {spent.Spent.Tokens} tokens. Continue?");
    }

    private static string After(BudgetSpent spent)
        => spent.UnpricedModel is not null ? "This model, in this session" : "As much again, for this session";
}
