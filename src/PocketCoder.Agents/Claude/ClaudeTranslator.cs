using System.Globalization;
using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Claude;

/// <summary>
/// Lines of <c>claude --output-format stream-json</c> in, events and answers out: no process, no clock, so that captures can be replayed.
/// Reads files only to show what an edit would change. Unknown lines are counted and skipped. Not thread-safe.
/// </summary>
/// <remarks>Protocol as observed with Claude Code 2.1.197.</remarks>
internal sealed class ClaudeTranslator(string workingDirectory, ClaudeGate gate)
{
    private const string UnreadableRequest = "Claude Code wrote a request that can't be read. The session was ended.";

    private readonly ClaudeBlocks blocks = new();
    private readonly ClaudeTodos todos = new();
    private readonly Dictionary<string, ToolCall> calls = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PendingRequest> pending = new(StringComparer.Ordinal);
    private AgentReady? ready;
    private IReadOnlyList<AgentCommand> commands = [];
    private string? mode;
    private decimal cost;
    private string? lastError;
    private bool turnRuns;
    private bool interrupting;

    /// <summary>Lines that were not understood: newer kinds, or broken ones.</summary>
    public int Skipped { get; private set; }

    public bool TurnRuns => turnRuns;

    /// <summary>The commands offered, known after <c>initialize</c>.</summary>
    public AgentReady Announce(string nativeId, string? startMode, IReadOnlyList<AgentCommand> offered)
    {
        commands = offered;
        mode = startMode;
        return ready = new AgentReady(nativeId) { Mode = startMode, Commands = offered };
    }

    public void BeginTurn()
    {
        turnRuns = true;
        interrupting = false;
        lastError = null;
    }

    public void BeginInterrupt() => interrupting = true;

    public ClaudeOutput Translate(ReadOnlyMemory<byte> line)
    {
        var output = new ClaudeOutput();
        using var document = ClaudeJson.TryParse(line);
        if (document is null || document.RootElement.ValueKind != JsonValueKind.Object)
        {
            Skipped++;
            if (line.Span.IndexOf("control_request"u8) >= 0)
            {
                // An unanswered hook would leave the call to the program's own rules in the end.
                output.Violation = UnreadableRequest;
            }

            return output;
        }

        try
        {
            Dispatch(document.RootElement, output);
            return output;
        }
        catch (InvalidOperationException)
        {
            // Text that is no text: a name or value with half a surrogate pair, which JSON can spell and a string can't hold.
            return NotUnderstood(document.RootElement);
        }
    }

    private void Dispatch(JsonElement root, ClaudeOutput output)
    {
        switch (root.Text("type"))
        {
            case "stream_event":
                Stream(root, output);
                break;
            case "assistant":
                Assistant(root, output);
                break;
            case "user":
                User(root, output);
                break;
            case "system":
                System(root, output);
                break;
            case "result":
                Result(root, output);
                break;
            case "control_request":
                Request(root, output);
                break;
            case "control_cancel_request":
                if (root.Text("request_id") is { } id && pending.Remove(id))
                {
                    output.Events.Add(new AgentRequestWithdrawn(id));
                }

                break;
            case "control_response":
                output.Reply = ClaudeReply.From(root);
                break;
            default:
                Skipped++;
                break;
        }
    }

    /// <summary>Skips the line, but never leaves a request without its no.</summary>
    private ClaudeOutput NotUnderstood(JsonElement root)
    {
        Skipped++;
        var output = new ClaudeOutput();
        try
        {
            if (root.Text("type") == "control_request" && root.Text("request_id") is { } id)
            {
                output.Lines.Add(root.Object("request")?.Text("subtype") == "hook_callback"
                    ? ClaudeMessages.HookAnswer(id, "deny", "This call was not understood.")
                    : ClaudeMessages.Deny(id, "This request was not understood."));
            }
        }
        catch (InvalidOperationException)
        {
            output.Violation = UnreadableRequest;
        }

        return output;
    }

