using System.Collections.Concurrent;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.AgentSandboxes;

/// <summary>
/// The models and efforts that agents told since the machine started: agents tell them only once they run, and a person chooses before.
/// Thread-safe.
/// </summary>
public sealed class KnownModels
{
    private readonly ConcurrentDictionary<string, IReadOnlyList<ModelInfo>> _byAgent = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, IReadOnlyList<string>> _efforts = new(StringComparer.Ordinal);

    public IReadOnlyList<ModelInfo> Of(string agent) => _byAgent.GetValueOrDefault(agent) ?? [];

    /// <summary>Null: it did not run yet, or tells none.</summary>
    public IReadOnlyList<string>? EffortsOf(string agent) => _efforts.GetValueOrDefault(agent);

    /// <summary>
    /// Those of another model of the same agent stay known: which of them a model has, the agent says again when it runs.
    /// </summary>
    public void LearnEfforts(string agent, IReadOnlyList<string> efforts)
        => _efforts.AddOrUpdate(agent, _ => efforts, (_, known) => efforts.Count >= known.Count ? efforts : known);

    public void Learn(string agent, IReadOnlyList<ModelInfo> models) => _byAgent[agent] = models;
}
