using PocketCoder.Ledger;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Settings;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Projects;

/// <summary>The folders that agents may work in. Thread-safe.</summary>
public sealed class ProjectStore(Store store)
{
    /// <summary>Projects that are registered at once: every device is told of all of them.</summary>
    private const int Most = 1000;

    private const string Columns =
        "SELECT p.project_id, p.name, p.path, p.created_at, p.last_opened_at, w.parent_id, w.branch, w.base, w.state FROM projects p LEFT JOIN worktrees w USING (project_id)";

    private const string Busy =
        "SELECT 1 FROM turns t JOIN sessions s USING (session_id) WHERE s.project_id = $id AND t.state IN ('running','waiting','queued') LIMIT 1";

    public Task<IReadOnlyList<ProjectInfo>> ListAsync(CancellationToken cancellationToken)
        => store.QueryAsync($"{Columns} WHERE p.removed_at IS NULL ORDER BY p.name COLLATE NOCASE, p.path", Map, cancellationToken);

    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND</exception>
    public async Task<ProjectInfo> GetAsync(Guid projectId, CancellationToken cancellationToken)
    {
        var found = await store.QueryAsync(
            $"{Columns} WHERE p.project_id = $id AND p.removed_at IS NULL", Map, cancellationToken, ("$id", projectId.ToString()));
        return found.Count == 1 ? found[0] : throw NotFound(projectId.ToString());
    }

    /// <summary>Registers a folder by its real path; registering it again changes nothing and returns what is there.</summary>
    /// <param name="path">Absolute, canonical (no symbolic link left), an existing directory: the caller checked.</param>
    /// <param name="device">Null: the owner at the machine.</param>
    /// <exception cref="RequestFailure">INVALID_REQUEST: there are <see cref="Most"/></exception>
    public Task<ProjectAddResponse> AddAsync(string path, string name, Device? device = null)
        => store.WriteAsync(change => Add(change, path, name, device?.DeviceId));

