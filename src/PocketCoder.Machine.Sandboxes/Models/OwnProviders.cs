using PocketCoder.Agents;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Models;

/// <summary>The owner's own providers as they are now. Thread-safe.</summary>
public sealed class OwnProviders
{
    public const int MostRemoved = 1_000;

    private const int MostOffered = 200;

    private volatile IReadOnlyList<OwnProvider> _all = []; // swapped as a whole
    private volatile IReadOnlyList<string> _lost = []; // swapped as a whole

    /// <summary>By name.</summary>
    public IReadOnlyList<OwnProvider> All => _all;

    public OwnProvider? Find(string name) => _all.FirstOrDefault(p => p.Name == name);

    /// <summary>
    /// Names of those that were removed: what was meant for them must not go to another one. At most 1,000, the last ones.
    /// </summary>
    public IReadOnlyList<string> Removed => _lost;

    /// <param name="all">Each without a problem, and no name twice.</param>
    /// <param name="removed">As <see cref="RemovedAfter"/> said, or as it was kept.</param>
    public void Become(IReadOnlyList<OwnProvider> all, IReadOnlyList<string> removed)
    {
        _lost = removed;
        _all = all;
    }

    /// <summary>What <see cref="Removed"/> is once these are all.</summary>
    public IReadOnlyList<string> RemovedAfter(IReadOnlyList<OwnProvider> all)
        => [.. _lost.Union(_all.Select(p => p.Name), StringComparer.Ordinal).Except(all.Select(p => p.Name), StringComparer.Ordinal)
            .TakeLast(MostRemoved)];

    /// <summary>The provider that a model was of, when that was removed; null: it was of none.</summary>
    internal string? Lost(string? model)
        => model?.IndexOf('/', StringComparison.Ordinal) is > 0 and var at && _lost.Contains(model[..at], StringComparer.Ordinal)
            ? model[..at] : null;

    /// <summary>Whether nothing of it was changed since.</summary>
    public bool IsCurrent(OwnProvider provider) => ReferenceEquals(Find(provider.Name), provider);

    /// <summary>Whose model that is for an agent; null: none of these.</summary>
    /// <param name="model"><c>NAME/MODEL</c>, or any other name of a model, or null.</param>
    /// <exception cref="AgentException">The provider has no such model, or the agent can't ask it.</exception>
    internal OwnProvider? Of(IAgentDriver driver, string? model)
    {
        var at = model?.IndexOf('/', StringComparison.Ordinal) ?? -1;
        if (at < 1 || driver.Providers.Count == 0 || Find(model![..at]) is not { } provider)
        {
            return null;
        }

        if (!driver.Providers.Contains(provider.Dialect))
        {
            throw new AgentException(
                AgentError.Refused, $"{driver.Description.Name} can't ask {provider.Name}, which speaks {provider.DialectWord}. It asks providers that speak {string.Join(" or ", driver.Providers.Select(OwnProvider.WordOf))}.");
        }

        return provider.Models.Any(m => m.Id == model[(at + 1)..]) ? provider
            : throw new AgentException(
                AgentError.Refused,
                $"{provider.Name} has no such model on this machine. It has: {string.Join(", ", provider.Models.Select(m => m.Id))}. The owner adds one: pocketcoder provider set {provider.Name}");
    }

    /// <summary>What an agent can be told to use of them.</summary>
    internal IEnumerable<ModelInfo> ModelsFor(IAgentDriver driver)
        => (from provider in _all
            where driver.Providers.Contains(provider.Dialect)
            from model in provider.Models
            let name = $"{provider.Name}/{model.Id}"
            select new ModelInfo(name, model.Title is { } title ? $"{title} ({provider.Name})" : name, null)).Take(MostOffered);
}
