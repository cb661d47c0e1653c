using System.Text.Json;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Shared.Acting;
using PocketCoder.Agents.Shared.Mcp;

namespace PocketCoder.Agents.OpenCode;

/// <summary>
/// Events of <c>opencode serve</c> in, our events and requests out: no process, so that captures can be replayed. Unknown events are
/// skipped. Not thread-safe: the process's lock guards it.
/// </summary>
/// <remarks>Events as observed with OpenCode 1.18.33.</remarks>
internal sealed class OpenCodeTranslator
{
    /// <summary>OpenCode tries again for ever; a person who looks at the phone later should find a reason, not a spinner.</summary>
    public static readonly TimeSpan RetryLimit = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How long something may be asked or called before its input is known. Looked at with the server's heartbeat, every ten seconds.
    /// </summary>
    private static readonly TimeSpan s_inputLimit = TimeSpan.FromSeconds(5);

    /// <summary>Answers of a model without anything in them, one after the other: OpenCode would ask again at once, for ever.</summary>
    private const int MostEmptyAnswers = 20;

    private readonly string _workingDirectory;
    private readonly ReadRules _reads;
    private readonly TimeProvider _time;
    private readonly OpenCodeRequests _requests;
    private readonly Action _dropCalls;
    private readonly Func<string, AgentAnswer, bool> _answerCall;
    private readonly OpenCodeUsage _usage = new();
    private readonly Dictionary<string, bool> _answers = new(StringComparer.Ordinal); // assistant messages of the turn → over
    private readonly Dictionary<string, OpenCodeBlock> _blocks = new(StringComparer.Ordinal); // begun, not finished
    private readonly Dictionary<string, OpenCodeToolUse> _uses = new(StringComparer.Ordinal);
    private readonly List<(string Id, string CallId, string Permission, JsonElement Metadata, long Since)> _early = []; // before its input
    private readonly List<(McpCall Call, long Since)> _unmatched = []; // called before the tool was announced
    private string? _earlierTurn;
    private string? _turnMessage;
    private bool _seen; // OpenCode took the turn's prompt: what says that it is idle is about this turn
    private bool _idle;
    private string? _lastError;
    private bool _aborted;
    private string? _stalled;
    private long? _retryingSince;
    private int _emptyAnswers;
    private long _context;

    /// <param name="dropCalls">Ends the calls of our tools that wait.</param>
    public OpenCodeTranslator(string workingDirectory, ReadRules reads, bool gated, TimeProvider time,
        Func<string, AgentAnswer, bool> answerCall, Action dropCalls)
    {
        (_workingDirectory, _reads, _time, _answerCall, _dropCalls) = (workingDirectory, reads, time, answerCall, dropCalls);
        _requests = new OpenCodeRequests(workingDirectory, reads, gated, answerCall);
    }

    public string SessionId { get; set; } = "";

    public bool TurnRuns { get; private set; }

    public bool Interrupting { get; private set; }

    /// <summary>Edits are refused without asking.</summary>
    public bool Planning { get; set; }

    /// <summary>Tokens that the model takes; null: nobody told.</summary>
    public long? Window { get; set; }

    /// <summary>Events that were not understood: newer kinds, or broken ones.</summary>
    public int Skipped { get; private set; }

    /// <param name="message">The id that the prompt gets.</param>
    public void BeginTurn(string message)
    {
        (_earlierTurn, _turnMessage) = (_turnMessage, message);
        TurnRuns = true;
        Interrupting = _seen = _idle = _aborted = false;
        _lastError = _stalled = null;
        _retryingSince = null;
        _emptyAnswers = 0;
        _answers.Clear();
        _usage.BeginTurn();
    }

    /// <summary>The answer to the prompt.</summary>
    public OpenCodeOutput Prompted(OpenCodeReply reply)
    {
        var output = new OpenCodeOutput();
        if (!reply.IsOk && TurnRuns)
        {
            _lastError = BoundedText.OneLine(reply.Words);
            End(output);
        }

        return output;
    }

