using System.Text;
using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Cursor;

/// <summary>
/// Lines of Cursor's <c>stream-json</c> in, events out: no process, so that what others captured can be replayed. What is unknown is
/// skipped and counted. Not thread-safe: its process's lock guards it.
/// </summary>
internal sealed class CursorTranslator
{
    /// <summary>
    /// Tools that only read. Every other one ends the program as it begins: nobody can be asked here, and that Cursor itself would refuse
    /// it can't be known at that time.
    /// </summary>
    private static readonly Dictionary<string, ToolKind> s_reading = new(StringComparer.Ordinal)
    {
        ["read"] = ToolKind.Read,
        ["ls"] = ToolKind.Read,
        ["readLints"] = ToolKind.Read,
        ["glob"] = ToolKind.Search,
        ["grep"] = ToolKind.Search,
        ["semSearch"] = ToolKind.Search,
        ["todo"] = ToolKind.Todo,
        ["updateTodos"] = ToolKind.Todo,
        ["readTodos"] = ToolKind.Todo,
        ["createPlan"] = ToolKind.Plan,
        ["askQuestion"] = ToolKind.Question,
        ["think"] = ToolKind.Think,
    };

    private readonly Dictionary<string, string> _open = new(StringComparer.Ordinal); // tool calls that have not ended, with their names
    private readonly StringBuilder _block = new();
    private BlockKind _blockKind;
    private string? _blockId;
    private bool _streamed; // in this turn: then what comes whole is a repetition
    private bool _spoke;
    private int _blocks;

    public bool TurnRuns { get; private set; }

    public bool Interrupting { get; set; }

    public AgentReady? Ready { get; set; }

    /// <summary>Lines that were not understood.</summary>
    public int Skipped { get; private set; }

    public void BeginTurn()
    {
        TurnRuns = true;
        Interrupting = false;
        _streamed = _spoke = false;
    }

    public CursorOutput Take(ReadOnlyMemory<byte> line)
    {
        var output = new CursorOutput();
        using var document = LineJson.TryParse(line);
        if (document is not { RootElement: { ValueKind: JsonValueKind.Object } message })
        {
            Skipped++;
            return output;
        }

        switch (message.Text("type"), message.Text("subtype"))
        {
            case ("system", "init") when message.Text("session_id") is { } id:
                Begun(id, message.Text("model"), output);
                break;
            case ("thinking", "delta"):
                Say(BlockKind.Thinking, message.Text("text") ?? "", output);
                break;
            case ("thinking", "completed"):
                Finish(output);
                break;
            case ("assistant", _):
                Said(message, output);
                break;
            case ("tool_call", { } step):
                Called(step, message, output);
                break;
            case ("result", _):
                Ended(message, output);
                break;
            case ("user" or "interaction_query", _):
                break; // our own words; a question that the program answers itself
            default:
                Skipped++;
                break;
        }

        return output;
    }

    /// <summary>The program is gone: what was open is closed, and the turn has an end.</summary>
    public IReadOnlyList<AgentEvent> Gone(string reason)
    {
        var output = new CursorOutput();
        End(Interrupting ? TurnOutcome.Cancelled : TurnOutcome.Failed, Interrupting ? null : reason, usage: null, output);
        return output.Events;
    }

    private void Begun(string id, string? model, CursorOutput output)
    {
        var ready = (Ready ?? new AgentReady(id)) with { NativeId = id, Model = model ?? Ready?.Model };
        if (!CursorArguments.IsConversation(id))
        {
            output.Violation = "Cursor gave its conversation a name that can't be used again. It was ended.";
        }
        else if (ready != Ready)
        {
            Ready = ready;
            output.Events.Add(ready);
        }
    }

    private void Said(JsonElement message, CursorOutput output)
    {
        var text = string.Concat(
            message.Object("message")?.Items("content").Where(c => c.Text("type") == "text").Select(c => c.Text("text")) ?? []);
        if (message.Member("timestamp_ms") is not null && message.Member("model_call_id") is null)
        {
            _streamed = true;
            Say(BlockKind.Text, text, output);
            return;
        }

        // What was streamed is said again as a whole: before a tool call with the call's id, at the end without. An old version says only
        // this.
        Finish(output);
        if (!_streamed)
        {
            Say(BlockKind.Text, text, output);
            Finish(output);
        }
    }

    private void Say(BlockKind kind, string text, CursorOutput output)
    {
        if (text.Length == 0 || !TurnRuns)
        {
            return;
        }

        if (_blockId is not null && _blockKind != kind)
        {
            Finish(output);
        }

        _blockId ??= $"b{++_blocks}";
        _blockKind = kind;
        _block.Append(text);
        output.Events.Add(new AgentDelta(_blockId, kind, text));
    }

