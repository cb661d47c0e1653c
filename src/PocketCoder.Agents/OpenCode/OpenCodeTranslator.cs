using System.Text.Json;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Shared.Acting;
using PocketCoder.Agents.Shared.Mcp;

namespace PocketCoder.Agents.OpenCode;

/// <summary>
/// Events of <c>opencode serve</c> in, our events and requests out: no process, so that captures can be replayed. Unknown events are skipped. Not thread-safe: the process's
/// lock guards it.
/// </summary>
/// <remarks>Events as observed with OpenCode 1.18.33.</remarks>
internal sealed class OpenCodeTranslator
{
    /// <summary>OpenCode tries again for ever; a person who looks at the phone later should find a reason, not a spinner.</summary>
    public static readonly TimeSpan RetryLimit = TimeSpan.FromMinutes(5);

    /// <summary>How long something may be asked or called before its input is known. Looked at with the server's heartbeat, every ten seconds.</summary>
    private static readonly TimeSpan InputLimit = TimeSpan.FromSeconds(5);

    /// <summary>Answers of a model without anything in them, one after the other: OpenCode would ask again at once, for ever.</summary>
    private const int MostEmptyAnswers = 20;

    private readonly string workingDirectory;
    private readonly TimeProvider time;
    private readonly OpenCodeRequests requests;
    private readonly Action dropCalls;
    private readonly Func<string, AgentAnswer, bool> answerCall;
    private readonly OpenCodeUsage usage = new();
    private readonly Dictionary<string, bool> answers = new(StringComparer.Ordinal); // assistant messages of the turn → over
    private readonly Dictionary<string, Block> blocks = new(StringComparer.Ordinal); // begun, not finished
    private readonly Dictionary<string, OpenCodeToolUse> uses = new(StringComparer.Ordinal);
    private readonly List<(string Id, string CallId, string Permission, JsonElement Metadata, long Since)> early = []; // asked before the input was told
    private readonly List<(McpCall Call, long Since)> unmatched = []; // called before the tool was announced
    private string? earlierTurn;
    private string? turnMessage;
    private bool seen; // OpenCode took the turn's prompt: what says that it is idle is about this turn
    private bool idle;
    private string? lastError;
    private bool aborted;
    private string? stalled;
    private long? retryingSince;
    private int emptyAnswers;
    private long context;

    /// <param name="dropCalls">Ends the calls of our tools that wait.</param>
    public OpenCodeTranslator(string workingDirectory, bool gated, TimeProvider time, Func<string, AgentAnswer, bool> answerCall, Action dropCalls)
    {
        (this.workingDirectory, this.time, this.answerCall, this.dropCalls) = (workingDirectory, time, answerCall, dropCalls);
        requests = new OpenCodeRequests(workingDirectory, gated, answerCall);
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
        (earlierTurn, turnMessage) = (turnMessage, message);
        TurnRuns = true;
        Interrupting = seen = idle = aborted = false;
        lastError = stalled = null;
        retryingSince = null;
        emptyAnswers = 0;
        answers.Clear();
        usage.BeginTurn();
    }

    /// <summary>The answer to the prompt.</summary>
    public OpenCodeOutput Prompted(OpenCodeReply reply)
    {
        var output = new OpenCodeOutput();
        if (!reply.IsOk && TurnRuns)
        {
            lastError = BoundedText.OneLine(reply.Words);
            End(output);
        }

        return output;
    }

    /// <summary>Stop. What is still asked is withdrawn when the turn's end comes; our own calls are void at once.</summary>
    public OpenCodeCall Interrupt()
    {
        Interrupting = true;
        dropCalls();
        return Abort();
    }

    /// <inheritdoc cref="OpenCodeRequests.Answer"/>
    public OpenCodeOutput? Answer(string requestId, AgentAnswer answer, Func<string, ShellCommand, OpenCodeToolUse, CancellationToken, Task> run)
    {
        if (requests.Answer(requestId, answer, run) is not { } output)
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

        unmatched.Add((call, time.GetTimestamp()));
        Match(output);
        return true;
    }

