using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Claude;

/// <summary>How full the conversation is: what the last request to the model took, of what the program says goes into that model.</summary>
internal sealed class ClaudeContext
{
    private long? _used;
    private long? _window;

    /// <summary>Takes an <c>assistant</c> line of the conversation itself. Every block of a message repeats the same usage.</summary>
    public AgentContext? Said(JsonElement message)
    {
        if (message.Object("usage") is not { } usage || message.Text("model") == "<synthetic>")
        {
            return null;
        }

        var now = usage.Number("input_tokens") + usage.Number("cache_read_input_tokens") + usage.Number(
            "cache_creation_input_tokens") + usage.Number("output_tokens");
        return now <= 0 || now == _used ? null : new AgentContext((_used = now).Value, _window);
    }

    /// <summary>Takes the end of a turn, which tells the window of each model that was used since the program started.</summary>
    public AgentContext? Ended(JsonElement result, string? model)
    {
        if (result.Object("modelUsage") is not { } models)
        {
            return null;
        }

        var all = models.EnumerateObject().Where(m => m.Value.ValueKind == JsonValueKind.Object).ToList();
        var own = all.Find(m => m.Name == model) is { Value.ValueKind: JsonValueKind.Object } named ? named.Value : all.Count == 1
            ? all[0].Value : default;
        var told = own.ValueKind == JsonValueKind.Object ? own.Number("contextWindow") : 0;
        if (told <= 0 || told == _window || _used is null)
        {
            return null;
        }

        return new AgentContext(_used.Value, _window = told);
    }
}
