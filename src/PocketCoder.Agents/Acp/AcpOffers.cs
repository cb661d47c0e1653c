using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Acp;

/// <summary>What an ACP agent says it offers and how full it is.</summary>
internal static class AcpOffers
{
    /// <summary>The models of an opened session: a list of their own, or the choices of an option named <c>model</c>.</summary>
    public static IReadOnlyList<AgentModel> Models(JsonElement session)
    {
        var own = session.Object("models")?.Items("availableModels").Where(m => m.Text("modelId") is not null).Select(m => new AgentModel(m.Text("modelId")!, m.Text("name") ?? m.Text("modelId")!));
        var options = session.Items("configOptions").Where(o => o.Text("id") == "model").SelectMany(o => o.Items("options"))
            .Where(o => o.Text("value") is not null).Select(o => new AgentModel(o.Text("value")!, o.Text("name") ?? o.Text("value")!));
        return [.. own ?? options];
    }

    /// <summary>From <c>usage_update</c>; null when it tells no use.</summary>
    public static AgentContext? Context(JsonElement update)
        => update.Number("used") is > 0 and var used ? new AgentContext(used, update.Number("size") is > 0 and var size ? size : null) : null;
}