    /// <summary>The agent no longer waits for a call of ours.</summary>
    public bool Withdrawn(McpCall call)
    {
        unmatched.RemoveAll(u => u.Call == call);
        return requests.Withdraw(call.RequestId);
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

        var session = properties.Text("sessionID") ?? properties.Object("info")?.Text("sessionID") ?? properties.Object("part")?.Text("sessionID");
        if (session != SessionId)
        {
            Foreign(type, properties, session, output);
            return output;
        }

        if (!TurnRuns)
        {
            if (type is "permission.asked" && properties.Text("id") is { } late)
            {
                requests.Reject(late, "The turn is over.", output);
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
        dropCalls();
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
            case "message.part.delta" when properties.Text("partID") is { } id && blocks.TryGetValue(id, out var block) && properties.Text("field") == "text" && properties.Text("delta") is { Length: > 0 } text:
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
                requests.Question(id, properties, output);
                break;
            case "permission.replied" or "question.replied" or "question.rejected" when properties.Text("requestID") is { } id:
                if (requests.Withdraw(id))
                {
                    output.Events.Add(new AgentRequestWithdrawn(id));
                }

                break;
            case "todo.updated":
                output.Events.Add(new AgentTodos([.. properties.Items("todos").Where(t => t.Text("status") != "cancelled").Select(Todo)]));
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

    private static AgentTodo Todo(JsonElement item) => new(item.Text("content") ?? "", item.Text("status") switch
    {
        "completed" => TodoState.Done,
        "in_progress" => TodoState.Active,
        _ => TodoState.Pending,
    });

    /// <summary>There is one session in this process. Another one would be the work of a sub-agent, which is switched off.</summary>
    private void Foreign(string type, JsonElement properties, string? session, OpenCodeOutput output)
    {
        if (type == "permission.asked" && properties.Text("id") is { } id)
        {
            requests.Reject(id, "That is switched off here.", output);
        }
        else if (type == "message.part.updated" && session is not null && properties.Object("part") is { } part && part.Text("type") == "tool"
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
            seen |= id == turnMessage;
            return;
        }

        if (!seen || info.Text("role") != "assistant" || (earlierTurn is not null && info.Text("parentID") == earlierTurn))
        {
            return; // the last words of the turn before
        }

        if (!answers.ContainsKey(id))
        {
            lastError = null; // it goes on
            idle = false;
            output.Events.Add(new AgentActivity(info.IsTrue("summary") ? ActivityKind.Compacting : ActivityKind.Requesting));
            if (++emptyAnswers > MostEmptyAnswers && stalled is null)
            {
                stalled = "The model answers nothing, again and again. Choose another model, or send the prompt again.";
                output.Calls.Add(Abort());
            }
        }

        if (info.Object("error") is { } error)
        {
            Failed(error);
        }

        answers[id] = info.Object("time")?.Member("completed") is not null;
        if (usage.Take(id, info) is > 0 and var used && used != context)
        {
            context = used;
            output.Events.Add(new AgentContext(used, Window));
        }

        if (idle)
        {
            Idle(output);
        }
    }

    private void Part(JsonElement part, OpenCodeOutput output)
    {
        if (part.Text("messageID") is not { } message || !answers.ContainsKey(message) || part.Text("id") is not { } id)
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
            blocks.TryAdd(id, new Block(kind));
            return;
        }

        if (text.Length > 0)
        {
            Progress();
            blocks.Remove(id);
            output.Events.Add(new AgentBlock(id, kind, text));
        }
        else
        {
            Drop(id, output);
        }
    }

    private void Tool(string callId, string tool, JsonElement state, OpenCodeOutput output)
    {
        var use = uses.TryGetValue(callId, out var known) ? known : uses[callId] = new OpenCodeToolUse(callId, tool);
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
        var path = OpenCodeTool.Path(use.Tool, input) is { } asked ? ConfinedPath.Resolve(workingDirectory, asked) : null;
        output.Events.Add(new AgentToolUse(use.CallId, OpenCodeTool.Name(use.Tool), OpenCodeTool.Kind(use.Tool), OpenCodeTool.Title(use.Tool, input), use.InputJson)
        {
            Path = path,
            Change = use.Tool is "edit" or "write" ? OpenCodeEdit.Predict(use.Tool, input, workingDirectory, out _)?.Change : null,
        });
        foreach (var (id, callId, permission, metadata, _) in early.Where(e => e.CallId == use.CallId).ToList())
        {
            early.RemoveAll(e => e.Id == id);
            requests.Permission(id, permission, metadata, use, Planning, output);
        }

        Match(output);
    }

    private void Over(OpenCodeToolUse use, bool isError, JsonElement state, OpenCodeOutput output)
    {
        use.IsOver = true;
        var text = state.Text("error") ?? state.Text("output") ?? "";
        output.Events.Add(new AgentToolResult(use.CallId, isError, BoundedText.HeadAndTail(text, BoundedText.OutputLimit))
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
            requests.Reject(id, "The turn was stopped.", output);
        }
        else if (request.Object("tool")?.Text("callID") is not { } callId)
        {
            requests.Reject(id, "That is switched off here.", output);
        }
        else if (uses.TryGetValue(callId, out var use) && use.InputJson is not null)
        {
            requests.Permission(id, request.Text("permission") ?? "", request.Object("metadata") ?? default, use, Planning, output);
        }
        else
        {
            early.Add((id, callId, request.Text("permission") ?? "", request.Object("metadata")?.Clone() ?? default, time.GetTimestamp()));
        }
    }

    /// <summary>Brings calls of our tools together with what OpenCode tells of them, by their input: it tells and calls on two ways.</summary>
    private void Match(OpenCodeOutput output)
    {
        foreach (var waiting in unmatched.ToList())
        {
            if (OpenUses(waiting.Call).FirstOrDefault(u => LineJson.SameValue(u.InputJson!, waiting.Call.InputJson)) is { } use)
            {
                unmatched.Remove(waiting);
                requests.Called(waiting.Call, use, output);
            }
        }
    }

    private IEnumerable<OpenCodeToolUse> OpenUses(McpCall call)
        => uses.Values.Where(u => OpenCodeTool.IsOurs(u.Tool) && OpenCodeTool.Name(u.Tool) == call.ToolName && u is { IsOver: false, HostCall: null, InputJson: not null });

    private void Status(JsonElement status, OpenCodeOutput output)
    {
        switch (status.Text("type"))
        {
            case "idle":
                Idle(output);
                break;
            case "retry" when seen:
                Retrying(status, output);
                break;
        }
    }

    private void Retrying(JsonElement status, OpenCodeOutput output)
    {
        foreach (var id in blocks.Keys.ToList())
        {
            Drop(id, output); // what was shown of a broken stream comes again, or not at all
        }

        var words = BoundedText.OneLine(status.Text("message") ?? "");
        var delay = status.Number("next") - time.GetUtcNow().ToUnixTimeMilliseconds();
        output.Events.Add(new AgentActivity(ActivityKind.Retrying)
        {
            Attempt = (int)Math.Clamp(status.Number("attempt"), 0, int.MaxValue),
            Delay = delay > 0 ? TimeSpan.FromMilliseconds(Math.Min(delay, RetryLimit.TotalMilliseconds)) : null,
            Detail = words,
        });
        retryingSince ??= time.GetTimestamp();
        if (stalled is null && (time.GetElapsedTime(retryingSince.Value) >= RetryLimit || delay >= RetryLimit.TotalMilliseconds))
        {
            stalled = $"The model's provider gave no answer for {RetryLimit.TotalMinutes:0} minutes ({words}). Look at it and send the prompt again.";
            output.Calls.Add(Abort());
        }
    }

    private void Failed(JsonElement error)
    {
        if (error.Text("name") == OpenCodeFailure.Aborted)
        {
            aborted = true;
        }
        else
        {
            lastError = OpenCodeFailure.Words(error);
        }
    }

    private void Progress()
    {
        retryingSince = null;
        emptyAnswers = 0;
    }

    /// <summary>
    /// After a stop OpenCode says twice that it is idle, the first time before the message is over. So an open message counts, unless an error cut it; for the case that it
    /// never ends, the next heartbeat decides.
    /// </summary>
    private void Idle(OpenCodeOutput output)
    {
        if (!seen && !aborted)
        {
            return; // about the turn before
        }

        idle = true;
        if (lastError is not null || !answers.ContainsValue(false))
        {
            End(output);
        }
    }

    private void Tick(OpenCodeOutput output)
    {
        if (TurnRuns && idle)
        {
            End(output);
        }

        foreach (var (id, _, _, _, since) in early.ToList())
        {
            if (time.GetElapsedTime(since) >= InputLimit)
            {
                early.RemoveAll(e => e.Id == id);
                requests.Reject(id, "It is not known what that would do. Try again.", output);
            }
        }

        foreach (var (call, since) in unmatched.ToList())
        {
            if (time.GetElapsedTime(since) >= InputLimit)
            {
                unmatched.RemoveAll(u => u.Call == call);
                if (OpenUses(call).FirstOrDefault() is { } use)
                {
                    requests.Called(call, use, output); // it told another input than it gave: what counts is what it gave
                }
                else
                {
                    answerCall(call.RequestId, new AgentAnswer.HostResult("It is not known what called that. Try again.", IsError: true));
                }
            }
        }
    }

    private void End(OpenCodeOutput output)
    {
        dropCalls();
        CloseOpen(output);
        TurnRuns = false;
        var error = stalled ?? lastError;
        var outcome = Interrupting ? TurnOutcome.Cancelled : error is not null ? TurnOutcome.Failed : aborted ? TurnOutcome.Cancelled : TurnOutcome.Completed;
        output.Events.Add(new AgentTurnEnded(outcome) { Error = outcome == TurnOutcome.Failed ? error : null, Usage = usage.OfTurn });
    }

    private void CloseOpen(OpenCodeOutput output)
    {
        output.Events.AddRange(requests.CloseAll().Select(id => new AgentRequestWithdrawn(id)));
        foreach (var id in blocks.Keys.ToList())
        {
            Drop(id, output);
        }

        foreach (var use in uses.Values.Where(u => u is { IsOver: false, InputJson: not null }))
        {
            output.Events.Add(new AgentToolResult(use.CallId, IsError: true, "") { Interrupted = true });
        }

        uses.Clear();
        early.Clear();
        unmatched.Clear();
    }

    private void Drop(string id, OpenCodeOutput output)
    {
        if (blocks.Remove(id, out var block) && block.Shown)
        {
            output.Events.Add(new AgentBlockDropped(id));
        }
    }

    private OpenCodeCall Abort() => OpenCodeCall.Post($"/session/{Uri.EscapeDataString(SessionId)}/abort");

    private sealed class Block(BlockKind kind)
    {
        public BlockKind Kind { get; } = kind;

        public bool Shown { get; set; }
    }
}
