using PocketCoder.Testing.Agents;

namespace PocketCoder.Testing.Claude;

/// <summary>The real Claude Code, see <see cref="RealAgents"/>.</summary>
public static class RealClaude
{
    public const string Version = "2.1.197";

    public static Task<string> ProgramAsync() => RealAgents.ProgramAsync("claude");
}
