using System.Text.Json;
using PocketCoder.Agents;
using PocketCoder.Machine.Sessions.Titles;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Tools;

/// <summary>Which sub-agent called a tool in the running turn, by its name. On the mailbox only.</summary>
internal sealed class SubAgents
{
    /// <summary>Calls that are remembered of a turn; of later ones nobody knows the sub-agent.</summary>
    private const int MostCalls = 10_000;

    private const string Unnamed = "sub-agent";

    /// <summary>What agents call the member of a call's input that names the sub-agent.</summary>
    private static readonly string[] s_members = ["subagent_type", "agent_type", "agent", "description"];

    private readonly Dictionary<string, string?> _parents = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);

    public void Note(AgentToolUse use)
    {
        if (_parents.Count >= MostCalls)
        {
            return;
        }

        _parents[use.ToolUseId] = use.ParentToolUseId;
        if (use.Kind == ToolKind.Agent)
        {
            _names[use.ToolUseId] = NameIn(use.InputJson);
        }
    }

    /// <summary>The sub-agent that made the call; null: the agent itself, or nobody knows. Untrusted.</summary>
    public string? Of(string? toolUseId) => toolUseId is not null && _parents.GetValueOrDefault(toolUseId) is { } parent
        ? _names.GetValueOrDefault(parent, Unnamed) : null;

    /// <summary>The turn is over.</summary>
    public void Clear()
    {
        _parents.Clear();
        _names.Clear();
    }

    private static string NameIn(string input)
    {
        try
        {
            using var parsed = JsonDocument.Parse(input);
            foreach (var member in s_members)
            {
                if (parsed.RootElement.ValueKind == JsonValueKind.Object && parsed.RootElement.TryGetProperty(member, out var value)
                    && value.ValueKind == JsonValueKind.String && SessionTitle.Visible(value.GetString()!) is { Length: > 0 } name)
                {
                    return name.Length <= Limits.NameLength ? name : name[..ShortText.SafeCut(name, Limits.NameLength)];
                }
            }
        }
        catch (JsonException)
        {
            // then it has no name
        }

        return Unnamed;
    }
}