    private void Finish(CursorOutput output, bool cut = false)
    {
        if (_blockId is null)
        {
            return;
        }

        var text = _block.ToString();
        output.Events.Add(new AgentBlock(_blockId, _blockKind, text) { Cut = cut });
        _spoke |= _blockKind == BlockKind.Text;
        _blockId = null;
        _block.Clear();
    }

    private void Called(string step, JsonElement message, CursorOutput output)
    {
        if (message.Text("call_id") is not { Length: > 0 and <= 240 } id || message.Object("tool_call") is not { } call || !TurnRuns)
        {
            Skipped++;
            return;
        }

        var (name, body) = Tool(call);
        Finish(output);
        if (step == "started" || !_open.ContainsKey(id))
        {
            _open[id] = name;
            var input = body.Object("args") ?? default;
            var kind = s_reading.GetValueOrDefault(name, ToolKind.Other);
            output.Events.Add(new AgentToolUse(id, name, kind, Title(name, input),
                input.ValueKind == JsonValueKind.Object ? input.GetRawText() : "{}")
            { Path = input.Text("path") });
            if (!s_reading.ContainsKey(name))
            {
                output.Violation =
                    $"Cursor began {name}, though it was started to read only. It was ended, and what it had begun may have been done: look at the project.";
                return;
            }
        }

        if (step == "completed")
        {
            _open.Remove(id);
            var result = body.Object("result") ?? default;
            var failed = result.Object("success") is null;
            var words = result.Object("success") ?? result.Object("error") ?? result.Object("rejected") ?? result;
            output.Events.Add(new AgentToolResult(id, failed,
                BoundedText.HeadAndTail(words.ValueKind == JsonValueKind.Undefined ? "" : Words(words), BoundedText.OutputLimit)));
        }
    }

    /// <summary>Each tool stands under a name of its own: <c>readToolCall</c>. Functions have theirs inside.</summary>
    private static (string Name, JsonElement Body) Tool(JsonElement call)
    {
        const string Suffix = "ToolCall";
        foreach (var member in call.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Object)
            {
                return member.Name.EndsWith(Suffix, StringComparison.Ordinal) ? (member.Name[..^Suffix.Length], member.Value)
                    : member.NameEquals("function") ? (member.Value.Text("name") ?? "function", member.Value)
                    : (member.Name, member.Value);
            }
        }

        return ("tool", default);
    }

    private static string Title(string name, JsonElement input)
        => BoundedText.OneLine(input.Text("path") ?? input.Text("pattern") ?? input.Text("globPattern") ?? input.Text("query")
            ?? input.Text("command") ?? name);

    private static string Words(JsonElement result) => result.Text("content") ?? result.Text("output") ?? result.Text("message")
        ?? result.Text("reason") ?? result.GetRawText();

    private void Ended(JsonElement message, CursorOutput output)
    {
        if (!TurnRuns)
        {
            return;
        }

        output.IsLast = true;
        var failed = message.IsTrue("is_error") || message.Text("subtype") == "error";
        if (!failed && _blockId is null && !_spoke && message.Text("result") is { Length: > 0 } whole)
        {
            Say(BlockKind.Text, whole, output); // nothing was streamed
        }

        var usage = message.Object("usage") is { } u
            ? new AgentUsage(Count(u, "inputTokens", "input_tokens"), Count(u, "outputTokens", "output_tokens"),
                Count(u, "cacheReadTokens", "cache_read_tokens"), Count(u, "cacheWriteTokens", "cache_write_tokens"), null)
            : null;
        End(
            Interrupting ? TurnOutcome.Cancelled : failed ? TurnOutcome.Failed : TurnOutcome.Completed,
            failed && !Interrupting ? BoundedText.OneLine(
                message.Text("result") is { Length: > 0 } why ? why : "Cursor failed and gave no reason.") : null,
            usage, output);
    }

    private static long Count(JsonElement usage, string name, string other)
        => usage.Member(name) is null ? usage.Number(other) : usage.Number(name);

    private void End(TurnOutcome outcome, string? error, AgentUsage? usage, CursorOutput output)
    {
        if (!TurnRuns)
        {
            return;
        }

        Finish(output, cut: outcome != TurnOutcome.Completed);
        foreach (var id in _open.Keys)
        {
            output.Events.Add(new AgentToolResult(id, IsError: true, "") { Interrupted = true });
        }

        _open.Clear();
        TurnRuns = false;
        output.Events.Add(new AgentTurnEnded(outcome) { Error = error, Usage = usage });
    }
}
