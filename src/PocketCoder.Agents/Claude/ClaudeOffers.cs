using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Claude;

/// <summary>What the program says it offers, in its answer to <c>initialize</c>.</summary>
/// <param name="Commands">Those that work here. The others are skills, whose tool is switched off, or belong to its own terminal.</param>
internal sealed record ClaudeOffers(IReadOnlyList<AgentCommand> Commands, IReadOnlyList<AgentModel> Models)
{
    public static ClaudeOffers None { get; } = new([], []);

    /// <summary>As <c>--effort</c> takes them.</summary>
    public static IReadOnlyList<string> Efforts { get; } = ["low", "medium", "high", "xhigh", "max"];

    /// <summary>Slash commands that were tried and do what they say, with its own shell or with ours.</summary>
    private static readonly string[] s_working = ["compact", "context", "usage", "clear"];

    public static ClaudeOffers From(JsonElement answer) => new(
        [.. answer.Items("commands").Where(c => s_working.Contains(c.Text("name"), StringComparer.Ordinal))
            .Select(c => new AgentCommand(c.Text("name")!, c.Text("description") ?? ""))],
        [.. answer.Items("models").Where(m => m.Text("value") is not null)
            .Select(m => new AgentModel(m.Text("value")!, m.Text("displayName") ?? m.Text("value")!)
        {
            Efforts = [.. m.Items("supportedEffortLevels").Select(e => e.AsText()).OfType<string>()],
        })]);

    /// <exception cref="AgentException">None of them.</exception>
    public static string Checked(string effort)
        => Efforts.Contains(effort, StringComparer.Ordinal) ? effort
            : throw new AgentException(AgentError.Refused, $"{effort} is no effort of Claude Code.");
}
