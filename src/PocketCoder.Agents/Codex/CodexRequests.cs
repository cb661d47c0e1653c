using System.Text.Json;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Shared.Rpc;

namespace PocketCoder.Agents.Codex;

/// <summary>What an answer leads to.</summary>
/// <param name="PlanWords">It answered a plan: what Codex is told next.</param>
internal sealed record CodexAnswered(RpcOutput Output, string? PlanWords = null);

/// <summary>What Codex asks us: calls of our tools, questions, plans. Not thread-safe, except for the end of an act.</summary>
internal sealed class CodexRequests(Func<byte[], CancellationToken, Task> write)
{
    private readonly Dictionary<string, Pending> _pending = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Running> _answered = new(StringComparer.Ordinal); // by call id, until Codex says that it ended

    private enum Kind
    {
        Approval,
        HostCall,
        Question,
        Plan,
    }

    /// <summary>A plan waits for a person; nothing runs in Codex meanwhile.</summary>
    public bool PlanWaits => _pending.Values.Any(p => p.Kind == Kind.Plan);

    public void Call(string rawId, string turn, string callId, CodexCall call, bool isHosts, RpcOutput output)
    {
        var id = $"{turn}/{rawId}";
        if (call.Todos is { } todos)
        {
            output.Events.Add(new AgentTodos(todos));
        }

        if (call.Done is { } done)
        {
            _answered[callId] = new Running();
            output.Lines.Add(CodexMessages.ToolResult(rawId, done.Text, done.Success));
        }
        else if (isHosts)
        {
            _pending[id] = new Pending(Kind.HostCall, rawId, callId, call, []);
            output.Events.Add(new AgentHostCall(id, callId, call.Tool, call.InputJson));
        }
        else
        {
            _pending[id] = new Pending(Kind.Approval, rawId, callId, call, []);
            output.Events.Add(new AgentApprovalAsked(id, callId, call.Tool, call.Subject!, call.InputJson)
            { Reason = call.Reason, Reads = call.Reads });
        }
    }

    public void Question(string rawId, string turn, JsonElement parameters, RpcOutput output)
    {
        var questions = new List<AgentQuestion>();
        var ids = new List<string>();
        foreach (var question in parameters.Items("questions"))
        {
            if (question.Text("question") is { Length: > 0 } text && question.Text("id") is { } questionId)
            {
                ids.Add(questionId);
                questions.Add(new AgentQuestion(
                    text, question.Text("header"), [.. question.Items("options").Where(o => o.Text("label") is not null)
                        .Select(o => new AgentOption(o.Text("label")!, o.Text("description")))], MultiSelect: false));
            }
        }

        if (questions.Count == 0)
        {
            output.Lines.Add(RpcMessages.Error(
                rawId, RpcMessages.InvalidParams, "The question was not understood: give each question a text."));
            return;
        }

        var id = $"{turn}/{rawId}";
        var tool = parameters.Text("itemId") ?? id;
        _pending[id] = new Pending(Kind.Question, rawId, tool, null, [.. ids.Zip(questions, (a, q) => (a, q.Text))]);
        output.Events.Add(new AgentQuestionAsked(id, tool, questions));
    }

    public string Plan(string turn, string text)
    {
        var id = $"{turn}/plan";
        _pending[id] = new Pending(Kind.Plan, "", text, null, []);
        return id;
    }

