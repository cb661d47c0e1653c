using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Claude;

/// <summary>
/// What Claude Code asks us: may this tool run (the hook, then the permission request), a question, a plan. Whatever is not understood is
/// refused. Not thread-safe.
/// </summary>
internal sealed class ClaudeRequests(string workingDirectory, ClaudeGate gate, ClaudeHostTools hostTools, ClaudeCalls calls)
{
    private readonly Dictionary<string, PendingRequest> _pending = new(StringComparer.Ordinal);

    /// <summary>Requests that were not understood.</summary>
    public int Skipped { get; private set; }

    /// <summary>The permission mode the program says it is in.</summary>
    public string? Mode { get; set; }

    /// <summary>While a turn is being interrupted nothing more is asked of a person.</summary>
    public bool Interrupting { get; set; }

    public bool Withdraw(string requestId) => _pending.Remove(requestId);

    /// <summary>Nobody needs to answer any more: gives the ids that were open.</summary>
    public IReadOnlyList<string> CloseAll()
    {
        List<string> open = [.. _pending.Keys];
        _pending.Clear();
        return open;
    }

    /// <summary>The line that answers a request, or null when nobody waits for it any more.</summary>
    /// <exception cref="ArgumentException">This kind of answer does not fit what was asked.</exception>
    public byte[]? Answer(string requestId, AgentAnswer answer)
    {
        if (!_pending.TryGetValue(requestId, out var request))
        {
            return null;
        }

        var line = (request.Kind, answer) switch
        {
            (RequestKind.HostCall, AgentAnswer.Deny deny) =>
                ClaudeMessages.ToolResult(requestId, request.RpcId!, deny.Message, isError: false),
            (_, AgentAnswer.Deny deny) => ClaudeMessages.Deny(requestId, deny.Message, deny.Interrupt),
            (RequestKind.HostCall, AgentAnswer.HostResult result) =>
                ClaudeMessages.ToolResult(requestId, request.RpcId!, result.Text, result.IsError),
            (RequestKind.Approval, AgentAnswer.Allow allow) => Allow(requestId, request, allow),
            (RequestKind.Question, AgentAnswer.Reply reply) => ClaudeMessages.Answers(requestId, request.InputJson, reply.Answers),
            (RequestKind.Plan, AgentAnswer.AcceptPlan accept) =>
                ClaudeMessages.Allow(requestId, request.InputJson, ClaudeModes.Checked(accept.Mode ?? ClaudeModes.Default)),
            _ => throw new ArgumentException($"{request.Kind} {requestId} can't be answered with {answer.GetType().Name}.", nameof(answer)),
        };
        if (answer is AgentAnswer.Deny { Interrupt: true })
        {
            Interrupting = true;
        }

        _pending.Remove(requestId);
        return line;
    }

    public void Take(JsonElement root, ClaudeOutput output)
    {
        if (root.Text("request_id") is not { } id)
        {
            Skipped++;
            return;
        }

        var request = root.Object("request");
        switch (request?.Text("subtype"))
        {
            case "hook_callback":
                output.Lines.Add(BeforeTool(id, request.Value));
                break;
            case "mcp_message" when request.Value.Text("server_name") == ClaudeHostTools.ServerName
                && request.Value.Object("message") is { } message:
                HostMessage(id, message, output);
                break;
            case "can_use_tool":
                MayUse(id, request.Value, output);
                break;
            default:
                Skipped++;
                output.Lines.Add(ClaudeMessages.Error(id, "not supported"));
                break;
        }
    }

    private void HostMessage(string requestId, JsonElement message, ClaudeOutput output)
    {
        var method = message.Text("method") ?? "";
        if (method != "tools/call")
        {
            output.Lines.Add(hostTools.Answer(requestId, method, message.Member("id")));
            if (method == "notifications/cancelled" && message.Object("params")?.Member("requestId")?.GetRawText() is { } cancelled
                && _pending.FirstOrDefault(p => p.Value.RpcId == cancelled) is { Key: { } withdrawn })
            {
                _pending.Remove(withdrawn);
                output.Events.Add(new AgentRequestWithdrawn(withdrawn));
            }

            return;
        }

        var call = message.Object("params");
        var id = message.Member("id")?.GetRawText();
        if (id is null || call?.Text("name") is not { } name || !hostTools.Has(name) || call.Value.Object("arguments") is not { } arguments
            || call.Value.Object("_meta")?.Text("claudecode/toolUseId") is not { } toolUseId)
        {
            output.Lines.Add(ClaudeMessages.ToolResult(requestId, id ?? "0", "This call was not understood.", isError: true));
        }
        else if (Interrupting || _pending.ContainsKey(requestId))
        {
            output.Lines.Add(ClaudeMessages.ToolResult(requestId, id, "The turn was interrupted.", isError: true));
        }
        else
        {
            _pending[requestId] = new PendingRequest(RequestKind.HostCall, toolUseId, arguments.GetRawText(), null) { RpcId = id };
            output.Events.Add(new AgentHostCall(requestId, toolUseId, name, arguments.GetRawText()));
        }
    }

    private byte[] BeforeTool(string requestId, JsonElement request)
    {
        if (request.Text("callback_id") != ClaudeMessages.BeforeToolHook
            || request.Object("input") is not { } hook
            || hook.Text("tool_name") is not { } tool
            || hook.Object("tool_input") is not { } input
            || (hook.Text("tool_use_id") ?? request.Text("tool_use_id")) is not { } toolUseId)
        {
            Skipped++;
            return ClaudeMessages.HookAnswer(requestId, "deny", "This call was not understood.");
        }

        var verdict = gate.Judge(tool, input, hook.Text("permission_mode") ?? Mode);
        var call = calls.Of(toolUseId, tool, input);
        var raw = input.GetRawText();
        if (call.Word is not null && (call.Name != tool || !LineJson.SameValue(call.InputJson, raw)))
        {
            return ClaudeMessages.HookAnswer(requestId, "deny", "This call differs from the one announced under its id.");
        }

        call.Name = tool;
        call.InputJson = raw;
        call.Word = verdict.Word;
        return ClaudeMessages.HookAnswer(
            requestId,
            verdict.Word switch { GateWord.Ask => "ask", GateWord.Deny => "deny", GateWord.Allow => "allow", _ => null },
            verdict.Reason);
    }

