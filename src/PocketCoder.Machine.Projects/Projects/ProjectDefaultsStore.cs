using Microsoft.Data.Sqlite;
using PocketCoder.Agents;
using PocketCoder.Machine.AgentSandboxes;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Settings;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Projects;

/// <summary>
/// What new sessions of a project begin with, and what its one-shot commands run in. Whoever starts a session may choose otherwise, within
/// <see cref="SandboxBounds"/>. Every change is a row of the ledger. Thread-safe.
/// </summary>
public sealed class ProjectDefaultsStore(Store store, ProjectStore projects, AgentCatalog agents, SandboxService sandboxes)
{
    private const string Columns =
        "SELECT agent, mode, model, effort, sandbox, sandbox_by_owner FROM project_defaults WHERE project_id = $id";

    private volatile IReadOnlyList<string> _agents = [];

    /// <summary>The agents that some project begins its sessions with.</summary>
    public IReadOnlyList<string> Agents => _agents;

    /// <summary>Reads <see cref="Agents"/> at the start.</summary>
    public async Task LoadAsync(CancellationToken cancellationToken)
        => _agents = await store.QueryAsync(
            "SELECT DISTINCT agent FROM project_defaults WHERE agent IS NOT NULL", row => row.GetString(0), cancellationToken);

    /// <summary>
    /// What holds: a sandbox that a device chose counts for nothing where the daemon was started with a stronger one since.
    /// </summary>
    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND</exception>
    public async Task<ProjectDefaults> GetAsync(Guid projectId, CancellationToken cancellationToken)
    {
        projectId = (await projects.RulingAsync(projectId, cancellationToken)).ProjectId;
        var found = await store.QueryAsync(Columns, Map, cancellationToken, ("$id", projectId.ToString()));
        return Held(found.Count == 1 ? found[0] : Stored.None);
    }

    /// <summary>How weak a sandbox may be there, and for whom.</summary>
    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND</exception>
    public async Task<SandboxBounds> BoundsAsync(Guid projectId, CancellationToken cancellationToken)
        => Bounds((await GetAsync(projectId, cancellationToken)).Sandbox, await UsualAsync());

    /// <param name="device">Null: the owner at the machine.</param>
    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND; INVALID_REQUEST: no session could begin so; UNAUTHORIZED: the sandbox would be
    /// weaker, and this device may not do that</exception>
    public async Task<ProjectDefaults> SetAsync(
        Guid projectId, ProjectDefaults defaults, Device? device, CancellationToken cancellationToken)
    {
        var project = await projects.RulingAsync(projectId, cancellationToken);
        projectId = project.ProjectId;
        Check(defaults);
        var usual = await UsualAsync();
        await store.WriteAsync(change =>
        {
            var stored = change.Find(Columns, Map, ("$id", projectId.ToString())) ?? Stored.None;
            var held = Held(stored);
            var (before, after) = (held.Sandbox ?? usual, defaults.Sandbox ?? usual);
            if (after != before)
            {
                // inside of the change: two devices at once must not undo each other's check
                Bounds(held.Sandbox, usual).Require(after, device);
            }

            var byOwner = defaults.Sandbox is not null
                && (device is null || (stored.SandboxByOwner && defaults.Sandbox == stored.Defaults.Sandbox));
            change.Execute(
                """
                INSERT INTO project_defaults (project_id, agent, mode, model, effort, sandbox, sandbox_by_owner) VALUES ($id, $agent, $mode, $model, $effort, $sandbox, $owner)
                ON CONFLICT (project_id) DO UPDATE SET agent = $agent, mode = $mode, model = $model, effort = $effort, sandbox = $sandbox, sandbox_by_owner = $owner
                """,
                ("$id", projectId.ToString()),
                ("$agent", defaults.Agent),
                ("$mode", defaults.Mode),
                ("$model", defaults.Model),
                ("$effort", defaults.Effort),
                ("$sandbox", defaults.Sandbox is { } sandbox ? SandboxName.Of(sandbox) : null),
                ("$owner", byOwner));
            // also when the owner makes a device's choice the owner's, and so lets it hold
            if (defaults != held || defaults != stored.Defaults)
            {
                var weaker = SandboxBounds.IsWeaker(after, before);
                SettingChange.Record(
                    change, new SettingData(
                        "project_defaults", project.Name, "set", Words(defaults), Words(held), projectId, weaker ? true : null), device);
            }
        });
        await LoadAsync(CancellationToken.None);
        return defaults;
    }