    /// <summary>The line that answers a request, or null when nobody waits for it any more.</summary>
    /// <exception cref="ArgumentException">This kind of answer does not fit what was asked.</exception>
    public byte[]? Answer(string requestId, AgentAnswer answer)
    {
        if (!pending.TryGetValue(requestId, out var request))
        {
            return null;
        }

        var line = (request.Kind, answer) switch
        {
            (_, AgentAnswer.Deny deny) => ClaudeMessages.Deny(requestId, deny.Message, deny.Interrupt),
            (RequestKind.Approval, AgentAnswer.Allow allow) => Allow(requestId, request, allow),
            (RequestKind.Question, AgentAnswer.Reply reply) => ClaudeMessages.Answers(requestId, request.InputJson, reply.Answers),
            (RequestKind.Plan, AgentAnswer.AcceptPlan accept) => ClaudeMessages.Allow(requestId, request.InputJson, ClaudeModes.Checked(accept.Mode ?? ClaudeModes.Default)),
            _ => throw new ArgumentException($"{request.Kind} {requestId} can't be answered with {answer.GetType().Name}.", nameof(answer)),
        };
        if (answer is AgentAnswer.Deny { Interrupt: true })
        {
            interrupting = true;
        }

        pending.Remove(requestId);
        return line;
    }

    /// <summary>What is still open when the program ends: to be said before the end itself.</summary>
    public IReadOnlyList<AgentEvent> CloseOpen()
    {
        List<AgentEvent> events = [.. pending.Keys.Select(id => new AgentRequestWithdrawn(id)), .. blocks.End().Select(id => new AgentBlockDropped(id))];
        pending.Clear();
        calls.Clear();
        return events;
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

        if (calls.TryGetValue(request.ToolUseId, out var call))
        {
            call.Allowed = true;
        }

        return ClaudeMessages.Allow(requestId, request.InputJson);
    }

    private void Stream(JsonElement root, ClaudeOutput output)
    {
        if (root.Object("event") is not { } item)
        {
            Skipped++;
            return;
        }

        var parent = root.Text("parent_tool_use_id");
        var speaker = parent ?? "";
        var index = (int)item.Number("index");
        switch (item.Text("type"))
        {
            case "message_start" when item.Object("message")?.Text("id") is { } id:
                Drop(blocks.Begin(speaker, id), output);
                break;
            case "content_block_start":
                blocks.Open(speaker, index, item.Object("content_block")?.Text("type") switch
                {
                    "text" => BlockKind.Text,
                    "thinking" => BlockKind.Thinking,
                    _ => null,
                });
                break;
            case "content_block_delta" when item.Object("delta") is { } delta:
                var (kind, text) = delta.Text("type") switch
                {
                    "text_delta" => (BlockKind.Text, delta.Text("text")),
                    "thinking_delta" => (BlockKind.Thinking, delta.Text("thinking")),
                    _ => (BlockKind.Text, null), // tool input and signatures: come whole later
                };
                if (!string.IsNullOrEmpty(text) && blocks.Delta(speaker, index, kind) is { } block)
                {
                    output.Events.Add(new AgentDelta(block, kind, text, parent));
                }

                break;
        }
    }

    private void Assistant(JsonElement root, ClaudeOutput output)
    {
        if (root.Object("message") is not { } message || message.Text("id") is not { } messageId)
        {
            Skipped++;
            return;
        }

        var parent = root.Text("parent_tool_use_id");
        var synthetic = message.Text("model") == "<synthetic>";
        foreach (var block in message.Items("content"))
        {
            switch (block.Text("type"))
            {
                case "text" when block.Text("text") is { } text:
                    // The program's own words on a failed request come again with the result; "(no content)" is its filler.
                    var isError = synthetic && root.Text("error") is not null;
                    lastError = isError ? text : lastError;
                    Finish(BlockKind.Text, text, say: !isError && !(synthetic && text == "(no content)"));
                    break;
                case "thinking" when block.Text("thinking") is { } thinking:
                    Finish(BlockKind.Thinking, thinking, say: true);
                    break;
                case "tool_use" when block.Text("id") is { } id && block.Text("name") is { } name && block.Object("input") is { } input:
                    ToolUse(id, name, input, parent, output);
                    break;
            }
        }

        void Finish(BlockKind kind, string text, bool say)
        {
            var id = blocks.Finish(parent ?? "", messageId, kind, out var dropped);
            Drop(dropped, output);
            if (say && text.Length > 0)
            {
                output.Events.Add(new AgentBlock(id, kind, text, parent));
            }
        }
    }

