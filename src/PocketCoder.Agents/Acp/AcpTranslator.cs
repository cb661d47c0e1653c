using System.Text;
using System.Text.Json;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Shared.Rpc;

namespace PocketCoder.Agents.Acp;

/// <summary>
/// Messages of an ACP agent in, events and answers out: no process, so that captures can be replayed. Unknown notifications are skipped,
/// unknown requests refused. Not thread-safe: the connection's lock guards it.
/// </summary>
/// <param name="tools">Ours, for an agent whose own shell is off; null: it has its own.</param>
internal sealed class AcpTranslator(AcpAgent agent, AcpRequests requests, AcpHostTools? tools = null) : IRpcTranslator
{
    private readonly Dictionary<string, AcpCall> _calls = new(StringComparer.Ordinal);
    private readonly IAcpExtension? _extension = agent.Extension?.Invoke();
    private readonly StringBuilder _block = new();
    private BlockKind _blockKind;
    private string? _blockId;
    private int _blockCount;
    private decimal _cost;
    private decimal _costBefore;
    private bool _hasCost;

    public string SessionId { get; set; } = "";

    /// <summary>What an old conversation is played back as while it is loaded: the machine has it already.</summary>
    public bool IsLoading { get; set; }

    /// <summary>Pieces of it that came so far.</summary>
    public int PlayedBack { get; private set; }

    public AgentReady? Ready { get; set; }

    /// <summary>What can be chosen of the session now; null: the agent has no such options.</summary>
    public AcpOptions? Options { get; set; }

    public bool TurnRuns { get; private set; }

    public bool Interrupting { get; private set; }

    public int Skipped { get; private set; }

    /// <inheritdoc cref="AcpRequests.TakeUntold"/>
    public string? TakeUntold() => requests.TakeUntold();

    public void BeginTurn()
    {
        TurnRuns = true;
        Interrupting = false;
        _costBefore = _cost;
        requests.BeginTurn();
    }

    /// <summary>Stop: the agent must be told that nobody answers what it still asks.</summary>
    public RpcOutput Interrupt()
    {
        var output = new RpcOutput();
        Interrupting = true;
        CloseRequests(output);
        output.Lines.Add(RpcMessages.Notification("session/cancel", w => w.WriteString("sessionId", SessionId)));
        return output;
    }

    /// <inheritdoc cref="AcpRequests.Answer"/>
    public RpcOutput? Answer(string requestId, AgentAnswer answer)
    {
        var output = tools?.Answer(requestId, answer) ?? requests.Answer(requestId, answer);
        EndRefused(output);
        if (output is not null && answer is AgentAnswer.Deny { Interrupt: true })
        {
            var stop = Interrupt();
            output.Lines.AddRange(stop.Lines);
            output.Events.AddRange(stop.Events);
        }

        return output;
    }

    /// <summary>A call that was refused is over, and shown so: some agents say nothing more of it, others that it is done.</summary>
    private void EndRefused(RpcOutput? output)
    {
        foreach (var refused in output?.Events.OfType<AgentToolResult>() ?? [])
        {
            if (_calls.TryGetValue(refused.ToolUseId, out var call))
            {
                call.Ended = true;
            }
        }
    }

    /// <summary>The answer to <c>session/prompt</c> is the end of the turn.</summary>
    public RpcOutput Ended(RpcReply reply)
    {
        var output = new RpcOutput();
        if (!TurnRuns)
        {
            return output;
        }

        var reason = reply.Error is null ? reply.Result.Text("stopReason") : null;
        var (outcome, error) = reason switch
        {
            "cancelled" => (TurnOutcome.Cancelled, null),
            _ when Interrupting => (TurnOutcome.Cancelled, null),
            "refusal" => (TurnOutcome.Failed, "The model refused to go on."),
            null => (TurnOutcome.Failed, reply.Error ?? $"{agent.Name} ended the turn and gave no reason."),
            _ => (TurnOutcome.Completed, (string?)null),
        };
        FinishBlock(output, cut: outcome != TurnOutcome.Completed);
        CloseRequests(output);
        foreach (var call in _calls.Values.Where(c => c.Announced && !c.Ended))
        {
            output.Events.Add(new AgentToolResult(call.Id, IsError: Interrupting, call.Output) { Interrupted = Interrupting });
        }

        _calls.Clear();
        TurnRuns = Interrupting = false;
        output.Events.Add(new AgentTurnEnded(outcome) { Error = error, Usage = reply.Error is null ? Usage(reply.Result) : null });
        return output;
    }

