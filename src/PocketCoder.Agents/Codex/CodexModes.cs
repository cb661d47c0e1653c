namespace PocketCoder.Agents.Codex;

/// <summary>Codex's collaboration modes. Every act asks in each of them.</summary>
internal static class CodexModes
{
    public const string Default = "default";
    public const string Plan = "plan";

    public static IReadOnlyList<string> Offered { get; } = [Default, Plan];

    public static string Checked(string mode)
        => Offered.Contains(mode, StringComparer.Ordinal) ? mode
            : throw new AgentException(AgentError.Refused, $"{mode} is no mode of Codex here.");
}