    private void ToolUse(string id, string name, JsonElement input, string? parent, ClaudeOutput output)
    {
        var call = Call(id, name, input);
        call.Parent = parent;
        if (call.Announced)
        {
            return;
        }

        call.Announced = true;
        output.Events.Add(new AgentToolUse(id, name, ClaudeTool.Kind(name), ClaudeTool.Title(name, input), input.GetRawText())
        {
            Path = ClaudeTool.RawPath(name, input) is { } path && !path.StartsWith('~') ? ConfinedPath.Resolve(workingDirectory, path) : null,
            Change = ClaudeFileChange.Predict(name, input, workingDirectory)?.Change,
            ParentToolUseId = parent,
        });
    }

    private void User(JsonElement root, ClaudeOutput output)
    {
        if (root.IsTrue("isReplay") || root.Object("message") is not { } message)
        {
            return;
        }

        foreach (var block in message.Items("content"))
        {
            if (block.Text("type") == "tool_result" && block.Text("tool_use_id") is { } id)
            {
                ToolResult(id, block, root, output);
            }
        }
    }

    private void ToolResult(string id, JsonElement block, JsonElement root, ClaudeOutput output)
    {
        var isError = block.IsTrue("is_error");
        var text = OutputText(block);
        var structured = root.Object("tool_use_result");
        calls.Remove(id, out var call);
        output.Events.Add(new AgentToolResult(id, isError, BoundedText.HeadAndTail(text, BoundedText.OutputLimit))
        {
            ExitCode = call?.Name == "Bash" ? ExitCode(text, isError, structured) : null,
            Interrupted = structured?.IsTrue("interrupted") == true || (interrupting && isError),
            ParentToolUseId = root.Text("parent_tool_use_id") ?? call?.Parent,
        });

        if (isError || call is null)
        {
            return;
        }

        using var input = JsonDocument.Parse(call.InputJson);
        if (!call.Allowed && (call.Word ?? gate.Judge(call.Name, input.RootElement, mode).Word) != GateWord.Pass)
        {
            // Should be impossible. If it happens the gate does not hold, and nothing more may run through it.
            output.Violation = $"Claude Code ran {call.Name} without the decision it needs. The session was ended.";
        }
        else if (call.Parent is null && todos.After(call.Name, input.RootElement, structured) is { } list)
        {
            output.Events.Add(list);
        }
    }

    private static string OutputText(JsonElement block)
    {
        if (block.Text("content") is { } text)
        {
            return text;
        }

        return string.Join('\n', block.Items("content").Select(part => part.Text("type") switch
        {
            "text" => part.Text("text") ?? "",
            { } type => $"[{type}]",
            null => "",
        }));
    }

