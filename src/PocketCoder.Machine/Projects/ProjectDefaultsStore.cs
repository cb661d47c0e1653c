using PocketCoder.Agents;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Projects;

/// <summary>What new sessions of a project begin with. Whoever starts one may choose otherwise, and sees what is chosen. Thread-safe.</summary>
internal sealed class ProjectDefaultsStore(Store store, ProjectStore projects, AgentCatalog agents)
{
    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND</exception>
    public async Task<ProjectDefaults> GetAsync(Guid projectId, CancellationToken cancellationToken)
    {
        _ = await projects.GetAsync(projectId, cancellationToken);
        var found = await store.QueryAsync(
            "SELECT agent, mode, model, effort, sandbox FROM project_defaults WHERE project_id = $id",
            row => new ProjectDefaults(row.TextOrNull(0), row.TextOrNull(1), row.TextOrNull(2), row.TextOrNull(3), row.TextOrNull(4) is { } sandbox ? SandboxName.Parse(sandbox) : null),
            cancellationToken,
            ("$id", projectId.ToString()));
        return found.Count == 1 ? found[0] : new ProjectDefaults();
    }

    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND; INVALID_REQUEST: no session could begin so</exception>
    public async Task<ProjectDefaults> SetAsync(Guid projectId, ProjectDefaults defaults, CancellationToken cancellationToken)
    {
        _ = await projects.GetAsync(projectId, cancellationToken);
        Check(defaults);
        await store.WriteAsync(change => change.Execute(
            """
            INSERT INTO project_defaults (project_id, agent, mode, model, effort, sandbox) VALUES ($id, $agent, $mode, $model, $effort, $sandbox)
            ON CONFLICT (project_id) DO UPDATE SET agent = $agent, mode = $mode, model = $model, effort = $effort, sandbox = $sandbox
            """,
            ("$id", projectId.ToString()),
            ("$agent", defaults.Agent),
            ("$mode", defaults.Mode),
            ("$model", defaults.Model),
            ("$effort", defaults.Effort),
            ("$sandbox", defaults.Sandbox is { } sandbox ? SandboxName.Of(sandbox) : null)));
        return defaults;
    }

    private void Check(ProjectDefaults defaults)
    {
        SessionRoutes.RequireName(defaults.Model, "model");
        if (defaults.Agent is not { } id)
        {
            if (defaults.Mode is not null || defaults.Model is not null || defaults.Effort is not null)
            {
                throw new RequestFailure(ErrorCode.InvalidRequest, "A mode, a model or an effort is one of an agent: name the agent too.");
            }

            return;
        }

        var agent = agents.Find(id)?.Description ?? throw new RequestFailure(ErrorCode.InvalidRequest, $"There is no agent {id}. There are: {string.Join(", ", agents.Ids)}.");
        Require(defaults.Mode, agent.Modes, $"{agent.Name} has no mode");
        SessionDirectory.RequireEffort(agent, defaults.Effort, agents.Models.EffortsOf(id));
        if (defaults.Model is not null && !agent.Models)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"{agent.Name} has one model only.");
        }

        if (defaults.Sandbox is { } sandbox and not SandboxKind.None && !agent.HostTools)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"{agent.Name} runs its commands itself, so they can't be put into a sandbox ({SandboxName.Of(sandbox)}).");
        }
    }

    private static void Require(string? value, IReadOnlyList<string> offered, string lacks)
    {
        if (value is not null && !offered.Contains(value, StringComparer.Ordinal))
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"{lacks} {value}. There are: {string.Join(", ", offered)}.");
        }
    }
}
