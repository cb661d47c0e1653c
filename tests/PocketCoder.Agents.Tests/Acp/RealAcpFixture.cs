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

    private string _claude = null!;

    public async ValueTask InitializeAsync()
    {
        Gemini = await RealAgents.ProgramAsync("gemini");
        _claude = await RealAgents.ProgramAsync("claude");
        Adapter = AcpAgent.ClaudeAgentAcp with
        {
            Program = await RealAgents.ProgramAsync("claude-agent-acp"),
            Environment = new Dictionary<string, string>(AcpAgent.ClaudeAgentAcp.Environment)
            {
                ["CLAUDE_CODE_EXECUTABLE"] = Path.GetFullPath(
                    Path.Combine(Path.GetDirectoryName(_claude)!, "../@anthropic-ai/claude-code/bin/claude.exe")),
                ["CLAUDE_CODE_MAX_RETRIES"] = "1",
            },
            Conversations = true,
        };
        Model = await ScriptedModelServer.StartAsync();
    }

    public ValueTask DisposeAsync() => Model.DisposeAsync();

    internal GeminiHome NewGeminiHome() => new(Gemini, Model.Address);

    internal ClaudeHome NewClaudeHome() => new(_claude, Model.Address);

    internal static async Task<AgentRun> StartAsync(GeminiHome home, AgentStart? start = null)
        => new(await new AcpDriver(AcpAgent.Gemini, TimeProvider.System, home.Environment).StartAsync(
            start ?? Start(home.Project), CancellationToken.None));

    internal async Task<AgentRun> StartAsync(ClaudeHome home, AgentStart? start = null)
        => new(await new AcpDriver(Adapter, TimeProvider.System, home.Environment).StartAsync(
            start ?? Start(home.Project), CancellationToken.None));

    /// <summary>A picture that goes with a prompt is in what the model is asked.</summary>
    internal async Task SeesPictureAsync(AgentRun run, string project)
    {
        var picture = Path.Combine(project, "shot.png");
        const string Png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
        await File.WriteAllBytesAsync(picture, Convert.FromBase64String(Png));
        var before = Model.Requests.Count;
        await run.Process.PromptAsync(new AgentPrompt(Guid.CreateVersion7(), "SAY: seen")
        { Attachments = [new AgentAttachment(picture, "shot.png", "image/png")] }, CancellationToken.None);
        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.Contains(Model.Requests.Skip(before),
            r => r.Body.Replace("\\u002B", "+", StringComparison.Ordinal).Contains(Png, StringComparison.Ordinal));
    }

    internal static AgentStart Start(string project) => new() { SessionId = Guid.CreateVersion7(), WorkingDirectory = project };
}