    /// <summary>
    /// A failed command's text begins with "Exit code N"; a successful one has only its structured output. For some programs (grep, diff) the
    /// program takes 1 for success and says so by an interpretation: then the code is not known.
    /// </summary>
    private static int? ExitCode(string text, bool isError, JsonElement? structured)
    {
        const string prefix = "Exit code ";
        if (isError && text.StartsWith(prefix, StringComparison.Ordinal))
        {
            var digits = text.AsSpan(prefix.Length);
            var end = digits.IndexOfAnyExceptInRange('0', '9');
            return int.TryParse(end < 0 ? digits : digits[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var code) ? code : null;
        }

        return !isError && structured?.Member("stdout") is not null && !structured.Value.IsTrue("interrupted") && structured.Value.Text("returnCodeInterpretation") is null ? 0 : null;
    }

    private void System(JsonElement root, ClaudeOutput output)
    {
        switch (root.Text("subtype"))
        {
            case "init":
                Init(root, output);
                break;
            case "status":
                Status(root, output);
                break;
            case "api_retry":
                var delay = root.Amount("retry_delay_ms");
                output.Events.Add(new AgentActivity(ActivityKind.Retrying)
                {
                    Attempt = (int)root.Number("attempt"),
                    MaxAttempts = (int)root.Number("max_retries"),
                    Delay = delay is >= 0 and < int.MaxValue ? TimeSpan.FromMilliseconds((double)delay) : null,
                    Detail = string.Join(' ', new[] { root.Text("error"), root.Member("error_status")?.ToString() }.Where(s => !string.IsNullOrEmpty(s))),
                });
                break;
            default:
                Skipped++;
                break;
        }
    }

    private void Init(JsonElement root, ClaudeOutput output)
    {
        var tools = root.Items("tools").Select(t => t.AsText() ?? "").ToList();
        var now = new AgentReady(root.Text("session_id") ?? ready?.NativeId ?? "")
        {
            Model = root.Text("model"),
            Mode = root.Text("permissionMode"),
            Version = root.Text("claude_code_version"),
            Tools = tools,
            Commands = commands,
        };

        // The flags of this very process decide what is offered. If they did not hold, neither does the gate.
        if (tools.Find(t => !ClaudeTool.IsOffered(t)) is { } foreign)
        {
            output.Violation = $"Claude Code offers the tool {foreign} although it is switched off. The session was ended.";
        }
        else if (root.Items("mcp_servers").Any())
        {
            output.Violation = "Claude Code connected an MCP server that was not allowed. The session was ended.";
        }

        CheckMode(now.Mode, output);
        mode = now.Mode ?? mode;
        if (ready is null || ready.NativeId != now.NativeId || ready.Model != now.Model || ready.Mode != now.Mode || ready.Version != now.Version
            || !ready.Tools.SequenceEqual(now.Tools, StringComparer.Ordinal))
        {
            ready = now;
            output.Events.Add(now);
        }
    }

    private void Status(JsonElement root, ClaudeOutput output)
    {
        if (root.Text("permissionMode") is { } changed)
        {
            CheckMode(changed, output);
            mode = changed;
            if (ready is not null)
            {
                ready = ready with { Mode = changed };
            }

            output.Events.Add(new AgentModeChanged(changed));
        }

        switch (root.Text("status"))
        {
            case "requesting":
                output.Events.Add(new AgentActivity(ActivityKind.Requesting));
                break;
            case "compacting":
                output.Events.Add(new AgentActivity(ActivityKind.Compacting));
                break;
        }
    }

    private static void CheckMode(string? mode, ClaudeOutput output)
    {
        if (mode is not null && !ClaudeModes.Known.Contains(mode, StringComparer.Ordinal))
        {
            output.Violation = $"Claude Code went into the mode {mode}, which asks nobody. The session was ended.";
        }
    }

    private void Result(JsonElement root, ClaudeOutput output)
    {
        if (!turnRuns)
        {
            lastError = ErrorText(root);
            return; // a resume that failed says so by a result without a turn
        }

        foreach (var id in pending.Keys)
        {
            output.Events.Add(new AgentRequestWithdrawn(id));
        }

        pending.Clear();
        Drop(blocks.End(), output);

        // "success" with is_error is how a failed request ends (captured: api-error-401), so the subtype tells nothing.
        var failed = root.IsTrue("is_error");
        var aborted = root.Text("terminal_reason")?.StartsWith("aborted", StringComparison.Ordinal) == true;
        var outcome = !failed ? TurnOutcome.Completed : aborted || interrupting ? TurnOutcome.Cancelled : TurnOutcome.Failed;
        output.Events.Add(new AgentTurnEnded(outcome)
        {
            Error = outcome == TurnOutcome.Failed ? ErrorText(root) : null,
            Usage = Usage(root),
        });
        turnRuns = false;
        interrupting = false;
        calls.Clear();
    }

    private string ErrorText(JsonElement root)
    {
        var errors = string.Join('\n', root.Items("errors").Select(e => e.AsText()).Where(e => e is not null && !e.StartsWith("[ede_diagnostic]", StringComparison.Ordinal)));
        return new[] { root.Text("result"), errors, lastError, root.Text("terminal_reason"), root.Text("subtype") }.FirstOrDefault(t => !string.IsNullOrWhiteSpace(t))
            ?? "Claude Code failed and gave no reason.";
    }

    private AgentUsage? Usage(JsonElement root)
    {
        // The cost counts on over the process, the tokens are this turn's.
        var total = root.Amount("total_cost_usd");
        var turn = total is null ? null : total >= cost ? total - cost : total;
        cost = total ?? cost;
        return root.Object("usage") is { } usage
            ? new AgentUsage(
                usage.Number("input_tokens"), usage.Number("output_tokens"), usage.Number("cache_read_input_tokens"), usage.Number("cache_creation_input_tokens"), turn)
            : null;
    }

    private void Request(JsonElement root, ClaudeOutput output)
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
            case "can_use_tool":
                MayUse(id, request.Value, output);
                break;
            default:
                Skipped++;
                output.Lines.Add(ClaudeMessages.Error(id, "not supported"));
                break;
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

        var verdict = gate.Judge(tool, input, hook.Text("permission_mode") ?? mode);
        var call = Call(toolUseId, tool, input);
        var raw = input.GetRawText();
        if (call.Word is not null && (call.Name != tool || !ClaudeJson.SameValue(call.InputJson, raw)))
        {
            return ClaudeMessages.HookAnswer(requestId, "deny", "This call differs from the one announced under its id.");
        }

        call.Name = tool;
        call.InputJson = raw;
        call.Word = verdict.Word;
        return ClaudeMessages.HookAnswer(
            requestId,
            verdict.Word switch { GateWord.Ask => "ask", GateWord.Deny => "deny", _ => null },
            verdict.Reason);
    }

