using PocketCoder.Agents;
using PocketCoder.Agents.Codex;
using PocketCoder.Testing.Agents;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Agents.Tests.Codex;

/// <summary>One scripted model and the installed program for a class of tests.</summary>
public sealed class RealCodexFixture : IAsyncLifetime
{
    public const string Version = "0.169.0";

    public ScriptedModelServer Model { get; private set; } = null!;

    public string Program { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Program = await RealAgents.ProgramAsync("codex");
        Model = await ScriptedModelServer.StartAsync();
    }

    public ValueTask DisposeAsync() => Model.DisposeAsync();

    internal CodexHome NewHome(string model = "gpt-5.5", string project = "project") => new(Program, Model.Address, model, project);

    internal static async Task<AgentRun> StartAsync(CodexHome home, AgentStart? start = null)
        => new(await new CodexDriver(TimeProvider.System, home.Environment).StartAsync(start ?? Start(home), CancellationToken.None));

    internal static AgentStart Start(CodexHome home) => new() { SessionId = Guid.CreateVersion7(), WorkingDirectory = home.Project };
}