    /// <param name="held">Below the floor only when the owner chose it: then that is the project's floor.</param>
    private SandboxBounds Bounds(SandboxKind? held, SandboxKind usual)
        => new(held ?? usual, sandboxes.Floor is { } floor && held is { } own
            && SandboxBounds.IsWeaker(own, floor) ? own : sandboxes.Floor);

    /// <summary>
    /// What the machine uses where nothing is set. Where no sandbox works it counts as a full one: going without is weaker than refusing.
    /// </summary>
    private async Task<SandboxKind> UsualAsync() => (await sandboxes.ChooseAsync(null)).Kind ?? SandboxKind.Bubblewrap;

    /// <summary>What of it holds now.</summary>
    private ProjectDefaults Held(Stored stored)
        => !stored.SandboxByOwner && stored.Defaults.Sandbox is { } kind && sandboxes.Floor is { } floor
            && SandboxBounds.IsWeaker(kind, floor)
            ? stored.Defaults with { Sandbox = null }
            : stored.Defaults;

    private static Stored Map(SqliteDataReader row) => new(
        new ProjectDefaults(
            row.TextOrNull(0), row.TextOrNull(1), row.TextOrNull(2), row.TextOrNull(3),
            row.TextOrNull(4) is { } sandbox ? SandboxName.Parse(sandbox) : null),
        row.GetInt64(5) != 0);

    /// <summary>For the ledger.</summary>
    private static string Words(ProjectDefaults d)
    {
        string?[] words =
        [
            d.Agent is null ? null : $"agent={d.Agent}",
            d.Mode is null ? null : $"mode={d.Mode}",
            d.Model is null ? null : $"model={d.Model}",
            d.Effort is null ? null : $"effort={d.Effort}",
            d.Sandbox is { } kind ? $"sandbox={SandboxName.Of(kind)}" : null,
        ];
        return string.Join(' ', words.Where(w => w is not null)) is { Length: > 0 } text ? text : "nothing";
    }

    private void Check(ProjectDefaults defaults)
    {
        AgentChoices.RequireName(defaults.Model, "model");
        if (defaults.Agent is not { } id)
        {
            if (defaults.Mode is not null || defaults.Model is not null || defaults.Effort is not null)
            {
                throw new RequestFailure(ErrorCode.InvalidRequest, "A mode, a model or an effort is one of an agent: name the agent too.");
            }

            return;
        }

        var agent = agents.Find(id)?.Description
            ?? throw new RequestFailure(ErrorCode.InvalidRequest, $"There is no agent {id}. Available: {string.Join(", ", agents.Ids)}.");
        Require(defaults.Mode, agent.Modes, $"{agent.Name} has no mode");
        AgentChoices.RequireEffort(agent, defaults.Effort, agents.Models.EffortsOf(id));
        AgentChoices.RequireModel(agent, defaults.Model);

        if (defaults.Sandbox is { } sandbox and not SandboxKind.None && !agent.HostTools)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest,
                $"{agent.Name} runs its commands itself, so they can't be put into a sandbox ({SandboxName.Of(sandbox)}).");
        }
    }

    private static void Require(string? value, IReadOnlyList<string> offered, string lacks)
    {
        if (value is not null && !offered.Contains(value, StringComparer.Ordinal))
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"{lacks} {value}. There are: {string.Join(", ", offered)}.");
        }
    }

    private sealed record Stored(ProjectDefaults Defaults, bool SandboxByOwner)
    {
        public static Stored None { get; } = new(new ProjectDefaults(), false);
    }
}
