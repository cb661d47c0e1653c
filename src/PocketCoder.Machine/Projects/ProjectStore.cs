using PocketCoder.Ledger;
using PocketCoder.Machine.Chain;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Projects;

/// <summary>The folders that agents may work in. Thread-safe.</summary>
internal sealed class ProjectStore(Store store)
{
    private const string Columns = "SELECT project_id, name, path, created_at, last_opened_at FROM projects";

    public Task<IReadOnlyList<ProjectInfo>> ListAsync(CancellationToken cancellationToken)
        => store.QueryAsync($"{Columns} WHERE removed_at IS NULL ORDER BY name COLLATE NOCASE, path", Map, cancellationToken);

    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND</exception>
    public async Task<ProjectInfo> GetAsync(Guid projectId, CancellationToken cancellationToken)
    {
        var found = await store.QueryAsync($"{Columns} WHERE project_id = $id AND removed_at IS NULL", Map, cancellationToken, ("$id", projectId.ToString()));
        return found.Count == 1 ? found[0] : throw NotFound(projectId.ToString());
    }

    /// <summary>Registers a folder by its real path; registering it again changes nothing and returns what is there.</summary>
    /// <param name="path">Absolute, canonical (no symbolic link left), an existing directory: the caller checked.</param>
    public Task<ProjectInfo> AddAsync(string path, string name) => store.WriteAsync(change =>
    {
        if (change.Find($"{Columns} WHERE path = $path", Map, ("$path", path)) is { } known)
        {
            if (change.Execute("UPDATE projects SET removed_at = NULL WHERE path = $path AND removed_at IS NOT NULL", ("$path", path)) > 0)
            {
                Added(change, known);
            }

            return known;
        }

        var project = new ProjectInfo(Guid.CreateVersion7(), name, path, change.Now, null, false);
        change.Execute(
            "INSERT INTO projects (project_id, name, path, created_at) VALUES ($id, $name, $path, $at)",
            ("$id", project.ProjectId.ToString()),
            ("$name", name),
            ("$path", path),
            ("$at", Instant.Text(change.Now)));
        Added(change, project);
        return project;
    });

    /// <summary>Unregisters a folder. Its files stay, and so do its sessions: they come back when the same folder is registered again.</summary>
    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND, CONFLICT while a session works in it</exception>
    public Task<ProjectInfo> RemoveAsync(Guid projectId) => store.WriteAsync(change =>
    {
        var project = change.Find($"{Columns} WHERE project_id = $id AND removed_at IS NULL", Map, ("$id", projectId.ToString())) ?? throw NotFound(projectId.ToString());
        var busy = change.Query(
            "SELECT 1 FROM turns t JOIN sessions s USING (session_id) WHERE s.project_id = $id AND t.state IN ('running','waiting','queued') LIMIT 1",
            _ => true,
            ("$id", projectId.ToString()));
        if (busy.Count > 0)
        {
            throw new RequestFailure(ErrorCode.Conflict, $"A session works in {project.Name} or has prompts waiting. Stop it first.");
        }

        change.Execute("UPDATE projects SET removed_at = $at WHERE project_id = $id", ("$id", projectId.ToString()), ("$at", Instant.Text(change.Now)));
        change.Ledger(new LedgerEntry(LedgerKind.ProjectRemoved) { Actor = "cli", Data = new ProjectData(projectId, project.Name, project.Path).ToJson() });
        change.Publish(new ProjectRemoved(projectId));
        return project;
    });

    private static void Added(Change change, ProjectInfo project)
    {
        change.Ledger(new LedgerEntry(LedgerKind.ProjectAdded) { Actor = "cli", Data = new ProjectData(project.ProjectId, project.Name, project.Path).ToJson() });
        change.Publish(new ProjectChanged(project));
    }

    private static RequestFailure NotFound(string id)
        => new(ErrorCode.ProjectNotFound, "There is no such project on this machine. Register a folder with: pocketcoder add <path>", new Dictionary<string, string>(StringComparer.Ordinal) { ["projectId"] = id });

    private static ProjectInfo Map(Microsoft.Data.Sqlite.SqliteDataReader row)
        => new(row.Id(0), row.GetString(1), row.GetString(2), row.Time(3), row.TimeOrNull(4), !Directory.Exists(row.GetString(2)));
}
