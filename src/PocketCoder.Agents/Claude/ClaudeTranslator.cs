using System.Globalization;
using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Claude;

/// <summary>
/// Lines of <c>claude --output-format stream-json</c> in, events and answers out: no process, no clock, so that captures can be replayed.
/// Reads files only to show what an edit would change. Unknown lines are counted and skipped. Not thread-safe.
/// </summary>
/// <remarks>Protocol as observed with Claude Code 2.1.197.</remarks>
internal sealed class ClaudeTranslator
{
    private const string UnreadableRequest = "Claude Code wrote a request that can't be read. The session was ended.";

    private readonly ClaudeBlocks _blocks = new();
    private readonly ClaudeTodos _todos = new();
    private readonly ClaudeCalls _calls = new();
    private readonly ClaudeRequests _requests;
    private readonly string _workingDirectory;
    private readonly ClaudeGate _gate;
    private readonly ClaudeHostTools _hostTools;
    private AgentReady? _ready;
    private readonly ClaudeContext _context = new();
    private ClaudeOffers _offers = ClaudeOffers.None;
    private decimal _cost;
    private string? _lastError;
    private string? _lastMessage; // the program's id of its last one in the conversation itself
    private bool _turnRuns;
    private int _skipped;

    public ClaudeTranslator(string workingDirectory, ClaudeGate gate, ClaudeHostTools hostTools)
    {
        _hostTools = hostTools;
        _workingDirectory = workingDirectory;
        _gate = gate;
        _requests = new ClaudeRequests(workingDirectory, gate, hostTools, _calls);
    }

    /// <summary>Lines that were not understood: newer kinds, or broken ones.</summary>
    public int Skipped => _skipped + _requests.Skipped;

    /// <summary>Its id of the conversation, as told last; null: nothing yet.</summary>
    public string? NativeId => _ready?.NativeId;

    public bool TurnRuns => _turnRuns;

    /// <summary>What is offered is known after <c>initialize</c>.</summary>
    public AgentReady Announce(string nativeId, string? startMode, ClaudeReply answer)
    {
        _offers = answer.Offers;
        _requests.Mode = startMode;
        return _ready = new AgentReady(nativeId) { Mode = startMode, Commands = _offers.Commands, Models = _offers.Models };
    }

    public void BeginTurn()
    {
        _turnRuns = true;
        _requests.Interrupting = false;
        _lastError = null;
    }

    public void BeginInterrupt() => _requests.Interrupting = true;

    public ClaudeOutput Translate(ReadOnlyMemory<byte> line)
    {
        var output = new ClaudeOutput();
        using var document = LineJson.TryParse(line);
        if (document is null || document.RootElement.ValueKind != JsonValueKind.Object)
        {
            _skipped++;
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
                _requests.Take(root, output);
                break;
            case "control_cancel_request":
                if (root.Text("request_id") is { } id && _requests.Withdraw(id))
                {
                    output.Events.Add(new AgentRequestWithdrawn(id));
                }

                break;
            case "control_response":
                output.Reply = ClaudeReply.From(root);
                break;
            default:
                _skipped++;
                break;
        }
    }