    private void MayUse(string requestId, JsonElement request, ClaudeOutput output)
    {
        if (request.Text("tool_name") is not { } tool || request.Object("input") is not { } input || request.Text("tool_use_id") is not { } toolUseId)
        {
            output.Lines.Add(ClaudeMessages.Deny(requestId, "This request was not understood."));
            return;
        }

        var raw = input.GetRawText();
        var refusal = Refusal(requestId, toolUseId, tool, raw);
        if (refusal is not null)
        {
            output.Lines.Add(ClaudeMessages.Deny(requestId, refusal, interrupting));
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

        pending[requestId] = new PendingRequest(kind, toolUseId, raw, change);
        output.Events.Add(item);
    }

    private string? Refusal(string requestId, string toolUseId, string tool, string raw)
    {
        if (interrupting)
        {
            return "The turn was interrupted.";
        }

        if (pending.ContainsKey(requestId))
        {
            return "This request id is already in use.";
        }

        if (!calls.TryGetValue(toolUseId, out var call) || call.Word is not { } word)
        {
            return "This call did not pass the hook before.";
        }

        if (word == GateWord.Deny)
        {
            return "This call is refused.";
        }

        return call.Name != tool || (call.InputJson != raw && !ClaudeJson.SameValue(call.InputJson, raw))
            ? "This call differs from the one the hook saw."
            : null;
    }

    private (RequestKind Kind, ClaudeFileChange? Change, AgentEvent? Event) Approval(string requestId, string toolUseId, string tool, JsonElement input, JsonElement request)
    {
        var change = ClaudeFileChange.Predict(tool, input, workingDirectory);
        AgentSubject subject = tool == "Bash" && input.Text("command") is { } command
            ? new AgentSubject.Command(command, workingDirectory)
            : change is not null ? new AgentSubject.Edit(change.Change) : new AgentSubject.Tool(tool);
        var reason = ClaudeTool.Kind(tool) == ToolKind.Edit ? null : request.Text("description");
        return (RequestKind.Approval, change, new AgentApprovalAsked(requestId, toolUseId, tool, subject, input.GetRawText()) { Reason = reason });
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

            var options = question.Items("options").Where(o => o.Text("label") is not null).Select(o => new AgentOption(o.Text("label")!, o.Text("description")));
            questions.Add(new AgentQuestion(text, question.Text("header"), [.. options], question.IsTrue("multiSelect")));
        }

        return questions.Count == 0 ? null : new AgentQuestionAsked(requestId, toolUseId, questions);
    }

    private ToolCall Call(string id, string name, JsonElement input)
    {
        if (!calls.TryGetValue(id, out var call))
        {
            calls[id] = call = new ToolCall(name, input.GetRawText());
        }

        return call;
    }

    private static void Drop(IEnumerable<string> ids, ClaudeOutput output) => output.Events.AddRange(ids.Select(id => new AgentBlockDropped(id)));

    private enum RequestKind
    {
        Approval,
        Question,
        Plan,
    }

    private sealed record PendingRequest(RequestKind Kind, string ToolUseId, string InputJson, ClaudeFileChange? Change);

    /// <summary>A tool call of the running turn, from its announcement or its hook (whichever came first) to its result.</summary>
    private sealed class ToolCall(string name, string inputJson)
    {
        public string Name { get; set; } = name;

        /// <summary>As the hook saw it; until then as it was announced (the program reorders and completes members in between).</summary>
        public string InputJson { get; set; } = inputJson;

        public string? Parent { get; set; }

        public bool Announced { get; set; }

        /// <summary>What the hook was told.</summary>
        public GateWord? Word { get; set; }

        public bool Allowed { get; set; }
    }
}