    public void Notified(string method, JsonElement parameters, RpcOutput output)
    {
        if (method == "session/update" && parameters.Object("update") is { } update)
        {
            if (SessionId.Length == 0 || parameters.Text("sessionId") == SessionId)
            {
                Updated(update, output);
            }
        }
        else if (TurnRuns && _extension?.Read(method, parameters) is AcpExtra.News news)
        {
            output.Events.AddRange(news.Event is { } item ? [item] : []);
        }
        else
        {
            Skipped++;
        }
    }

    public RpcOutput NotUnderstood(ReadOnlySpan<byte> line)
    {
        Skipped++;
        var output = new RpcOutput();
        if (line.IndexOf("\"session/request_permission\""u8) >= 0)
        {
            output.Violation = $"{agent.Name} wrote a request that can't be read. The session was ended.";
        }

        return output;
    }

    public IReadOnlyList<AgentEvent> CloseOpen()
    {
        var output = new RpcOutput();
        FinishBlock(output, cut: true);
        CloseRequests(output);
        TurnRuns = false;
        return output.Events;
    }

    /// <summary>Nothing that was asked is waited for any more, and no call of our tools may begin.</summary>
    private void CloseRequests(RpcOutput output)
    {
        requests.CloseAll(output);
        tools?.Drop(output);
    }

    private void Updated(JsonElement update, RpcOutput output)
    {
        var kind = update.Text("sessionUpdate");
        switch (kind)
        {
            case "available_commands_update":
                Commands([.. update.Items("availableCommands").Where(c => c.Text("name") is not null)
                    .Select(c => new AgentCommand(c.Text("name")!, c.Text("description") ?? ""))], output);
                return;
            case "current_mode_update" when update.Text("currentModeId") is { } mode:
                ModeChanged(mode, output);
                return;
            case "config_option_update" when AcpOptions.Read(update) is { } options:
                OptionsChanged(options, output);
                return;
            case "usage_update":
                _hasCost |= update.Object("cost")?.Text("currency") == "USD";
                _cost = update.Object("cost")?.Amount("amount") ?? _cost;
                output.Events.AddRange(AcpOffers.Context(update) is { } context ? [context] : []);
                return;
            case "session_info_update":
                output.Events.AddRange(update.Text("title") is { Length: > 0 } title ? [new AgentTitled(title)] : []);
                return;
        }

        if (IsLoading)
        {
            PlayedBack++;
            return;
        }

        switch (kind)
        {
            case "agent_message_chunk":
                Say(BlockKind.Text, update, output);
                break;
            case "agent_thought_chunk":
                Say(BlockKind.Thinking, update, output);
                break;
            case "tool_call" or "tool_call_update" when update.Text("toolCallId") is { } id:
                FinishBlock(output);
                Called(id, update, output);
                break;
            case "plan":
                output.Events.Add(new AgentTodos([.. update.Items("entries").Select(Todo)]));
                break;
            default:
                Skipped++;
                break;
        }
    }

    private static AgentTodo Todo(JsonElement entry) => new(entry.Text("content") ?? "", entry.Text("status") switch
    {
        "completed" => TodoState.Done,
        "in_progress" => TodoState.Active,
        _ => TodoState.Pending,
    });

    private void Commands(IReadOnlyList<AgentCommand> commands, RpcOutput output)
    {
        if (Ready is null || Ready.Commands.SequenceEqual(commands))
        {
            return;
        }

        Ready = Ready with { Commands = commands };
        output.Events.Add(Ready);
    }

    private void ModeChanged(string mode, RpcOutput output)
    {
        if (agent.Modes.Count > 0 && !agent.Modes.Contains(mode, StringComparer.Ordinal))
        {
            output.Violation = $"{agent.Name} went into the mode {mode}, in which it does not ask. The session was ended.";
            return;
        }

        if (Ready is not null && Ready.Mode != mode)
        {
            Ready = Ready with { Mode = mode };
            output.Events.Add(new AgentModeChanged(mode));
        }
    }

    /// <summary>New options, told by the agent or as the answer to a change.</summary>
    public void OptionsChanged(AcpOptions options, RpcOutput output)
    {
        Options = options;
        if (Ready is null)
        {
            return;
        }

        if (options.Mode?.Current is { } mode
            && (agent.Modes.Count == 0 || (Ready.Mode is { } known && agent.Modes.Contains(known, StringComparer.Ordinal))))
        {
            ModeChanged(mode, output); // before it is in one of ours for the first time, it was asked for that
        }

        if (AcpOffers.With(Ready, options) is var now && now != Ready)
        {
            Ready = now;
            output.Events.Add(now);
        }
    }