    /// <summary>Skips the line, but never leaves a request without its no.</summary>
    private ClaudeOutput NotUnderstood(JsonElement root)
    {
        _skipped++;
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

    /// <inheritdoc cref="ClaudeRequests.Answer"/>
    public byte[]? Answer(string requestId, AgentAnswer answer) => _requests.Answer(requestId, answer);

    /// <summary>What is still open when the program ends: to be said before the end itself.</summary>
    public IReadOnlyList<AgentEvent> CloseOpen()
    {
        List<AgentEvent> events =
            [.. _requests.CloseAll().Select(id => new AgentRequestWithdrawn(id)), .. _blocks.End().Select(id => new AgentBlockDropped(id))];
        _calls.Clear();
        return events;
    }

    private void Stream(JsonElement root, ClaudeOutput output)
    {
        if (root.Object("event") is not { } item)
        {
            _skipped++;
            return;
        }

        var parent = root.Text("parent_tool_use_id");
        var speaker = parent ?? "";
        var index = (int)item.Number("index");
        switch (item.Text("type"))
        {
            case "message_start" when item.Object("message")?.Text("id") is { } id:
                Drop(_blocks.Begin(speaker, id), output);
                break;
            case "content_block_start":
                _blocks.Open(speaker, index, item.Object("content_block")?.Text("type") switch
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
                if (!string.IsNullOrEmpty(text) && _blocks.Delta(speaker, index, kind) is { } block)
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
            _skipped++;
            return;
        }

        var parent = root.Text("parent_tool_use_id");
        if (parent is null && _context.Said(message) is { } fuller)
        {
            output.Events.Add(fuller);
        }

        _lastMessage = parent is null && Guid.TryParse(root.Text("uuid"), out var uuid) ? uuid.ToString("D") : _lastMessage;
        var synthetic = message.Text("model") == "<synthetic>";
        foreach (var block in message.Items("content"))
        {
            switch (block.Text("type"))
            {
                case "text" when block.Text("text") is { } text:
                    // The program's own words on a failed request come again with the result; "(no content)" is its filler.
                    var isError = synthetic && root.Text("error") is not null;
                    _lastError = isError ? text : _lastError;
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
            var id = _blocks.Finish(parent ?? "", messageId, kind, out var dropped);
            Drop(dropped, output);
            if (say && text.Length > 0)
            {
                output.Events.Add(new AgentBlock(id, kind, text, parent));
            }
        }
    }

    private void ToolUse(string id, string name, JsonElement input, string? parent, ClaudeOutput output)
    {
        var call = _calls.Of(id, name, input);
        call.Parent = parent;
        if (call.Announced)
        {
            return;
        }

        call.Announced = true;
        name = _hostTools.ShortName(name) ?? name;
        output.Events.Add(new AgentToolUse(id, name, ClaudeTool.Kind(name), ClaudeTool.Title(name, input), input.GetRawText())
        {
            Path = ClaudeTool.RawPath(name, input) is { } path
                && !path.StartsWith('~') ? ConfinedPath.Resolve(_workingDirectory, path) : null,
            Change = _gate.Change(name, input)?.Change,
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
        var text = ClaudeResult.Text(block);
        var structured = root.Object("tool_use_result");
        var call = _calls.End(id);
        output.Events.Add(new AgentToolResult(id, isError, BoundedText.HeadAndTail(text, BoundedText.OutputLimit))
        {
            ExitCode = call?.Name == "Bash" ? ClaudeResult.ExitCode(text, isError, structured) : null,
            Interrupted = structured?.IsTrue("interrupted") == true || (_requests.Interrupting && isError),
            ParentToolUseId = root.Text("parent_tool_use_id") ?? call?.Parent,
        });

        if (isError || call is null)
        {
            return;
        }

        using var input = JsonDocument.Parse(call.InputJson);
        if (!call.Allowed && (call.Word
            ?? _gate.Judge(call.Name, input.RootElement, _requests.Mode).Word) is not (GateWord.Pass or GateWord.Allow))
        {
            // Should be impossible. If it happens the gate does not hold, and nothing more may run through it.
            output.Violation = $"Claude Code ran {call.Name} without the decision it needs. The session was ended.";
        }
        else if (call.Parent is null && _todos.After(call.Name, input.RootElement, structured) is { } list)
        {
            output.Events.Add(list);
        }
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
                    Detail = string.Join(' ',
                        new[] { root.Text("error"), root.Member("error_status")?.ToString() }.Where(s => !string.IsNullOrEmpty(s))),
                });
                break;
            default:
                _skipped++;
                break;
        }
    }

    private void Init(JsonElement root, ClaudeOutput output)
    {
        var tools = root.Items("tools").Select(t => t.AsText() ?? "").ToList();
        var now = new AgentReady(root.Text("session_id") ?? _ready?.NativeId ?? "")
        {
            Model = root.Text("model"),
            Mode = root.Text("permissionMode"),
            Version = root.Text("claude_code_version"),
            Tools = tools,
            Commands = _offers.Commands,
            Models = _offers.Models,
        };

        // The flags of this very process decide what is offered. If they did not hold, neither does the gate.
        if (tools.Find(t => !ClaudeTool.IsOffered(t, _hostTools.IsGated)
            && (t == "Bash" || _hostTools.ShortName(t) is null)) is { } foreign)
        {
            output.Violation = $"Claude Code offers the tool {foreign} although it is switched off. The session was ended.";
        }
        else if (_hostTools.FullNames.Except(tools, StringComparer.Ordinal).FirstOrDefault() is { } missing)
        {
            output.Violation = $"Claude Code does not offer {missing}, which takes the place of its own shell. The session was ended.";
        }
        else if (root.Items("mcp_servers").Any(s => !_hostTools.IsGated || s.Text("name") != ClaudeHostTools.ServerName))
        {
            output.Violation = "Claude Code connected an MCP server that was not allowed. The session was ended.";
        }

        CheckMode(now.Mode, output);
        _requests.Mode = now.Mode ?? _requests.Mode;
        if (_ready is null || _ready.NativeId != now.NativeId || _ready.Model != now.Model || _ready.Mode != now.Mode
            || _ready.Version != now.Version
            || !_ready.Tools.SequenceEqual(now.Tools, StringComparer.Ordinal))
        {
            _ready = now;
            output.Events.Add(now);
        }
    }

    private void Status(JsonElement root, ClaudeOutput output)
    {
        if (root.Text("permissionMode") is { } changed)
        {
            CheckMode(changed, output);
            _requests.Mode = changed;
            if (_ready is not null)
            {
                _ready = _ready with { Mode = changed };
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
        if (!_turnRuns)
        {
            _lastError = ErrorText(root);
            return; // a resume that failed says so by a result without a turn
        }

        foreach (var id in _requests.CloseAll())
        {
            output.Events.Add(new AgentRequestWithdrawn(id));
        }

        Drop(_blocks.End(), output);
        if (_context.Ended(root, _ready?.Model) is { } full)
        {
            output.Events.Add(full);
        }

        // "success" with is_error is how a failed request ends (captured: api-error-401), so the subtype tells nothing.
        var failed = root.IsTrue("is_error");
        var aborted = root.Text("terminal_reason")?.StartsWith("aborted", StringComparison.Ordinal) == true;
        var outcome = !failed ? TurnOutcome.Completed : aborted || _requests.Interrupting ? TurnOutcome.Cancelled : TurnOutcome.Failed;
        output.Events.Add(new AgentTurnEnded(outcome)
        {
            Error = outcome == TurnOutcome.Failed ? ErrorText(root) : null,
            Usage = Usage(root),
            Mark = _lastMessage,
        });
        _turnRuns = false;
        _requests.Interrupting = false;
        _calls.Clear();
    }

    private string ErrorText(JsonElement root)
    {
        var errors = string.Join('\n', root.Items("errors").Select(e => e.AsText())
            .Where(e => e is not null && !e.StartsWith("[ede_diagnostic]", StringComparison.Ordinal)));
        return new[] { root.Text("result"), errors, _lastError, root.Text("terminal_reason"), root.Text("subtype") }.FirstOrDefault(
            t => !string.IsNullOrWhiteSpace(t))
            ?? "Claude Code failed and gave no reason.";
    }

    private AgentUsage? Usage(JsonElement root)
    {
        // The cost counts on over the process, the tokens are this turn's.
        var total = root.Amount("total_cost_usd");
        var turn = total is null ? null : total >= _cost ? total - _cost : total;
        _cost = total ?? _cost;
        return root.Object("usage") is { } usage
            ? new AgentUsage(
                usage.Number("input_tokens"), usage.Number("output_tokens"), usage.Number("cache_read_input_tokens"),
                usage.Number("cache_creation_input_tokens"), turn)
            : null;
    }

    private static void Drop(IEnumerable<string> ids, ClaudeOutput output)
        => output.Events.AddRange(ids.Select(id => new AgentBlockDropped(id)));
}
