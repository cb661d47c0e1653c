using PocketCoder.Agents;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Secrets;
using PocketCoder.Machine.Storage;

namespace PocketCoder.Machine.Providers;

/// <summary>Model providers as the owner and devices reach them: the parts, in order of construction.</summary>
internal sealed class ProviderParts(
    ProviderSettings settings, SecretService secrets, ModelService models, Store store, IReadOnlyList<IAgentDriver> drivers)
{
    /// <summary>The owner's own.</summary>
    public ProviderService Own { get; } = new(settings, secrets, models, store);

    /// <summary>The keys of all of them, for devices.</summary>
    public ProviderKeys Keys { get; } = new(secrets, models, settings.Known, drivers);
}