    /// <summary>Stop. What is still asked is withdrawn when the turn's end comes; our own calls are void at once.</summary>
    public OpenCodeCall Interrupt()
    {
        Interrupting = true;
        _dropCalls();
        return Abort();
    }

    /// <inheritdoc cref="OpenCodeRequests.Answer"/>
    public OpenCodeOutput? Answer(
        string requestId, AgentAnswer answer, Func<string, ShellCommand, OpenCodeToolUse, CancellationToken, Task> run)
    {
        if (_requests.Answer(requestId, answer, run) is not { } output)
        {
            return null;
        }

        if (answer is AgentAnswer.Deny { Interrupt: true } && TurnRuns)
        {
            output.Calls.Add(Interrupt());
        }

        return output;
    }

    /// <summary>A call of one of our tools. False: nothing may begin for it.</summary>
    public bool Called(McpCall call, OpenCodeOutput output)
    {
        if (!TurnRuns || Interrupting || !call.IsPending)
        {
            return false;
        }

        _unmatched.Add((call, _time.GetTimestamp()));
        Match(output);
        return true;
    }

    /// <summary>The agent no longer waits for a call of ours.</summary>
    public bool Withdrawn(McpCall call)
    {
        _unmatched.RemoveAll(u => u.Call == call);
        return _requests.Withdraw(call.RequestId);
    }

    public OpenCodeOutput Take(JsonElement message)
    {
        var output = new OpenCodeOutput();
        var type = message.Text("type") ?? "";
        var properties = message.Object("properties") ?? default;
        if (type == "server.heartbeat")
        {
            Tick(output);
            return output;
        }

        var session = properties.Text("sessionID") ?? properties.Object("info")?.Text("sessionID")
            ?? properties.Object("part")?.Text("sessionID");
        if (session != SessionId)
        {
            Foreign(type, properties, session, output);
            return output;
        }

        if (!TurnRuns)
        {
            if (type is "permission.asked" && properties.Text("id") is { } late)
            {
                _requests.Reject(late, "The turn is over.", output);
            }

            return output; // the echo of a turn that is over
        }

        Taken(type, properties, output);
        return output;
    }

    public OpenCodeOutput NotUnderstood(ReadOnlySpan<byte> data)
    {
        Skipped++;
        var output = new OpenCodeOutput();
        if (data.IndexOf("\"permission.asked\""u8) >= 0)
        {
            output.Violation = "OpenCode asked for something that can't be read. The session was ended.";
        }

        return output;
    }

    /// <summary>Everything open is over.</summary>
    public IReadOnlyList<AgentEvent> CloseOpen()
    {
        var output = new OpenCodeOutput();
        _dropCalls();
        CloseOpen(output);
        TurnRuns = false;
        return output.Events;
    }

    private void Taken(string type, JsonElement properties, OpenCodeOutput output)
    {
        switch (type)
        {
            case "message.updated" when properties.Object("info") is { } info && info.Text("id") is { } id:
                Message(id, info, output);
                break;
            case "message.part.updated" when properties.Object("part") is { } part:
                Part(part, output);
                break;
            case "message.part.delta" when properties.Text("partID") is { } id && _blocks.TryGetValue(id, out var block)
                && properties.Text("field") == "text" && properties.Text("delta") is { Length: > 0 } text:
                Progress();
                block.Shown = true;
                output.Events.Add(new AgentDelta(id, block.Kind, text));
                break;
            case "message.part.removed" when properties.Text("partID") is { } id:
                Drop(id, output);
                break;
            case "permission.asked" when properties.Text("id") is { } id:
                Asked(id, properties, output);
                break;
            case "question.asked" when properties.Text("id") is { } id:
                _requests.Question(id, properties, output);
                break;
            case "permission.replied" or "question.replied" or "question.rejected" when properties.Text("requestID") is { } id:
                if (_requests.Withdraw(id))
                {
                    output.Events.Add(new AgentRequestWithdrawn(id));
                }

                break;
            case "todo.updated":
                output.Events.Add(new AgentTodos([.. properties.Items("todos").Where(t => t.Text("status") != "cancelled").Select(OpenCodeTool.Todo)]));
                break;
            case "session.status" when properties.Object("status") is { } status:
                Status(status, output);
                break;
            case "session.idle":
                Idle(output);
                break;
            case "session.error" when properties.Object("error") is { } error:
                Failed(error);
                break;
            default:
                Skipped++;
                break;
        }
    }

