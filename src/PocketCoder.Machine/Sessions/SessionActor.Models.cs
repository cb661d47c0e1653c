using System.Globalization;
using PocketCoder.Agents;
using PocketCoder.Broker.Models;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>The part of the actor that has to do with the agent's models: a budget that is spent becomes a question to the person.</summary>
internal sealed partial class SessionActor
{
    private const string GoOn = "Go on";

    /// <summary>Whose credential the agent's models are asked with, since it was last started.</summary>
    private ModelAccess? _models;

    /// <summary>The broker waits for a person, not the agent.</summary>
    private sealed record BudgetQuestion(TaskCompletionSource<bool> Answer) : AgentEvent;

    /// <summary>Asks the person whether the agent may go on beyond a budget. False also when nobody answers in time, and when the turn ends meanwhile.</summary>
    public async Task<bool> AskBudgetAsync(BudgetSpent spent, CancellationToken ct)
    {
        var question = new BudgetQuestion(new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously));
        var id = $"budget-{Guid.CreateVersion7():N}";
        await AskAsync(async () =>
        {
            if (_turn is null || _cancelling)
            {
                question.Answer.TrySetResult(false);
                return true;
            }

            var asked = new AgentQuestionAsked(id, id, [new AgentQuestion(Words(spent), "Budget", [new AgentOption(GoOn, After(spent)), new AgentOption("Stop", "The agent is told that the budget is spent")], MultiSelect: false)]);
            await AskAsync(id, question, turn => EventTranslator.Question(asked, _record, turn) with { ToolUseId = null });
            return true;
        });
        using var gone = ct.Register(() => Later(() => WithdrawnAsync(new AgentRequestWithdrawn(id))));
        return await question.Answer.Task.WaitAsync(ct);
    }

    /// <summary>A question of ours was settled; true when it was one.</summary>
    private static bool IsSettled(Asked asked, ApprovalInfo approval, AgentPromptResponseRequest? decision)
    {
        if (asked.Request is not BudgetQuestion question)
        {
            return false;
        }

        question.Answer.TrySetResult(SaysGoOn(approval, decision));
        return true;
    }

    private static bool SaysGoOn(ApprovalInfo approval, AgentPromptResponseRequest? decision)
        => approval.Decision is { Verdict: DecisionVerdict.Allow } && Approvals.DecisionCheck.Answers(decision?.Answers).Values.All(a => a == GoOn);

    /// <summary>A mark in the transcript where the agent holds the person's own login; it stands there once for each change.</summary>
    private Task NoteAccessAsync(ModelAccess? access)
    {
        var changed = _models != access;
        _models = access;
        if (changed && access == ModelAccess.Direct && _record.Sandbox == SandboxKind.Bubblewrap && _driver.Models?.OnlyByItself is { } why)
        {
            return UnlessFullAsync(NoteAsync(
                NoticeLevel.Warning, $"{_driver.Description.Name} itself is not in a ring: {why}. Its commands are in the sandbox. For a ring of its own, set a key: pocketcoder secrets set {_driver.Models?.Provider}"));
        }

        return changed && access == ModelAccess.OwnLogin
            ? UnlessFullAsync(NoteAsync(NoticeLevel.Warning, $"Models: {_driver.Description.Name}'s own login, which it holds itself. To keep it outside, set a key: pocketcoder secrets set {_driver.Models?.Provider}"))
            : Task.CompletedTask;
    }

    private static string Words(BudgetSpent spent)
    {
        var of = spent.Budget.Scope switch { BudgetScope.Session => "this session", BudgetScope.Project => "this project", _ => "today" };
        return spent.UnpricedModel is { } model
            ? $"There is a budget of {spent.Budget.Words} for {of}, and the model {model} has no known price. Let it be used?"
            : string.Create(CultureInfo.InvariantCulture, $"The budget of {spent.Budget.Words} for {of} is spent: ${spent.Spent.Dollars:0.00}, {spent.Spent.Tokens} tokens. Go on?");
    }

    private static string After(BudgetSpent spent) => spent.UnpricedModel is not null ? "This model, in this session" : "As much again, for this session";
}
