using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Codex;

/// <summary>What Codex says it offers (<c>model/list</c>).</summary>
internal static class CodexOffers
{
    /// <summary>Those of all its models; which of them a model knows, it tells.</summary>
    public static IReadOnlyList<string> Efforts { get; } = ["low", "medium", "high", "xhigh", "max", "ultra"];

    public static IReadOnlyList<AgentModel> Models(JsonElement answer) =>
    [
        .. answer.Items("data").Where(m => m.Text("model") is not null && !m.IsTrue("hidden"))
            .Select(m => new AgentModel(m.Text("model")!, m.Text("displayName") ?? m.Text("model")!)
        {
            Efforts = [.. m.Items("supportedReasoningEfforts").Select(e => e.Text("reasoningEffort")).OfType<string>()],
        }),
    ];

    /// <exception cref="AgentException">None of them.</exception>
    public static string Checked(string effort)
        => Efforts.Contains(effort, StringComparer.Ordinal) ? effort
            : throw new AgentException(AgentError.Refused, $"{effort} is no effort of Codex.");
}