    /// <summary>What follows from an answer, or null when nobody waits for it any more.</summary>
    /// <exception cref="ArgumentException">This kind of answer does not fit what was asked.</exception>
    public CodexAnswered? Answer(string requestId, AgentAnswer answer)
    {
        if (!_pending.TryGetValue(requestId, out var request))
        {
            return null;
        }

        var output = new RpcOutput();
        string? planWords = null;
        switch (request.Kind, answer)
        {
            case (Kind.Approval or Kind.HostCall, AgentAnswer.Deny deny):
                Reply(request, deny.Message, success: false, output);
                break;
            case (Kind.HostCall, AgentAnswer.HostResult result):
                Reply(request, result.Text, !result.IsError, output);
                break;
            case (Kind.Approval, AgentAnswer.Allow allow) when allow.InputJson != request.Call!.InputJson:
                Reply(request, "Refused: what was approved is not what was asked.", success: false, output);
                break;
            case (Kind.Approval, AgentAnswer.Allow):
                var running = _answered[request.CallId] = new Running();
                output.Acts.Add(ct => ActAsync(request, running, ct));
                break;
            case (Kind.Question, AgentAnswer.Reply reply):
                output.Lines.Add(CodexMessages.Answers(
                    request.RawId, request.Questions.Select(q => (q.Id, reply.Answers.GetValueOrDefault(q.Text) ?? ""))));
                break;
            case (Kind.Question, AgentAnswer.Deny deny):
                output.Lines.Add(CodexMessages.Answers(
                    request.RawId, request.Questions.Select(q => (q.Id, $"The person did not choose: {deny.Message}"))));
                break;
            case (Kind.Plan, AgentAnswer.AcceptPlan):
                planWords = "The person accepted the plan. Carry it out.";
                break;
            case (Kind.Plan, AgentAnswer.Deny deny):
                planWords = deny.Message;
                break;
            default:
                throw new ArgumentException($"{request.Kind} {requestId} can't be answered with {answer.GetType().Name}.", nameof(answer));
        }

        _pending.Remove(requestId);
        return new CodexAnswered(output, planWords);
    }

    /// <summary>Codex says that it no longer waits for this id: after an answer, and after an interrupt.</summary>
    public IReadOnlyList<string> Resolved(string rawId)
    {
        List<string> open = [.. _pending.Where(p => p.Value.RawId == rawId).Select(p => p.Key)];
        open.ForEach(id => _pending.Remove(id));
        return open;
    }

    /// <summary>A call of a tool of ours is over for Codex.</summary>
    public (string? Withdrawn, int? ExitCode, bool Answered) CallEnded(string callId)
    {
        var open = _pending.FirstOrDefault(p => p.Value.Call is not null && p.Value.CallId == callId).Key;
        if (open is not null)
        {
            _pending.Remove(open);
        }

        if (!_answered.Remove(callId, out var running))
        {
            return (open, null, false);
        }

        running.IsOver = true;
        return (open, running.ExitCode, true);
    }

    /// <summary>Nobody needs to answer any more: gives the ids that were open.</summary>
    public IReadOnlyList<string> CloseAll()
    {
        List<string> open = [.. _pending.Keys];
        _pending.Clear();
        foreach (var running in _answered.Values)
        {
            running.IsOver = true;
        }

        _answered.Clear();
        return open;
    }

    private void Reply(Pending request, string text, bool success, RpcOutput output)
    {
        _answered[request.CallId] = new Running();
        output.Lines.Add(CodexMessages.ToolResult(request.RawId, text, success));
    }

    private async Task ActAsync(Pending request, Running running, CancellationToken cancellationToken)
    {
        // Stopped, or given up by Codex, between the answer and now: nothing begins.
        cancellationToken.ThrowIfCancellationRequested();
        if (running.IsOver)
        {
            return;
        }

        var done = await request.Call!.Act!(cancellationToken);
        running.ExitCode = done.ExitCode; // read when Codex says the call ended, which is after it read the line below
        await write(CodexMessages.ToolResult(request.RawId, done.Text, done.Success), cancellationToken);
    }

    private sealed class Running
    {
        private volatile bool _isOver;

        /// <summary>
        /// Codex no longer waits for it. Set by the reading loop before it stops what runs, read by what is about to run.
        /// </summary>
        public bool IsOver
        {
            get => _isOver;
            set => _isOver = value;
        }

        public int? ExitCode { get; set; }
    }

    private sealed record Pending(
        Kind Kind, string RawId, string CallId, CodexCall? Call, IReadOnlyList<(string Id, string Text)> Questions);
}
