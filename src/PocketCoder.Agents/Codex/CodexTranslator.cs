using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Shared.Rpc;

namespace PocketCoder.Agents.Codex;

/// <summary>
/// Messages of <c>codex app-server</c> in, events and answers out: no process, so that captures can be replayed. Unknown notifications are
/// skipped, unknown requests refused. Not thread-safe: the connection's lock guards it.
/// </summary>
/// <remarks>Protocol as observed with codex-cli 0.169.0.</remarks>
internal sealed partial class CodexTranslator(
    CodexCallReader reader, CodexTools tools, TimeProvider time, Func<byte[], CancellationToken, Task> write) : IRpcTranslator
{
    /// <summary>Codex waits for a network for ever; a person who looks at the phone later should find a reason, not a spinner.</summary>
    public static readonly TimeSpan RetryLimit = TimeSpan.FromMinutes(5);

    private readonly CodexUsage _usage = new();
    private readonly CodexRequests _requests = new(write);
    private readonly Dictionary<string, BlockKind> _blocks = new(StringComparer.Ordinal); // begun and shown, not finished
    private readonly HashSet<string> _openCalls = new(StringComparer.Ordinal);
    private string? _lastTurn; // Codex's id of the last one that began
    private string? _lastError;
    private string? _stalled;
    private string? _planTurn; // the turn of Codex that proposed a plan and is not over yet
    private RpcCall? _afterPlan; // answered before that
    private bool _canStop; // Codex ignores an interrupt of a turn that it has accepted but not begun (seen with 0.169.0)
    private long? _retryingSince;

    public string ThreadId { get; set; } = "";

    /// <summary>The turn that runs in Codex. A plan that waits for a person has none.</summary>
    public string? TurnId { get; private set; }

    /// <summary>Whether a turn of ours runs; it may be several of Codex's.</summary>
    public bool TurnRuns { get; private set; }

    public bool Interrupting { get; private set; }

    /// <summary>Notifications and lines that were not understood: newer kinds, or broken ones.</summary>
    public int Skipped { get; private set; }

    /// <summary>
    /// Asked for when a plan was answered: the text of the next turn, and whether it leaves plan mode. Null: there is no process.
    /// </summary>
    public Func<string, bool, Action<Utf8JsonWriter>>? NextTurn { get; init; }

    public void BeginTurn()
    {
        TurnRuns = true;
        Interrupting = false;
        _lastError = _stalled = null;
        _retryingSince = null;
        TurnId = null;
        _canStop = false;
        _planTurn = null;
        _afterPlan = null;
        _usage.BeginTurn();
    }

    /// <summary>The answer to <c>turn/start</c>.</summary>
    public RpcOutput Started(RpcReply reply)
    {
        var output = new RpcOutput();
        if (reply.Error is not null)
        {
            End(output, TurnOutcome.Failed, reply.Error);
            return output;
        }

        Running(reply.Result.Object("turn")?.Text("id"), output);
        return output;
    }

    /// <summary>Stop. What is still asked is withdrawn when the turn's end comes.</summary>
    public RpcOutput Interrupt()
    {
        var output = new RpcOutput();
        Interrupting = true;
        _afterPlan = null;
        if (_requests.PlanWaits && _planTurn is null)
        {
            End(output, TurnOutcome.Cancelled, null); // nothing runs in Codex, so nothing would end
        }
        else if (_canStop && TurnId is { } turn)
        {
            output.Calls.Add(Stop(turn));
        }

        return output;
    }

    /// <inheritdoc cref="CodexRequests.Answer"/>
    public RpcOutput? Answer(string requestId, AgentAnswer answer)
    {
        if (_requests.Answer(requestId, answer) is not { } answered)
        {
            return null;
        }

        var output = answered.Output;
        if (answer is AgentAnswer.Deny { Interrupt: true })
        {
            if (answered.PlanWords is not null && _planTurn is null)
            {
                End(output, TurnOutcome.Cancelled, null);
            }
            else
            {
                output.Calls.AddRange(Interrupt().Calls);
            }
        }
        else if (answered.PlanWords is { } words && NextTurn is { } next)
        {
            if (answer is AgentAnswer.AcceptPlan)
            {
                output.Events.Add(new AgentModeChanged(CodexModes.Default));
            }

            var call = new RpcCall("turn/start", next(words, answer is AgentAnswer.AcceptPlan), Started);
            if (_planTurn is null)
            {
                output.Calls.Add(call);
            }
            else
            {
                _afterPlan = call; // two turns at once would be one, corrected
            }
        }

        return output;
    }

    public void Notified(string method, JsonElement parameters, RpcOutput output)
    {
        if (parameters.Text("threadId") is { } thread && ThreadId.Length > 0 && thread != ThreadId)
        {
            return; // none of ours
        }

        Read(method, parameters, output);
    }

    public RpcOutput NotUnderstood(ReadOnlySpan<byte> line)
    {
        Skipped++;
        var output = new RpcOutput();
        if (line.IndexOf("\"item/tool/call\""u8) >= 0 || line.IndexOf("equestApproval\""u8) >= 0)
        {
            output.Violation = "Codex wrote a request that can't be read. The session was ended.";
        }

        return output;
    }

    public IReadOnlyList<AgentEvent> CloseOpen()
    {
        List<AgentEvent> events =
            [.. _requests.CloseAll().Select(id => new AgentRequestWithdrawn(id)), .. _blocks.Keys.Select(id => new AgentBlockDropped(id))];
        _blocks.Clear();
        _openCalls.Clear();
        TurnRuns = false;
        return events;
    }

    private void Read(string method, JsonElement parameters, RpcOutput output)
    {
        switch (method)
        {
            case "turn/started":
                Begun(parameters.Object("turn")?.Text("id"), output);
                break;
            case "item/started" when parameters.Object("item") is { } item:
                ItemStarted(item, output);
                break;
            case "item/completed" when parameters.Object("item") is { } item:
                ItemCompleted(item, output);
                break;
            case "item/agentMessage/delta":
                Delta(parameters, BlockKind.Text, output);
                break;
            case "item/reasoning/summaryTextDelta" or "item/reasoning/textDelta":
                Delta(parameters, BlockKind.Thinking, output);
                break;
            case "item/reasoning/summaryPartAdded" when parameters.Number("summaryIndex") > 0 && parameters.Text("itemId") is { } id
                && _blocks.ContainsKey(Block(id)):
                output.Events.Add(new AgentDelta(Block(id), BlockKind.Thinking, "\n\n"));
                break;
            case "thread/tokenUsage/updated" when parameters.Object("tokenUsage") is { } tokens:
                _usage.Take(tokens);
                output.Events.AddRange(CodexUsage.Context(tokens) is { } context ? [context] : []);
                break;
            case "thread/name/updated" when parameters.Text("threadName") is { Length: > 0 } name:
                output.Events.Add(new AgentTitled(name));
                break;
            case "serverRequest/resolved" when RpcMessages.RawId(parameters, "requestId") is { } id:
                foreach (var withdrawn in _requests.Resolved(id))
                {
                    output.Events.Add(new AgentRequestWithdrawn(withdrawn));
                }

                break;
            case "error" when parameters.Object("error") is { } error:
                Failed(error, parameters.IsTrue("willRetry"), output);
                break;
            case "turn/completed" when parameters.Object("turn") is { } turn:
                TurnCompleted(turn, output);
                break;
            case "item/commandExecution/terminalInteraction" or "item/commandExecution/outputDelta" or "item/fileChange/outputDelta":
                output.Violation = "Codex ran a tool of its own although they are switched off. The session was ended.";
                break;
            default:
                Skipped++;
                break;
        }
    }

    private void ItemStarted(JsonElement item, RpcOutput output)
    {
        Progress();
        switch (item.Text("type"))
        {
            case "agentMessage" or "reasoning" or "plan":
                break;
            case "dynamicToolCall" when item.Text("id") is { } id && item.Text("tool") is { } tool && item.Member("arguments") is { } input:
                Announce(id, tool, input, output);
                break;
            case "contextCompaction":
                output.Events.Add(new AgentActivity(ActivityKind.Compacting));
                break;
            default:
                CheckForeign(item, output);
                break;
        }
    }

    private void Announce(string id, string tool, JsonElement input, RpcOutput output)
    {
        if (!_openCalls.Add(id))
        {
            return;
        }

        var call = reader.Read(tool, input);
        output.Events.Add(new AgentToolUse(id, tool, CodexTools.Kind(tool), Title(tool, input, call), input.GetRawText())
        { Path = call.Path, Change = call.Change });
    }

    private static string Title(string tool, JsonElement input, CodexCall call)
        => BoundedText.OneLine(input.Text("command") ?? call.Path ?? input.Text("path") ?? tool);

    private void ItemCompleted(JsonElement item, RpcOutput output)
    {
        Progress();
        var id = item.Text("id") ?? "";
        switch (item.Text("type"))
        {
            case "agentMessage":
                Finish(id, BlockKind.Text, item.Text("text") ?? "", output);
                break;
            case "reasoning":
                var summary = string.Join("\n\n", item.Items("summary").Select(s => s.AsText()));
                Finish(id, BlockKind.Thinking, summary.Length > 0 ? summary : string.Concat(item.Items("content").Select(s => s.AsText())),
                    output);
                break;
            case "plan" when item.Text("text") is { Length: > 0 } plan:
                _planTurn = TurnId;
                var request = _requests.Plan(TurnId ?? "", plan);
                output.Events.Add(new AgentPlanProposed(request, $"{request}-tool", plan));
                break;
            case "dynamicToolCall":
                CallCompleted(id, item, output);
                break;
            default:
                CheckForeign(item, output);
                break;
        }
    }

    private void CallCompleted(string id, JsonElement item, RpcOutput output)
    {
        var (withdrawn, code, answered) = _requests.CallEnded(id);
        if (withdrawn is not null)
        {
            output.Events.Add(new AgentRequestWithdrawn(withdrawn));
        }

        if (!_openCalls.Remove(id))
        {
            return;
        }

        var text = string.Concat(item.Items("contentItems").Select(c => c.Text("text")));
        var success = item.IsTrue("success");
        output.Events.Add(new AgentToolResult(id, !success, BoundedText.HeadAndTail(text, BoundedText.OutputLimit))
        {
            ExitCode = code,
            Interrupted = !success && (!answered || Interrupting),
        });
    }

    /// <summary>Whatever acts by itself is off. If it happens nevertheless, the gate does not hold.</summary>
    private static void CheckForeign(JsonElement item, RpcOutput output)
    {
        if (item.Text("type") is "commandExecution" or "fileChange" or "mcpToolCall" or "webSearch" or "collabAgentToolCall"
            or "subAgentActivity" or "imageGeneration" or "imageView")
        {
            output.Violation = $"Codex used {item.Text("type")} although it is switched off. The session was ended.";
        }
    }

    private void Delta(JsonElement parameters, BlockKind kind, RpcOutput output)
    {
        Progress();
        if (parameters.Text("itemId") is { } id && parameters.Text("delta") is { Length: > 0 } text)
        {
            _blocks[Block(id)] = kind;
            output.Events.Add(new AgentDelta(Block(id), kind, text));
        }
    }

    private void Finish(string id, BlockKind kind, string text, RpcOutput output)
    {
        var shown = _blocks.Remove(Block(id));
        if (text.Length > 0 || shown)
        {
            output.Events.Add(new AgentBlock(Block(id), kind, text));
        }
    }

    private void Failed(JsonElement error, bool willRetry, RpcOutput output)
    {
        var words = error.Text("message") ?? "unknown error";
        if (!willRetry)
        {
            _lastError = words;
            return;
        }

        DropBlocks(output); // what was shown of a broken stream comes again, or not at all
        var numbers = Attempts().Match(words);
        output.Events.Add(new AgentActivity(ActivityKind.Retrying)
        {
            Attempt = numbers.Success ? int.Parse(numbers.Groups["n"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture) : null,
            MaxAttempts = numbers.Success ? int.Parse(numbers.Groups["of"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture)
                : null,
            Detail = BoundedText.OneLine(error.Text("additionalDetails") ?? words),
        });
        _retryingSince ??= time.GetTimestamp();
        if (_stalled is null && time.GetElapsedTime(_retryingSince.Value) >= RetryLimit && TurnId is { } turn)
        {
            _stalled = $"The model's provider could not be reached for {RetryLimit.TotalMinutes:0} minutes ({BoundedText.OneLine(error.Text("additionalDetails") ?? words)}). Look at the network and send the prompt again.";
            output.Calls.Add(Stop(turn));
        }
    }

    private void Progress() => _retryingSince = null;

    private void Begun(string? turn, RpcOutput output)
    {
        Running(turn, output);
        if (turn is null || turn != TurnId)
        {
            return;
        }

        _canStop = true;
        if (Interrupting)
        {
            output.Calls.Add(Stop(turn));
        }
    }

    private void Running(string? turn, RpcOutput output)
    {
        if (turn is null || TurnId == turn || !TurnRuns)
        {
            return;
        }

        TurnId = _lastTurn = turn;
        output.Events.Add(new AgentActivity(ActivityKind.Requesting));
    }

    private void TurnCompleted(JsonElement turn, RpcOutput output)
    {
        if (!TurnRuns || (TurnId is not null && turn.Text("id") is { } id && id != TurnId))
        {
            return;
        }

        var status = turn.Text("status");
        TurnId = null;
        _canStop = false;
        var planned = _planTurn is not null;
        _planTurn = null;
        if (status == "completed" && planned && !Interrupting)
        {
            DropBlocks(output);
            if (_afterPlan is { } next)
            {
                output.Calls.Add(next);
                _afterPlan = null;
            }

            return; // the turn goes on with the person's answer
        }

        var (outcome, error) = (status, _stalled) switch
        {
            (_, not null) => (TurnOutcome.Failed, _stalled),
            ("completed", _) when !(planned && Interrupting) => (TurnOutcome.Completed, null),
            _ when Interrupting => (TurnOutcome.Cancelled, null),
            ("interrupted", _) => (TurnOutcome.Failed, _lastError ?? "Codex stopped the turn by itself."),
            _ => (TurnOutcome.Failed, turn.Object("error")?.Text("message") ?? _lastError ?? "Codex failed and gave no reason."),
        };
        End(output, outcome, error);
    }

    private void End(RpcOutput output, TurnOutcome outcome, string? error)
    {
        if (!TurnRuns)
        {
            return;
        }

        foreach (var id in _requests.CloseAll())
        {
            output.Events.Add(new AgentRequestWithdrawn(id));
        }

        foreach (var id in _openCalls)
        {
            output.Events.Add(new AgentToolResult(id, IsError: true, "") { Interrupted = true });
        }

        _openCalls.Clear();
        DropBlocks(output);
        TurnRuns = Interrupting = false;
        TurnId = null;
        output.Events.Add(new AgentTurnEnded(outcome) { Error = error, Usage = _usage.OfTurn, Mark = _lastTurn });
    }

    private void DropBlocks(RpcOutput output)
    {
        output.Events.AddRange(_blocks.Keys.Select(id => new AgentBlockDropped(id)));
        _blocks.Clear();
    }

    public void Requested(string method, JsonElement message, JsonElement parameters, RpcOutput output)
    {
        if (RpcMessages.RawId(message) is not { } rawId)
        {
            output.Violation = "Codex asked something without an id that could be answered. The session was ended.";
            return;
        }

        if (method.EndsWith("requestApproval", StringComparison.Ordinal) || method is "execCommandApproval" or "applyPatchApproval")
        {
            output.Lines.Add(CodexMessages.Decline(rawId));
            output.Violation = "Codex wants to use a tool of its own although they are switched off. The session was ended.";
            return;
        }

        var isOurs = TurnRuns && parameters.Text("threadId") == ThreadId;
        switch (method)
        {
            case "item/tool/call" when isOurs && parameters.Text("callId") is { } callId && parameters.Text("tool") is { } tool
                && parameters.Member("arguments") is { } input:
                if (Interrupting)
                {
                    output.Lines.Add(CodexMessages.ToolResult(rawId, "The turn was interrupted.", success: false));
                    break;
                }

                Announce(callId, tool, input, output);
                _requests.Call(rawId, TurnId ?? "", callId, reader.Read(tool, input), tools.IsHosts(tool), output);
                break;
            case "item/tool/call":
                output.Lines.Add(CodexMessages.ToolResult(rawId, "This call was not understood.", success: false));
                break;
            case "item/tool/requestUserInput" when isOurs && !Interrupting:
                _requests.Question(rawId, TurnId ?? "", parameters, output);
                break;
            default:
                Skipped++;
                output.Lines.Add(RpcMessages.Error(rawId, RpcMessages.MethodNotFound, "This is not available here."));
                break;
        }
    }

    private RpcCall Stop(string turn) => new("turn/interrupt", w =>
    {
        w.WriteString("threadId", ThreadId);
        w.WriteString("turnId", turn);
    });

    /// <summary>Providers don't promise ids that are unique over a conversation.</summary>
    private string Block(string itemId) => $"{TurnId}:{itemId}";

    [GeneratedRegex(@"(?<n>\d{1,6})/(?<of>\d{1,6})\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Attempts();
}
