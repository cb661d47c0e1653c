using PocketCoder.Agents;
using PocketCoder.Agents.OpenCode;
using PocketCoder.Testing.Agents;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Agents.Tests.OpenCode;

/// <summary>One scripted model and the installed program for a class of tests.</summary>
public sealed class RealOpenCodeFixture : IAsyncLifetime
{
    public const string Version = "1.18.33";

    public ScriptedModelServer Model { get; private set; } = null!;

    public string Program { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Program = await RealAgents.ProgramAsync("opencode");
        Model = await ScriptedModelServer.StartAsync();
    }

    public ValueTask DisposeAsync() => Model.DisposeAsync();

    internal OpenCodeHome NewHome() => new(Program, Model.Address);

    internal static async Task<AgentRun> StartAsync(OpenCodeHome home, AgentStart? start = null)
        => new(await new OpenCodeDriver(TimeProvider.System, home.Environment).StartAsync(start ?? Start(home), CancellationToken.None));

    internal static AgentStart Start(OpenCodeHome home) => new() { SessionId = Guid.CreateVersion7(), WorkingDirectory = home.Project };
}
