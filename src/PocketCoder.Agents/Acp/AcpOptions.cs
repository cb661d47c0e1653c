using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Acp;

/// <summary>One thing that can be chosen of a session.</summary>
/// <param name="Id">What <c>session/set_config_option</c> takes.</param>
/// <param name="Current">What holds now; null: the agent does not say.</param>
/// <param name="Choices">In the agent's order. Untrusted text.</param>
internal sealed record AcpOption(string Id, string? Current, IReadOnlyList<(string Value, string Name)> Choices)
{
    /// <summary>How agents call the choice that is none (claude-agent-acp 0.49.0, OpenCode 1.18.33).</summary>
    public const string Default = "default";

    public bool Has(string value) => Choices.Any(c => c.Value == value);
}

/// <summary>
/// What an agent lets a person choose of a session: <c>configOptions</c> (agentclientprotocol.com/protocol/session-config-options). Of
/// several options of one kind the first counts, and only lists to choose one of are understood. Untrusted.
/// </summary>
internal sealed record AcpOptions(AcpOption? Mode, AcpOption? Model, AcpOption? Effort)
{
    private const int MostChoices = 200;

    /// <param name="holder">An answer or an update that may have them; they always come whole.</param>
    /// <returns>Null: it says nothing of them.</returns>
    public static AcpOptions? Read(JsonElement holder)
    {
        if (holder.ValueKind != JsonValueKind.Object || holder.Member("configOptions") is not { ValueKind: JsonValueKind.Array })
        {
            return null;
        }

        var options = holder.Items("configOptions").ToList();
        return new AcpOptions(Find("mode"), Find("model"), Find("thought_level"));

        // The category is what the protocol names a kind by; the id is the agent's own.
        AcpOption? Find(string kind) => options.Where(o => o.Text("category") == kind)
            .Concat(options.Where(o => o.Text("category") is null && o.Text("id") == kind)).Select(One).FirstOrDefault(o => o is not null);
    }

    private static AcpOption? One(JsonElement option)
        => option.Text("id") is { Length: > 0 } id && (option.Text("type") ?? "select") == "select"
            ? new AcpOption(id, option.Text("currentValue"), [.. Flat(option.Items("options")).Take(MostChoices)])
            : null;

    /// <summary>Choices may come in groups.</summary>
    private static IEnumerable<(string Value, string Name)> Flat(IEnumerable<JsonElement> choices)
        => choices.SelectMany(c => c.Text("value") is { Length: > 0 } value
        ? [(value, c.Text("name") ?? value)]
        : c.Items("options").Where(o => o.Text("value") is { Length: > 0 })
            .Select(o => (o.Text("value")!, o.Text("name") ?? o.Text("value")!)));
}
