using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Acp;

/// <summary>What an ACP agent says it offers and how full it is.</summary>
internal static class AcpOffers
{
    /// <summary>The models of an opened session: the choices of its option, or a list of their own (before there were options).</summary>
    public static IReadOnlyList<AgentModel> Models(JsonElement session, AcpOptions? options) => options?.Model is { } option
        ? Models(option)
        : [.. (session.Object("models") ?? default).Items("availableModels").Where(m => m.Text("modelId") is not null)
            .Select(m => new AgentModel(m.Text("modelId")!, m.Text("name") ?? m.Text("modelId")!))];

    public static IReadOnlyList<AgentModel> Models(AcpOption option) => [.. option.Choices.Select(c => new AgentModel(c.Value, c.Name))];

    /// <summary>What a person can choose; the default is no choice. Empty: nothing.</summary>
    public static IReadOnlyList<string> Efforts(AcpOptions options)
        => [.. (options.Effort?.Choices ?? []).Select(c => c.Value).Where(v => v != AcpOption.Default)];

    /// <summary>What changes with new options; the same object when nothing does.</summary>
    public static AgentReady With(AgentReady ready, AcpOptions options)
    {
        var models = options.Model is { } model ? Models(model) : ready.Models;
        var efforts = Efforts(options);
        return models.SequenceEqual(ready.Models) && ready.Efforts is { } known && efforts.SequenceEqual(known, StringComparer.Ordinal)
            && (options.Model?.Current ?? ready.Model) == ready.Model
            ? ready
            : ready with { Models = models, Efforts = efforts, Model = options.Model?.Current ?? ready.Model };
    }

    /// <summary>From <c>usage_update</c>; null when it tells no use.</summary>
    public static AgentContext? Context(JsonElement update)
        => update.Number("used") is > 0 and var used ? new AgentContext(used, update.Number("size") is > 0 and var size ? size : null)
            : null;
}