    /// <summary>There is one session in this process. Another one would be the work of a sub-agent, which is switched off.</summary>
    private void Foreign(string type, JsonElement properties, string? session, OpenCodeOutput output)
    {
        if (type == "permission.asked" && properties.Text("id") is { } id)
        {
            _requests.Reject(id, "That is switched off here.", output);
        }
        else if (type == "message.part.updated" && session is not null && properties.Object("part") is { } part
            && part.Text("type") == "tool"
            && part.Object("state")?.Text("status") == "completed" && part.Text("tool") is { } tool && !OpenCodeTool.IsFree(tool))
        {
            output.Violation = "A sub-agent of OpenCode acted although they are switched off. The session was ended.";
        }
        else if (type == "session.error" && session is null && TurnRuns && properties.Object("error") is { } error)
        {
            Failed(error);
        }
        else
        {
            Skipped++;
        }
    }

    private void Message(string id, JsonElement info, OpenCodeOutput output)
    {
        if (info.Text("role") == "user")
        {
            _seen |= id == _turnMessage;
            return;
        }

        if (!_seen || info.Text("role") != "assistant" || (_earlierTurn is not null && info.Text("parentID") == _earlierTurn))
        {
            return; // the last words of the turn before
        }

        if (!_answers.ContainsKey(id))
        {
            _lastError = null; // it goes on
            _idle = false;
            output.Events.Add(new AgentActivity(info.IsTrue("summary") ? ActivityKind.Compacting : ActivityKind.Requesting));
            if (++_emptyAnswers > MostEmptyAnswers && _stalled is null)
            {
                _stalled = "The model answers nothing, again and again. Choose another model, or send the prompt again.";
                output.Calls.Add(Abort());
            }
        }

        if (info.Object("error") is { } error)
        {
            Failed(error);
        }

        _answers[id] = info.Object("time")?.Member("completed") is not null;
        if (_usage.Take(id, info) is > 0 and var used && used != _context)
        {
            _context = used;
            output.Events.Add(new AgentContext(used, Window));
        }

        if (_idle)
        {
            Idle(output);
        }
    }

    private void Part(JsonElement part, OpenCodeOutput output)
    {
        if (part.Text("messageID") is not { } message || !_answers.ContainsKey(message) || part.Text("id") is not { } id)
        {
            return; // of the person's own message, or of another turn
        }

        switch (part.Text("type"))
        {
            case "text" when !part.IsTrue("synthetic") && !part.IsTrue("ignored"):
                Text(id, BlockKind.Text, part, output);
                break;
            case "reasoning":
                Text(id, BlockKind.Thinking, part, output);
                break;
            case "tool" when part.Text("callID") is { } call && part.Text("tool") is { } tool && part.Object("state") is { } state:
                Progress();
                Tool(call, tool, state, output);
                break;
            case "compaction":
                output.Events.Add(new AgentActivity(ActivityKind.Compacting));
                break;
        }
    }

    private void Text(string id, BlockKind kind, JsonElement part, OpenCodeOutput output)
    {
        var text = part.Text("text") ?? "";
        if (part.Object("time")?.Member("end") is null)
        {
            _blocks.TryAdd(id, new OpenCodeBlock(kind));
            return;
        }

        if (text.Length > 0)
        {
            Progress();
            _blocks.Remove(id);
            output.Events.Add(new AgentBlock(id, kind, text));
        }
        else
        {
            Drop(id, output);
        }
    }

    private void Tool(string callId, string tool, JsonElement state, OpenCodeOutput output)
    {
        var use = _uses.TryGetValue(callId, out var known) ? known : _uses[callId] = new OpenCodeToolUse(callId, tool);
        var status = state.Text("status");
        if (status == "pending" || use.IsOver)
        {
            return;
        }

        if (use.InputJson is null)
        {
            Announce(use, state.Object("input") ?? default, output);
        }

        // A call of a tool that is not offered is shown as one that runs, until it ends as a call of "invalid".
        if (status == "completed" && !OpenCodeTool.IsFree(tool) && !use.IsApproved)
        {
            output.Violation = $"OpenCode ran {tool} although nobody allowed it. The session was ended.";
        }

        if (status is "completed" or "error")
        {
            Over(use, isError: status == "error" || tool == "invalid", state, output);
        }
    }

