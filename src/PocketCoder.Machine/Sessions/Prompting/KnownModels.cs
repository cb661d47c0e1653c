using System.Collections.Concurrent;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Prompting;

/// <summary>The models that agents told since the machine started: agents tell them only once they run, and a person chooses before. Thread-safe.</summary>
internal sealed class KnownModels
{
    private readonly ConcurrentDictionary<string, IReadOnlyList<ModelInfo>> _byAgent = new(StringComparer.Ordinal);

    public IReadOnlyList<ModelInfo> Of(string agent) => _byAgent.GetValueOrDefault(agent) ?? [];

    public void Learn(string agent, IReadOnlyList<ModelInfo> models) => _byAgent[agent] = models;
}
