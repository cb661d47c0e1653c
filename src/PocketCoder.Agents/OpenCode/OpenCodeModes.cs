namespace PocketCoder.Agents.OpenCode;

/// <summary>OpenCode's agents that a person may choose: <c>build</c>, and <c>plan</c>, which only looks.</summary>
internal static class OpenCodeModes
{
    public const string Default = "default";
    public const string Plan = "plan";

    public static IReadOnlyList<string> Offered { get; } = [Default, Plan];

    /// <exception cref="AgentException">There is no such mode.</exception>
    public static string Checked(string mode)
        => Offered.Contains(mode, StringComparer.Ordinal) ? mode
            : throw new AgentException(AgentError.Refused, $"OpenCode has no mode {mode} here: {string.Join(", ", Offered)}.");

    public static string AgentOf(string mode) => mode == Plan ? "plan" : "build";
}
