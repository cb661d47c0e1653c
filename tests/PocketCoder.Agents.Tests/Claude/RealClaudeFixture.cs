using PocketCoder.Agents;
using PocketCoder.Agents.Claude;
using PocketCoder.Testing.Claude;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Agents.Tests.Claude;

/// <summary>One scripted model and the installed program for a class of tests.</summary>
public sealed class RealClaudeFixture : IAsyncLifetime
{
    public ScriptedModelServer Model { get; private set; } = null!;

    public string Program { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Program = await RealClaude.ProgramAsync();
        Model = await ScriptedModelServer.StartAsync();
    }

    public ValueTask DisposeAsync() => Model.DisposeAsync();

    internal ClaudeHome NewHome() => new(Program, Model.Address);

    internal static async Task<AgentRun> StartAsync(ClaudeHome home, AgentStart? start = null)
        => new(await new ClaudeDriver(TimeProvider.System, home.Environment).StartAsync(start ?? Start(home), CancellationToken.None));

    internal static AgentStart Start(ClaudeHome home) => new() { SessionId = Guid.CreateVersion7(), WorkingDirectory = home.Project };
}
