using System.Text.Json;

namespace PocketCoder.Agents.Claude;

/// <summary>The tool calls of the running turn, by the program's id. Not thread-safe.</summary>
internal sealed class ClaudeCalls
{
    private readonly Dictionary<string, ClaudeCall> _calls = new(StringComparer.Ordinal);

    /// <summary>The call of this id; a new one when it was not heard of yet.</summary>
    public ClaudeCall Of(string id, string name, JsonElement input)
    {
        if (!_calls.TryGetValue(id, out var call))
        {
            _calls[id] = call = new ClaudeCall(name, input.GetRawText());
        }

        return call;
    }

    public ClaudeCall? Find(string id) => _calls.GetValueOrDefault(id);

    /// <summary>Takes the call out: its result is here.</summary>
    public ClaudeCall? End(string id) => _calls.Remove(id, out var call) ? call : null;

    public void Clear() => _calls.Clear();
}

/// <summary>A tool call of the running turn, from its announcement or its hook (whichever came first) to its result.</summary>
internal sealed class ClaudeCall(string name, string inputJson)
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
