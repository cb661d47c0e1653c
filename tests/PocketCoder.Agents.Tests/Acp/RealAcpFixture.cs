using PocketCoder.Agents;
using PocketCoder.Agents.Acp;
using PocketCoder.Testing.Agents;
using PocketCoder.Testing.Claude;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Agents.Tests.Acp;

/// <summary>One scripted model and the installed programs for a class of tests.</summary>
public sealed class RealAcpFixture : IAsyncLifetime
{
    public ScriptedModelServer Model { get; private set; } = null!;

    public string Gemini { get; private set; } = null!;

    /// <summary>Claude Code behind its ACP adapter: a second agent for the generic driver, not one that is offered.</summary>
    public AcpAgent Adapter { get; private set; } = null!;

    private string claude = null!;

    public async ValueTask InitializeAsync()
    {
        Gemini = await RealAgents.ProgramAsync("gemini");
        claude = await RealAgents.ProgramAsync("claude");
        Adapter = AcpAgent.ClaudeAgentAcp with
        {
            Program = await RealAgents.ProgramAsync("claude-agent-acp"),
            Environment = new Dictionary<string, string>(AcpAgent.ClaudeAgentAcp.Environment)
            {
                ["CLAUDE_CODE_EXECUTABLE"] = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(claude)!, "../@anthropic-ai/claude-code/bin/claude.exe")),
                ["CLAUDE_CODE_MAX_RETRIES"] = "1",
            },
            Conversations = true,
        };
        Model = await ScriptedModelServer.StartAsync();
    }

    public ValueTask DisposeAsync() => Model.DisposeAsync();

    internal GeminiHome NewGeminiHome() => new(Gemini, Model.Address);

    internal ClaudeHome NewClaudeHome() => new(claude, Model.Address);

    internal static async Task<AgentRun> StartAsync(GeminiHome home, AgentStart? start = null)
        => new(await new AcpDriver(AcpAgent.Gemini, TimeProvider.System, home.Environment).StartAsync(start ?? Start(home.Project), CancellationToken.None));

    internal async Task<AgentRun> StartAsync(ClaudeHome home, AgentStart? start = null)
        => new(await new AcpDriver(Adapter, TimeProvider.System, home.Environment).StartAsync(start ?? Start(home.Project), CancellationToken.None));

    internal static AgentStart Start(string project) => new() { SessionId = Guid.CreateVersion7(), WorkingDirectory = project };
}
