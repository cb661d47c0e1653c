using PocketCoder.Agents;
using PocketCoder.Agents.Acp;
using PocketCoder.Agents.Claude;
using PocketCoder.Agents.Codex;
using PocketCoder.Agents.OpenCode;
using PocketCoder.Agents.Tests.Acp;
using PocketCoder.Testing.Agents;
using PocketCoder.Testing.Claude;

namespace PocketCoder.Agents.Tests.Matrix;

/// <summary>One column of the matrix: a real agent with a fresh home.</summary>
internal sealed class MatrixAgent(IAgentDriver driver, string project, IDisposable home) : IDisposable
{
    private readonly Guid _session = Guid.CreateVersion7();

    public static IReadOnlyList<string> Columns { get; } = ["Claude Code", "Codex", "OpenCode", "Gemini CLI", "ACP (claude-agent-acp)"];

    public AgentDescription Description => driver.Description;

    public string Project => project;

    public static async Task<MatrixAgent> NewAsync(string column, RealAcpFixture fixture)
    {
        switch (column)
        {
            case "Claude Code":
                var claude = fixture.NewClaudeHome();
                claude.Environment["CLAUDE_CODE_MAX_RETRIES"] = "2";
                return new MatrixAgent(new ClaudeDriver(TimeProvider.System, claude.Environment), claude.Project, claude);
            case "Codex":
                var codex = new CodexHome(await RealAgents.ProgramAsync("codex"), fixture.Model.Address);
                return new MatrixAgent(new CodexDriver(TimeProvider.System, codex.Environment), codex.Project, codex);
            case "OpenCode":
                var openCode = new OpenCodeHome(await RealAgents.ProgramAsync("opencode"), fixture.Model.Address);
                return new MatrixAgent(new OpenCodeDriver(TimeProvider.System, openCode.Environment), openCode.Project, openCode);
            case "Gemini CLI":
                var gemini = fixture.NewGeminiHome();
                return new MatrixAgent(new AcpDriver(AcpAgent.Gemini, TimeProvider.System, gemini.Environment), gemini.Project, gemini);
            default:
                var adapted = fixture.NewClaudeHome();
                return new MatrixAgent(new AcpDriver(fixture.Adapter, TimeProvider.System, adapted.Environment), adapted.Project, adapted);
        }
    }

    /// <param name="tools">Ours, with a conversation of their own; null: the agent's.</param>
    public async Task<AgentRun> StartAsync(string? resume = null, IReadOnlyList<HostTool>? tools = null)
        => new(await driver.StartAsync(
            new AgentStart
            {
                SessionId = tools is null ? _session : Guid.CreateVersion7(),
                WorkingDirectory = project,
                ResumeId = resume,
                HostTools = tools ?? []
            }, CancellationToken.None));

    public string InProject(string path) => Path.Combine(project, path);

    public void Dispose() => home.Dispose();
}