    private void Announce(OpenCodeToolUse use, JsonElement input, OpenCodeOutput output)
    {
        use.InputJson = input.ValueKind == JsonValueKind.Object ? input.GetRawText() : "{}";
        var path = OpenCodeTool.Path(use.Tool, input) is { } asked ? ConfinedPath.Resolve(_workingDirectory, asked) : null;
        output.Events.Add(new AgentToolUse(
            use.CallId, OpenCodeTool.Name(use.Tool), OpenCodeTool.Kind(use.Tool), OpenCodeTool.Title(use.Tool, input), use.InputJson)
        {
            Path = path,
            Change = use.Tool is "edit" or "write" ? OpenCodeEdit.Predict(use.Tool, input, _reads, out _)?.Change : null,
        });
        foreach (var (id, callId, permission, metadata, _) in _early.Where(e => e.CallId == use.CallId).ToList())
        {
            _early.RemoveAll(e => e.Id == id);
            _requests.Permission(id, permission, metadata, use, Planning, output);
        }

        Match(output);
    }

    private void Over(OpenCodeToolUse use, bool isError, JsonElement state, OpenCodeOutput output)
    {
        use.IsOver = true;
        var text = state.Text("error") ?? state.Text("output") ?? "";
        output.Events.Add(new AgentToolResult(use.CallId, isError || use.IsRefused, BoundedText.HeadAndTail(text, BoundedText.OutputLimit))
        {
            ExitCode = use.ExitCode,
            Interrupted = state.Object("metadata")?.IsTrue("interrupted") == true || (isError && Interrupting),
        });
    }

    private void Asked(string id, JsonElement request, OpenCodeOutput output)
    {
        Progress();
        if (Interrupting)
        {
            _requests.Reject(id, "The turn was stopped.", output);
        }
        else if (request.Object("tool")?.Text("callID") is not { } callId)
        {
            _requests.Reject(id, "That is switched off here.", output);
        }
        else if (_uses.TryGetValue(callId, out var use) && use.InputJson is not null)
        {
            _requests.Permission(id, request.Text("permission") ?? "", request.Object("metadata") ?? default, use, Planning, output);
        }
        else
        {
            _early.Add((id, callId, request.Text("permission") ?? "", request.Object("metadata")?.Clone() ?? default,
                _time.GetTimestamp()));
        }
    }

    /// <summary>
    /// Brings calls of our tools together with what OpenCode tells of them, by their input: it tells and calls on two ways.
    /// </summary>
    private void Match(OpenCodeOutput output)
    {
        foreach (var waiting in _unmatched.ToList())
        {
            if (OpenUses(waiting.Call).FirstOrDefault(u => LineJson.SameValue(u.InputJson!, waiting.Call.InputJson)) is { } use)
            {
                _unmatched.Remove(waiting);
                _requests.Called(waiting.Call, use, output);
            }
        }
    }

    private IEnumerable<OpenCodeToolUse> OpenUses(McpCall call)
        => _uses.Values.Where(u => OpenCodeTool.IsOurs(u.Tool) && OpenCodeTool.Name(u.Tool) == call.ToolName
            && u is { IsOver: false, HostCall: null, InputJson: not null });

    private void Status(JsonElement status, OpenCodeOutput output)
    {
        switch (status.Text("type"))
        {
            case "idle":
                Idle(output);
                break;
            case "retry" when _seen:
                Retrying(status, output);
                break;
        }
    }

