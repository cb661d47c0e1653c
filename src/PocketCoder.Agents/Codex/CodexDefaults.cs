using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Codex;

/// <summary>
/// What Codex uses when nobody chose: the person's settings (<c>config/read</c>), else what its list of models says (<c>model/list</c>).
/// What was told with a turn holds for the following ones too (0.169.0), so going back means telling the default by name.
/// </summary>
internal sealed record CodexDefaults(string? Model, string? Effort, IReadOnlyDictionary<string, string> EffortByModel)
{
    public static CodexDefaults None { get; } = new(null, null, new Dictionary<string, string>(StringComparer.Ordinal));

    /// <param name="config">Of the answer to <c>config/read</c>; null: it gave none.</param>
    public CodexDefaults With(JsonElement? config)
        => this with { Model = config?.Text("model") ?? Model, Effort = config?.Text("model_reasoning_effort") ?? Effort };

    /// <param name="answer">To <c>model/list</c>.</param>
    public CodexDefaults WithModels(JsonElement answer)
    {
        var efforts = new Dictionary<string, string>(EffortByModel, StringComparer.Ordinal);
        string? usual = null;
        foreach (var listed in answer.Items("data"))
        {
            if (listed.Text("model") is not { } name)
            {
                continue;
            }

            usual ??= listed.IsTrue("isDefault") ? name : null;
            if (listed.Text("defaultReasoningEffort") is { } effort)
            {
                efforts[name] = effort;
            }
        }

        return this with { Model = Model ?? usual, EffortByModel = efforts };
    }

    /// <summary>Null: nobody knows.</summary>
    public string? EffortOf(string model) => Effort ?? EffortByModel.GetValueOrDefault(model);
}