    /// <summary>The same as a part of a change.</summary>
    /// <param name="deviceId">Null: the owner at the machine.</param>
    /// <param name="from">The address that it was cloned from; null: it was not.</param>
    public static ProjectAddResponse Add(Change change, string path, string name, string? deviceId, string? from = null)
    {
        if (change.Find($"{Columns} WHERE p.path = $path", Map, ("$path", path)) is { } known)
        {
            var again = change.Execute(
                "UPDATE projects SET removed_at = NULL WHERE path = $path AND removed_at IS NOT NULL", ("$path", path)) > 0;
            if (again)
            {
                Added(change, known, deviceId, from);
            }

            return new ProjectAddResponse(known, again);
        }

        if (change.Query("SELECT count(*) FROM projects WHERE removed_at IS NULL", row => row.GetInt64(0))[0] >= Most)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"There are at most {Most} projects. Remove one first.");
        }

        var project = new ProjectInfo(Guid.CreateVersion7(), name, path, change.Now, null, false);
        change.Execute(
            "INSERT INTO projects (project_id, name, path, created_at) VALUES ($id, $name, $path, $at)",
            ("$id", project.ProjectId.ToString()),
            ("$name", name),
            ("$path", path),
            ("$at", Instant.Text(change.Now)));
        Added(change, project, deviceId, from);
        return new ProjectAddResponse(project, Added: true);
    }

    /// <summary>
    /// Unregisters a folder. Its files stay, and so do its sessions: they come back when the same folder is registered again.
    /// </summary>
    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND, CONFLICT while a session works in it</exception>
    /// <param name="device">Null: the owner at the machine.</param>
    public Task<ProjectInfo> RemoveAsync(Guid projectId, Device? device = null) => store.WriteAsync(change =>
    {
        var project = change.Find($"{Columns} WHERE p.project_id = $id AND p.removed_at IS NULL", Map, ("$id", projectId.ToString()))
            ?? throw NotFound(projectId.ToString());
        if (change.Query(
            "SELECT branch FROM worktrees WHERE state != 'gone' AND (project_id = $id OR parent_id = $id) LIMIT 1", row => row.GetString(0),
            ("$id", projectId.ToString())) is [var branch, ..])
        {
            throw new RequestFailure(ErrorCode.Conflict,
                $"{project.Name} has a worktree of sessions ({branch}). Merge it or throw it away first, from a session in it.");
        }

        if (IsBusy(change, projectId))
        {
            throw new RequestFailure(ErrorCode.Conflict, $"A session works in {project.Name} or has prompts waiting. Stop it first.");
        }

        change.Execute("UPDATE projects SET removed_at = $at WHERE project_id = $id", ("$id", projectId.ToString()),
            ("$at", Instant.Text(change.Now)));
        change.Ledger(new LedgerEntry(LedgerKind.ProjectRemoved)
        {
            Actor = device is null ? "cli" : null,
            DeviceId = device?.DeviceId,
            Data = new ProjectData(projectId, project.Name, project.Path).ToJson(),
        });
        change.Publish(new ProjectRemoved(projectId));
        return project;
    });

    /// <summary>Gives it another name; the same one changes nothing.</summary>
    /// <param name="name">Checked.</param>
    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND; INVALID_REQUEST: a worktree is called as its branch</exception>
    public Task<ProjectInfo> RenameAsync(Guid projectId, string name, Device? device) => store.WriteAsync(change =>
    {
        var project = Find(change, projectId) ?? throw NotFound(projectId.ToString());
        if (project.Worktree is not null)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "A worktree is called as its branch.");
        }

        if (project.Name == name)
        {
            return project;
        }

        change.Execute("UPDATE projects SET name = $name WHERE project_id = $id", ("$name", name), ("$id", projectId.ToString()));
        SettingChange.Record(change, new SettingData("project_name", projectId.ToString(), "set", name, project.Name, projectId), device);
        var renamed = project with { Name = name };
        change.Publish(new ProjectChanged(renamed));
        return renamed;
    });

    /// <summary>The project whose defaults, rules and budgets hold: a worktree has its parent's.</summary>
    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND</exception>
    public async Task<ProjectInfo> RulingAsync(Guid projectId, CancellationToken cancellationToken)
    {
        var project = await GetAsync(projectId, cancellationToken);
        return project.Worktree is { } worktree ? await GetAsync(worktree.ParentId, cancellationToken) : project;
    }

    /// <summary>The same as a part of a change; null: there is none.</summary>
    public static ProjectInfo? Find(Change change, Guid projectId)
        => change.Find($"{Columns} WHERE p.project_id = $id AND p.removed_at IS NULL", Map, ("$id", projectId.ToString()));

    /// <summary>Registers a worktree's folder under its own id, as a part of the change that records that it is ready.</summary>
    /// <param name="device">Who made it.</param>
    public static ProjectInfo AddWorktree(Change change, WorktreeRecord made, string? device)
    {
        change.Execute(
            "INSERT INTO projects (project_id, name, path, created_at) VALUES ($id, $name, $path, $at) ON CONFLICT (project_id) DO NOTHING",
            ("$id", made.ProjectId.ToString()),
            ("$name", made.Branch),
            ("$path", made.Path),
            ("$at", Instant.Text(change.Now)));
        var project = Find(change, made.ProjectId)!;
        Added(change, project, device);
        return project;
    }

    /// <summary>Whether a session works in it or has prompts waiting.</summary>
    public static bool IsBusy(Change change, Guid projectId) => change.Query(Busy, _ => true, ("$id", projectId.ToString())).Count > 0;

    /// <summary>The same, outside of a change.</summary>
    public static async Task<bool> IsBusyAsync(Store store, Guid projectId, CancellationToken cancellationToken)
        => (await store.QueryAsync(Busy, _ => true, cancellationToken, ("$id", projectId.ToString()))).Count > 0;

    private static void Added(Change change, ProjectInfo project, string? device = null, string? from = null)
    {
        change.Ledger(new LedgerEntry(LedgerKind.ProjectAdded)
        {
            Actor = device is null ? "cli" : null,
            DeviceId = device,
            Data = new ProjectData(project.ProjectId, project.Name, project.Path, from).ToJson(),
        });
        change.Publish(new ProjectChanged(project));
    }

    private static RequestFailure NotFound(string id)
        => new(ErrorCode.ProjectNotFound, "There is no such project on this machine. Register a folder in the app, or with: pocketcoder add <path>",
            new Dictionary<string, string>(StringComparer.Ordinal) { ["projectId"] = id });

    private static ProjectInfo Map(Microsoft.Data.Sqlite.SqliteDataReader row)
    {
        var worktree = row.TextOrNull(5) is { } parent
            ? new WorktreeInfo(Guid.Parse(parent), row.GetString(6), row.GetString(7), row.GetString(8) != WorktreeRows.Ready)
            : null;
        return new(
            row.Id(0), row.GetString(1), row.GetString(2), row.Time(3), row.TimeOrNull(4),
            worktree?.Gone == true || !Directory.Exists(row.GetString(2)))
        { Worktree = worktree };
    }
}