    private void MayUse(string requestId, JsonElement request, ClaudeOutput output)
    {
        if (request.Text("tool_name") is not { } tool || request.Object("input") is not { } input
            || request.Text("tool_use_id") is not { } toolUseId)
        {
            output.Lines.Add(ClaudeMessages.Deny(requestId, "This request was not understood."));
            return;
        }

        var raw = input.GetRawText();
        var refusal = Refusal(requestId, toolUseId, tool, raw);
        if (refusal is not null)
        {
            output.Lines.Add(ClaudeMessages.Deny(requestId, refusal, Interrupting));
            return;
        }

        var (kind, change, item) = tool switch
        {
            "AskUserQuestion" => (RequestKind.Question, null, Question(requestId, toolUseId, input)),
            "ExitPlanMode" => (RequestKind.Plan, null, new AgentPlanProposed(requestId, toolUseId, input.Text("plan") ?? raw)),
            _ => Approval(requestId, toolUseId, tool, input, request),
        };
        if (item is null)
        {
            output.Lines.Add(ClaudeMessages.Deny(requestId, "The question was not understood: give each question a text."));
            return;
        }

        var copy = input.Clone();
        _pending[requestId] = new PendingRequest(kind, toolUseId, raw, change)
        {
            // A link may be turned while the person thinks.
            IsStillTrue = item is AgentApprovalAsked { Reads: { } real }
                ? () => gate.Reads(tool, copy) is { Place: not ReadPlace.Closed } now && now.Real == real : null,
        };
        output.Events.Add(item);
    }

    private string? Refusal(string requestId, string toolUseId, string tool, string raw)
    {
        if (Interrupting)
        {
            return "The turn was interrupted.";
        }

        if (_pending.ContainsKey(requestId))
        {
            return "This request id is already in use.";
        }

        if (calls.Find(toolUseId) is not { Word: { } word } call)
        {
            return "This call did not pass the hook before.";
        }

        if (word == GateWord.Deny)
        {
            return "This call is refused.";
        }

        return call.Name != tool || (call.InputJson != raw && !LineJson.SameValue(call.InputJson, raw))
            ? "This call differs from the one the hook saw."
            : null;
    }

    private (RequestKind Kind, ClaudeFileChange? Change, AgentEvent? Event) Approval(
        string requestId, string toolUseId, string tool, JsonElement input, JsonElement request)
    {
        var change = gate.Change(tool, input);
        AgentSubject subject = tool == "Bash" && input.Text("command") is { } command
            ? new AgentSubject.Command(command, workingDirectory)
            : change is not null ? new AgentSubject.Edit(change.Change) : new AgentSubject.Tool(tool);
        var reason = ClaudeTool.Kind(tool) == ToolKind.Edit ? null : request.Text("description");
        return (RequestKind.Approval, change, new AgentApprovalAsked(requestId, toolUseId, tool, subject, input.GetRawText())
        {
            Reason = reason,
            Reads = ClaudeTool.IsReading(tool) ? gate.Reads(tool, input)?.Real : null,
            ReadsTree = ClaudeTool.IsSearch(tool),
        });
    }

    private static AgentQuestionAsked? Question(string requestId, string toolUseId, JsonElement input)
    {
        var questions = new List<AgentQuestion>();
        foreach (var question in input.Items("questions"))
        {
            if (question.Text("question") is not { Length: > 0 } text)
            {
                return null;
            }

            var options = question.Items("options").Where(o => o.Text("label") is not null)
                .Select(o => new AgentOption(o.Text("label")!, o.Text("description")));
            questions.Add(new AgentQuestion(text, question.Text("header"), [.. options], question.IsTrue("multiSelect")));
        }

        return questions.Count == 0 ? null : new AgentQuestionAsked(requestId, toolUseId, questions);
    }

    private byte[] Allow(string requestId, PendingRequest request, AgentAnswer.Allow allow)
    {
        // Approved = executed: byte for byte what was asked, on the file that was shown.
        if (allow.InputJson != request.InputJson)
        {
            return ClaudeMessages.Deny(requestId, "Refused: what was approved is not what was asked.");
        }

        if (request.Change is { } change && !change.IsStillTrue())
        {
            return ClaudeMessages.Deny(requestId, "Refused: the file changed after it was shown for approval. Read it again.");
        }

        if (request.IsStillTrue?.Invoke() == false)
        {
            return ClaudeMessages.Deny(requestId, "Refused: the path leads elsewhere now than when it was approved.");
        }

        if (calls.Find(request.ToolUseId) is { } call)
        {
            call.Allowed = true;
        }

        return ClaudeMessages.Allow(requestId, request.InputJson);
    }

    private enum RequestKind
    {
        Approval,
        Question,
        Plan,
        HostCall,
    }

    private sealed record PendingRequest(RequestKind Kind, string ToolUseId, string InputJson, ClaudeFileChange? Change)
    {
        /// <summary>For a reading: whether it would read what was shown.</summary>
        public Func<bool>? IsStillTrue { get; init; }

        /// <summary>For a call of our tool: the id of the JSON-RPC request, as raw JSON.</summary>
        public string? RpcId { get; init; }
    }
}
