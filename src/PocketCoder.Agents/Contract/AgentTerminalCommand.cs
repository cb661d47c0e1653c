namespace PocketCoder.Agents;

/// <summary>What a person types to go on with a conversation in a terminal, in the project's directory.</summary>
/// <param name="Program">Name of the agent's program, as found on PATH.</param>
/// <param name="Arguments">One by one, never a shell's line.</param>
/// <param name="Environment">Added to the person's own.</param>
public sealed record AgentTerminalCommand(string Program, IReadOnlyList<string> Arguments, IReadOnlyDictionary<string, string> Environment)
{
    public static IReadOnlyDictionary<string, string> NoEnvironment { get; } = new Dictionary<string, string>(StringComparer.Ordinal);
}
