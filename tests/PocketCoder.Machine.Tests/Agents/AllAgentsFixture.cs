using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Sessions.Watching;
using PocketCoder.Testing;
using PocketCoder.Testing.Agents;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Machine.Tests.Agents;

/// <summary>
/// One daemon with all real agents, one scripted model whose streams break when the test says so, and clocks that can be moved on.
/// </summary>
public sealed class AllAgentsFixture : IAsyncLifetime
{
    public const string Name = "all agents";

    /// <summary>Longer than any agent takes to start on a busy machine: only a moved clock reaches it.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromHours(1);

    private AllAgentsHome? _home;
    private volatile TaskCompletionSource _mayBreak = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ScriptedModelServer? _model;
    private TestDaemon? _daemon;

    public MovableTime Time { get; } = new();

    public Guid Project { get; private set; }

    internal TestDaemon Daemon => _daemon!;

    internal AllAgentsHome Home => _home!;

    public async ValueTask InitializeAsync()
    {
        _model = await ScriptedModelServer.StartAsync();
        _model.Breaking = () => _mayBreak.Task;
        _home = await SeenTextTests.HomeAsync(_model);
        _daemon = await TestDaemon.StartAsync(Time, drivers: [.. AllAgentsHome.Agents.Select(a => SeenTextTests.Driver(a, _home))],
            limits: new TurnLimits { Silence = Silence });
        Project = (await _daemon.Daemon.AsOwner().AddProjectAsync(_home.Project, "api", CancellationToken.None)).Project.ProjectId;
    }

    /// <summary>From now on streams wait before they break.</summary>
    public void HoldBreaks() => _mayBreak = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void LetBreak() => _mayBreak.SetResult();

    /// <summary>How often the model was asked for the answer that always breaks off.</summary>
    public int TimesAsked(string agent) => _model!.Requests.Count(
        r => r.Prompt.Contains("CUT: always", StringComparison.Ordinal) && r.Prompt.Contains($"({agent})", StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        _mayBreak.TrySetResult();
        if (_daemon is not null)
        {
            await _daemon.DisposeAsync();
        }

        _home?.Dispose();
        if (_model is not null)
        {
            await _model.DisposeAsync();
        }
    }
}

/// <summary>Its classes run one after another and share the daemon.</summary>
[CollectionDefinition(AllAgentsFixture.Name)]
public sealed class AllAgentsCollection : ICollectionFixture<AllAgentsFixture>;