    private void Say(BlockKind kind, JsonElement update, RpcOutput output)
    {
        if (update.Object("content")?.Text("text") is not { Length: > 0 } text || !TurnRuns)
        {
            return;
        }

        if (_blockId is not null && _blockKind != kind)
        {
            FinishBlock(output);
        }

        _blockId ??= $"b{++_blockCount}";
        _blockKind = kind;
        _block.Append(text);
        output.Events.Add(new AgentDelta(_blockId, kind, text));
    }

    private void FinishBlock(RpcOutput output, bool cut = false)
    {
        if (_blockId is not null)
        {
            output.Events.Add(new AgentBlock(_blockId, _blockKind, _block.ToString()) { Cut = cut });
            _blockId = null;
            _block.Clear();
        }
    }

    private void Called(string id, JsonElement update, RpcOutput output)
    {
        var call = Of(id);
        call.Merge(update);
        var status = update.Text("status");
        if (tools?.IsOurs(call) == true)
        {
            return; // shown when it reached us
        }

        if (tools is not null && BrokenRule(call, status) is { } broken)
        {
            output.Violation = $"{agent.Name} {broken}. The session was ended.";
            return;
        }

        if (call.InputJson is not null || status is "in_progress" or "completed" or "failed")
        {
            Announce(call, output);
        }

        if (status is "completed" or "failed" && !call.Ended)
        {
            call.Ended = true;
            requests.CallEnded(call.Id);
            output.Events.Add(new AgentToolResult(id, status == "failed", BoundedText.HeadAndTail(call.Output, BoundedText.OutputLimit))
            {
                ExitCode = call.ExitCode,
                Interrupted = status == "failed" && Interrupting,
            });
        }
    }

    /// <summary>
    /// What an agent that is held to our tools does by itself although its settings keep it from that: then they don't hold. Null: nothing.
    /// </summary>
    private string? BrokenRule(AcpCall call, string? status) => (call.Kind, status) switch
    {
        (ToolKind.Execute, "in_progress" or "completed") => "ran a command by itself although its own tools are switched off",
        (ToolKind.Edit, "completed") when !call.WasAsked && call.Path is { } path
            && requests.IsInProject(path) => "changed a file although nobody allowed it",
        _ => null,
    };

    private AcpCall Of(string id) => _calls.TryGetValue(id, out var call) ? call : _calls[id] = new AcpCall(id);

    private void Announce(AcpCall call, RpcOutput output)
    {
        if (call.Announced)
        {
            return;
        }

        call.Announced = true;
        output.Events.Add(new AgentToolUse(
            call.Id, call.Name, call.Kind, BoundedText.OneLine(call.Command ?? call.Title), call.InputJson ?? "{}")
        { Path = call.Path });
    }

    public void Requested(string method, JsonElement message, JsonElement parameters, RpcOutput output)
    {
        if (RpcMessages.RawId(message) is not { } rawId)
        {
            output.Violation = $"{agent.Name} asked something without an id that could be answered. The session was ended.";
            return;
        }

        var isOurs = TurnRuns && !Interrupting && parameters.Text("sessionId") == SessionId;
        switch (method)
        {
            case "session/request_permission" when isOurs && parameters.Object("toolCall") is { } tool && tool.Text("toolCallId") is { } id:
                FinishBlock(output);
                var call = Of(id);
                call.Merge(tool);
                Announce(call, output);
                requests.Permission(rawId, parameters, call, output);
                EndRefused(output);
                break;
            case "session/request_permission":
                output.Lines.Add(AcpMessages.Cancelled(rawId));
                break;
            case "elicitation/create" when isOurs:
                requests.Question(rawId, parameters, output);
                break;
            case "fs/read_text_file" when agent.Files && isOurs:
                requests.Read(rawId, parameters, output);
                break;
            case "fs/write_text_file" when agent.Files && isOurs:
                requests.Write(rawId, parameters, output);
                break;
            case { } when TurnRuns && !Interrupting && _extension?.Read(method, parameters) is { } extra: // these do not name the session
                FinishBlock(output);
                requests.Extra(rawId, extra, output);
                break;
            default:
                Skipped++;
                output.Lines.Add(RpcMessages.Error(rawId, RpcMessages.MethodNotFound, "This is not available here."));
                break;
        }
    }

    private AgentUsage? Usage(JsonElement result)
    {
        decimal? price = _hasCost ? _cost - _costBefore : null;
        if (result.Object("usage") is { } usage)
        {
            return new AgentUsage(usage.Number("inputTokens"), usage.Number("outputTokens"), usage.Number("cachedReadTokens"),
                usage.Number("cachedWriteTokens"), price);
        }

        return result.Object("_meta")?.Object("quota")?.Object("token_count") is { } tokens
            ? new AgentUsage(tokens.Number("input_tokens"), tokens.Number("output_tokens"), 0, 0, price) : null;
    }
}