    private void Retrying(JsonElement status, OpenCodeOutput output)
    {
        foreach (var id in _blocks.Keys.ToList())
        {
            Drop(id, output); // what was shown of a broken stream comes again, or not at all
        }

        var words = BoundedText.OneLine(status.Text("message") ?? "");
        var delay = status.Number("next") - _time.GetUtcNow().ToUnixTimeMilliseconds();
        output.Events.Add(new AgentActivity(ActivityKind.Retrying)
        {
            Attempt = (int)Math.Clamp(status.Number("attempt"), 0, int.MaxValue),
            Delay = delay > 0 ? TimeSpan.FromMilliseconds(Math.Min(delay, RetryLimit.TotalMilliseconds)) : null,
            Detail = words,
        });
        _retryingSince ??= _time.GetTimestamp();
        if (_stalled is null && (_time.GetElapsedTime(_retryingSince.Value) >= RetryLimit || delay >= RetryLimit.TotalMilliseconds))
        {
            _stalled = $"The model's provider gave no answer for {RetryLimit.TotalMinutes:0} minutes ({words}). Look at it and send the prompt again.";
            output.Calls.Add(Abort());
        }
    }

    private void Failed(JsonElement error)
    {
        if (error.Text("name") == OpenCodeFailure.Aborted)
        {
            _aborted = true;
        }
        else
        {
            _lastError = OpenCodeFailure.Words(error);
        }
    }

    private void Progress()
    {
        _retryingSince = null;
        _emptyAnswers = 0;
    }

    /// <summary>
    /// After a stop OpenCode says twice that it is idle, the first time before the message is over. So an open message counts, unless an
    /// error cut it; for the case that it never ends, the next heartbeat decides.
    /// </summary>
    private void Idle(OpenCodeOutput output)
    {
        if (!_seen && !_aborted)
        {
            return; // about the turn before
        }

        _idle = true;
        if (_lastError is not null || !_answers.ContainsValue(false))
        {
            End(output);
        }
    }

    private void Tick(OpenCodeOutput output)
    {
        if (TurnRuns && _idle)
        {
            End(output);
        }

        foreach (var (id, _, _, _, since) in _early.ToList())
        {
            if (_time.GetElapsedTime(since) >= s_inputLimit)
            {
                _early.RemoveAll(e => e.Id == id);
                _requests.Reject(id, "It is not known what that would do. Try again.", output);
            }
        }

        foreach (var (call, since) in _unmatched.ToList())
        {
            if (_time.GetElapsedTime(since) >= s_inputLimit)
            {
                _unmatched.RemoveAll(u => u.Call == call);
                if (OpenUses(call).FirstOrDefault() is { } use)
                {
                    _requests.Called(call, use, output); // it told another input than it gave: what counts is what it gave
                }
                else
                {
                    _answerCall(call.RequestId, new AgentAnswer.HostResult("It is not known what called that. Try again.", IsError: true));
                }
            }
        }
    }

    private void End(OpenCodeOutput output)
    {
        _dropCalls();
        CloseOpen(output);
        TurnRuns = false;
        var error = _stalled ?? _lastError;
        var outcome = Interrupting ? TurnOutcome.Cancelled : error is not null ? TurnOutcome.Failed : _aborted ? TurnOutcome.Cancelled
            : TurnOutcome.Completed;
        output.Events.Add(new AgentTurnEnded(outcome) { Error = outcome == TurnOutcome.Failed ? error : null, Usage = _usage.OfTurn });
    }

    private void CloseOpen(OpenCodeOutput output)
    {
        output.Events.AddRange(_requests.CloseAll().Select(id => new AgentRequestWithdrawn(id)));
        foreach (var id in _blocks.Keys.ToList())
        {
            Drop(id, output);
        }

        foreach (var use in _uses.Values.Where(u => u is { IsOver: false, InputJson: not null }))
        {
            output.Events.Add(new AgentToolResult(use.CallId, IsError: true, "") { Interrupted = true });
        }

        _uses.Clear();
        _early.Clear();
        _unmatched.Clear();
    }

    private void Drop(string id, OpenCodeOutput output)
    {
        if (_blocks.Remove(id, out var block) && block.Shown)
        {
            output.Events.Add(new AgentBlockDropped(id));
        }
    }

    private OpenCodeCall Abort() => OpenCodeCall.Post($"/session/{Uri.EscapeDataString(SessionId)}/abort");
}
